"""What is odd about a segment: nobody in it, nobody moves, nobody asks, too many."""

from typing import Any

from processors.definitions import sets
from processors.operations import upkeep
from processors.operations.archives import Archive
from processors.operations.memberships import Count
from processors.operations.upkeep import Options, Segment
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.letters import Record
from tests.builders import (
    DAY,
    T0,
    Document,
    holding,
    score,
    segment,
    static_list,
    trigger,
)

GOLD: Document = {"trait": "plan", "equals": "gold"}
VIP = segment(GOLD, "vip", name="Gold plan")
NOW = T0 + 100 * DAY


def archived(*documents: Document, number: int = 1, at: int = T0) -> Archive:
    archive = Archive()
    _publish(archive, documents, number, at)
    return archive


def _publish(archive: Archive, documents: tuple[Document, ...], number: int, at: int) -> None:
    versions = sets.from_documents(documents).versions
    for each in documents:
        kind, id_ = each["kind"], each["id"]
        record = DefinitionRecord(
            kind=kind,
            id=id_,
            version=versions[kind, id_],
            number=number,
            published_at=at,
            document=each,
        )
        offset = 2 * number + 1_000 * len(archive.records)
        keys = (definitions.key(kind, id_), definitions.numbered_key(kind, id_, number))
        for place, key in enumerate(keys):
            value = codec.encode(record)
            taken = Record("definitions", 0, offset + place, key.encode(), value)
            assert archive.take(taken) is None


def found(
    archive: Archive, counts: dict[str, Count] | None = None, **options: Any
) -> dict[str, Segment]:
    documents = [each.document for each in archive.records.values()]
    chosen = Options(**{"now_ms": NOW, "days": 30} | options)
    rows = upkeep.segments(archive, sets.from_documents(documents), counts or {}, chosen)
    return {each.id: each for each in rows}


def remarks(
    *documents: Document, counts: dict[str, Count], at: int = T0, **options: Any
) -> tuple[str, ...]:
    return found(archived(*documents, at=at), counts, **options)["vip"].remarks


BUSY = {"vip": Count(members=3, entered=4, exited=1, changed_at=NOW - DAY)}
USED = [VIP, trigger({"segment": "vip", "change": "entered"})]


def test_segment_that_is_used_and_alive_is_not_remarked_on() -> None:
    row = found(archived(*USED), BUSY)["vip"]
    assert row.remarks == ()
    assert (row.name, row.members, row.entered, row.exited) == ("Gold plan", 3, 4, 1)
    assert (row.changed_at, row.updated_at, row.number) == (NOW - DAY, T0, 1)


def test_segment_without_members_is_empty() -> None:
    assert remarks(*USED, counts={"vip": Count(changed_at=NOW)}) == ("empty",)


def test_segment_that_nobody_entered_or_left_for_so_long_is_stale() -> None:
    edge = NOW - 30 * DAY
    for changed_at, said in ((edge, ()), (edge - 1, ("stale",))):
        assert remarks(*USED, counts={"vip": Count(members=1, changed_at=changed_at)}) == said
    counts = {"vip": Count(members=1, changed_at=edge - 1)}
    assert remarks(*USED, counts=counts, days=31) == ()


def test_segment_that_was_published_lately_is_not_stale_yet() -> None:
    assert remarks(*USED, counts={}, at=NOW - DAY) == ("empty",)
    assert remarks(*USED, counts={}) == ("empty", "stale")


def test_segment_that_nothing_asks_about_is_unused() -> None:
    adds = trigger("view", {"add_to_list": "calls"})
    assert remarks(VIP, static_list("calls"), adds, counts=BUSY) == ("unused",)


def test_all_that_asks_about_a_segment_is_named() -> None:
    asks = {"all": [{"segment": "vip"}, {"not": {"segment": "vip"}}]}
    documents = [
        VIP,
        segment(asks, "rest"),
        score(holding({"segment": "vip"})),
        trigger("view", id="a", when={"segment": "vip", "is": "out"}),
        trigger({"schedule": "0 9 * * *", "timezone": "UTC", "audience": {"segment": "vip"}}),
    ]
    rows = found(archived(*documents), BUSY)
    assert rows["vip"].used_by == ("score/fit", "segment/rest", "trigger/a", "trigger/t")
    assert rows["rest"].used_by == ()


def test_segment_of_more_than_the_limit_is_remarked_on() -> None:
    assert remarks(*USED, counts=BUSY, limit=3) == ()
    assert remarks(*USED, counts=BUSY, limit=2) == ("above its limit",)
    assert found(archived(*USED), BUSY, limit=2)["vip"].is_above_limit


def test_name_that_is_only_the_id_says_nothing_more() -> None:
    named = [segment(GOLD, "vip"), USED[1]]
    assert remarks(*named, counts=BUSY) == ("named by its id",)


def test_first_version_tells_when_a_segment_was_made() -> None:
    archive = archived(VIP)
    changed = segment({"tag": "gold"}, "vip", description="All who pay.")
    _publish(archive, (changed,), 2, T0 + DAY)
    row = found(archive)["vip"]
    assert (row.created_at, row.updated_at, row.number) == (T0, T0 + DAY, 2)
    assert row.description == "All who pay."
    assert found(archived(VIP, number=101))["vip"].created_at is None


def test_members_of_what_is_not_published_are_told() -> None:
    counts = BUSY | {"old": Count(members=2), "gone": Count(changed_at=T0)}
    assert upkeep.unpublished(sets.from_documents([VIP]), counts) == {"old": 2}


def test_lists_have_their_members_and_who_names_them() -> None:
    adds = trigger("view", {"add_to_list": "calls"})
    asks = segment({"not": {"list": "calls"}}, "rest")
    published = sets.from_documents([static_list("vips"), static_list("calls"), adds, asks])
    rows = upkeep.lists(published, {"calls": 3, "gone": 1})
    assert [(each.id, each.members, each.used_by) for each in rows] == [
        ("calls", 3, ("segment/rest", "trigger/t")),
        ("vips", 0, ()),
    ]
