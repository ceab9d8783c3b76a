"""Journeys in words: in numbers, as pictures of runs, and what becomes of these."""

import json

import msgspec
import pytest
from rich.table import Table

from processors.definitions import sets
from processors.operations import funnels, plans, walking
from processors.operations.funnels import Row, Step
from processors.operations.positions import Position, Positions
from schemas.records import RunRecord
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    MINUTE,
    PAUSE,
    T0,
    Document,
    Person,
    journey,
    step,
    track,
    wait,
)
from tests.unit.operations.test_edits import OLD, REST
from tests.unit.operations.test_plans import archive

LOOK = wait("look", until={"event": "b"}, timeout="1d", else_="end")
BRANCH = step("ask", {"branch": {"cases": [{"when": {"event": "b"}, "go": "ab"}], "else": "ab"}})
SPLIT = step("ab", {"split": {"variants": {"only": 100}}})
END = step("end", {"exit": "bye"})


def cells(table: Table) -> list[list[str]]:
    columns = [list(column.cells) for column in table.columns]
    return [[str(each) for each in row] for row in zip(*columns, strict=True)]


def told(person: Person, *stimuli: Document | int) -> list[RunRecord]:
    records: list[RunRecord] = []
    for each in stimuli:
        found = person.waits(each) if isinstance(each, int) else person.hears(each)
        records += found.runs
    return records


ROW = Row(
    id="j",
    name="Look",
    status="active",
    now=1_200,
    entered=4_000,
    completed=30,
    exited={"goal": 2, "bye": 7, "event": 7},
    goals=1_000,
    steps=(
        Step(id="look", does="wait", now=1_200, passed=9, left={"goal": 2}, median_ms=26 * HOUR),
        Step(id="gone", does="", now=0, passed=0, left={"event": 7, "bye": 7}, median_ms=None),
    ),
)


def test_journeys_and_their_steps_are_rows() -> None:
    counts = ["1,200", "4,000", "30", "16", "1,000", "25.0%"]
    assert cells(walking.journeys_table([ROW])) == [["j", "Look", "active", *counts]]
    assert cells(walking.steps_table(ROW)) == [
        ["look", "wait", "1,200", "9", "1d 2h", "2 goal"],
        ["gone", "of another version", "0", "0", "", "7 bye, 7 event"],
    ]


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0ms"), (999, "999ms"), (1_000, "1s"), (61_000, "1m 1s"), (DAY + MINUTE, "1d")],
)
def test_times_are_said_in_their_two_largest_units(ms: int, words: str) -> None:
    assert walking.duration(ms) == words


def test_journey_without_a_goal_has_no_conversion() -> None:
    published = sets.from_documents([OLD]).journeys
    rows = funnels.rows(published, {}, Positions())
    assert cells(walking.journeys_table(rows)) == [["j", "", "active", "0", "0", "0", "0", "", ""]]


def test_notes_say_what_is_counted_and_what_is_gone() -> None:
    short = walking.notes({}, T0, (30, 90))
    assert list(short) == [
        "runs that entered since 2026-01-01T00:00:00.000Z; `now` are all that go on, whenever they"
        " began"
    ]
    assert list(walking.notes({"old": 2}, T0, (91, 90)))[1:] == [
        "old is not published; 2 entered",
        "journey-runs keeps 90 days: runs that entered before that are not counted",
    ]
    assert len(list(walking.notes({}, T0, (9_999, None)))) == 1


def test_programs_get_the_same() -> None:
    found = json.loads(walking.journeys_json([ROW], ["note"], now_ms=T0 + DAY, since_ms=T0))
    assert (found["since"], found["notes"]) == ("2026-01-01T00:00:00.000Z", ["note"])
    (row,) = found["journeys"]
    assert (row["conversion"], row["exited"]["bye"]) == (0.25, 7)
    assert row["steps"][0]["median_ms"] == 26 * HOUR


def test_run_is_drawn_from_entry_to_end() -> None:
    document = journey("a", PAUSE, LOOK, BRANCH, SPLIT, HELLO, END)
    records = told(Person(document), track("a"), T0 + HOUR, track("b", T0 + 2 * HOUR, id="heard"))
    (run,) = walking.runs(records)
    head, *lines = walking.run_lines(run)
    version = run[0].version
    assert head == (
        f"j, run {run[0].run_id}, version {version}: entered 2026-01-01T00:00:00.000Z by"
        f" a@{T0}; exited 2026-01-01T02:00:00.000Z: bye"
    )
    assert [line.replace("2026-01-01T", "").replace(":00.000Z", "") for line in lines] == [
        "├ 00:00  pause  waits until 01:00",
        "├ 01:00  pause  goes on: due",
        "├ 01:00  look   waits until 2026-01-02T01:00",
        "├ 02:00  look   goes on: heard",
        "├ 02:00  ask    takes case 0",
        "├ 02:00  ab     is of variant only",
        "├ 02:00  hello  done",
        "└ 02:00  end    exited: bye",
    ]


def test_run_that_goes_on_and_is_edited_is_drawn_as_such() -> None:
    person = Person(OLD)
    records = told(person, track("a"))
    forever = journey(
        "a", wait("rest", until={"event": "b"}), live_edit="follow", moves={"pause": "rest"}
    )
    records += person.gets(forever, adopted_ms=T0 + 1).runs
    (run,) = walking.runs(records)
    head, *lines = walking.run_lines(run)
    assert head.endswith("; goes on")
    assert lines[-2].endswith(f"rest   moves to version {run[-1].version}")
    assert lines[-1].endswith("rest   waits")


def test_goal_else_and_late_are_said() -> None:
    ask = step("ask", {"branch": {"cases": [{"when": {"event": "c"}, "go": "pause"}]}})
    document = journey("a", ask, PAUSE, goal={"event": "b"}, per="messageId", re_entry="always")
    person = Person(document)
    records = told(person, track("a"), track("x", T0 + 2), track("a", T0 + 1), track("b", T0 + 3))
    first, second = walking.runs(records)
    lines = [line.partition("Z  ")[2] for line in list(walking.run_lines(first))[1:]]
    assert lines[0] == "ask    takes else"
    assert lines[2:] == ["pause  reaches the goal", "pause  exited: goal"]
    assert list(walking.run_lines(second))[1].endswith("takes else, late")


def test_run_whose_beginning_is_gone_says_so() -> None:
    records = told(Person(OLD), track("a"), T0 + DAY)
    (run,) = walking.runs(records[1:])
    head = next(walking.run_lines(run))
    assert head.endswith("its beginning is gone from the topic; completed 2026-01-01T01:00:00.000Z")


def test_run_that_has_only_entered_is_one_line() -> None:
    records = told(Person(OLD), track("a"))
    assert len(list(walking.run_lines(records[:1]))) == 1


def test_programs_get_runs_with_all_that_happened() -> None:
    records = told(Person(OLD), track("a"))
    found = json.loads(walking.runs_json("p", walking.runs(records), ["note"]))
    (run,) = found["runs"]
    assert (found["profile_id"], run["journey_id"], found["notes"]) == ("p", "j", ["note"])
    assert [each["what"] for each in run["records"]] == ["entered", "waiting"]
    assert run["records"][1]["until"] == "2026-01-01T01:00:00.000Z"


def test_what_retention_has_cut_off_is_said() -> None:
    assert list(walking.gone(False, 90)) == []
    (said,) = walking.gone(True, 90)
    assert said.startswith("the first records of journey-runs are gone (it keeps 90 days): ")
    (unknown,) = walking.gone(True, None)
    assert unknown.startswith("the first records of journey-runs are gone: ")


def fates(new: Document | None, *steps: str) -> list[list[str] | str]:
    chosen = sets.from_documents([] if new is None else [new])
    plan = plans.plan(archive([OLD]), chosen, prune=True)
    positions = Positions({Position("j", "v", each): 2 for each in steps})
    found: list[list[str] | str] = []
    for each in walking.fates(plan, positions):
        found += [each] if isinstance(each, str) else cells(each)
    return found


def test_it_is_said_what_becomes_of_runs() -> None:
    moved = journey("a", REST, HELLO, live_edit="follow", moves={"pause": "rest"})
    assert fates(moved, "pause", "hello", "old") == [
        "journey/j: 6 runs under way, live_edit: follow",
        ["pause", "v", "2", "moves to rest"],
        ["hello", "v", "2", "goes on"],
        ["old", "v", "2", "ends as step-gone"],
    ]
    assert fates(None, "pause") == [
        "journey/j: 2 runs under way, deleted",
        ["pause", "v", "2", "ends as deleted"],
    ]
    assert fates(moved) == ["journey/j: no run is under way, live_edit: follow"]
    assert fates(OLD) == []


def test_runs_that_stand_still_are_told() -> None:
    plan = plans.plan(archive([OLD]), sets.from_documents([journey("a", REST)]))
    edit = msgspec.structs.replace(plan.edits[0], unfit=frozenset({"v"}))
    plan = msgspec.structs.replace(plan, edits=(edit,))
    *_, table = walking.fates(plan, Positions({Position("j", "v", "pause"): 1}))
    assert isinstance(table, Table)
    assert cells(table)[0][-1] == "stands still: its version names what is gone"
