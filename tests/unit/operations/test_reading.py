"""History from a topic: each partition in its order, up to where it ended when it began."""

import pytest

from processors.operations import reading
from processors.operations.reading import Pair
from processors.runtime import clients
from processors.runtime.clients import Cluster
from processors.runtime.errors import BrokerAway, TopicMissing
from processors.runtime.rereading import EMITTED
from tests.embedded import Broker
from tests.faults import Mock, Request


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


def test_empty_topic_has_no_history(broker: Broker) -> None:
    assert read(broker, broker.topic("events")) == {}


def test_what_comes_meanwhile_is_left_out(broker: Broker) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), partition=0)
    broker.produce(topic, (b"bob", b"1"), partition=1)
    history = reading.read(broker.cluster, topic)
    found = dict([next(history)])
    for partition in range(3):
        broker.produce(topic, (b"eve", b"2"), partition=partition)
    found |= history
    assert found == {0: [(b"ada", b"1")], 1: [(b"bob", b"1")]}


def test_events_that_triggers_told_are_left_out(broker: Broker) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), partition=0)
    broker.produce(topic, (b"ada", b"told"), partition=0, headers=dict(EMITTED))
    assert read(broker, topic) == {0: [(b"ada", b"1")]}


def test_mark_that_ends_a_transaction_is_passed_over(broker: Broker) -> None:
    topic = broker.topic("events")
    producer = clients.producer(broker.cluster, f"{broker.prefix}one", clients.logger)
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, b"1", b"ada", 0)
    producer.flush(20)
    producer.commit_transaction(20)
    assert read(broker, topic) == {0: [(b"ada", b"1")]}


def test_topic_that_may_not_be_read_is_told(broker: Broker, mock: Mock) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"))
    mock.fail(Request.FETCH, *[29] * 20)  # not authorized
    with pytest.raises(BrokerAway, match="can not be read"):
        read(broker, topic)


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="topics create"):
        read(broker, f"{broker.prefix}events")


def test_cluster_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CALL_S", 0.1)
    with pytest.raises(BrokerAway, match="does not answer"):
        list(reading.read(Cluster(bootstrap="localhost:1"), "events"))


def test_cluster_that_falls_silent_is_told(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SILENT_S", 0.0)
    monkeypatch.setattr(reading, "POLL_S", 0.0)
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"))
    with pytest.raises(BrokerAway, match="gave nothing"):
        read(broker, topic)
