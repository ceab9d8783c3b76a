"""Actions on journeys, tasks, and what messages are told; all others are tested with triggers."""

from processors.decisions.runs import held
from tests.builders import (
    HELLO,
    HOUR,
    PAUSE,
    T0,
    Person,
    journey,
    reasons,
    runs,
    segment,
    send,
    static_list,
    step,
    track,
    trigger,
)


def test_triggers_begin_and_stop_journeys() -> None:
    manual = journey({"manual": True}, PAUSE, HELLO, re_entry="always")
    person = Person(
        manual,
        trigger("go", {"start_journey": "j"}, id="go"),
        trigger("halt", {"stop_journey": "j"}, id="halt"),
    )
    assert reasons(person.hears(track("go", n=1))) == [("go", "fired"), ("j", "entered")]
    assert held(person.profile, "j")[0].data == {"n": 1}
    assert runs(person.hears(track("halt", T0 + 1))) == [("exited", "pause", "stopped")]
    assert runs(person.hears(track("halt", T0 + 2))) == []


def test_a_run_may_stop_itself() -> None:
    found = Person(journey("a", step("stop", {"stop_journey": "j"}), HELLO)).hears(track("a"))
    assert runs(found)[-1] == ("exited", "stop", "stopped")
    assert found.commands == []


def test_journeys_that_begin_each_other_without_end_are_ended() -> None:
    both = [
        journey("a", step("s", {"start_journey": other}), id=id, re_entry="always")
        for id, other in (("j", "k"), ("k", "j"))
    ]
    found = Person(*both).hears(track("a"))
    assert ("exited", "s", "loop") in runs(found)
    assert len(found.runs) < 100


def test_an_event_that_begins_two_runs_of_a_journey_gives_them_two_ids() -> None:
    entered = journey("a", HELLO, per="messageId")
    found = Person(entered, trigger("a", {"start_journey": "j"})).hears(track("a"))
    ids = {each.run_id for each in found.runs if each.what == "entered"}
    assert len(ids) == 2
    assert len({each.id for each in found.commands}) == 2


def test_a_task_is_a_command_with_the_instant_that_it_is_due_at() -> None:
    whole = {
        "title": "Call",
        "description": "about the renewal",
        "assignee": "bob",
        "due": "1d",
        "priority": "high",
    }
    tasks = [{"create_task": whole}, {"create_task": {"title": "Call"}}]

    first, second = Person(trigger("a", *tasks)).hears(track("a", T0 + 5)).commands

    assert (first.channel, first.template) == ("task", None)
    due_at = T0 + 5 + 86_400_000
    assert first.body == {key: value for key, value in whole.items() if key != "due"} | {
        "due_at": due_at
    }
    assert second.body == {"title": "Call", "priority": "medium"}


def test_a_message_is_told_of_the_segments_and_lists_of_its_instant() -> None:
    did = segment({"event": "a", "within": "1h"}, id="did")
    ever = segment({"event": "a"}, id="also")
    person = Person(
        did, ever, static_list("press"), trigger("a", {"add_to_list": "press"}, send()),
        trigger("b", send(), id="u"),
    )  # fmt: skip
    (first,) = person.hears(track("a")).commands
    assert (first.segments, first.lists) == (["also", "did"], ["press"])
    (later,) = person.hears(track("b", T0 + HOUR)).commands
    assert (later.segments, later.lists) == (["also"], ["press"])
