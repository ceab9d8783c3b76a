"""Sequences: what came one after the other, what did not, and until when that holds."""

from typing import Any

import pytest

from processors.decisions.sequences import MAX_KEPT
from tests.builders import DAY, HOUR, MINUTE, T0, Document, Person, moves, segment, track

VIEWED: Document = {"event": "viewed"}
BOUGHT: Document = {"event": "bought"}
NOT_BOUGHT: Document = {"not_event": "bought"}


def asks(*steps: Document, **keys: Any) -> Document:
    return {"sequence": list(steps)} | keys


def after(when: Document, *heard: tuple[str, int] | tuple[str, int, Any]) -> Person:
    """Returns somebody who did these, each so many ms after T0, with a product."""
    person = Person(segment(when))
    for number, (name, at_ms, *product) in enumerate(heard):
        properties = {"product": product[0]} if product else {}
        person.hears(track(name, T0 + at_ms, id=f"m{number}", **properties))
    return person


def is_member(when: Document, *heard: tuple[str, int] | tuple[str, int, Any]) -> bool:
    return bool(after(when, *heard).segments)


def test_events_count_in_their_order_only() -> None:
    when = asks(VIEWED, BOUGHT)
    assert not is_member(when, ("viewed", 0))
    assert is_member(when, ("viewed", 0), ("bought", 1))
    assert not is_member(when, ("bought", 0), ("viewed", 1))
    assert is_member(when, ("bought", 0), ("viewed", 1), ("bought", 2))


def test_events_at_the_same_instant_are_in_no_order() -> None:
    assert not is_member(asks(VIEWED, BOUGHT), ("viewed", 0), ("bought", 0))
    assert not is_member(asks(VIEWED, VIEWED), ("viewed", 0))
    assert is_member(asks(VIEWED, VIEWED), ("viewed", 0), ("viewed", 1))


def test_late_event_takes_its_place() -> None:
    assert is_member(asks(VIEWED, BOUGHT), ("bought", HOUR), ("viewed", 0))


def test_within_counts_from_the_step_before() -> None:
    when = asks(VIEWED, {"event": "added", "within": "1h"}, {"event": "bought", "within": "1h"})
    steps = [("viewed", 0), ("added", HOUR - 1), ("bought", 2 * HOUR - 2)]
    assert is_member(when, *steps)
    assert not is_member(when, steps[0], ("added", HOUR), steps[2])
    assert not is_member(when, *steps[:2], ("bought", 2 * HOUR - 1))


def test_a_nearer_start_is_found_where_the_first_is_too_far() -> None:
    when = asks(VIEWED, {"event": "bought", "within": "1h"})
    assert is_member(when, ("viewed", 0), ("viewed", DAY), ("bought", DAY + 1))


def test_steps_ask_for_properties() -> None:
    asked = {"where": [{"property": "product", "equals": "lamp"}]}
    when = asks(VIEWED | asked, BOUGHT)
    assert is_member(when, ("viewed", 0, "lamp"), ("bought", 1))
    assert not is_member(when, ("viewed", 0, "chair"), ("bought", 1))


def test_what_must_not_come_between_spoils_it() -> None:
    when = asks(VIEWED, {"not_event": "left"}, BOUGHT)
    assert is_member(when, ("viewed", 0), ("bought", 2))
    assert not is_member(when, ("viewed", 0), ("left", 1), ("bought", 2))
    assert is_member(when, ("viewed", 0), ("left", 0), ("bought", 2))
    assert is_member(when, ("viewed", 0), ("left", 2), ("bought", 2))
    assert is_member(when, ("viewed", 0), ("left", 1), ("viewed", 2), ("bought", 3))


def test_who_does_not_follow_within_a_time_enters_at_its_end() -> None:
    person = after(asks(VIEWED, NOT_BOUGHT | {"within": "1h"}), ("viewed", 0))
    assert not person.segments
    assert moves(person.waits(T0 + DAY)) == [("s", "entered", HOUR, "clock")]


@pytest.mark.parametrize(("at_ms", "is_in"), [(0, True), (1, False), (HOUR - 1, False)])
def test_who_follows_in_time_does_not_enter(at_ms: int, is_in: bool) -> None:
    person = after(asks(VIEWED, NOT_BOUGHT | {"within": "1h"}), ("viewed", 0), ("bought", at_ms))
    person.waits(T0 + DAY)
    assert bool(person.segments) is is_in


def test_who_follows_later_stays() -> None:
    person = after(asks(VIEWED, NOT_BOUGHT | {"within": "1h"}), ("viewed", 0), ("bought", HOUR))
    assert person.segments


def test_who_must_never_follow_is_in_until_then() -> None:
    when = asks(VIEWED, NOT_BOUGHT)
    assert is_member(when, ("viewed", 0))
    assert not is_member(when, ("viewed", 0), ("bought", 1))
    assert is_member(when, ("viewed", 0), ("bought", 1), ("viewed", 2))


def test_several_may_have_to_stay_away() -> None:
    when = asks(VIEWED, NOT_BOUGHT | {"within": "2h"}, {"not_event": "left", "within": "1h"})
    person = after(when, ("viewed", 0), ("left", HOUR))
    assert moves(person.waits(T0 + DAY)) == [("s", "entered", 2 * HOUR, "clock")]
    person = after(when, ("viewed", 0), ("left", HOUR - 1))
    assert moves(person.waits(T0 + DAY)) == []


def test_late_event_that_should_have_stayed_away_ends_it() -> None:
    person = after(asks(VIEWED, NOT_BOUGHT | {"within": "1h"}), ("viewed", 0), ("viewed", 2 * HOUR))
    assert person.segments
    person.hears(track("bought", T0 + MINUTE, id="late"))
    assert not person.segments


def test_membership_ends_when_the_first_event_leaves_the_window() -> None:
    when = asks(VIEWED, BOUGHT, within="1d")
    person = after(when, ("viewed", 0), ("viewed", HOUR), ("bought", 2 * HOUR))
    assert moves(person.waits(T0 + 3 * DAY)) == [("s", "exited", HOUR + DAY, "clock")]
    assert not is_member(when, ("viewed", 0), ("bought", DAY))


def test_what_becomes_ready_after_its_window_never_counts() -> None:
    when = asks(VIEWED, NOT_BOUGHT | {"within": "2h"}, within="1h")
    assert moves(after(when, ("viewed", 0)).waits(T0 + DAY)) == []


def test_same_asks_for_one_value_in_all_steps() -> None:
    when = asks(VIEWED, BOUGHT, same="product")
    assert is_member(when, ("viewed", 0, "lamp"), ("bought", 1, "lamp"))
    assert not is_member(when, ("viewed", 0, "lamp"), ("bought", 1, "chair"))
    assert not is_member(when, ("viewed", 0), ("bought", 1))
    when = asks(VIEWED, NOT_BOUGHT, same="product")
    assert is_member(when, ("viewed", 0, "lamp"), ("bought", 1, "chair"))
    assert not is_member(when, ("viewed", 0, 1), ("bought", 1, 1.0))


def test_what_was_completed_stays_so_however_much_comes_after() -> None:
    person = after(asks(VIEWED, BOUGHT), ("viewed", 0), ("bought", 1))
    for number in range(MAX_KEPT + 1):
        person.hears(track("viewed", T0 + HOUR + number, id=f"more-{number}"))
    assert person.segments


def test_other_definitions_forget_what_was_noted() -> None:
    person = after(asks(VIEWED, BOUGHT), ("viewed", 0), ("bought", 1))
    person.gets(segment({"tag": "x"}))
    assert (person.profile.counts, person.profile.times) == ({}, {})
