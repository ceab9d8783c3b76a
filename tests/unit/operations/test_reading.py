"""History from a topic: each partition in its order, without what triggers told."""

import pytest

from processors.operations import reading
from processors.operations.reading import Pair
from processors.runtime.errors import TopicMissing
from processors.runtime.rereading import EMITTED
from tests.embedded import Broker


def read(broker: Broker, topic: str) -> dict[int, list[Pair]]:
    found: dict[int, list[Pair]] = {}
    for partition, stretch in reading.read(broker.cluster, topic):
        found.setdefault(partition, []).extend(stretch)
    return found


def test_every_partition_is_read_in_its_order(broker: Broker) -> None:
    topic = broker.topic("events")
    pairs: list[Pair] = [(b"ada", b"%d" % number) for number in range(50)]
    broker.produce(topic, *pairs, partition=0)
    broker.produce(topic, (b"bob", None), (None, b"{"), partition=3)
    assert read(broker, topic) == {0: pairs, 3: [(b"bob", None), (None, b"{")]}


def test_events_that_triggers_told_are_left_out(broker: Broker) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), partition=0)
    broker.produce(topic, (b"ada", b"told"), partition=0, headers=dict(EMITTED))
    assert read(broker, topic) == {0: [(b"ada", b"1")]}


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="topics create"):
        read(broker, f"{broker.prefix}events")
