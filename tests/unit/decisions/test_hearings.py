"""One run of a journey is ended or moved by hand."""

from typing import Any

import pytest

from processors.decisions.moments import Decision
from processors.decisions.runs import held, shown
from processors.state.runs import ENDED
from schemas.events import RUN_REQUESTED
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    PAUSE,
    T0,
    Person,
    begun,
    journey,
    reasons,
    runs,
    track,
    wait,
)


def steered(person: Person, at_ms: int = T0 + 1, place: int = 0, **asked: Any) -> Decision:
    """Returns what comes of asking for something with one of somebody's runs."""
    run = shown(held(person.profile, "j")[place])
    return person.hears(track(RUN_REQUESTED, at_ms, **({"run": run} | asked)))


def test_one_run_is_ended_by_hand_and_no_other() -> None:
    person = Person(journey("a", PAUSE, HELLO, per="k"), journey("a", PAUSE, id="other"))
    for key in ("1", "2"):
        person.hears(track("a", id=f"m{key}", k=key))
    second = held(person.profile, "j")[1].id
    assert runs(steered(person)) == [("exited", "pause", "cancelled")]
    assert [each.id for each in held(person.profile, "j")] == [second]
    assert len(held(person.profile, "other")) == 1


def test_a_run_is_moved_by_hand_and_goes_on_from_there() -> None:
    person = begun(journey("a", PAUSE, HELLO, wait("rest", for_="1d")))
    found = steered(person, step="hello")
    assert runs(found) == [
        ("moved", "hello", "request"),
        ("done", "hello", None),
        ("waiting", "rest", None),
    ]
    assert len(found.commands) == 1
    back = steered(person, T0 + 2, step="pause")
    assert runs(back) == [("moved", "pause", "request"), ("waiting", "pause", None)]
    assert person.profile.due == T0 + 2 + HOUR


def test_a_run_that_is_moved_while_the_journey_is_paused_goes_on_when_that_is_over() -> None:
    person = begun(journey("a", PAUSE, HELLO))
    person.gets(journey("a", PAUSE, HELLO, status="paused"))
    assert runs(steered(person, step="hello")) == [("moved", "hello", "request")]
    resumed = person.gets(journey("a", PAUSE, HELLO))
    assert runs(resumed) == [("done", "hello", None), ("completed", "", None)]


@pytest.mark.parametrize("step", ["nowhere", 3])
def test_a_run_is_not_moved_to_where_there_is_no_step(step: object) -> None:
    person = begun(journey("a", PAUSE, HELLO))
    found = steered(person, step=step)
    assert (runs(found), reasons(found)) == ([], [("j", "no-step")])
    assert held(person.profile, "j")[0].step == "pause"


def test_what_is_asked_of_a_run_that_is_over_or_nobodys_does_nothing() -> None:
    person = begun(journey("a", PAUSE, goal={"event": "b", "within": "9d"}))
    run = shown(held(person.profile, "j")[0])
    person.waits(T0 + DAY)
    assert held(person.profile, "j")[0].state == ENDED
    for asked in (run, "0" * 16, None):
        assert runs(steered(person, T0 + DAY + 1, run=asked)) == []
