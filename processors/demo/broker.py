"""The embedded broker of the demo: librdkafka's mock cluster, within this process.

For trying out only: it keeps at most 5 MB a partition and nothing on disk, knows no settings of
topics, and shows records of aborted transactions.
"""

import logging
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from processors.operations.errors import OperationFailed
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster

PARTITIONS = 4
"""What a topic gets that nobody has set up: it can not be chosen."""
MAX_BYTES = 5_242_880
"""What it keeps of a partition; the oldest batches go first."""
RETRY_S = 0.05

logger = logging.getLogger(__name__)


class Broker:
    """A Kafka for this process alone, as a context."""

    def __init__(self) -> None:
        self._producer = Producer(
            {"bootstrap.servers": "embedded", "test.mock.num.brokers": 1}, logger=logger
        )
        self.bootstrap = ""

    def __enter__(self) -> Self:
        """Starts it.

        Raises:
            OperationFailed: it does not start.
        """
        try:
            found = self._producer.list_topics(timeout=CALL_S).brokers.values()
        except KafkaException as error:
            raise OperationFailed(f"no embedded broker ({clients.words(error)})") from error
        self.bootstrap = ",".join(f"{each.host}:{each.port}" for each in found)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Lets it go: it ends with its last client."""
        self._producer.poll(0)

    def create(self, names: Iterable[str]) -> None:
        """Makes topics: asking for one makes it.

        Raises:
            OperationFailed: one does not come into being.
        """
        for name in names:
            until_s = time.monotonic() + CALL_S
            while not self._producer.list_topics(name, CALL_S).topics[name].partitions:
                if time.monotonic() > until_s:
                    raise OperationFailed(f"the embedded broker does not make {name}")
                time.sleep(RETRY_S)


class Ends:
    """How far topics go."""

    def __init__(self, cluster: Cluster) -> None:
        self._client: Consumer = clients.reader(cluster, "ends")

    def of(self, topic: str) -> dict[int, int]:
        """Returns the end of each partition, marks of transactions included."""
        found = {}
        for partition in range(PARTITIONS):
            _, end = self._client.get_watermark_offsets(TopicPartition(topic, partition), CALL_S)
            found[partition] = end
        return found

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()
