"""What publishing promises: what is new or changed goes out, numbered; what does not fit stays."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka import Message

from processors.definitions import sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.sets import DefinitionSet
from processors.operations import plans
from processors.operations.errors import OperationFailed
from processors.operations.plans import Change
from processors.operations.producing import Writer
from processors.operations.publishing import carry_out, publish
from processors.operations.publishing import published as archive_of
from processors.runtime.errors import TopicMissing
from schemas import codec, topics
from schemas.definitions import DefinitionRecord
from tests.builders import T0, Document, keyed, on, score, segment, track, trigger
from tests.embedded import Broker

WAIT_S = 60.0
GOLD: Document = {"trait": "plan", "equals": "gold"}
SILVER: Document = {"trait": "plan", "equals": "silver"}


def chosen(*documents: Document) -> DefinitionSet:
    return sets.from_documents(documents)


def published(broker: Broker, *documents: Document) -> list[tuple[str, str, int]]:
    broker.topic("definitions")
    changes = publish(broker.cluster, broker.prefix, chosen(*documents), now_ms=T0)
    return [(f"{each.kind}/{each.id}", each.change, each.number) for each in changes]


def records(broker: Broker) -> dict[bytes | None, Document]:
    """Returns the records by key; no test that asks writes a key twice."""
    found = broker.records(f"{broker.prefix}definitions")
    assert len({each.key() for each in found}) == len(found)
    return {each.key(): msgspec.json.decode(each.value() or b"") for each in found}


def test_new_definition_is_published_as_it_was_written(broker: Broker) -> None:
    document = segment(GOLD, "vip")
    assert published(broker, document) == [("segment/vip", "new", 1)]
    found = records(broker)
    assert found.keys() == {b"segment/vip", b"segment/vip@1"}
    assert (
        found[b"segment/vip"]
        == found[b"segment/vip@1"]
        == {
            "kind": "segment",
            "id": "vip",
            "version": chosen(document).versions["segment", "vip"],
            "number": 1,
            "published_at": T0,
            "document": document,
        }
    )


def test_unchanged_definition_is_not_published_again(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"))
    assert published(broker, segment(GOLD, "vip")) == [("segment/vip", "unchanged", 1)]
    assert records(broker).keys() == {b"segment/vip", b"segment/vip@1"}


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
    assert len(records(broker)) == 4


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


def prune(broker: Broker, *documents: Document) -> None:
    """Publishes documents, and ends all others."""
    archive = archive_of(broker.cluster, broker.prefix)
    plan = plans.plan(archive, chosen(*documents), prune=True)
    carry_out(broker.cluster, broker.prefix, plan, now_ms=T0)


def test_what_is_pruned_gets_a_tombstone_and_is_published_no_more(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"), segment(GOLD, "other"))
    prune(broker, segment(GOLD, "vip"))
    found = broker.records(f"{broker.prefix}definitions")
    assert [each.key() for each in found if each.value() is None] == [b"segment/other"]
    assert set(archive_of(broker.cluster, broker.prefix).records) == {("segment", "vip")}


@contextlib.contextmanager
def worker(broker: Broker) -> Iterator[None]:
    """Has a whole worker run on the broker, as a process."""
    chosen = {
        "BECKON_SLOT": "one",
        "BECKON_KAFKA__BOOTSTRAP_SERVERS": broker.cluster.bootstrap,
        "BECKON_KAFKA__CHECKSUMS": "false",
        "BECKON_TOPICS__PREFIX": broker.prefix,
        "BECKON_STREAM__CLOCK": "stream",
        "BECKON_HEALTH__PORT": "0",
    }
    command = [sys.executable, "-m", "processors", "worker"]
    ran = subprocess.Popen(command, env={**os.environ, **chosen}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        ran.kill()
        ran.wait()


def wait(broker: Broker, name: str, count: int) -> list[Message]:
    """Waits until a topic has so many records; returns all that it has."""
    end_s = time.monotonic() + WAIT_S
    while True:
        found = broker.records(f"{broker.prefix}{name}")
        if len(found) >= count or time.monotonic() > end_s:
            return found
        time.sleep(0.05)


def moves(broker: Broker, count: int) -> list[tuple[str, str, str]]:
    """Waits until so many have come into a segment or left one; returns all, by their people."""
    found = wait(broker, "segment-changes", count)
    rows = [msgspec.json.decode(each.value() or b"") for each in found]
    return sorted((row["profile_id"], row["change"], row["cause"]) for row in rows)


def test_people_leave_a_segment_that_is_pruned_while_a_worker_runs(broker: Broker) -> None:
    for name in topics.TOPICS:
        broker.topic(name)
    people = ("ada", "bob", "cid")
    published(broker, segment({"event": "view"}, "keen"), segment(GOLD, "vip"))
    broker.produce(
        f"{broker.prefix}events", *(keyed(track("view", id=each, person=each)) for each in people)
    )
    with worker(broker):
        entered = [(each, "entered", each) for each in people]
        assert moves(broker, 3) == entered
        prune(broker, segment(GOLD, "vip"))
        exited = [(each, "exited", "definition") for each in people]
        assert moves(broker, 6) == sorted(entered + exited)
        left = {each.key(): each.value() for each in wait(broker, "segments", 6)}
    assert left == {f"{each}/keen".encode(): None for each in people}


def test_definition_that_comes_back_counts_on(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"), segment(GOLD, "other"))
    prune(broker, segment(GOLD, "vip"))
    assert published(broker, segment(GOLD, "other")) == [("segment/other", "new", 2)]


def test_version_before_stays_under_its_number(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"))
    published(broker, segment(SILVER, "vip"))
    archive = archive_of(broker.cluster, broker.prefix)
    versions = archive.versions(("segment", "vip"))
    assert [each.document for each in versions.values()] == [
        segment(GOLD, "vip"),
        segment(SILVER, "vip"),
    ]
    assert archive.kept(("segment", "vip")) == versions


def test_versions_of_what_has_ended_stay(broker: Broker) -> None:
    published(broker, segment(GOLD, "vip"), segment(GOLD, "other"))
    prune(broker, segment(GOLD, "vip"))
    archive = archive_of(broker.cluster, broker.prefix)
    assert archive.version(("segment", "other"), 1).document == segment(GOLD, "other")


def test_what_was_published_under_no_number_is_put_there_when_it_changes(broker: Broker) -> None:
    topic = broker.topic("definitions")
    old = segment(GOLD, "vip")
    version = chosen(old).versions["segment", "vip"]
    record = DefinitionRecord(
        kind="segment", id="vip", version=version, number=7, published_at=T0 - 1, document=old
    )
    broker.produce(topic, (b"segment/vip", codec.encode(record)))
    assert published(broker, segment(SILVER, "vip")) == [("segment/vip", "changed", 8)]
    assert archive_of(broker.cluster, broker.prefix).kept(("segment", "vip"))[7] == record


def test_versions_that_are_too_old_get_a_tombstone(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "MAX_KEPT", 2)
    for number in range(4):
        published(broker, segment({"tag": str(number)}, "vip"))
    kept = archive_of(broker.cluster, broker.prefix).kept(("segment", "vip"))
    assert sorted(kept) == [3, 4]
    ended = [
        each.key() for each in broker.records(f"{broker.prefix}definitions") if each.value() is None
    ]
    assert sorted(ended, key=str) == [b"segment/vip@1", b"segment/vip@2"]
