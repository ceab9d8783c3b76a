"""Definitions that come later, and read back what was before, as if they had always been there."""

from collections.abc import Iterable
from typing import Any

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import backfills
from processors.decisions.compiled import Compiled
from processors.decisions.nodes import ScoreNode
from processors.runtime.memory import Driver
from tests.builders import Document, Json, Recorder, compiled, emit, trigger
from tests.logs import histories, sorted_histories
from tests.oracle.recompute import recompute
from tests.properties import budget
from tests.simulation.results import Row, of_engine, records, tables
from tests.simulation.test_oracle import end_of
from tests.simulation.test_order import is_close, standing
from tests.worlds import GAPS, STATIC, states_of_any_past

TELLER = trigger("a", emit("c"), id="teller")
"""What triggers tell counts too, though it stands in the log after what it was told for."""
Changes = list[tuple[Any, ...]]


def late_start(
    before: Compiled, after: Compiled, log: list[Json], place: int, out: Recorder
) -> Driver:
    """Returns where a log ends of which the first few events came under other definitions."""
    driver = Driver(before, out, keeps_log=True)
    driver.feed(records(log[:place]))
    driver.activate(after)
    driver.feed(records(log[place:]))
    return driver


def needed(driver: Driver, now: int) -> dict[str, Any]:
    """Returns how people stand, without what is kept of older definitions that asked for more."""
    counted = backfills.counted(driver.compiled)
    found = standing(driver, now)
    for person in found.values():
        for key, count in person["counts"].items():
            if key in counted:
                person["counts"][key] = min(count, counted[key].capacity)
        for key, times in person["times"].items():
            person["times"][key] = times[-counted[key].capacity :]
    return found


@budget(100)
@given(
    states_of_any_past, states_of_any_past, histories(), st.integers(1, 12), st.sampled_from(GAPS)
)
def test_definitions_that_come_later_end_like_those_that_were_always_there(
    first: list[Document], second: list[Document], log: list[Json], place: int, more_ms: int
) -> None:
    before, after = compiled(*STATIC, *first), compiled(*STATIC, *second)
    until_ms, out = end_of(log, more_ms), Recorder()
    driver = late_start(before, after, log, place, out)
    driver.advance(until_ms)
    _, always = of_engine(after, log, until_ms)
    found, wanted = needed(driver, until_ms), needed(always, until_ms)
    assert is_close(found, wanted), (found, wanted)
    told = recompute([*STATIC, *second], log, until_ms)
    assert members(out) == {(row["profile_id"], row["segment_id"]) for row in told.segments}
    assert values(after, tables(out)[0].values()) == values(after, told.scores)
    note(f"{len(backfills.lacking(before, after))} to be counted")


def members(out: Recorder) -> set[tuple[str, str]]:
    rows = tables(out)[1].values()
    return {(row["profile_id"], row["segment_id"]) for row in rows if row["member"]}


def values(compiled: Compiled, rows: Iterable[Row]) -> dict[tuple[str, str], float]:
    """Returns scores by person and score, but for those that are as if nothing had counted.

    Those that fade are told when something happens, and it does at other instants here.
    """
    steady = ids_of_steady(compiled)
    return {
        (row["profile_id"], row["score_id"]): row["value"]
        for row in rows
        if row["score_id"] in steady and row["value"] != compiled.scales[row["score_id"]].empty
    }


@budget(50)
@given(states_of_any_past, sorted_histories(), st.integers(1, 12), st.sampled_from(GAPS))
def test_what_changes_from_then_on_is_what_would_have_changed(
    documents: list[Document], log: list[Json], place: int, more_ms: int
) -> None:
    """Where nothing is late: what comes later but happened before the change counts as of that."""
    before, after = compiled(*STATIC, TELLER), compiled(*STATIC, TELLER, *documents)
    until_ms = end_of(log, more_ms)
    late, always = Recorder(), Recorder()
    for out, begun in ((late, before), (always, after)):
        driver = Driver(begun, out, keeps_log=True)
        driver.feed(records(log[:place]))
        driver.activate(after)
        out.records.clear()
        driver.feed(records(log[place:]))
        driver.advance(until_ms)
    assert changes(late, after) == changes(always, after)


def ids_of_steady(compiled: Compiled) -> set[str]:
    return {each.id for each in compiled.nodes if isinstance(each, ScoreNode)}


def changes(out: Recorder, compiled: Compiled) -> Changes:
    steady = ids_of_steady(compiled)
    found = [value for _, value in out.of("segment-changes")]
    moved = [value for _, value in out.of("score-changes")]
    return [
        *((each.profile_id, each.segment_id, each.change, each.at) for each in found),
        *(
            (each.profile_id, each.score_id, each.old, each.new, each.at)
            for each in moved
            if each.score_id in steady
        ),
    ]
