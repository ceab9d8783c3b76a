"""What publishing will do: new, changed, ended, and whom that touches; refused if it breaks."""

import pytest

from processors.definitions import sets, versions
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.predicates import predicate
from processors.operations import plans
from processors.operations.archives import Archive
from processors.operations.plans import Change, Plan
from schemas import codec, definitions
from schemas.definitions import DefinitionRecord
from schemas.letters import Record
from tests.builders import T0, Document, holding, points, score, segment, static_list, trigger

GOLD: Document = {"trait": "plan", "equals": "gold"}
VIP = segment(GOLD, "vip")
BEST = segment({"all": [{"segment": "vip"}, {"score": "fit", "at_least": 10}]}, "best")
FIT = score(holding({"segment": "vip"}))
GREET = trigger(
    {"segment": "best", "change": "entered"}, {"add_to_list": "greeted"}, points(5), id="greet"
)
GREETED = static_list("greeted")
ALL = [VIP, BEST, FIT, GREET, GREETED]


def record(document: Document, number: int = 3) -> DefinitionRecord:
    kind, id_ = str(document["kind"]), str(document["id"])
    return DefinitionRecord(
        kind=kind,
        id=id_,
        version=versions.version(document),
        number=number,
        published_at=T0,
        document=document,
    )


def archive(active: list[Document], *kept: DefinitionRecord) -> Archive:
    """Returns what is published, each for the third time, and what is under numbers."""
    found = Archive()
    rows = [(definitions.key(each.kind, each.id), each) for each in map(record, active)]
    rows += [(definitions.numbered_key(each.kind, each.id, each.number), each) for each in kept]
    for offset, (key, each) in enumerate(rows):
        value = codec.encode(each)
        assert found.take(Record("definitions", 0, offset, key.encode(), value)) is None
    return found


def plan(
    old: list[Document], new: list[Document], *kept: DefinitionRecord, prune: bool = False
) -> Plan:
    return plans.plan(archive(old, *kept), sets.from_documents(new), prune=prune)


def said(found: Plan) -> list[tuple[str, str, int]]:
    return [(f"{each.kind}/{each.id}", each.change, each.number) for each in found.changes]


def test_each_definition_is_new_changed_unchanged_or_elsewhere() -> None:
    changed = segment({"trait": "plan", "equals": "silver"}, "vip")
    found = plan([VIP, FIT, GREETED], [changed, FIT, segment(GOLD, "gold")])
    assert said(found) == [
        ("score/fit", "unchanged", 3),
        ("segment/gold", "new", 1),
        ("segment/vip", "changed", 4),
        ("list/greeted", "not in the folder", 3),
    ]
    assert [each.id for each in found.changes if each.is_due] == ["gold", "vip"]
    assert (found.count("new", "changed"), found.count("ended")) == (2, 0)
    assert (found.old["segment", "vip"], found.new["segment", "vip"]) == (VIP, changed)


def test_pruning_ends_what_is_elsewhere_readers_before_what_they_read() -> None:
    found = plan(ALL, [VIP, segment(GOLD, "gold")], prune=True)
    assert said(found) == [
        ("segment/gold", "new", 1),
        ("segment/vip", "unchanged", 3),
        ("trigger/greet", "ended", 3),
        ("segment/best", "ended", 3),
        ("score/fit", "ended", 3),
        ("list/greeted", "ended", 3),
    ]
    assert found.changes[2] == Change(
        kind="trigger",
        id="greet",
        change="ended",
        version=sets.from_documents(ALL).versions["trigger", "greet"],
        number=3,
    )


def test_number_counts_on_after_an_end() -> None:
    found = plan([], [VIP], record(VIP, 1), record(VIP, 2))
    assert said(found) == [("segment/vip", "new", 3)]


def test_version_that_comes_back_gets_a_number_of_its_own() -> None:
    old = segment({"trait": "plan", "equals": "silver"}, "vip")
    found = plan([VIP], [old], record(old, 2), record(VIP, 3))
    assert said(found) == [("segment/vip", "changed", 4)]
    assert (found.changes[0].version, found.beside) == (record(old).version, ())


def test_what_changes_or_ends_and_is_under_no_number_yet_is_put_there() -> None:
    changed = segment({"trait": "plan", "equals": "silver"}, "vip")
    found = plan([VIP, FIT, GREETED], [changed, FIT], prune=True)
    assert found.beside == (
        ("segment/vip@3", record(VIP)),
        ("list/greeted@3", record(GREETED)),
    )


def test_latest_hundred_versions_are_kept() -> None:
    changed = segment({"trait": "plan", "equals": "silver"}, "vip")
    kept = [record(VIP, number) for number in range(1, 102)]
    assert said(plan([], [changed], *kept)) == [("segment/vip", "new", 102)]
    assert plan([], [changed], *kept).beside == (("segment/vip@1", None), ("segment/vip@2", None))
    assert plan([], [changed], *kept[:99]).beside == ()


def test_what_does_not_change_has_nothing_written_beside_it() -> None:
    assert plan([VIP, FIT], [VIP]).beside == ()


def test_whoever_reads_a_changed_definition_is_touched_also_by_way_of_others() -> None:
    changed = segment({"trait": "plan", "equals": "silver"}, "vip")
    found = plan(ALL, [changed])
    readers = (("score", "fit"), ("segment", "best"), ("trigger", "greet"))
    assert found.touched == {("segment", "vip"): readers}


def test_whoever_reads_it_by_way_of_a_predicate_is_touched() -> None:
    asked = predicate("asked", reads=["segments.vip"], version="1")(lambda person: True)
    new = sets.from_documents(
        [VIP, segment({"custom": "asked"}, "by")], predicates={"asked": asked}
    )
    assert plans.plan(archive([]), new).touched["segment", "vip"] == (("segment", "by"),)


def test_who_only_acts_on_a_definition_is_not_touched() -> None:
    reward = trigger("bought", points(5), {"add_to_list": "greeted"}, id="reward")
    touched = plan([], [VIP, FIT, GREETED, reward]).touched
    assert touched["score", "fit"] == touched["list", "greeted"] == ()


def test_new_definition_touches_those_that_come_with_it() -> None:
    found = plan([], [VIP, FIT])
    assert found.touched == {("score", "fit"): (), ("segment", "vip"): (("score", "fit"),)}


def test_what_would_break_what_stays_is_refused() -> None:
    with pytest.raises(InvalidDefinitions, match=r"segment/best: .*score fit has no level hot"):
        plan(
            [
                score(holding(GOLD), levels={"hot": 10}),
                segment({"score": "fit", "level": "hot"}, "best"),
            ],
            [score(holding(GOLD))],
        )
