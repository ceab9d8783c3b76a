"""What a topic holds: each partition in its order, up to where it ended when the reading began."""

import contextlib

import pytest
from confluent_kafka import Consumer, KafkaError

from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from processors.runtime.errors import BrokerAway, TopicMissing
from tests.embedded import Broker, Pair
from tests.faults import Mock, Request

FEW = 3
"""Records of one poll, where many polls are wanted."""


@pytest.fixture
def reader(broker: Broker) -> Consumer:
    return clients.reader(broker.cluster, "readers")


def pair(record: Polled) -> Pair:
    return record.key(), record.value()


def read(
    reader: Consumer, topic: str, until: dict[int, int] | None = None
) -> dict[int, list[Pair]]:
    found: dict[int, list[Pair]] = {}
    for stretch in readers.read(reader, topic, until or readers.ends(reader, topic)):
        assert stretch
        for each in stretch:
            found.setdefault(each.partition(), []).append(pair(each))
    return found


def test_every_partition_is_read_in_its_order(
    broker: Broker, reader: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MAX_RECORDS", FEW)
    topic = broker.topic("events")
    pairs: list[Pair] = [(b"ada", b"%d" % number) for number in range(50)]
    broker.produce(topic, *pairs, partition=0)
    broker.produce(topic, (b"bob", b""), (None, b"{"), (b"cid", None), partition=3)
    assert read(reader, topic) == {0: pairs, 3: [(b"bob", b""), (None, b"{"), (b"cid", None)]}


def test_empty_topic_holds_nothing(broker: Broker, reader: Consumer) -> None:
    assert read(reader, broker.topic("events")) == {}


def test_what_comes_meanwhile_is_left_out(broker: Broker, reader: Consumer) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), partition=0)
    broker.produce(topic, (b"bob", b"1"), partition=1)
    ends = readers.ends(reader, topic)
    assert ends == {0: 1, 1: 1, 2: 0, 3: 0}
    for partition in range(3):
        broker.produce(topic, (b"eve", b"2"), partition=partition)
    assert read(reader, topic, ends) == {0: [(b"ada", b"1")], 1: [(b"bob", b"1")]}


def test_where_no_end_is_given_all_is_read_that_is_there(broker: Broker, reader: Consumer) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), (b"ada", b"2"), partition=0)
    broker.produce(topic, (b"bob", b"1"), partition=2)
    assert read(reader, topic, dict.fromkeys(range(4), readers.NO_END)) == {
        0: [(b"ada", b"1"), (b"ada", b"2")],
        2: [(b"bob", b"1")],
    }


def test_one_partition_can_be_read_after_another(broker: Broker, reader: Consumer) -> None:
    topics = [broker.topic("events"), broker.topic("profiles")]
    for topic in topics:
        broker.produce(topic, (topic.encode(), b"1"), (topic.encode(), b"2"), partition=1)
        broker.produce(topic, (b"other", b"1"), partition=0)
    for topic in [*topics, *topics]:
        span = readers.span(reader, topic, 1)
        assert span == range(2)
        mine = [(topic.encode(), b"1"), (topic.encode(), b"2")]
        assert read(reader, topic, {1: span.stop}) == {1: mine}


def test_mark_that_ends_a_transaction_is_passed_over(broker: Broker, reader: Consumer) -> None:
    topic = broker.topic("events")
    producer = clients.producer(broker.cluster, f"{broker.prefix}one", clients.logger)
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, b"1", b"ada", 0)
    producer.flush(20)
    producer.commit_transaction(20)
    assert readers.span(reader, topic, 0) == range(2)
    assert read(reader, topic) == {0: [(b"ada", b"1")]}


def test_errors_on_the_way_are_outlived(broker: Broker, reader: Consumer, mock: Mock) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), partition=0)
    errors = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.NOT_LEADER_FOR_PARTITION)
    mock.fail(Request.FETCH, *errors)
    assert read(reader, topic) == {0: [(b"ada", b"1")]}


def test_partition_whose_beginning_is_not_told_is_not_taken_for_empty(
    broker: Broker, reader: Consumer, mock: Mock
) -> None:
    """Without luck: of ten tries some tell a beginning that is the end, some tell nothing."""
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"), (b"ada", b"2"), partition=0)
    for _ in range(10):
        mock.fail(Request.LIST_OFFSETS, KafkaError.NOT_LEADER_FOR_PARTITION)
        with contextlib.suppress(BrokerAway):
            ends = {0: readers.span(reader, topic, 0).stop}
            assert read(reader, topic, ends) == {0: [(b"ada", b"1"), (b"ada", b"2")]}


def test_topic_that_may_not_be_read_is_told(broker: Broker, reader: Consumer, mock: Mock) -> None:
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"))
    mock.fail(Request.FETCH, *[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 20)
    with pytest.raises(BrokerAway, match=f"{topic} can not be read"):
        read(reader, topic)


def test_missing_topic_says_what_to_do(broker: Broker, reader: Consumer) -> None:
    with pytest.raises(TopicMissing, match="topics create"):
        read(reader, f"{broker.prefix}events")


def test_cluster_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "CALL_S", 0.1)
    away = clients.reader(Cluster(bootstrap="localhost:1"), "readers")
    with pytest.raises(BrokerAway, match="does not answer"):
        readers.partitions(away, "events")
    with pytest.raises(BrokerAway, match="does not answer"):
        readers.span(away, "events", 0)


def test_cluster_that_falls_silent_is_told(
    broker: Broker, reader: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "SILENT_S", 0.0)
    monkeypatch.setattr(readers, "POLL_S", 0.0)
    topic = broker.topic("events")
    broker.produce(topic, (b"ada", b"1"))
    with pytest.raises(BrokerAway, match="nothing came"):
        read(reader, topic)
