"""A broker inside the test's process: librdkafka's own. It knows topics, records and groups."""

import time
from dataclasses import dataclass, field
from itertools import count

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)

from processors.runtime import clients
from processors.runtime.clients import Cluster
from tests.faults import Mock

TIMEOUT_S = 10.0
NUMBERS = count(1)

Pair = tuple[bytes | None, bytes | None]


def members_leave(patch: pytest.MonkeyPatch) -> None:
    """Has workers leave their group when they are closed.

    The embedded broker knows no static members: after a restart it would miss the one before first.
    """
    consumer = clients.consumer
    patch.setattr(clients, "consumer", lambda at, group, slot: consumer(at, group, None))


@dataclass
class Broker:
    """What the tests ask of it."""

    mock: Mock
    prefix: str = field(default_factory=lambda: f"test-{next(NUMBERS)}.")

    def __post_init__(self) -> None:
        self._client = Producer(
            {"bootstrap.servers": self.mock.bootstrap, "linger.ms": 0, "log_level": 3}
        )

    @property
    def cluster(self) -> Cluster:
        return Cluster(bootstrap=self.mock.bootstrap, checksums=False)

    def topic(self, name: str) -> str:
        """Makes a topic of four partitions; returns its full name."""
        full = f"{self.prefix}{name}"
        self._client.list_topics(full, TIMEOUT_S)
        return full

    def produce(
        self,
        topic: str,
        *pairs: Pair,
        partition: int = -1,
        headers: dict[str, str | bytes | None] | None = None,
    ) -> None:
        """Writes records as an app would: all are there when this returns."""
        for key, value in pairs:
            self._client.produce(topic, value, key, partition, headers=headers)
        assert self._client.flush(TIMEOUT_S) == 0

    def records(self, topic: str) -> list[Message]:
        """Returns all records of a topic, partition by partition; also those that were aborted."""
        reader = Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap,
                "group.id": "tests",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
            }
        )
        try:
            return sorted(self._all(reader, topic), key=lambda one: one.partition() or 0)
        finally:
            reader.close()

    def _all(self, reader: Consumer, topic: str) -> list[Message]:
        waiting = set(reader.list_topics(topic, TIMEOUT_S).topics[topic].partitions)
        reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in waiting])
        found: list[Message] = []
        end_s = time.monotonic() + TIMEOUT_S
        while waiting:
            assert time.monotonic() < end_s, "the broker does not give what it has"
            for one in reader.consume(1, 0.05) + reader.consume(1_000, 0):
                error = one.error()
                if error is None:
                    found.append(one)
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    waiting.discard(one.partition() or 0)
        return found
