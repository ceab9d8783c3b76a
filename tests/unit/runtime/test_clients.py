"""The clients' settings: each promise hangs on some of them, so each of those is held here."""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.runtime import clients
from processors.runtime.clients import MAX_STATE_BYTES, Cluster
from processors.runtime.options import Options

SECRET = "not-to-be-told"
SECURED = Cluster(
    bootstrap="nobody:1",
    security={
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "beckon",
        "sasl.password": SECRET,
    },
    client_id="beckon-one",
    compression="zstd",
)
LOG = logging.getLogger("librdkafka")

Settings = dict[str, Any]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Takes up the settings that librdkafka would be given."""
    found: list[Settings] = []

    def take(settings: Settings, **_: Any) -> None:
        found.append(settings)

    monkeypatch.setattr(clients, "Consumer", take)
    monkeypatch.setattr(clients, "Producer", take)
    return found


def of_consumer(given: list[Settings], cluster: Cluster = SECURED, slot: str = "one") -> Settings:
    clients.consumer(cluster, "group", slot)
    return given[-1]


def of_reader(given: list[Settings], cluster: Cluster = SECURED) -> Settings:
    clients.reader(cluster, "name")
    return given[-1]


def of_producer(
    given: list[Settings], cluster: Cluster = SECURED, id_: str | None = "id"
) -> Settings:
    clients.producer(cluster, id_, LOG)
    return given[-1]


ALL = [of_consumer, of_reader, of_producer]


def holds(settings: Settings, wanted: Settings) -> bool:
    return settings | wanted == settings


def test_secrets_are_not_shown() -> None:
    options = Options(cluster=SECURED, slot="one")
    for shown in (repr(SECURED), str(SECURED), f"{SECURED}", repr(options)):
        assert SECRET not in shown
        assert "sasl" not in shown
    assert "nobody:1" in repr(SECURED)


@pytest.mark.parametrize("of", ALL)
def test_every_client_knows_where_the_cluster_is_and_how_to_be_let_in(
    given: list[Settings], of: Callable[[list[Settings]], Settings]
) -> None:
    wanted = {"bootstrap.servers": "nobody:1", "client.id": "beckon-one", **SECURED.security}
    assert holds(of(given), wanted)


@pytest.mark.parametrize("of", ALL)
def test_no_client_makes_a_topic_by_asking_for_it(
    given: list[Settings], of: Callable[[list[Settings]], Settings]
) -> None:
    assert of(given)["allow.auto.create.topics"] is False


@pytest.mark.parametrize("of", ALL)
def test_every_client_takes_the_largest_state_there_can_be(
    given: list[Settings], of: Callable[[list[Settings]], Settings]
) -> None:
    assert of(given)["message.max.bytes"] == MAX_STATE_BYTES


@pytest.mark.parametrize("of", [of_consumer, of_reader])
def test_what_reads_sees_committed_records_from_the_first_one_and_tells_the_end(
    given: list[Settings], of: Callable[[list[Settings]], Settings]
) -> None:
    wanted = {
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }
    assert holds(of(given), wanted)


def test_offsets_of_events_are_stored_by_transactions_alone(given: list[Settings]) -> None:
    assert of_consumer(given)["enable.auto.offset.store"] is False


def test_partitions_that_stay_are_read_on_while_others_move(given: list[Settings]) -> None:
    assert of_consumer(given)["partition.assignment.strategy"] == "cooperative-sticky"


def test_member_of_a_group_has_the_name_of_its_slot(given: list[Settings]) -> None:
    assert of_consumer(given, slot="two")["group.instance.id"] == "two"
    clients.consumer(SECURED, "group", None)
    assert "group.instance.id" not in given[-1]


def test_dead_worker_is_missed_within_seconds(given: list[Settings]) -> None:
    found = of_consumer(given)
    assert found["session.timeout.ms"] <= 10_000
    assert found["heartbeat.interval.ms"] * 3 < found["session.timeout.ms"]


def test_brokers_with_the_newer_protocol_decide_on_partitions_and_time_outs(
    given: list[Settings],
) -> None:
    found = of_consumer(given, Cluster(bootstrap="nobody:1", group_protocol="consumer"))
    assert found["group.protocol"] == "consumer"
    theirs = {"partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"}
    assert not theirs & set(found)


@pytest.mark.parametrize("checks", [True, False])
def test_checksums_are_checked_where_the_cluster_has_them(
    given: list[Settings], checks: bool
) -> None:
    found = of_reader(given, Cluster(bootstrap="nobody:1", checksums=checks))
    assert found["check.crcs"] is checks


@pytest.mark.parametrize("id_", ["id", None])
def test_producer_loses_and_doubles_nothing(given: list[Settings], id_: str | None) -> None:
    wanted = {"enable.idempotence": True, "acks": "all", "delivery.report.only.error": True}
    assert holds(of_producer(given, id_=id_), wanted)


def test_producer_finds_the_partition_of_a_key_where_javas_clients_do(
    given: list[Settings],
) -> None:
    assert of_producer(given)["partitioner"] == "murmur2_random"


def test_producer_compresses_as_the_cluster_is_said_to_want(given: list[Settings]) -> None:
    assert of_producer(given)["compression.type"] == "zstd"


def test_transaction_outlives_its_records_but_not_long_a_dead_worker(
    given: list[Settings],
) -> None:
    found = of_producer(given)
    assert found["transactional.id"] == "id"
    assert found["message.timeout.ms"] < found["transaction.timeout.ms"] <= 10_000


def test_producer_without_an_id_has_no_transactions(given: list[Settings]) -> None:
    assert not {"transactional.id", "transaction.timeout.ms"} & set(of_producer(given, id_=None))


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_librdkafka_takes_all_settings(protocol: str) -> None:
    cluster = Cluster(bootstrap="127.0.0.1:1", security={}, group_protocol=protocol)
    for one in (
        clients.consumer(cluster, "group", "one"),
        clients.consumer(cluster, "group", None),
        clients.reader(cluster, "name"),
    ):
        with contextlib.closing(one):
            pass
    clients.producer(cluster, "id", LOG)
    clients.producer(cluster, None, LOG)


def test_setting_that_is_wrong_is_told_when_the_client_is_made() -> None:
    wrong = Cluster(bootstrap="127.0.0.1:1", security={"security.protocol": "telnet"})
    with pytest.raises(KafkaException, match=r"security\.protocol"):
        clients.reader(wrong, "name")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            KafkaException(KafkaError(KafkaError._TIMED_OUT, "in 7 s")),
            KafkaError._TIMED_OUT,
            "_TIMED_OUT: in 7 s",
        ),
        (KafkaException("no more"), KafkaError._FAIL, "no more"),
    ],
)
def test_error_has_a_number_and_one_line(error: KafkaException, code: int, words: str) -> None:
    assert clients.code(error) == code
    assert clients.words(error) == words


def test_error_that_is_none_of_an_exception_has_one_line_too() -> None:
    assert clients.words(KafkaError(KafkaError._FENCED, "by another")) == "_FENCED: by another"
