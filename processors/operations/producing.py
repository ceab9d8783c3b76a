"""A producer for operations: idempotent, bounded, and it knows what was not delivered."""

from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from processors.operations.errors import OperationFailed
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster

FLUSH_S = 60.0


class Writer:
    """Writes records; those that are lost are counted."""

    def __init__(self, cluster: Cluster) -> None:
        self._producer: Producer = clients.producer(cluster, None, clients.logger)
        self._has_met = False
        self._lost = 0
        self._why = ""

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drops what is still waiting, if an error ends it."""
        if kind is not None:
            self._producer.purge()

    def write(self, topic: str, key: bytes, value: bytes | None, partition: int = -1) -> None:
        """Takes a record (None: a tombstone); waits where too many are under way.

        Raises:
            OperationFailed: Kafka refuses it, or has refused one before; or the first one's topic
                is missing.
        """
        if self._lost:
            raise OperationFailed(f"Kafka does not take the records ({self._why})")
        if not self._has_met:
            self._meet(topic)
        while True:
            try:
                self._producer.produce(topic, value, key, partition, on_delivery=self._told)
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise OperationFailed(f"can not write ({clients.words(error)})") from error
            else:
                self._producer.poll(0)
                return

    def finish(self) -> int:
        """Waits until Kafka has everything; returns how many records it has not."""
        return self._producer.flush(FLUSH_S) + self._lost

    def partitions(self, topic: str) -> list[int]:
        """Returns the partitions of a topic.

        Raises:
            OperationFailed: there is no such topic, or no answer.
        """
        try:
            found = self._producer.list_topics(topic, CALL_S).topics[topic]
        except KafkaException as error:
            raise OperationFailed(f"no answer from the cluster ({clients.words(error)})") from error
        if found.error is not None or not found.partitions:
            raise OperationFailed(f"the topic {topic} is missing: run `beckon topics create`")
        return sorted(found.partitions)

    def _meet(self, topic: str) -> None:
        """Has the producer get its id now, and not when librdkafka tries again in half a second.

        It tries whenever it hears of the cluster. The first answer comes by a connection that ends
        with it; the second by one that stays, so that there is a broker to ask.
        """
        for _ in range(2):
            self.partitions(topic)
        self._has_met = True

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._lost += 1
            self._why = clients.words(error)
