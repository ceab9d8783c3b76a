"""What publishing promises: what is new or changed goes out, numbered; what does not fit stays."""

import msgspec
import pytest

from processors.definitions import sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.sets import DefinitionSet
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.operations.publishing import Change, publish
from processors.runtime.errors import TopicMissing
from tests.builders import T0, Document, on, score, segment, trigger
from tests.embedded import Broker

GOLD: Document = {"trait": "plan", "equals": "gold"}
SILVER: Document = {"trait": "plan", "equals": "silver"}


def chosen(*documents: Document) -> DefinitionSet:
    return sets.from_documents(documents)


def published(broker: Broker, *documents: Document) -> list[tuple[str, str, int]]:
    broker.topic("definitions")
    changes = publish(broker.cluster, broker.prefix, chosen(*documents), now_ms=T0)
    return [(f"{each.kind}/{each.id}", each.change, each.number) for each in changes]


def records(broker: Broker) -> list[tuple[bytes | None, Document]]:
    found = broker.records(f"{broker.prefix}definitions")
    return [(each.key(), msgspec.json.decode(each.value() or b"")) for each in found]


def test_new_definition_is_published_as_it_was_written(broker: Broker) -> None:
    document = segment(GOLD, "vip")
    assert published(broker, document) == [("segment/vip", "new", 1)]
    ((key, record),) = records(broker)
    assert key == b"segment/vip"
    assert record == {
        "kind": "segment",
        "id": "vip",
        "version": chosen(document).versions["segment", "vip"],
        "number": 1,
        "published_at": T0,
        "document": document,
    }


def test_unchanged_definition_is_not_published_again(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"))
    assert published(broker, segment(GOLD, "vip")) == [("segment/vip", "unchanged", 1)]
    assert len(records(broker)) == 1


def test_changed_definition_gets_the_next_number(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"), segment(GOLD, "other"))
    assert published(broker, segment(SILVER, "vip"), segment(GOLD, "other")) == [
        ("segment/other", "unchanged", 1),
        ("segment/vip", "changed", 2),
    ]


def test_definitions_that_refer_to_each_other_are_published_together(broker: Broker) -> None:
    greet = trigger({"segment": "vip", "change": "entered"}, id="greet")
    published(broker, segment(GOLD, "vip"))
    assert published(broker, segment(GOLD, "vip"), greet) == [
        ("segment/vip", "unchanged", 1),
        ("trigger/greet", "new", 1),
    ]


def test_what_would_break_published_definitions_is_refused_whole(broker: Broker) -> None:
    call = trigger({"level": "fit", "becomes": "hot"}, id="call")
    published(broker, score(on("bought"), levels={"hot": 80, "cold": 0}), call)
    with pytest.raises(InvalidDefinitions, match="score fit has no level hot"):
        published(broker, score(on("bought"), levels={"warm": 50, "cold": 0}), segment(GOLD, "vip"))
    assert len(records(broker)) == 2


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="topics create"):
        publish(broker.cluster, broker.prefix, chosen(segment(GOLD, "vip")), now_ms=T0)


def test_nothing_to_publish_is_no_error(broker: Broker) -> None:
    assert published(broker) == []


def test_records_that_kafka_does_not_take_are_told(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Writer, "finish", lambda self: 1)
    with pytest.raises(OperationFailed, match="publish again"):
        published(broker, segment(GOLD, "vip"))


def test_change_is_told_with_its_version(broker: Broker) -> None:
    broker.topic("definitions")
    fit = chosen(segment(GOLD, "vip"))
    (change,) = publish(broker.cluster, broker.prefix, fit, now_ms=T0)
    version = fit.versions["segment", "vip"]
    assert change == Change(kind="segment", id="vip", change="new", version=version, number=1)
