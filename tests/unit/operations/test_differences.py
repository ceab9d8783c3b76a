"""Where two sets differ: who is in, how scores stand, which commands; counted and listed."""

from typing import Any

import msgspec

from processors.definitions import sets
from processors.operations import differences
from processors.operations.differences import Commands, Comparison, Members, Moves, Row, Summary
from schemas.events import iso
from schemas.records import ScoreRecord, SegmentRecord
from tests.builders import HOUR, T0, Document, command, holding, on, score, segment, trigger

GOLD: Document = {"trait": "plan", "equals": "gold"}
VIP = segment(GOLD, "vip")
HELLO = trigger("a", id="hello")


class Both:
    """A comparison of two sets, told what each of their engines writes."""

    def __init__(
        self, old: list[Document], new: list[Document] | None = None, *, samples: int = 0
    ) -> None:
        self.rows: list[tuple[str, Row]] = []
        self.comparison = Comparison(
            sets.from_documents(old),
            sets.from_documents(old if new is None else new),
            lambda what, row: self.rows.append((what, row)),
            samples=samples,
        )

    def write(self, old: list[msgspec.Struct], new: list[msgspec.Struct]) -> None:
        for side, values in ((self.comparison.old, old), (self.comparison.new, new)):
            for value in values:
                side.write("some-topic", "some-key", value)
        self.comparison.step()

    def finish(self) -> Summary:
        return self.comparison.finish()

    def of(self, what: str) -> list[Row]:
        return [row for found, row in self.rows if found == what]


def member(person: str, is_in: bool = True, id: str = "vip") -> SegmentRecord:
    return SegmentRecord(profile_id=person, segment_id=id, member=is_in, since=T0)


def stands(
    person: str, value: float, level: str | None = None, grade: str | None = None
) -> ScoreRecord:
    return ScoreRecord(
        profile_id=person, score_id="fit", value=value, level=level, grade=grade, at=T0
    )


def mail(at: int = 0, **more: Any) -> msgspec.Struct:
    given = {"channel": "email", "definition_id": "hello", "occurrence": f"clock@{at}"}
    return command(**given | {"at": T0 + at, "template": "hi"} | more)


def test_sets_that_write_the_same_do_not_differ() -> None:
    both = Both([VIP, score(on("a")), HELLO])
    written = [member("ada"), stands("ada", 10), mail()]
    both.write(written, written)
    found = both.finish()
    assert (found.differences, both.rows, found.samples) == (0, [], {})
    assert found.segments == {"vip": Members(state="unchanged", before=1, after=1)}
    assert found.scores == {"fit": Moves(state="unchanged")}
    assert found.commands == {"hello": Commands(state="unchanged", same=1)}


def test_who_is_in_at_the_end_counts_and_not_who_was_meanwhile() -> None:
    both = Both([VIP])
    both.write([member("ada"), member("bob")], [member("cid"), member("dan")])
    both.write([member("bob", False)], [member("dan", False)])
    assert both.finish().segments["vip"] == Members(
        state="unchanged", before=1, after=1, entered=1, exited=1
    )
    assert both.of("segments") == [
        {"profile_id": "cid", "segment_id": "vip", "change": "entered"},
        {"profile_id": "ada", "segment_id": "vip", "change": "exited"},
    ]


def test_definitions_that_only_one_set_has_are_told() -> None:
    both = Both([VIP, HELLO], [segment(GOLD, "other"), score(on("a"), levels={"hot": 0})])
    both.write([member("ada"), mail()], [member("ada", id="other"), stands("ada", 10, "hot")])
    found = both.finish()
    assert found.segments == {
        "other": Members(state="new", after=1, entered=1),
        "vip": Members(state="ended", before=1, exited=1),
    }
    assert found.commands == {"hello": Commands(state="ended", vanished=1)}
    assert found.scores == {"fit": Moves(state="new", profiles=1, levels={(None, "hot"): 1})}
    assert found.scores["fit"].mean is None


def test_scores_that_differ_are_told_with_mean_and_levels() -> None:
    both = Both([score(on("a"), levels={"hot": 20, "cold": 0})])
    both.write(
        [stands("ada", 10, "cold"), stands("bob", 10, "cold"), stands("cid", 30, "hot")],
        [stands("ada", 25, "hot"), stands("bob", 15, "cold"), stands("cid", 30, "hot")],
    )
    moves = both.finish().scores["fit"]
    assert (moves.profiles, moves.mean, moves.levels) == (2, 10.0, {("cold", "hot"): 1})
    assert both.of("scores")[0] == {
        "profile_id": "ada",
        "score_id": "fit",
        "old_value": 10,
        "new_value": 25,
        "old_level": "cold",
        "new_level": "hot",
        "old_grade": None,
        "new_grade": None,
    }


def test_who_has_no_record_of_a_score_has_its_lowest_value() -> None:
    both = Both([score(on("a"), floor=5, levels={"cold": 0})])
    both.write([stands("ada", 5, "cold")], [stands("bob", 15, "cold")])
    found = both.finish()
    assert [row["profile_id"] for row in both.of("scores")] == ["bob"]
    assert found.scores["fit"].mean == 10


def test_level_and_grade_count_where_the_value_is_the_same() -> None:
    levels: Document = {"levels": {"hot": 20, "cold": 0}, "grades": {"A": 20, "B": 0}}
    lower: Document = {"levels": {"hot": 10, "cold": 0}, "grades": {"A": 10, "B": 0}}
    both = Both([score(on("a"), **levels)], [score(on("a"), **lower)])
    graded, lifted = stands("ada", 10, "cold", "B"), stands("ada", 10, "hot", "A")
    both.write([graded], [lifted])
    moves = both.finish().scores["fit"]
    assert (moves.state, moves.profiles, moves.grades) == ("changed", 0, 1)
    assert moves.levels == {("cold", "hot"): 1}


def test_commands_are_counted_by_what_became_of_them() -> None:
    both = Both([HELLO])
    both.write(
        [mail(1), mail(2), mail(3, profile_id="bob"), mail(5, profile_id="dan")],
        [mail(1), mail(2, template="ho"), mail(4, profile_id="bob"), mail(6, profile_id="eve")],
    )
    assert both.finish().commands["hello"] == Commands(
        state="unchanged", same=1, changed=1, moved=1, appeared=1, vanished=1
    )


def test_of_a_command_what_differs_is_listed() -> None:
    both = Both([HELLO])
    both.write([mail(priority=3)], [mail(template="ho", priority=3, traits={"n": 1})])
    both.write([mail(HOUR)], [])
    both.finish()
    changed, vanished = both.of("commands")
    assert changed == {
        "profile_id": "ada",
        "definition_id": "hello",
        "channel": "email",
        "step": "0",
        "change": "changed",
        "old_at": iso(T0),
        "new_at": iso(T0),
        "old": {"template": "hi", "traits": {}},
        "new": {"template": "ho", "traits": {"n": 1}},
    }
    assert (vanished["change"], vanished["old_at"], vanished["new_at"]) == (
        "vanished",
        iso(T0 + HOUR),
        None,
    )
    assert (vanished["old"], vanished["new"]) == ({"template": "hi"}, {})


def test_samples_are_the_first_of_each_definition_and_change() -> None:
    both = Both([VIP], samples=2)
    both.write([member("ada")], [member(each) for each in ("eve", "bob", "cid")])
    found = both.finish()
    assert found.differences == 4
    people = {key: [row["profile_id"] for row in rows] for key, rows in found.samples.items()}
    assert people == {
        ("segments", "vip", "entered"): ["bob", "cid"],
        ("segments", "vip", "exited"): ["ada"],
    }


def test_person_is_a_sample_of_a_definition_and_change_once() -> None:
    both = Both([HELLO], samples=2)
    both.write([mail(1), mail(2), mail(3, profile_id="bob")], [])
    held = both.finish().samples["commands", "hello", "vanished"]
    assert [row["profile_id"] for row in held] == ["ada", "bob"]


def test_version_tells_what_became_of_a_definition() -> None:
    old = sets.from_documents([VIP, HELLO, score(on("a"))]).versions
    new = sets.from_documents([VIP, score(holding(GOLD)), segment(GOLD, "other")]).versions
    assert differences.states(old, new) == {
        ("segment", "other"): "new",
        ("segment", "vip"): "unchanged",
        ("score", "fit"): "changed",
        ("trigger", "hello"): "ended",
    }
