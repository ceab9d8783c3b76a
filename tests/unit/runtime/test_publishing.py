"""Whoever writes learns of each record whether Kafka has it, and may write again."""

import pytest

from processors.runtime import clients
from processors.runtime.clients import MAX_STATE_BYTES, Cluster
from processors.runtime.publishing import Publisher
from schemas.letters import Written
from tests.embedded import Broker


def test_records_are_there_in_their_order_with_key_and_headers(broker: Broker) -> None:
    topic = broker.topic("outcomes")
    publisher = Publisher(broker.cluster, broker.prefix)
    written = [Written("outcomes", b"ann", f"{one}".encode()) for one in range(5)]
    written.append(Written("outcomes", b"ann", None, [("why", b"gone")]))
    assert publisher.publish(written) == [""] * 6
    found = broker.records(topic)
    assert [each.value() for each in found] == [b"0", b"1", b"2", b"3", b"4", None]
    assert found[-1].headers() == [("why", b"gone")]
    assert publisher.publish([]) == []


def test_record_that_is_too_large_is_told_and_the_others_are_there(broker: Broker) -> None:
    topic = broker.topic("outcomes")
    publisher = Publisher(broker.cluster, broker.prefix)
    large = Written("outcomes", None, b"x" * (MAX_STATE_BYTES + 1))
    found = publisher.publish([Written("outcomes", None, b"1"), large])
    assert (found[0], "MSG_SIZE_TOO_LARGE" in found[1]) == ("", True)
    assert publisher.publish([Written("outcomes", None, b"2")]) == [""]
    assert sorted(each.value() or b"" for each in broker.records(topic)) == [b"1", b"2"]


def test_cluster_that_is_away_is_told_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "TRANSACTION_MS", 3_000)  # a second for each record
    publisher = Publisher(Cluster(bootstrap="127.0.0.1:9"), "x.")
    found = publisher.publish([Written("outcomes", None, b"1"), Written("outcomes", None, b"2")])
    assert found == ["_MSG_TIMED_OUT"] * 2
