"""Records for Kafka, many at a time: whoever writes learns of each whether the brokers have it."""

import logging
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from processors.runtime import clients
from processors.runtime.clients import Cluster
from schemas.letters import Written

FLUSH_S = 15.0
"""Longer than a record may wait for its broker: by then each has ended one way or the other."""

logger = logging.getLogger(__name__)


class Publisher:
    """An idempotent producer. Called from one thread at a time."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        """Opens nothing before the first record; the prefix is that of all topics."""
        self._cluster = cluster
        self._prefix = prefix
        self._producer: Producer | None = None

    def publish(self, records: Sequence[Written]) -> list[str]:
        """Writes the records, in their order, and waits until Kafka has them.

        Returns:
            Of each, the name of what went wrong; empty where Kafka has it.
        """
        if self._producer is None:
            self._producer = clients.producer(self._cluster, None, logger)
        problems = [""] * len(records)
        for place, one in enumerate(records):
            self._produce(place, one, problems)
        left = self._producer.flush(FLUSH_S)
        if left:  # not one of them is known: who wrote asks again, under the same ids
            problems = [problem or "_TIMED_OUT" for problem in problems]
        if any(problems):  # what failed for good may have this one refuse all that follows
            self._producer.purge()
            self._producer = None
        return problems

    def _produce(self, place: int, one: Written, problems: list[str]) -> None:
        assert self._producer is not None

        def tell(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                problems[place] = error.name()

        try:
            self._producer.produce(
                self._prefix + one.topic,
                one.value,
                one.key,
                headers=[*one.headers] if one.headers else None,
                on_delivery=tell,
            )
        except BufferError:
            problems[place] = "_QUEUE_FULL"
        except KafkaException as error:
            problems[place] = clients.words(error)
