"""Lists that are changed from outside, by an event of the person: `List Changed`."""

from typing import Any

import pytest

from processors.decisions.moments import Decision
from schemas.events import LIST_CHANGED
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Json,
    Person,
    moves,
    reasons,
    segment,
    static_list,
    track,
    trigger,
)

CALLS = static_list("calls")


def listing(change: Any = "added", at: int = T0, list_id: Any = "calls") -> Json:
    """Returns the event that puts somebody on a list, or takes them off."""
    return track(LIST_CHANGED, at, id=f"{change}-{at}", list=list_id, change=change)


def put(person: Person, *changes: str) -> list[Decision]:
    return [person.hears(listing(each, T0 + n)) for n, each in enumerate(changes)]


def test_people_come_onto_a_list_and_off_it() -> None:
    person = Person(CALLS)
    person.hears(listing())
    assert (person.profile.lists, person.profile.listed) == (["calls"], {"calls": T0})
    person.hears(listing("removed", T0 + 1))
    assert (person.profile.lists, person.profile.listed) == ([], {})


def test_who_is_on_a_list_already_has_been_since_then() -> None:
    person = Person(CALLS)
    put(person, "added", "added")
    assert (person.profile.lists, person.profile.listed) == (["calls"], {"calls": T0})


def test_who_is_taken_off_without_having_been_on_it_is_not() -> None:
    person = Person(CALLS)
    put(person, "removed")
    assert (person.profile.lists, person.profile.listed) == ([], None)


@pytest.mark.parametrize(
    "event",
    [
        listing(list_id="others"),
        listing(list_id=["calls"]),
        listing("moved"),
        listing(None),
        listing(["added"]),
        track(LIST_CHANGED),
    ],
    ids=str,
)
def test_event_that_says_neither_a_list_nor_a_change_changes_none(event: Json) -> None:
    person = Person(CALLS, segment({"list": "calls"}))
    assert moves(person.hears(event)) == []
    assert person.profile.lists == []


def test_segments_and_triggers_turn_as_by_a_trigger() -> None:
    person = Person(
        CALLS,
        segment({"list": "calls"}),
        trigger({"list": "calls", "change": "added"}, id="on"),
        trigger({"list": "calls", "change": "removed"}, id="off"),
        trigger({"segment": "s", "change": "entered"}, id="in"),
    )
    decisions = put(person, "added", "added", "removed")
    assert [reasons(each) for each in decisions] == [
        [("in", "fired"), ("on", "fired")],
        [],
        [("off", "fired")],
    ]
    assert [moves(each) for each in decisions] == [
        [("s", "entered", 0, f"added-{T0}")],
        [],
        [("s", "exited", 2, f"removed-{T0 + 2}")],
    ]


def test_what_comes_late_counts_when_it_comes() -> None:
    person = Person(CALLS)
    for event in (track("a", T0 + DAY), listing("added", T0 + HOUR), listing("removed", T0)):
        person.hears(event)
    assert person.profile.lists == []


def test_it_is_nothing_that_the_person_did() -> None:
    person = Person(CALLS, trigger({"inactive": "1d"}))
    person.hears(track("a", T0))
    person.hears(listing("added", T0 + HOUR))
    assert [each.at for each in person.waits(T0 + DAY).commands] == [T0 + DAY]


def test_nor_is_it_without_any_list() -> None:
    person = Person(trigger({"inactive": "1d"}))
    person.hears(listing())
    assert person.waits(T0 + 9 * DAY).commands == []


def test_definitions_may_count_it_like_any_event() -> None:
    counts: Document = {"event": LIST_CHANGED, "where": [{"property": "list", "equals": "x"}]}
    person = Person(segment(counts))
    assert moves(person.hears(listing(list_id="x"))) == [("s", "entered", 0, f"added-{T0}")]
