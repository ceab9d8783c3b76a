"""The real Kafka of the tests does what the promises stand on: transactions and passwords."""

import socket
import subprocess
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from tests import services

LIMIT_S = 30


def read_committed(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    """Reads until `count` records came or the time is up."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": topic,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    values: list[bytes | None] = []
    until = time.monotonic() + LIMIT_S
    try:
        while len(values) < count and time.monotonic() < until:
            for message in consumer.consume(100, 0.5):
                assert message.error() is None
                value = message.value()
                assert value is None or isinstance(value, bytes)
                values.append(value)
    finally:
        consumer.close()
    return values


def test_readers_see_committed_transactions_only(
    kafka: str, topics_prefix: str, create_topics: services.CreateTopics
) -> None:
    topic = topics_prefix + "out"
    create_topics(topic, partitions=1)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions(LIMIT_S)
    for value, is_kept in ((b"first", True), (b"dropped", False), (b"last", True)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(LIMIT_S)
        if is_kept:
            producer.commit_transaction(LIMIT_S)
        else:
            producer.abort_transaction(LIMIT_S)
    assert read_committed(kafka, topic, 2) == [b"first", b"last"]


def test_every_test_has_topics_of_its_own(
    kafka: str, topics_prefix: str, create_topics: services.CreateTopics
) -> None:
    create_topics(topics_prefix + "in", topics_prefix + "out", partitions=2)
    topics = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=LIMIT_S).topics
    mine = {name: len(topic.partitions) for name, topic in topics.items() if topics_prefix in name}
    assert mine == {topics_prefix + "in": 2, topics_prefix + "out": 2}


@pytest.mark.parametrize(("password", "is_let_in"), [(services.PASSWORD, True), ("wrong", False)])
def test_secured_listener_lets_in_the_right_password_only(
    kafka_secured: services.Secured, password: str, is_let_in: bool
) -> None:
    refusals: list[KafkaError] = []
    producer = Producer(
        {
            "bootstrap.servers": kafka_secured.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": kafka_secured.username,
            "sasl.password": password,
            "error_cb": refusals.append,
            "log_level": 0,
        }
    )
    if is_let_in:
        assert producer.list_topics(timeout=LIMIT_S).brokers
        return
    until = time.monotonic() + LIMIT_S
    while not refusals and time.monotonic() < until:
        producer.poll(0.2)
    assert KafkaError._AUTHENTICATION in {refusal.code() for refusal in refusals}


def test_script_names_what_is_wrong_with_its_arguments(tmp_path: Path) -> None:
    for arguments, complaint in (
        (["status", "--dir", str(tmp_path)], "no broker runs"),
        (["start", "--port", "many"], "a port is a number"),
        (["start", "--sasl-password", 'a"b'], "the password may have"),
        (["begin"], "say start, stop or status"),
        (["start", "--dir"], "--dir needs a value"),
    ):
        done = subprocess.run(
            [str(services.LOCAL / "kafka.sh"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, arguments
        assert complaint in done.stderr


@pytest.mark.kafka
def test_second_start_finds_the_first_and_stop_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")  # ps cuts its lines by it
    try:
        with services.local_kafka(tmp_path) as first, services.local_kafka(tmp_path) as second:
            assert second == first
    except services.Unavailable as error:
        services.refuse(error)
    host, port = first.bootstrap.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
