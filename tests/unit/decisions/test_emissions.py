"""Events that triggers tell: handled right after what told them, and not without end."""

from processors.decisions.actions import MAX_EMITS, MAX_TOLD
from tests.builders import (
    DAY,
    HOUR,
    SEND,
    T0,
    Person,
    emit,
    on,
    reasons,
    score,
    segment,
    tag,
    track,
    trigger,
)


def test_an_event_that_a_trigger_tells_is_handled_right_after() -> None:
    person = Person(
        score(on("told", 10)),
        trigger("a", emit("told", n=1), SEND),
        trigger({"event": "told", "where": [{"property": "n", "equals": 1}]}, id="u"),
    )
    decision = person.hears(track("a", T0 + 5))
    (event,) = decision.emitted
    command = decision.commands[1]
    assert reasons(decision) == [("t", "fired"), ("u", "fired")]
    assert person.score() == 10
    assert event.message_id.startswith("emit-")
    assert (command.occurrence, command.at) == (event.message_id, T0 + 5)
    assert (event.user_id, round(event.timestamp.timestamp() * 1000)) == ("p", T0 + 5)


def test_a_told_event_that_comes_back_in_the_log_is_known() -> None:
    person = Person(trigger("a", emit("told")), trigger("told", id="u"))
    (event,) = person.hears(track("a")).emitted
    assert person.hears(track("told", id=event.message_id)).duplicates == 1


def test_a_told_event_that_was_heard_already_is_not_handled_again() -> None:
    documents = [trigger("a", emit("told")), trigger("told", id="u")]
    (event,) = Person(*documents).hears(track("a")).emitted
    person = Person(*documents)
    person.hears(track("told", id=event.message_id))
    assert reasons(person.hears(track("a"))) == [("t", "fired")]


def test_events_are_told_after_all_rounds_and_depth_first() -> None:
    person = Person(
        segment({"tag": "vip"}),
        trigger("a", emit("b"), emit("c"), tag("vip"), id="1"),
        trigger({"segment": "s", "change": "entered"}, id="2"),
        trigger("b", emit("d"), id="3"),
        trigger("c", id="4"),
        trigger("d", id="5"),
    )
    found = [one for one, _ in reasons(person.hears(track("a")))]
    assert found == ["1", "2", "3", "5", "4"]


def test_events_tell_each_other_at_most_eight_deep() -> None:
    person = Person(score(on("a", 1)), trigger("a", emit("a")))
    decision = person.hears(track("a"))
    assert len(decision.emitted) == MAX_EMITS
    assert reasons(decision) == [("t", "fired")] * (MAX_EMITS + 1)
    assert person.score() == MAX_EMITS + 1


def test_one_event_leads_to_at_most_a_hundred_told() -> None:
    person = Person(score(on("a", 1)), *(trigger("a", emit("a"), id=f"t{n}") for n in range(5)))
    assert len(person.hears(track("a")).emitted) == MAX_TOLD
    assert person.score() == MAX_TOLD + 1
    assert len(person.hears(track("a", T0 + DAY, id="next")).emitted) == MAX_TOLD


def test_an_event_told_by_the_clock_is_at_its_instant() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger({"segment": "s", "change": "exited"}, emit("gone")),
        trigger("gone", id="u"),
    )
    person.hears(track("a"))
    decision = person.waits(T0 + DAY)
    assert reasons(decision) == [("t", "fired"), ("u", "fired")]
    assert [one.at for one in decision.decisions] == [T0 + HOUR, T0 + HOUR]
    assert len(decision.emitted) == 1


def test_a_told_event_of_a_late_one_is_not_late() -> None:
    person = Person(trigger("a", emit("told")), trigger("told", id="u"))
    person.hears(track("b", T0 + 9))
    decision = person.hears(track("a", T0))
    assert [(one.late, one.at) for one in decision.decisions] == [(True, T0 + 9), (False, T0 + 9)]


def test_a_told_event_that_touches_nothing_is_told_all_the_same() -> None:
    person = Person(trigger("a", emit("nobody-waits")))
    assert [one.event for one in person.hears(track("a")).emitted] == ["nobody-waits"]


def test_what_is_full_by_a_told_event_stays_full() -> None:
    person = Person(
        segment({"event": "b", "within": "1h"}, "soon"),
        trigger({"segment": "soon", "change": "exited"}, emit("a"), id="gone"),
        score(on("a", max_occurrences=1)),
    )
    person.hears(track("b"))
    person.hears(track("a", T0 + DAY))  # the timer tells one before it
    assert person.score() == 10
    assert list(person.profile.counts.values()) == [1]
