"""The topics that people can choose, as they are published."""

from typing import Any

import msgspec
import pytest

from processors.delivery.topics import Shelf, Topic, read
from schemas.letters import Record
from tests.embedded import Broker

NEWS: dict[str, Any] = {"kind": "topic", "id": "news", "name": "News"}


def record(document: dict[str, Any] | None, key: str = "topic/news") -> Record:
    value = None
    if document is not None:
        held = {
            "kind": document["kind"],
            "id": document["id"],
            "number": 1,
            "version": "v",
            "document": document,
            "published_at": 0,
        }
        value = msgspec.json.encode(held)
    return Record("beckon.definitions", 0, 0, key.encode(), value)


def taken(*records: Record) -> list[Topic]:
    shelf = Shelf()
    for each in records:
        assert shelf.take(each) is None
    return shelf.topics()


def test_topic_is_what_its_definition_says() -> None:
    assert taken(record(NEWS)) == [Topic("news", "News", None, True)]


@pytest.mark.parametrize(
    ("consent", "given"), [("implied", True), ("required", False), ("double", False)]
)
def test_topic_counts_as_agreed_where_consent_is_implied(consent: str, given: bool) -> None:
    [found] = taken(record({**NEWS, "consent": consent, "channels": ["email", "sms"]}))
    assert found == Topic("news", "News", ("email", "sms"), given)


def test_transactional_topics_are_not_for_choosing() -> None:
    assert taken(record({**NEWS, "transactional": True})) == []


def test_last_version_counts_and_a_tombstone_ends_it() -> None:
    later = record({**NEWS, "name": "Letters"})
    assert [one.name for one in taken(record(NEWS), later)] == ["Letters"]
    assert taken(record(NEWS), record(None)) == []


def test_topics_stand_by_their_names() -> None:
    tips = record({"kind": "topic", "id": "a", "name": "tips"}, "topic/a")
    assert [one.id for one in taken(tips, record(NEWS))] == ["news", "a"]


@pytest.mark.parametrize(
    "other",
    [
        record({"kind": "segment", "id": "s", "name": "S"}, "segment/s"),
        record({**NEWS, "name": "Old"}, "topic/news@1"),
        Record("t", 0, 0, b"topic/news", b"{"),
        Record("t", 0, 0, b"nonsense", b"{}"),
        Record("t", 0, 0, None, None),
    ],
    ids=["another kind", "a version kept", "not json", "no key", "nothing"],
)
def test_everything_else_is_left_alone(other: Record) -> None:
    assert taken(record(NEWS), other) == [Topic("news", "News", None, True)]


def test_topics_are_read_from_kafka(broker: Broker) -> None:
    name = broker.topic("definitions")
    held = record(NEWS)
    broker.produce(name, (held.key, held.value))
    assert read(broker.cluster, name) == [Topic("news", "News", None, True)]
