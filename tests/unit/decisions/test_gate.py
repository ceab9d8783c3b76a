"""The gate: who gets a message, when, and why not."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from processors.decisions.moments import Decision
from processors.state import profiles
from processors.state.contacts import MAX_HELD
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Document,
    Person,
    at,
    cap,
    identify,
    journey,
    points,
    policy,
    reasons,
    score,
    segment,
    send,
    step,
    topic,
    track,
    trigger,
    wait,
)

MAIL = trigger("a", send())
NIGHT = {"from": "21:00", "to": "08:00"}


def does(person: Person, hours: float, name: str = "a", **properties: Any) -> Decision:
    return person.hears(track(name, at(hours), **properties))


def answers(decision: Decision) -> list[tuple[str, float | None]]:
    """Returns what was said of messages: why, and until when, in hours since T0."""
    return [
        (each.reason, None if each.until is None else (each.until - T0) / HOUR)
        for each in decision.decisions
        if each.command_id is not None
    ]


def sent(decision: Decision) -> list[tuple[str | None, float]]:
    """Returns which messages went, and when, in hours since T0."""
    return [(each.template, (each.at - T0) / HOUR) for each in decision.commands]


def test_without_topics_and_policies_nothing_is_asked_and_nothing_kept() -> None:
    one = Person(MAIL)
    found = does(one, 1)
    assert (sent(found), answers(found)) == ([("hello", 1)], [])
    assert one.profile.contact is None


@pytest.mark.parametrize("reason", ["hard-bounce", "complaint", "unsubscribe", "manual", "erased"])
@pytest.mark.parametrize("channel", ["email", None])
def test_who_is_suppressed_gets_nothing(reason: str, channel: str | None) -> None:
    one = Person(MAIL, topic("receipt", transactional=True), trigger("b", send("receipt"), id="r"))
    does(one, 0, "suppression.added", channel=channel, reason=reason)
    assert answers(does(one, 1)) == [("suppressed", None)]
    found = does(one, 1, "b")
    assert (sent(found), answers(found)) == ([], [("suppressed", None)])
    (refused,) = [each for each in found.decisions if each.command_id]
    assert (refused.outcome, refused.definition_id, refused.at) == ("no", "r", at(1))
    assert refused.cause == f"b@{at(1)}"
    does(one, 2, "suppression.removed", channel=channel)
    assert answers(does(one, 3)) == [("allowed", None)]


def test_who_said_no_gets_nothing_though_nothing_is_defined() -> None:
    one = Person(MAIL)
    does(one, 0, "consent.denied", channel="email")
    assert answers(does(one, 1)) == [("no-consent", None)]
    does(one, 2, "consent.granted", channel="email")
    found = does(one, 3)
    assert (sent(found), answers(found)) == ([("hello", 3)], [("allowed", None)])


def test_where_a_yes_is_required_silence_is_none() -> None:
    one = Person(topic(consent="required"), trigger("a", send("news")))
    assert answers(does(one, 0)) == [("no-consent", None)]
    assert one.profile.contact is None
    does(one, 1, "consent.granted", channel="sms", topic="news")
    assert answers(does(one, 2)) == [("no-consent", None)]
    does(one, 3, "consent.granted", channel="email", topic="news")
    assert sent(does(one, 4)) == [("hello", 4)]


def test_double_opt_in_asks_for_the_confirmed_yes_to_just_this_topic() -> None:
    one = Person(topic(consent="double"), trigger("a", send("news")))
    does(one, 0, "consent.granted", channel="email")
    assert answers(does(one, 1)) == [("no-consent", None)]
    does(one, 2, "consent.granted", channel="email", topic="news")
    assert answers(does(one, 3)) == [("not-confirmed", None)]
    does(one, 4, "consent.confirmed", channel="email", topic="news")
    assert answers(does(one, 5)) == [("allowed", None)]
    does(one, 6, "consent.denied", channel="email")
    assert answers(does(one, 7)) == [("no-consent", None)]


def test_the_letter_that_asks_for_confirmation_is_transactional() -> None:
    one = Person(
        topic(consent="double"),
        topic("confirm", transactional=True),
        trigger("consent.granted", send("confirm")),
        policy(consent="required", quiet_hours=NIGHT, caps=[cap()]),
    )
    for hours in (1, 2):
        found = does(one, hours, "consent.granted", channel="email", topic="news")
        (command,) = found.commands
        assert (command.transactional, command.topic) == (True, "confirm")


def test_a_policy_requires_consent_for_what_has_no_topic() -> None:
    one = Person(MAIL, policy(consent="required"))
    assert answers(does(one, 0)) == [("no-consent", None)]
    does(one, 1, "consent.granted", channel="email")
    assert sent(does(one, 2)) == [("hello", 2)]


def test_in_quiet_hours_messages_wait_for_their_end() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    found = does(one, 22)
    assert (sent(found), answers(found)) == ([], [("quiet-hours", 32)])
    assert one.profile.due == at(32)
    found = one.waits(at(32))
    assert (sent(found), answers(found)) == ([("hello", 32)], [("released", None)])
    (released,) = found.decisions
    assert (released.outcome, released.cause) == ("yes", "clock")
    assert (one.profile.clock, one.profile.contact and one.profile.contact.held) == (at(32), [])
    assert answers(does(one, 33)) == [("allowed", None)]


def test_what_waited_is_the_same_command_with_the_person_as_of_then() -> None:
    at_once = Person(MAIL, id="p")
    gold = segment({"trait": "plan", "equals": "gold"}, id="gold")
    one = Person(MAIL, gold, policy(quiet_hours=NIGHT, expires="1d"), id="p")
    one.hears(identify(at(1), plan="free"))
    (usual,) = does(at_once, 22).commands
    does(one, 22)
    one.hears(identify(at(23), plan="gold"))
    (command,) = one.waits(at(32)).commands
    same = ("id", "definition_id", "version", "step", "occurrence", "priority", "template")
    assert [getattr(command, name) for name in same] == [getattr(usual, name) for name in same]
    assert (command.at, command.expires_at) == (at(32), at(46))
    assert (command.traits, command.segments) == ({"plan": "gold"}, ["gold"])


def test_what_a_run_knows_waits_with_the_message() -> None:
    there = {"event": "a", "where": [{"property": "item", "is_set": True}]}
    one = Person(journey(there, step("s", send())), policy(quiet_hours=NIGHT))
    does(one, 22, item="hat")
    (command,) = one.waits(at(32)).commands
    assert command.properties == {"item": "hat"}


def test_a_no_ends_what_waits_at_once() -> None:
    for name, reason in (("consent.denied", "no-consent"), ("email.complained", "suppressed")):
        one = Person(MAIL, policy(quiet_hours=NIGHT))
        does(one, 22)
        found = does(one, 23, name, channel="email")
        assert answers(found) == [(reason, None)]
        assert one.profile.timers == {}
        assert one.waits(at(99)).commands == []


def test_what_waits_is_asked_again_from_the_first_question_on() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT, caps=[cap(over="defer")]))
    assert sent(does(one, 20)) == [("hello", 20)]
    assert answers(does(one, 22)) == [("quiet-hours", 32)]
    assert answers(one.waits(at(32))) == [("cap", 44)]
    assert answers(one.waits(at(44))) == [("released", None)]


def test_quiet_hours_are_asked_of_the_zone_that_the_person_has_then() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    one.hears(identify(at(23), timezone="America/New_York"))
    assert answers(one.waits(at(32))) == [("quiet-hours", 37)]
    assert sent(one.waits(at(37))) == [("hello", 37)]


def test_a_cap_counts_what_went_within_any_such_time() -> None:
    one = Person(MAIL, policy(caps=[cap(2, "1d")]))
    assert [len(does(one, hours).commands) for hours in (0, 10, 20)] == [1, 1, 0]
    assert answers(does(one, 24 - 1 / HOUR)) == [("cap", None)]
    assert sent(does(one, 24)) == [("hello", 24)]
    assert answers(does(one, 33)) == [("cap", None)]
    assert sent(does(one, 34)) == [("hello", 34)]
    assert one.profile.contact is not None
    assert one.profile.contact.sends == {"p/c": [at(24), at(34)]}


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_cap_by_the_calendar_counts_by_the_clocks_of_the_person(day: str, hours: int) -> None:
    zone = ZoneInfo("America/New_York")
    midnight = round(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp() * 1000)
    cap_of_day = {"id": "c", "times": 1, "per": "day", "over": "defer"}
    one = Person(MAIL, policy(caps=[cap_of_day]))
    one.hears(identify(midnight - DAY, timezone="America/New_York"))
    first, second, third = (
        one.hears(track("a", midnight + after)) for after in (-1, 0, hours * HOUR - 1)
    )
    assert [len(each.commands) for each in (first, second)] == [1, 1]
    [(reason, until)] = answers(third)
    assert (reason, until) == ("cap", (midnight + hours * HOUR - T0) / HOUR)
    [waited] = one.waits(midnight + hours * HOUR).commands
    assert waited.at == midnight + hours * HOUR


def test_a_cap_of_a_week_is_full_until_monday() -> None:
    one = Person(MAIL, policy(caps=[{"id": "c", "times": 2, "per": "week"}]))
    monday = round(datetime(2026, 3, 9, tzinfo=UTC).timestamp() * 1000)
    days = [one.hears(track("a", monday + place * DAY)) for place in (-3, -2, -1, 0, 1, 6, 7)]
    assert [len(each.commands) for each in days] == [1, 1, 0, 1, 1, 0, 1]


def test_caps_count_over_all_the_channels_of_their_policy() -> None:
    both = trigger("a", send(), send(channel="sms"), send(channel="push"))
    one = Person(both, policy("all", caps=[cap(2)]), policy("b", channels=["sms"], caps=[cap(1)]))
    assert [each.channel for each in does(one, 0).commands] == ["email", "sms"]
    assert answers(does(one, 1)) == [("cap", None)] * 3


def test_what_is_over_a_cap_waits_where_it_says_so_until_all_have_room() -> None:
    caps = [cap(1, "2h", over="defer"), cap(2, "10h", "ten", over="defer")]
    one = Person(MAIL, policy(caps=caps))
    does(one, 0)
    assert answers(does(one, 1)) == [("cap", 2)]
    assert sent(does(one, 3)) == [("hello", 2)]
    assert answers(one.waits(at(9))) == []
    assert sent(one.waits(at(10))) == [("hello", 10)]


def test_a_cap_that_drops_counts_before_one_that_defers() -> None:
    caps = [cap(1, "2h", over="defer"), cap(1, "1h", "hour")]
    one = Person(MAIL, policy(caps=caps))
    does(one, 0)
    assert answers(does(one, 0.5)) == [("cap", None)]
    assert answers(does(one, 1.5)) == [("cap", 2)]


def test_a_message_that_would_wait_longer_than_it_is_useful_is_refused_at_once() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT, expires="10h"))
    assert answers(does(one, 22)) == [("expired", None)]
    assert answers(does(one, 22 + 1 / MINUTE)) == [("quiet-hours", 32)]
    (command,) = one.waits(at(32)).commands
    assert command.expires_at == at(32) + 60


def test_only_so_many_messages_wait_for_one_person() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    found = [answers(does(one, 22 + place / HOUR))[0][0] for place in range(MAX_HELD + 1)]
    assert found == ["quiet-hours"] * MAX_HELD + ["too-many-held"]
    assert len(one.waits(at(32)).commands) == MAX_HELD


def rivals(**arbitration: Any) -> Person:
    return Person(
        trigger("low", send(template="low"), id="low", priority=1),
        trigger("mid", send(template="mid"), id="mid"),
        trigger("high", send(template="high"), id="high", priority=9),
        policy(arbitration={"wait": "1h"} | arbitration),
    )


def test_the_best_of_a_window_goes_at_its_end() -> None:
    one = rivals()
    assert answers(does(one, 0, "low")) == [("arbitration", 1)]
    assert answers(does(one, 0.5, "high")) == [("arbitration", 1)]
    assert answers(does(one, 0.9, "mid")) == [("arbitration", 1)]
    found = one.waits(at(1))
    assert sent(found) == [("high", 1)]
    assert answers(found) == [("released", None), ("outbid", None), ("outbid", None)]
    assert answers(does(one, 1, "low")) == [("arbitration", 2)]


def test_the_others_wait_for_the_next_window_where_it_says_so() -> None:
    one = rivals(others="defer", best=2)
    for name in ("low", "mid", "mid", "high"):
        does(one, 0, name, id=f"{name}{len(one.profile.seen)}")
    found = one.waits(at(1))
    assert sent(found) == [("high", 1), ("mid", 1)]
    assert answers(found)[2:] == [("outbid", 2), ("outbid", 2)]
    assert answers(does(one, 1.5, "high")) == [("arbitration", 2)]
    assert sent(one.waits(at(2))) == [("high", 2), ("mid", 2)]
    assert sent(one.waits(at(3))) == [("low", 3)]


def test_of_like_ones_the_earlier_goes() -> None:
    one = rivals()
    first = does(one, 0, "mid", id="b").decisions[-1].command_id
    does(one, 0.1, "mid", id="a")
    (command,) = one.waits(at(1)).commands
    assert command.id == first


def test_what_may_not_go_anyway_takes_nobodys_place() -> None:
    one = Person(
        trigger("a", send(), id="email", priority=9),
        trigger("b", send(channel="sms"), id="sms"),
        policy("p", arbitration={"wait": "1h"}),
        policy("q", quiet_hours={"from": "00:30", "to": "03:00"}, channels=["email"]),
    )
    does(one, 0)
    does(one, 0, "b")
    found = one.waits(at(1))
    assert answers(found) == [("quiet-hours", 3), ("released", None)]
    found = one.waits(at(3))
    assert answers(found) == [("arbitration", 4)]
    assert answers(one.waits(at(4))) == [("released", None)]


def test_caps_are_asked_of_the_best() -> None:
    one = Person(MAIL, policy(arbitration={"wait": "1h"}, caps=[cap()]))
    does(one, 0)
    assert sent(one.waits(at(1))) == [("hello", 1)]
    does(one, 2)
    assert answers(one.waits(at(3))) == [("cap", None)]


def test_at_one_instant_the_higher_priority_goes_first() -> None:
    one = Person(
        trigger("a", send(template="low"), id="low", priority=1),
        trigger("a", send(template="high"), id="high", priority=9),
        policy(quiet_hours=NIGHT, caps=[cap()]),
    )
    does(one, 22)
    found = one.waits(at(32))
    assert sent(found) == [("high", 32)]
    assert answers(found) == [("released", None), ("cap", None)]


def test_all_messages_of_a_trigger_and_of_journeys_are_asked_about() -> None:
    trip = journey("a", step("one", send()), wait(for_="1h"), step("two", send()))
    one = Person(trip, policy(caps=[cap()]))
    assert answers(does(one, 0)) == [("allowed", None)]
    found = one.waits(at(1))
    assert answers(found) == [("cap", None)]
    assert [each.what for each in found.runs] == ["went", "done", "completed"]


REMINDER = journey("a", step("mail", send()), wait(for_="3d"), exit=[{"event": "bought"}])


def test_what_waits_for_a_run_that_leaves_its_journey_does_not_go() -> None:
    one = Person(REMINDER, MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    found = does(one, 23, "bought")
    assert [(each.definition_id, each.reason) for each in found.decisions] == [("j", "left")]
    assert [each.definition_id for each in one.waits(at(32)).commands] == ["t"]


@pytest.mark.parametrize("end", [[], [step("end", {"exit": "enough"})]])
def test_what_waits_for_a_run_that_has_come_to_its_end_goes(end: list[Document]) -> None:
    one = Person(journey("a", step("mail", send()), *end), policy(quiet_hours=NIGHT))
    does(one, 22)
    assert sent(one.waits(at(32))) == [("hello", 32)]


def test_who_has_no_message_waiting_leaves_without_a_word() -> None:
    for more in ([], [policy(caps=[cap()])]):
        one = Person(REMINDER, *more)
        does(one, 0)
        assert reasons(does(one, 1, "bought")) == []


@pytest.mark.parametrize("channel", ["webhook", "crm", "task"])
def test_what_reaches_no_person_is_not_asked_about(channel: str) -> None:
    one = Person(
        trigger("a", send(channel=channel), {"webhook": {"url": "https://example.com"}}),
        policy(consent="required", caps=[cap()], quiet_hours=NIGHT),
    )
    does(one, 0, "suppression.added")
    assert len(does(one, 22).commands) == 2


def test_what_waits_goes_at_once_where_there_are_no_policies_any_more() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    found = one.gets(MAIL)
    assert (sent(found), answers(found)) == ([("hello", 22)], [("released", None)])
    assert one.profile.contact is None


def test_what_waits_for_a_trigger_that_is_gone_ends() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    found = one.gets(trigger("a", send(), id="other"), policy(quiet_hours=NIGHT))
    assert answers(found) == [("deleted", None)]
    assert one.waits(at(32)).commands == []


def test_what_waits_goes_on_waiting_under_other_policies() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    one.gets(MAIL, policy(quiet_hours={"from": "21:00", "to": "10:00"}))
    assert answers(one.waits(at(32))) == [("quiet-hours", 34)]
    assert sent(one.waits(at(34))) == [("hello", 34)]


def test_a_cap_keeps_its_count_as_long_as_it_is_there() -> None:
    one = Person(MAIL, policy(caps=[cap(), cap(id="d")]))
    does(one, 0)
    one.gets(MAIL, policy(caps=[cap(2)]))
    assert one.profile.contact is not None
    assert list(one.profile.contact.sends) == ["p/c"]
    assert [answers(does(one, hours)) for hours in (1, 2)] == [
        [("allowed", None)],
        [("cap", None)],
    ]


def test_who_has_nothing_to_do_with_it_has_no_timers_of_it() -> None:
    one = Person(MAIL, policy(caps=[cap()]), score())
    does(one, 0)
    assert one.profile.timers == {}
    one.gets(MAIL, policy(caps=[cap()]), trigger("b", points(1), id="b"), score())
    assert one.profile.timers == {}
    other = Person(MAIL, policy(caps=[cap()]))
    does(other, 0, "b")
    other.gets(MAIL, policy(caps=[cap(2)]))
    assert other.profile.contact is None


def test_what_a_late_event_sends_goes_as_of_the_clock() -> None:
    one = Person(MAIL, policy(caps=[cap(1, "1h")]))
    does(one, 5)
    late = does(one, 1, id="late")
    assert (answers(late), late.decisions[-1].late) == ([("cap", None)], True)


def test_messages_that_wait_survive_the_bytes_of_the_profile() -> None:
    one = Person(MAIL, policy(quiet_hours=NIGHT))
    does(one, 22)
    again = profiles.decode("p", profiles.encode(one.profile))
    assert again.contact == one.profile.contact
