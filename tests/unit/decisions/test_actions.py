"""Actions on journeys, tasks, and what messages are told; all others are tested with triggers."""

from processors.decisions.runs import held
from tests.builders import (
    HELLO,
    HOUR,
    PAUSE,
    T0,
    Document,
    Person,
    cap,
    identify,
    journey,
    policy,
    reasons,
    runs,
    segment,
    send,
    static_list,
    step,
    track,
    trigger,
)

ALL_DAY = {"from": "00:00", "to": "23:59"}


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


def test_command_of_a_webhook_names_secrets_and_has_none() -> None:
    hook = {"url": "https://example.com/hook"}
    said = {"Authorization": "Bearer {{ secrets.CRM }}"}
    put = {**hook, "method": "PUT", "headers": said}
    person = Person(trigger("a", {"webhook": hook}, {"webhook": put}))
    first, second = person.hears(track("a")).commands
    assert (first.method, first.headers) == (None, {})
    assert (second.method, second.headers) == ("PUT", said)


def test_command_of_a_webhook_with_values_says_what_is_known() -> None:
    plain = {"url": "https://example.com/hook", "headers": {"X-A": "{{ secrets.CRM }}"}}
    filled = {"url": "https://example.com/hook", "body": {"a": ["{{ plan }}"]}}
    vip = segment({"trait": "plan", "equals": "gold"}, "vip")
    told = trigger("a", {"webhook": plain}, {"webhook": filled})
    person = Person(told, vip, static_list("press"), trigger("b", {"add_to_list": "press"}, id="l"))
    person.hears(identify(T0, plan="gold"))
    person.hears(track("b", T0 + 1))
    first, second = person.hears(track("a", T0 + 2, order="A-1")).commands
    assert (first.has_values, first.traits, first.segments, first.lists) == (False, {}, [], [])
    assert second.has_values
    assert (second.traits, second.segments, second.lists) == ({"plan": "gold"}, ["vip"], ["press"])
    assert second.properties == {"order": "A-1"}
    assert second.body == {"a": ["{{ plan }}"]}


def test_event_is_read_for_a_webhook_only_where_values_are_filled_in() -> None:
    for url, known in (("https://a.example/", {}), ("https://a.example/{{ a }}", {"order": "A-1"})):
        [found] = (
            Person(trigger("a", {"webhook": {"url": url}})).hears(track("a", order="A-1")).commands
        )
        assert found.properties == known


def test_webhook_of_a_journey_says_what_the_run_knows() -> None:
    asked = {"url": "https://a.example/{{ run.order }}", "timeout": "1h"}
    found = Person(journey("a", step("ask", {"webhook": asked}))).hears(track("a", order="A-1"))
    [command] = found.commands
    assert (command.has_values, command.properties) == (True, {"order": "A-1"})


ADD = {"add_to_audience": {"service": "meta", "audience": "12", "topic": "ads"}}
REMOVE = {"remove_from_audience": {"service": "meta", "audience": "12"}}


def adding(*documents: Document) -> Person:
    person = Person(trigger("a", ADD), trigger("b", REMOVE, id="off"), *documents)
    person.hears(identify(T0, email="ada@example.org", plan="gold"))
    return person


def test_audience_is_told_whom_to_take_and_nothing_else_of_them() -> None:
    person = adding()
    found = [person.hears(track(name, T0 + at)) for at, name in ((1, "a"), (2, "b"))]
    added, removed = (each.commands[0] for each in found)
    body = {"service": "meta", "audience": "12"}
    assert (added.channel, added.topic) == ("audience", "ads")
    assert (added.body, removed.body) == (
        body | {"operation": "add"},
        body | {"operation": "remove"},
    )
    assert added.traits == removed.traits == {"email": "ada@example.org"}
    assert (added.transactional, removed.transactional) == (False, True)


def test_person_without_consent_is_added_to_no_audience_and_may_be_removed() -> None:
    asks = policy(consent="required", caps=[cap(times=1)], quiet_hours=ALL_DAY)
    person = adding(asks)
    refused = person.hears(track("a", T0 + 1))
    assert refused.commands == []
    assert ("t", "no-consent") in reasons(refused)
    person.hears(track("consent.granted", T0 + 2, channel="audience", topic="ads"))
    found = [person.hears(track("a", T0 + 3 + at)) for at in range(3)]
    assert [len(each.commands) for each in found] == [1, 1, 1]
    assert ("t", "allowed") in reasons(found[0])
    person.hears(track("consent.denied", T0 + 7, channel="audience", topic="ads"))
    assert person.hears(track("a", T0 + 8)).commands == []
    assert len(person.hears(track("b", T0 + 9)).commands) == 1


def test_suppressed_person_is_added_to_no_audience_and_may_be_removed() -> None:
    person = adding()
    person.hears(track("suppression.added", T0 + 1, channel="*"))
    refused = person.hears(track("a", T0 + 2))
    assert (refused.commands, reasons(refused)[-1]) == ([], ("t", "suppressed"))
    [removed] = person.hears(track("b", T0 + 3)).commands
    assert removed.transactional


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
