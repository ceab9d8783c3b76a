"""Words of a diff and of a plan: what differs has a row; samples are people; deeds are counted."""

import pytest
from rich.table import Table

from processors.definitions.versions import version as version_of
from processors.operations import telling
from processors.operations.differences import Commands, Members, Moves, Row, Summary
from processors.operations.plans import Change, Plan
from schemas.definitions import DefinitionRecord
from schemas.events import iso
from tests.builders import DAY, HOUR, T0, Document, segment


def cells(table: Table) -> list[list[str]]:
    return [list(each) for each in zip(*(column.cells for column in table.columns), strict=True)]


def shown(summary: Summary) -> list[list[list[str]]]:
    return [cells(table) for table in telling.tables(summary)]


def sample(what: str, change: str, *rows: Row) -> list[str]:
    return list(telling.samples(Summary(samples={(what, "it", change): list(rows)})))


def command(**more: object) -> Row:
    return {"profile_id": "ada", "old_at": iso(T0), "new_at": iso(T0), "old": {}, "new": {}} | more


def test_what_does_not_differ_has_no_table() -> None:
    summary = Summary(
        segments={"vip": Members(state="unchanged", before=3, after=3)},
        scores={"fit": Moves(state="unchanged")},
        commands={"hello": Commands(state="unchanged", same=9)},
    )
    assert shown(summary) == []
    assert telling.total(summary).startswith("no differences over 0 events of 0 people")


def test_unchanged_definition_that_differs_has_a_row() -> None:
    summary = Summary(
        segments={"vip": Members(state="unchanged", before=3_000, after=2, exited=2_998)},
        scores={"fit": Moves(state="unchanged", levels={("cold", "hot"): 1})},
        commands={"hello": Commands(state="unchanged", same=9, moved=1)},
    )
    assert shown(summary) == [
        [["vip", "unchanged", "3,000", "2", "0", "2,998"]],
        [["fit", "unchanged", "0", "", "0", "cold → hot: 1"]],
        [["hello", "unchanged", "9", "0", "0", "1", "0"]],
    ]


@pytest.mark.parametrize("state", ["new", "changed", "ended"])
def test_changed_definition_of_which_nothing_comes_has_a_row(state: str) -> None:
    summary = Summary(segments={"vip": Members(state=state)})  # type: ignore[arg-type]
    assert shown(summary) == [[["vip", state, "0", "0", "0", "0"]]]


def test_levels_that_most_people_changed_come_first() -> None:
    levels: dict[tuple[str | None, str | None], int] = {
        ("cold", "hot"): 1,
        ("hot", "cold"): 7,
        (None, "hot"): 1,
    }
    moves = Moves(state="changed", profiles=4, compared=2, total=-3, grades=1, levels=levels)
    assert shown(Summary(scores={"fit": moves})) == [
        [["fit", "changed", "4", "-1.50", "1", "hot → cold: 7, cold → hot: 1, none → hot: 1"]]
    ]


def test_people_of_a_segment_are_named() -> None:
    rows: list[Row] = [{"profile_id": "ada"}, {"profile_id": "bob"}]
    assert sample("segments", "entered", *rows) == ["it enter: ada, bob"]
    assert sample("segments", "exited", *rows) == ["it leave: ada, bob"]


def test_moves_of_a_score_say_what_moved() -> None:
    row: Row = {"profile_id": "ada", "old_value": 10.0, "new_value": 25.5}
    row |= {"old_level": "cold", "new_level": "hot", "old_grade": "B", "new_grade": "B"}
    assert sample("scores", "moved", row) == ["it moved: ada 10 → 25.5 cold → hot"]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (HOUR, "+1:00:00"),
        (-HOUR - 400, "-1:00:00"),
        (2 * DAY, "+2 days, 0:00:00"),
        (400, "+0:00:00.400000"),
    ],
)
def test_moved_command_says_by_how_much(by: int, said: str) -> None:
    row = command(new_at=iso(T0 + by))
    assert sample("commands", "moved", row) == [f"it moved: ada {iso(T0)} {said}"]


def test_changed_command_says_from_what_to_what() -> None:
    row = command(old={"template": "a", "n": 1}, new={"template": "b" * 90})
    (line,) = sample("commands", "changed", row)
    assert line == f"it changed: ada template a, n 1 → template {'b' * 51}…"
    (line,) = sample("commands", "changed", command(new={"topic": "news"}))
    assert line == "it changed: ada nothing → topic news"


def test_command_of_one_set_says_when_it_is() -> None:
    assert sample("commands", "appeared", command(old_at=None)) == [f"it appear: ada {iso(T0)}"]
    assert sample("commands", "vanished", command(new_at=None)) == [f"it vanish: ada {iso(T0)}"]


def test_change_without_samples_is_not_told() -> None:
    assert sample("segments", "entered") == []


def test_samples_come_in_the_order_of_the_tables() -> None:
    one: list[Row] = [{"profile_id": "ada"} | command(old_at=None)]
    score: Row = {"profile_id": "ada", "old_value": 1, "new_value": 2}
    score |= {f"{age}_{name}": None for age in ("old", "new") for name in ("level", "grade")}
    samples = {
        ("commands", "a", "appeared"): one,
        ("scores", "b", "moved"): [score],
        ("segments", "c", "entered"): one,
    }
    assert [line[0] for line in telling.samples(Summary(samples=samples))] == ["c", "b", "a"]


def test_last_line_counts() -> None:
    said = telling.total(Summary(differences=1_200, events=5_000, profiles=70, dead_letters=2))
    assert said == "1,200 differences over 5,000 events of 70 people (2 dead letters)"


def plan(*changes: str, number: int = 2) -> Plan:
    """Returns a plan with a segment for each change: s0, s1 …"""
    found = tuple(
        Change(kind="segment", id=f"s{at}", change=change, version="v", number=number)  # type: ignore[arg-type]
        for at, change in enumerate(changes)
    )
    old: dict[tuple[str, str], Document] = {each.key: segment({"tag": "a"}) for each in found}
    new: dict[tuple[str, str], Document] = {each.key: segment({"tag": "b"}) for each in found}
    touched = {each.key: (("score", "fit"), ("trigger", "t")) for each in found if each.is_due}
    return Plan(changes=found, old=old, new=new, touched=touched)


def test_plan_has_a_row_for_each_definition() -> None:
    assert cells(telling.plan_table(plan("changed", "unchanged"))) == [
        ["segment/s0", "changed", "v", "2", "score/fit, trigger/t"],
        ["segment/s1", "unchanged", "v", "2", ""],
    ]


def test_documents_that_change_are_shown_line_by_line() -> None:
    assert list(telling.documents(plan("new", "changed", "ended"))) == [
        "segment/s1, 1 to 2:",
        "   name: s",
        "   when:",
        "  -  tag: a",
        "  +  tag: b",
    ]


@pytest.mark.parametrize(
    ("changes", "deed", "done"),
    [
        (("unchanged",), "", "nothing to do: 1 unchanged"),
        (("new",), "publish 1 definition", "1 published, 0 unchanged"),
        (("new", "changed"), "publish 2 definitions", "2 published, 0 unchanged"),
        (("ended", "ended"), "end 2 definitions", "0 published, 0 unchanged, 2 ended"),
        (
            ("new", "ended"),
            "publish 1 definition and end 1",
            "1 published, 0 unchanged, 1 ended",
        ),
        (
            ("not in the folder",),
            "",
            "nothing to do: 0 unchanged, 1 not in the folder (--prune ends them)",
        ),
    ],
)
def test_deeds_are_counted(changes: tuple[str, ...], deed: str, done: str) -> None:
    assert (telling.deed(plan(*changes)), telling.done(plan(*changes))) == (deed, done)


def test_catalogue_says_since_when() -> None:
    record = DefinitionRecord(
        kind="segment",
        id="vip",
        version="v",
        number=2,
        published_at=T0,
        document={"name": "Very important"},
    )
    assert cells(telling.catalogue_table([record])) == [
        ["segment/vip", "Very important", "v", "2", iso(T0)]
    ]


def version(number: int, document: Document) -> DefinitionRecord:
    return DefinitionRecord(
        kind="segment",
        id="vip",
        version=version_of(document),
        number=number,
        published_at=T0 + number,
        document=document,
    )


def changes(*documents: Document) -> list[str]:
    """Returns what each version of a definition is told to have changed."""
    versions = {number: version(number, each) for number, each in enumerate(documents, 1)}
    return [row[-1] for row in cells(telling.versions_table(versions, None))]


def test_versions_are_told_with_the_one_that_is_active() -> None:
    one, two = version(1, {"name": "a"}), version(2, {"name": "b"})
    assert cells(telling.versions_table({1: one, 2: two}, two)) == [
        ["1", one.version, iso(T0 + 1), "", ""],
        ["2", two.version, iso(T0 + 2), "active", "name"],
    ]


def test_parts_that_are_other_than_before_are_named() -> None:
    first: Document = {"id": "x", "name": "a", "when": {"tag": "a"}, "limit": 1}
    assert changes(first, first | {"name": "b", "when": {"tag": "b"}}) == ["", "name, when"]
    assert changes({"id": "x"}, {"id": "x", "name": "a"}, {"id": "x", "floor": 0}) == [
        "",
        "name",
        "floor, name",
    ]
    assert changes({"limit": 1}, {"limit": 1.0}) == ["", "limit"]


def test_version_that_came_back_says_from_where() -> None:
    a, b = {"name": "a"}, {"name": "b"}
    assert changes(a, b, a, b, a) == ["", "name", "back to 1", "back to 2", "back to 3"]
