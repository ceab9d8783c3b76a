"""Lives from numbers: that they hold, that what does not is found, and that it is made short."""

from typing import Any

import pytest

from processors.runtime.tables import Table
from schemas.records import RunRecord
from tests.builders import PAUSE, T0, TAGGED, journey, step, tag, track
from tests.simulation import invariants, seeds
from tests.simulation.made import Item, Life, Turn, life


@pytest.mark.parametrize("seed", range(200))
def test_a_life_holds_whatever_befalls_the_worker(seed: int) -> None:
    one = life(seed)
    error = seeds.failure(one)
    if error is not None:
        seeds.tell(seed, one, error)
        raise error


def test_a_number_stands_for_one_life() -> None:
    assert life(7) == life(7)
    assert life(7) != life(8)


def test_a_fault_is_found_and_told_for_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that forgets which timers a lost batch had taken from it."""
    monkeypatch.setattr(Table, "return_due", lambda self, profile_ids: None)
    clock = {"type": "clock", "timestamp": "2026-01-03T00:00:00Z"}
    log: list[Item] = [track("a"), track("b", T0 + 1), track("b", T0 + 2), clock]
    take, lost = Turn("take", 1, "", False), Turn("fire", 5, "uncommitted", False)
    one = Life([[journey("a", PAUSE, TAGGED)]], log, [take, take, take, take, lost, take])

    monkeypatch.setattr(seeds, "life", lambda seed: one)

    with pytest.raises(SystemExit):
        seeds.main(1, 9)

    told = capsys.readouterr().out
    assert told.startswith("seed 9 fails: told otherwise")
    assert "'event': 'b'" not in told
    assert told.count("Turn(") == 3


def test_all_is_counted_that_happened(capsys: pytest.CaptureFixture[str]) -> None:
    seeds.main(3)

    told = capsys.readouterr().out
    assert told.startswith("3 seeds from 0 on hold")
    assert "committed" in told


def record(what: Any, step: str, visit: int, at: int = 0, **more: Any) -> RunRecord:
    given: dict[str, Any] = {"choice": None, "until": None, "cause": "clock", "late": False} | more
    return RunRecord(
        run_id="r",
        profile_id="p",
        journey_id="j",
        version="v",
        step=step,
        what=what,
        visit=visit,
        at=at,
        **given,
    )


GRAPH = invariants.graph(
    journey(
        "a",
        step("one", tag("x")),
        step("two", {"branch": {"cases": [{"when": {"tag": "x"}, "go": "four"}]}}),
        step("three", {"exit": "no"}),
        step("four", tag("y"), go="one"),
    )
)


def test_ways_are_those_that_are_written() -> None:
    expected = {
        "": {"one"},
        "one": {"two"},
        "two": {"three", "four"},
        "three": set(),
        "four": {"one"},
    }
    assert expected == GRAPH


@pytest.mark.parametrize(("step", "visit"), [("two", 1), ("four", 2), ("three", 2), ("one", 3)])
def test_a_way_that_is_not_there_is_found(step: str, visit: int) -> None:
    begun = [record("entered", "", 0)]
    with pytest.raises(AssertionError, match="does not follow"):
        invariants.paths([*begun, record("done", step, visit)], {("j", "v"): GRAPH})
    invariants.paths([*begun, record("done", "four", 3)], {("j", "v"): GRAPH})


@pytest.mark.parametrize("at", [9, 11])
def test_a_timer_that_is_early_or_late_is_found(at: int) -> None:
    told = [record("waiting", "w", 1, until=10), record("went", "w", 1, at, choice="due")]
    with pytest.raises(AssertionError, match="is not as of 10"):
        invariants.timers_exact(told, set())
    invariants.timers_exact(told, {"j"})


def test_a_step_that_is_taken_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="twice"):
        invariants.steps_once([record("done", "one", 1), record("done", "one", 1)])


@pytest.mark.parametrize("spans", [[(0, 2), (3, 4)], [(0, 2), (1, 4)], [(0, 3)]])
def test_records_that_are_left_out_or_decided_on_twice_are_found(
    spans: list[tuple[int, int]],
) -> None:
    with pytest.raises(AssertionError):
        invariants.applied_once(spans, 4)
