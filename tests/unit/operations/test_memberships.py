"""Counts of members: the last record of a key counts, wherever it is, and ended ones do not."""

from typing import Literal

import msgspec
import pytest

from processors.operations import memberships
from processors.operations.errors import OperationFailed
from processors.operations.memberships import Count
from processors.runtime.errors import TopicMissing
from processors.runtime.partitioners import partition
from schemas import codec
from schemas.records import SegmentChange, SegmentRecord
from tests.builders import DAY, T0
from tests.embedded import Broker


def produce(broker: Broker, name: str, key: str, value: msgspec.Struct | None) -> None:
    data = None if value is None else codec.encode(value)
    topic = f"{broker.prefix}{name}"
    broker.produce(topic, (key.encode(), data), partition=partition(key.encode(), 4))


def member(
    broker: Broker, person: str, is_in: bool = True, at: int = T0, segment: str = "vip"
) -> None:
    record = SegmentRecord(profile_id=person, segment_id=segment, member=is_in, since=at)
    produce(broker, "segments", f"{person}/{segment}", record)


def changed(broker: Broker, change: Literal["entered", "exited"], at: int) -> None:
    record = SegmentChange(
        profile_id="ada",
        segment_id="vip",
        change=change,
        at=at,
        cause="clock",
        version="v",
        late=False,
    )
    produce(broker, "segment-changes", "ada", record)


def read(broker: Broker, since_ms: int = 0) -> dict[str, Count]:
    for name in ("segments", "segment-changes"):
        broker.topic(name)
    return memberships.read(broker.cluster, broker.prefix, since_ms=since_ms)


def test_members_of_all_partitions_are_counted(broker: Broker) -> None:
    broker.topic("segments")
    people = [f"person-{number}" for number in range(40)]
    for each in people:
        member(broker, each)
    member(broker, people[0], segment="new", at=T0 + DAY)
    assert read(broker) == {
        "vip": Count(members=40, changed_at=T0),
        "new": Count(members=1, changed_at=T0 + DAY),
    }


def test_last_record_of_a_person_counts(broker: Broker) -> None:
    broker.topic("segments")
    for is_in, at in ((True, T0), (True, T0 + 1), (False, T0 + 2)):
        member(broker, "ada", is_in, at)
    for is_in, at in ((False, T0), (True, T0 + 1)):
        member(broker, "bob", is_in, at)
    member(broker, "cid", False, T0 + 9)
    assert read(broker) == {"vip": Count(members=1, changed_at=T0 + 9)}


def test_person_whose_id_has_a_slash_is_one_all_the_same(broker: Broker) -> None:
    broker.topic("segments")
    member(broker, "shop/ada")
    assert read(broker) == {"vip": Count(members=1, changed_at=T0)}


def test_membership_of_an_ended_segment_is_none(broker: Broker) -> None:
    broker.topic("segments")
    member(broker, "ada")
    produce(broker, "segments", "ada/vip", None)
    produce(broker, "segments", "bob/gone", None)
    assert read(broker) == {"vip": Count(members=0, changed_at=T0)}


def test_entries_and_exits_count_from_an_instant_on(broker: Broker) -> None:
    broker.topic("segments")
    broker.topic("segment-changes")
    changed(broker, "entered", T0 - 1)
    changed(broker, "exited", T0)
    changed(broker, "entered", T0 + DAY)
    changed(broker, "exited", T0 + 1)
    counts = read(broker, since_ms=T0)
    assert counts == {"vip": Count(entered=1, exited=2, changed_at=T0 + DAY)}


def test_progress_tells_how_many_records_were_read(broker: Broker) -> None:
    broker.topic("segments")
    broker.topic("segment-changes")
    member(broker, "ada")
    changed(broker, "entered", T0)
    told: list[int] = []
    memberships.read(broker.cluster, broker.prefix, since_ms=0, progress=told.append)
    assert told == [1, 2]


def test_record_that_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    topic = broker.topic("segments")
    broker.produce(topic, (b"ada/vip", b"{"), partition=2)
    with pytest.raises(OperationFailed, match="segments, 2:0: "):
        read(broker)


@pytest.mark.parametrize("missing", ["segments", "segment-changes"])
def test_missing_topic_says_what_to_do(broker: Broker, missing: str) -> None:
    if missing == "segment-changes":
        broker.topic("segments")
    said = f"{missing} is missing: run `beckon topics create`"
    with pytest.raises(TopicMissing, match=said):
        memberships.read(broker.cluster, broker.prefix, since_ms=0)


def people(broker: Broker, segment: str = "vip") -> list[str]:
    return list(memberships.people(broker.cluster, broker.prefix, segment))


def test_people_of_a_segment_are_those_who_are_in_it_now(broker: Broker) -> None:
    broker.topic("segments")
    for each in ("ada", "bob", "cid", "shop/dan"):
        member(broker, each)
    member(broker, "ada", False)
    produce(broker, "segments", "bob/vip", None)
    member(broker, "eve", segment="new")
    member(broker, "eve", segment="not-vip")
    member(broker, "cid", at=T0 + 1)
    assert sorted(people(broker)) == ["cid", "shop/dan"]
    assert people(broker, "none") == []


def test_membership_that_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    topic = broker.topic("segments")
    broker.produce(topic, (b"ada/new", b"{"), (b"ada/vip", b"{"), partition=2)
    with pytest.raises(OperationFailed, match="segments, 2:1: "):
        people(broker)
