"""What the producer of operations promises: everything arrives, or it is said."""

import pytest
from confluent_kafka import KafkaError, Message

from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.runtime.clients import MAX_STATE_BYTES, Cluster
from tests.embedded import Broker


def test_what_is_written_arrives_with_its_key(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        for number in range(100):
            writer.write(topic, f"k{number}".encode(), b"%d" % number)
        assert writer.finish() == 0
    found = {record.key(): record.value() for record in broker.records(topic)}
    assert found == {f"k{number}".encode(): b"%d" % number for number in range(100)}


def test_records_of_one_key_lie_in_one_partition_in_their_order(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        for number in range(50):
            writer.write(topic, b"p", b"%d" % number)
        writer.finish()
    records = broker.records(topic)
    assert len({record.partition() for record in records}) == 1
    assert [record.value() for record in records] == [b"%d" % number for number in range(50)]


def test_partition_can_be_chosen(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        for partition in writer.partitions(topic):
            writer.write(topic, b"", b"tick", partition)
        writer.finish()
    assert [record.partition() for record in broker.records(topic)] == [0, 1, 2, 3]


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with Writer(broker.cluster) as writer, pytest.raises(OperationFailed, match="topics create"):
        writer.partitions(f"{broker.prefix}absent")


def test_record_beyond_every_bound_is_refused_at_once(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer, pytest.raises(OperationFailed, match="can not write"):
        writer.write(topic, b"k", bytes(MAX_STATE_BYTES + 1))


def test_after_a_lost_record_nothing_more_is_taken(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        lose_one(writer, topic)
        assert writer.finish() == 1
        with pytest.raises(OperationFailed, match="does not take"):
            writer.write(topic, b"k", b"v")


def lose_one(writer: Writer, topic: str) -> None:
    """Writes a record and takes it back out of the queue, as its time-out would."""
    writer.write(topic, b"k", b"v")
    writer._producer.purge()


def test_error_drops_what_is_still_waiting(broker: Broker) -> None:
    topic = broker.topic("events")
    writer = Writer(broker.cluster)
    writer.write(topic, b"k", b"v")
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert writer.finish() == 1


def test_cluster_that_is_away_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.operations.producing.CALL_S", 0.2)
    with (
        Writer(Cluster(bootstrap="127.0.0.1:1")) as writer,
        pytest.raises(OperationFailed, match="no answer from the cluster"),
    ):
        writer.partitions("events")


def test_reason_of_a_loss_is_told(broker: Broker) -> None:
    writer = Writer(broker.cluster)
    message: Message = broker_message(broker)
    writer._told(KafkaError(KafkaError._MSG_TIMED_OUT), message)
    with pytest.raises(OperationFailed, match="_MSG_TIMED_OUT"):
        writer.write("any", b"k", b"v")


def broker_message(broker: Broker) -> Message:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        writer.write(topic, b"k", b"v")
        writer.finish()
    return broker.records(topic)[0]
