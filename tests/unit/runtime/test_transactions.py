"""Transactions: what comes of one, judged by the errors that a broker answers with.

That a second producer of the same id is told apart by a real broker is shown in tests/contract.
"""

import contextlib
import logging
import socket
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processors.runtime import clients, transactions
from processors.runtime.clients import Cluster
from processors.runtime.errors import BrokerAway, Fenced
from processors.runtime.transactions import Aborted, Transactions
from tests.embedded import Broker
from tests.faults import Mock, Request

LIBRDKAFKA = logging.getLogger("processors.runtime.transactions.librdkafka")


@pytest.fixture
def consumer(broker: Broker) -> Iterator[Consumer]:
    with contextlib.closing(clients.consumer(broker.cluster, "group", None)) as found:
        yield found


@pytest.fixture
def one(broker: Broker) -> Iterator[Transactions]:
    with contextlib.closing(Transactions(broker.cluster, f"{broker.prefix}one")) as found:
        yield found


@pytest.fixture
def nobody() -> Iterator[Cluster]:
    """An address that nobody listens at, and nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Cluster(bootstrap=f"127.0.0.1:{taken.getsockname()[1]}")


def write(one: Transactions, broker: Broker, value: bytes = b"value") -> str:
    """Begins a transaction with one record in it; returns the topic."""
    topic = broker.topic("out")
    one.begin().produce(topic, value, b"key", 0)
    return topic


def values(broker: Broker, topic: str) -> list[bytes | None]:
    return [each.value() for each in broker.records(topic)]


def offsets(broker: Broker) -> list[TopicPartition]:
    return [TopicPartition(broker.topic("events"), 0, 7)]


def test_what_was_written_is_there_after_the_commit(
    one: Transactions, broker: Broker, consumer: Consumer
) -> None:
    one.open()
    topic = write(one, broker, b"first")
    one.commit(consumer, offsets(broker))
    write(one, broker, b"second")
    one.commit(consumer, offsets(broker))
    assert values(broker, topic) == [b"first", b"second"]


def test_transaction_of_nothing_is_one(one: Transactions, consumer: Consumer) -> None:
    one.begin()
    one.commit(consumer, [])
    one.begin()


def test_producer_is_kept_from_one_commit_to_the_next(
    one: Transactions, broker: Broker, consumer: Consumer
) -> None:
    first = one.begin()
    one.commit(consumer, offsets(broker))
    assert one.begin() is first


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request.PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE),
        (Request.COMMIT_OFFSETS, KafkaError.ILLEGAL_GENERATION),
        (Request.COMMIT_OFFSETS, KafkaError.UNKNOWN_MEMBER_ID),
        (Request.END_TRANSACTION, KafkaError.REQUEST_TIMED_OUT),
        (Request.END_TRANSACTION, KafkaError.INVALID_PRODUCER_ID_MAPPING),
        (Request.END_TRANSACTION, KafkaError.INVALID_TXN_STATE),
    ],
)
def test_what_the_next_try_may_mend_is_aborted_and_the_next_one_commits(
    one: Transactions,
    broker: Broker,
    mock: Mock,
    consumer: Consumer,
    request_: Request,
    code: int,
) -> None:
    one.open()
    mock.fail(request_, code)
    write(one, broker)
    with pytest.raises(Aborted):
        one.commit(consumer, offsets(broker))
    topic = write(one, broker, b"again")
    one.commit(consumer, offsets(broker))
    assert values(broker, topic)[-1] == b"again"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request.PRODUCE, KafkaError.PRODUCER_FENCED),
        (Request.PRODUCE, KafkaError.INVALID_PRODUCER_EPOCH),
        (Request.ADD_PARTITIONS, KafkaError.PRODUCER_FENCED),
        (Request.ADD_PARTITIONS, KafkaError.INVALID_PRODUCER_EPOCH),
        (Request.COMMIT_OFFSETS, KafkaError.PRODUCER_FENCED),
        (Request.END_TRANSACTION, KafkaError.PRODUCER_FENCED),
        (Request.END_TRANSACTION, KafkaError.INVALID_PRODUCER_EPOCH),
    ],
)
def test_commit_of_a_fenced_producer_says_whose_fault_it_is(
    one: Transactions,
    broker: Broker,
    mock: Mock,
    consumer: Consumer,
    request_: Request,
    code: int,
) -> None:
    one.open()
    mock.fail(request_, code)
    write(one, broker)
    with pytest.raises(Fenced, match=r"one': give each worker a slot of its own \(BECKON_SLOT\)"):
        one.commit(consumer, offsets(broker))


@pytest.mark.parametrize("code", [KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH])
def test_id_that_another_takes_at_the_same_time_is_fenced(
    one: Transactions, mock: Mock, code: int
) -> None:
    mock.fail(Request.INIT_PRODUCER_ID, code)
    with pytest.raises(Fenced):
        one.open()


def test_who_may_not_write_transactions_is_told_at_the_start(one: Transactions, mock: Mock) -> None:
    mock.fail(Request.INIT_PRODUCER_ID, KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    with pytest.raises(BrokerAway, match="TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
        one.open()
    one.open()


def test_refusal_of_a_new_producer_in_the_middle_can_be_tried_again(
    one: Transactions, broker: Broker, mock: Mock, consumer: Consumer
) -> None:
    mock.fail(Request.INIT_PRODUCER_ID, KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    with pytest.raises(Aborted):
        one.begin()
    write(one, broker)
    one.commit(consumer, [])


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request.INIT_PRODUCER_ID, KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
        (Request.COMMIT_OFFSETS, KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
        (Request.END_TRANSACTION, KafkaError.COORDINATOR_LOAD_IN_PROGRESS),
    ],
)
def test_coordinator_that_is_not_ready_is_waited_for(
    one: Transactions,
    broker: Broker,
    mock: Mock,
    consumer: Consumer,
    request_: Request,
    code: int,
) -> None:
    mock.fail(request_, code, code)
    topic = write(one, broker)
    one.commit(consumer, offsets(broker))
    assert values(broker, topic) == [b"value"]


def test_silent_cluster_is_told_after_some_tries(
    nobody: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transactions, "CALL_S", 0.05)
    monkeypatch.setattr(transactions, "MAX_TRIES", 3)
    with pytest.raises(BrokerAway, match="does not answer"):
        Transactions(nobody, "one").open()
    assert caplog.messages.count("no transactions yet, trying again") == 2


def test_records_that_are_not_taken_in_time_are_aborted(
    one: Transactions,
    broker: Broker,
    mock: Mock,
    consumer: Consumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mock.fail(Request.PRODUCE, *[KafkaError.NOT_ENOUGH_REPLICAS] * 9)
    write(one, broker)
    with monkeypatch.context() as patch:
        patch.setattr(transactions, "CALL_S", 0)
        with pytest.raises(Aborted, match="not delivered in time"):
            one.commit(consumer, offsets(broker))
    mock.heal()
    topic = write(one, broker, b"again")
    one.commit(consumer, offsets(broker))
    assert values(broker, topic)[-1] == b"again"


def test_abort_keeps_the_producer(one: Transactions, broker: Broker) -> None:
    first = one.begin()
    first.produce(broker.topic("out"), b"value")
    one.abort()
    assert one.begin() is first


def test_abort_of_nothing_does_nothing(one: Transactions) -> None:
    one.abort()
    one.begin()
    one.abort()
    one.abort()


def test_abort_that_fails_ends_the_producer(
    one: Transactions, broker: Broker, mock: Mock, consumer: Consumer
) -> None:
    first = one.begin()
    first.produce(broker.topic("out"), b"value")
    assert first.flush(10) == 0
    mock.fail(Request.END_TRANSACTION, KafkaError.INVALID_TXN_STATE)
    one.abort()
    assert one.begin() is not first
    one.commit(consumer, offsets(broker))


def test_fenced_producer_is_not_replaced_when_its_records_are_refused_in_the_middle(
    one: Transactions, broker: Broker, mock: Mock
) -> None:
    one.open()
    mock.fail(Request.ADD_PARTITIONS, KafkaError.PRODUCER_FENCED)
    producer = one.begin()
    producer.produce(broker.topic("out"), b"value")
    with pytest.raises(KafkaException):
        producer.flush(10)
    with pytest.raises(KafkaException, match="_FATAL"):
        producer.produce(broker.topic("out"), b"value")
    with pytest.raises(Fenced):
        one.abort()


def test_close_of_a_fenced_producer_is_quiet(one: Transactions, broker: Broker, mock: Mock) -> None:
    producer = one.begin()
    producer.produce(broker.topic("out"), b"value")
    assert producer.flush(10) == 0
    mock.fail(Request.END_TRANSACTION, KafkaError.PRODUCER_FENCED)
    one.close()


def test_slow_commit_is_doubtful_so_the_producer_is_replaced(
    one: Transactions, broker: Broker, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = one.begin()
    monkeypatch.setattr(transactions, "SLOW_COMMIT_S", -1)
    one.commit(consumer, offsets(broker))
    assert one.begin() is not first


def test_coordinator_that_hangs_up_in_a_commit_makes_it_doubtful(
    one: Transactions, broker: Broker, mock: Mock, consumer: Consumer
) -> None:
    first = one.begin()
    first.produce(broker.topic("out"), b"value")
    mock.fail(Request.END_TRANSACTION, KafkaError._TRANSPORT)
    one.commit(consumer, offsets(broker))
    second = one.begin()
    assert second is not first
    one.commit(consumer, offsets(broker))
    assert one.begin() is second


@pytest.mark.parametrize(
    ("line", "is_replaced"),
    [
        ("[thrd:TxnCoordinator]: TxnCoordinator/1: Disconnected (after 7ms in state UP)", True),
        ("[thrd:TxnCoordinator]: TxnCoordinator: host:1: disconnected: Connection reset", True),
        ("[thrd:host:9092/1]: host:9092/1: Disconnected (after 7ms in state UP)", False),
        ("[thrd:TxnCoordinator]: TxnCoordinator/1: connected", False),
    ],
)
def test_lines_of_the_clients_log_that_make_a_commit_doubtful(
    one: Transactions, consumer: Consumer, line: str, is_replaced: bool
) -> None:
    first = one.begin()
    LIBRDKAFKA.info("FAIL %s", line)
    one.commit(consumer, [])
    assert (one.begin() is not first) == is_replaced


def test_warnings_of_the_client_are_told_and_its_chatter_is_not(
    one: Transactions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one.open()
    caplog.clear()
    LIBRDKAFKA.info("chatter")
    LIBRDKAFKA.error("trouble of %s", "some kind")
    told = [
        (each.levelno, each.getMessage())
        for each in caplog.records
        if each.name == transactions.__name__
    ]
    assert told == [(logging.ERROR, "librdkafka: trouble of some kind")]


def test_close_lets_go_and_can_be_repeated(broker: Broker) -> None:
    one = Transactions(broker.cluster, f"{broker.prefix}one")
    write(one, broker)
    one.close()
    one.close()
