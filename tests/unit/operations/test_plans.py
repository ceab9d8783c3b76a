"""What publishing will do: new, changed, ended, and whom that touches; refused if it breaks."""

import pytest

from processors.definitions import sets
from processors.definitions.errors import InvalidDefinitions
from processors.operations import plans
from processors.operations.plans import Change, Plan
from processors.runtime.catalogues import Catalogue
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


def catalogue(*documents: Document) -> Catalogue:
    """Returns what is published, each for the third time."""
    found = Catalogue()
    versions = sets.from_documents(documents).versions
    for offset, document in enumerate(documents):
        kind, id_ = str(document["kind"]), str(document["id"])
        record = DefinitionRecord(
            kind=kind,
            id=id_,
            version=versions[kind, id_],
            number=3,
            published_at=T0,
            document=document,
        )
        key = definitions.key(kind, id_).encode()
        refused = found.take(Record("definitions", 0, offset, key, codec.encode(record)))
        assert refused is None
    return found


def plan(old: list[Document], new: list[Document], *, prune: bool = False) -> Plan:
    return plans.plan(catalogue(*old), sets.from_documents(new), prune=prune)


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


def test_whoever_reads_a_changed_definition_is_touched_also_by_way_of_others() -> None:
    changed = segment({"trait": "plan", "equals": "silver"}, "vip")
    found = plan(ALL, [changed])
    readers = (("score", "fit"), ("segment", "best"), ("trigger", "greet"))
    assert found.touched == {("segment", "vip"): readers}


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
