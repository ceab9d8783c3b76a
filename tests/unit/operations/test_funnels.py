"""How far runs get: counted from what the engine itself tells of them."""

from collections.abc import Iterable

import msgspec
import pytest

from processors.definitions import sets
from processors.operations import funnels
from processors.operations.funnels import Funnel, Passage, Row, rounded
from processors.operations.positions import Position, Positions
from schemas.records import RunRecord
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    MINUTE,
    SEND,
    T0,
    TAGGED,
    Document,
    Json,
    Partition,
    Person,
    journey,
    step,
    track,
    wait,
)

LOOK = wait("look", until={"event": "b"}, timeout="1d", else_="late")


def told(*events: Json, until_ms: int = T0, documents: Iterable[Document]) -> list[RunRecord]:
    """Returns what the engine tells of the runs of one partition."""
    partition = Partition(*documents)
    partition.each(events)
    partition.driver.advance(until_ms)
    return [record for _, record in partition.out.of("journey-runs")]


def counted(*events: Json, until_ms: int = T0, documents: Iterable[Document]) -> Funnel:
    """Returns the counts of the journey `j`."""
    records = told(*events, until_ms=until_ms, documents=documents)
    return funnels.count([records], since_ms=0)["j"]


def at(name: str, person: str, ms: int = 0) -> Json:
    return track(name, T0 + ms, id=f"{name}{person}{ms}", person=person)


def test_steps_are_passed_left_and_timed() -> None:
    steps = (TAGGED, LOOK, step("seen", SEND, go="end"), step("late", SEND))
    document = journey("a", *steps, step("end", {"exit": "bye"}), exit=[{"event": "stop"}])
    found = counted(
        *(at("a", person) for person in ("p", "q", "r", "s")),
        *(at("b", "p", HOUR), at("b", "q", HOUR + 1), at("stop", "r", HOUR + 2)),
        until_ms=T0 + 2 * DAY,
        documents=[document],
    )
    assert found == Funnel(
        entered=4,
        exited={"bye": 3, "event": 1},
        steps={
            "tagged": Passage(passed=4),
            "look": Passage(passed=3, left={"event": 1}, times={HOUR: 2, DAY: 1}),
            "seen": Passage(passed=2),
            "late": Passage(passed=1),
            "end": Passage(left={"bye": 3}),
        },
    )
    assert found.steps["look"].median_ms == HOUR


def test_goals_count_also_after_the_end_each_once() -> None:
    document = journey("a", HELLO, goal={"event": "buy", "within": "7d"}, re_entry="always")
    waiting = journey("a", wait(for_="9d"), goal={"event": "buy"}, id="k")
    events = [at("a", "p"), at("a", "q"), at("buy", "p", HOUR), at("buy", "p", 2 * HOUR)]
    records = told(*events, documents=[document, waiting])
    found = funnels.count([records], since_ms=0)
    assert (found["j"].entered, found["j"].completed, found["j"].goals) == (2, 2, 1)
    assert (found["k"].completed, found["k"].goals, found["k"].exited) == (0, 1, {"goal": 1})


def test_step_that_begins_another_journey_and_waits_for_it_is_passed_once() -> None:
    child = journey({"manual": True}, wait("rest", for_="1h"), id="child")
    quick = journey({"manual": True}, HELLO, id="quick")
    starts = (
        step("slow", {"start_journey": {"journey": "child", "wait": True}}),
        step("fast", {"start_journey": {"journey": "quick", "wait": True}}),
        step("alone", {"start_journey": "child"}),
    )
    found = counted(
        at("a", "p"), until_ms=T0 + DAY, documents=[journey("a", *starts), child, quick]
    )
    passed = {id_: passage.passed for id_, passage in found.steps.items()}
    assert passed == {"slow": 1, "fast": 1, "alone": 1}
    assert found.steps["slow"].times == {HOUR: 1}
    assert found.completed == 1


def test_run_that_still_waits_for_another_one_has_not_passed() -> None:
    child = journey({"manual": True}, wait("rest", for_="1h"), id="child")
    start = step("slow", {"start_journey": {"journey": "child", "wait": True}})
    found = counted(at("a", "p"), documents=[journey("a", start), child])
    assert found.steps["slow"] == Passage()


def test_step_is_passed_as_often_as_a_run_comes_by() -> None:
    round_ = (wait("rest", for_="1h"), step("look", {"branch": {"cases": BACK, "else": "end"}}))
    document = journey("a", *round_, step("end", {"exit": "bye"}))
    found = counted(
        at("a", "p"), at("b", "p", 150 * MINUTE), until_ms=T0 + DAY, documents=[document]
    )
    assert found.steps["rest"] == Passage(passed=3, times={HOUR: 3})
    assert found.steps["look"].passed == 3


BACK = [{"when": {"not": {"event": "b"}}, "go": "rest"}]


def test_only_runs_that_entered_since_then_count_with_all_that_comes_of_them() -> None:
    document = journey("a", wait("rest", for_="1h"), per="messageId", re_entry="always")
    records = told(at("a", "p"), at("a", "p", 1), until_ms=T0 + DAY, documents=[document])
    found = funnels.count([records], since_ms=T0 + 1)["j"]
    assert (found.entered, found.completed) == (1, 1)
    assert found.steps == {"rest": Passage(passed=1, times={HOUR: 1})}


def test_run_whose_beginning_is_gone_does_not_count() -> None:
    document = journey("a", wait("rest", for_="1h"))
    records = told(at("a", "p"), until_ms=T0 + DAY, documents=[document])
    assert funnels.count([records[1:]], since_ms=0) == {}


def test_run_that_an_edit_has_moved_away_has_not_passed() -> None:
    person = Person(journey("a", wait("rest", for_="1h")))
    records = person.hears(track("a")).runs
    new = journey("a", wait("look", for_="2h"), live_edit="follow", moves={"rest": "look"})
    records += person.gets(new, adopted_ms=T0 + 1).runs + person.waits(T0 + DAY).runs
    found = funnels.count([records], since_ms=0)["j"]
    assert found.steps == {
        "rest": Passage(),
        "look": Passage(passed=1, times={2 * HOUR: 1}),
    }


def test_partitions_add_up() -> None:
    document = journey("a", HELLO)
    records = told(at("a", "p"), documents=[document])
    other = [msgspec.structs.replace(each, run_id="f" * 16) for each in records]
    found = funnels.count([records, [], other], since_ms=0)["j"]
    assert (found.entered, found.completed, found.steps["hello"].passed) == (2, 2, 2)


def test_wait_that_is_over_at_once_takes_no_time() -> None:
    found = counted(at("a", "p"), documents=[journey("a", wait("day", date="born"))])
    assert found.steps["day"] == Passage(passed=1, times={0: 1})


@pytest.mark.parametrize(
    ("times", "median"),
    [({}, None), ({5: 1}, 5), ({1: 1, 9: 1}, 1), ({1: 1, 9: 2}, 9), ({9: 1, 1: 3}, 1)],
)
def test_median_is_what_half_take_at_most(times: dict[int, int], median: int | None) -> None:
    assert Passage(times=times).median_ms == median


@pytest.mark.parametrize(
    ("ms", "kept"),
    [
        (0, 0),
        (999, 999),
        (12_345, 12_340),
        (86_400_123, 86_400_000),
        (1_209_600_000, 1_210_000_000),
    ],
)
def test_times_keep_their_first_digits(ms: int, kept: int) -> None:
    assert rounded(ms) == kept


def rows(*documents: Document, funnel: Funnel, **standing: int) -> list[Row]:
    published = sets.from_documents(documents).journeys
    positions = Positions({Position("j", "v", id_): runs for id_, runs in standing.items()})
    return funnels.rows(published, {"j": funnel}, positions)


def test_journey_is_shown_with_its_steps_in_order_and_then_those_of_other_versions() -> None:
    document = journey("a", LOOK, step("on", go="late"), step("late", SEND), name="Look", goal=BUY)
    funnel = Funnel(entered=4, goals=1, steps={"gone": Passage(passed=2)})
    (row,) = rows(document, funnel=funnel, late=2, moved=1)
    assert (row.id, row.name, row.status, row.now) == ("j", "Look", "active", 3)
    assert [(each.id, each.does, each.now, each.passed) for each in row.steps] == [
        ("look", "wait", 0, 0),
        ("on", "go", 0, 0),
        ("late", "send", 2, 0),
        ("gone", "", 0, 2),
        ("moved", "", 1, 0),
    ]
    assert (row.goals, row.conversion) == (1, 0.25)


BUY: Document = {"event": "buy"}


def test_runs_of_all_versions_stand_at_a_step_together() -> None:
    published = sets.from_documents([journey("a", HELLO)]).journeys
    positions = Positions({Position("j", version, "hello"): 2 for version in ("v", "w")})
    (row,) = funnels.rows(published, {}, positions)
    assert (row.now, row.steps[0].now) == (4, 4)


def test_without_a_goal_or_anybody_there_is_no_conversion() -> None:
    (aimless,) = rows(journey("a", HELLO), funnel=Funnel(entered=2))
    (empty,) = rows(journey("a", HELLO, goal=BUY), funnel=Funnel())
    assert (aimless.goals, aimless.conversion) == (None, None)
    assert (empty.goals, empty.conversion) == (0, None)


def test_journeys_that_are_not_published_any_more_are_named() -> None:
    published = sets.from_documents([journey("a", HELLO)]).journeys
    found = {"z": Funnel(entered=2), "j": Funnel(entered=1), "b": Funnel()}
    assert funnels.unpublished(published, found) == {"b": 0, "z": 2}
