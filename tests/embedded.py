"""A broker inside the test's process: librdkafka's own. It knows topics, records and groups."""

from dataclasses import dataclass, field
from itertools import count

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from processors.runtime.clients import Cluster

TIMEOUT_S = 10.0
NUMBERS = count(1)


@dataclass
class Broker:
    """What the tests ask of it."""

    owner: Producer
    prefix: str = field(default_factory=lambda: f"test-{next(NUMBERS)}.")

    @property
    def cluster(self) -> Cluster:
        brokers = self.owner.list_topics(timeout=TIMEOUT_S).brokers
        return Cluster(bootstrap=",".join(f"{one.host}:{one.port}" for one in brokers.values()))

    def topic(self, name: str) -> str:
        """Makes a topic of four partitions; returns its full name."""
        full = f"{self.prefix}{name}"
        self.owner.list_topics(full, TIMEOUT_S)
        return full

    def records(self, topic: str) -> list[Message]:
        """Returns all records of a topic, partition by partition."""
        reader = Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap,
                "group.id": "tests",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        try:
            return sorted(self._all(reader, topic), key=lambda one: one.partition() or 0)
        finally:
            reader.close()

    def _all(self, reader: Consumer, topic: str) -> list[Message]:
        places = [
            TopicPartition(topic, each, 0)
            for each in self.owner.list_topics(topic, TIMEOUT_S).topics[topic].partitions
        ]
        count = sum(reader.get_watermark_offsets(each, TIMEOUT_S)[1] for each in places)
        reader.assign(places)
        found: list[Message] = []
        while len(found) < count:
            got = reader.consume(count - len(found), TIMEOUT_S)
            assert got, "the broker does not give what it has"
            assert all(each.error() is None for each in got)
            found += got
        return found


def owner() -> Producer:
    """Returns what the broker lives in: it ends with it."""
    return Producer({"test.mock.num.brokers": 1, "log_level": 3})
