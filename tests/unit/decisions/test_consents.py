"""What events say of consents and suppressions."""

from typing import Any

import pytest

from processors.decisions.moments import Decision
from processors.state.contacts import MAX_WORDS
from schemas.consents import ALL, ConsentChange, ConsentRecord, SuppressionRecord
from tests.builders import (
    DAY,
    HOUR,
    SEND,
    T0,
    Document,
    Person,
    cap,
    emit,
    journey,
    policy,
    reasons,
    runs,
    segment,
    send,
    step,
    topic,
    track,
    trigger,
    wait,
)

FORM: Document = {"source": "form", "actor": "ann", "text_version": "v2", "evidence": "scan-1"}


def changes(decision: Decision) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.channel, each.topic, each.old, each.new) for each in decision.consent_changes]


def stands(decision: Decision) -> dict[str, str | None]:
    """Returns state or reason of what was told to stand, by its key; None: lifted."""
    found: dict[str, str | None] = {}
    for _, key, value in decision.standing:
        if isinstance(value, SuppressionRecord):
            found[key] = value.reason
        else:
            found[key] = value.state if value is not None else None
    return found


def says(person: Person, name: str, hour: float = 0, **properties: Any) -> Decision:
    return person.hears(track(name, T0 + round(hour * HOUR), **properties))


def test_a_yes_is_kept_and_told_with_where_and_how_it_was_said() -> None:
    one = Person()
    found = says(one, "consent.granted", channel="email", topic="news", **FORM)
    assert found.standing == [
        (
            "consents",
            "p/email/news",
            ConsentRecord(
                profile_id="p", channel="email", topic="news", state="granted", at=T0, **FORM
            ),
        )
    ]
    assert found.consent_changes == [
        ConsentChange(
            profile_id="p",
            channel="email",
            topic="news",
            old=None,
            new="granted",
            at=T0,
            cause=f"consent.granted@{T0}",
            **FORM,
        )
    ]


def test_without_a_topic_it_is_about_all_of_the_channel() -> None:
    one = Person()
    assert stands(says(one, "consent.denied", channel="sms")) == {"p/sms/*": "denied"}


def test_where_double_opt_in_is_asked_for_a_yes_is_pending_until_it_is_confirmed() -> None:
    one = Person(topic(consent="double"))
    asked = {"channel": "email", "topic": "news"}
    assert changes(says(one, "consent.granted", 1, **asked))[0][2:] == (None, "pending")
    assert changes(says(one, "consent.confirmed", 2, **asked))[0][2:] == ("pending", "granted")
    assert changes(says(one, "consent.granted", 3, **asked))[0][2:] == ("granted", "granted")
    assert changes(says(one, "consent.denied", 4, **asked))[0][2:] == ("granted", "denied")
    assert changes(says(one, "consent.granted", 5, **asked))[0][2:] == ("denied", "pending")


def test_what_was_agreed_to_before_stays_agreed_to() -> None:
    one = Person(topic())
    says(one, "consent.granted", channel="email", topic="news")
    one.gets(topic(consent="double"), trigger("a", send("news")))
    assert len(says(one, "a", 1).commands) == 1


def test_a_late_word_changes_nothing_that_was_said_later() -> None:
    one = Person()
    says(one, "consent.denied", 5, channel="email")
    late = says(one, "consent.granted", 4, channel="email", source="form")
    assert (late.standing, late.consent_changes, late.late) == ([], [], 1)


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        ("consent.granted", {}, "unknown-channel"),
        ("consent.denied", {"channel": "mail"}, "unknown-channel"),
        ("consent.denied", {"channel": "*"}, "unknown-channel"),
        ("consent.denied", {"channel": ["email"]}, "unknown-channel"),
        ("suppression.added", {"channel": "mail"}, "unknown-channel"),
        ("consent.granted", {"channel": "email", "topic": 7}, "unknown-topic"),
        ("consent.granted", {"channel": "email", "topic": ""}, "unknown-topic"),
        ("consent.granted", {"channel": "email", "topic": "x" * 257}, "unknown-topic"),
    ],
)
def test_an_event_that_makes_no_sense_changes_nothing_and_is_told(
    name: str, properties: Document, reason: str
) -> None:
    one = Person()
    found = says(one, name, **properties)
    assert reasons(found) == [(name, reason)]
    assert (found.decisions[0].outcome, found.standing) == ("no", [])
    assert one.profile.contact is None


def test_there_is_a_bound_to_the_topics_of_a_person() -> None:
    one = Person()
    for n in range(MAX_WORDS):
        says(one, "consent.granted", n, channel="email", topic=f"t{n}")
    over = says(one, "consent.granted", MAX_WORDS, channel="email", topic="more")
    assert reasons(over) == [("consent.granted", "too-many-consents")]
    again = says(one, "consent.denied", MAX_WORDS + 1, channel="email", topic="t0")
    assert stands(again) == {"p/email/t0": "denied"}


def test_facts_that_are_no_text_are_left_out_and_long_ones_cut() -> None:
    one = Person()
    found = says(one, "consent.granted", channel="email", source=7, evidence="x" * 300)
    change = found.consent_changes[0]
    assert (change.source, change.evidence) == (None, "x" * 256)


def test_a_suppression_is_told_and_lifted_with_a_tombstone() -> None:
    one = Person()
    added = says(one, "suppression.added", channel="email", reason="complaint", actor="ann")
    record = SuppressionRecord(profile_id="p", channel="email", reason="complaint", at=T0)
    assert added.standing == [("suppressions", "p/email", record)]
    assert changes(added) == [("email", "", None, "complaint")]
    assert added.consent_changes[0].actor == "ann"
    again = says(one, "suppression.added", -1, channel="email")
    assert (again.standing, again.consent_changes) == ([], [])
    removed = says(one, "suppression.removed", 1, channel="email")
    assert stands(removed) == {"p/email": None}
    assert changes(removed) == [("email", "", "complaint", None)]
    assert says(one, "suppression.removed", 2, channel="email").standing == []


@pytest.mark.parametrize("reason", [None, "because", 7, ["erased"]])
def test_a_suppression_for_no_known_reason_is_somebodys_doing(reason: Any) -> None:
    one = Person()
    assert stands(says(one, "suppression.added", reason=reason)) == {"p/*": "manual"}


def test_without_a_channel_all_are_suppressed_and_all_lifted() -> None:
    one = Person()
    says(one, "suppression.added", 1, channel="sms")
    says(one, "suppression.added", 2)
    assert stands(says(one, "suppression.removed", 3)) == {"p/*": None, "p/sms": None}
    assert says(one, "suppression.added", 2, id="late", channel="email").standing == []


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        ("email.bounced", {"kind": "hard"}, "hard-bounce"),
        ("email.complained", {}, "complaint"),
        ("email.unsubscribed", {}, "unsubscribe"),
        ("email.unsubscribed", {"topic": 7}, "unsubscribe"),
    ],
)
def test_what_providers_report_suppresses_the_channel(
    name: str, properties: Document, reason: str
) -> None:
    one = Person()
    assert stands(says(one, name, **properties)) == {"p/email": reason}


def test_who_unsubscribes_from_a_topic_denies_that_alone() -> None:
    found = says(Person(), "email.unsubscribed", topic="news")
    assert stands(found) == {"p/email/news": "denied"}
    assert found.consent_changes[0].source == "unsubscribe"


def test_the_third_soft_bounce_in_a_row_is_a_hard_one() -> None:
    one = Person()
    assert stands(says(one, "email.bounced", 1, kind="soft")) == {}
    assert stands(says(one, "email.bounced", 2)) == {}
    assert stands(says(one, "email.delivered", 3)) == {}
    assert [stands(says(one, "email.bounced", hour)) for hour in (4, 5, 6)] == [
        {},
        {},
        {"p/email": "hard-bounce"},
    ]


def test_what_was_delivered_to_somebody_of_whom_nothing_is_known_is_not_kept() -> None:
    one = Person()
    says(one, "email.delivered")
    assert one.profile.contact is None


def test_conditions_ask_what_was_said_and_what_is_suppressed() -> None:
    one = Person(
        segment({"consent": {"channel": "email", "topic": "news"}}, "yes"),
        segment({"consent": {"channel": "email", "topic": "news", "state": "denied"}}, "no"),
        segment({"consent": {"channel": "email"}}, "all"),
        segment({"suppressed": "email"}, "gone"),
    )
    assert one.segments == set()
    says(one, "consent.granted", 1, channel="email", topic="news")
    assert one.segments == {"yes"}
    says(one, "consent.denied", 2, channel="email")
    assert one.segments == {"no"}
    says(one, "consent.granted", 3, channel="email")
    assert one.segments == {"yes", "all"}
    says(one, "suppression.added", 4)
    assert one.segments == {"yes", "all", "gone"}
    says(one, "suppression.removed", 5)
    assert one.segments == {"yes", "all"}


def test_what_a_trigger_tells_is_taken_too() -> None:
    one = Person(trigger("a", emit("consent.granted", channel="email", source="trigger")))
    assert stands(says(one, "a")) == {"p/email/*": "granted"}
    assert one.profile.contact is not None


@pytest.mark.parametrize("reason", ["erased", "unsubscribe"])
def test_who_wants_nothing_at_all_leaves_all_journeys(reason: str) -> None:
    other = journey("c", wait("w", for_="1d"), id="never")
    one = Person(journey("a", wait("w", for_="1d"), step("s", SEND)), other)
    says(one, "a")
    found = says(one, "suppression.added", 1, reason=reason)
    assert runs(found) == [("exited", "w", "suppressed")]
    assert one.waits(T0 + 2 * DAY).commands == []


def test_others_stay_in_their_journeys() -> None:
    one = Person(journey("a", wait("w", for_="1d"), step("s", SEND)))
    says(one, "a")
    assert runs(says(one, "suppression.added", 1, reason="manual")) == []
    assert runs(says(one, "email.unsubscribed", 2)) == []
    assert len(runs(one.waits(T0 + 2 * DAY))) == 3


SUNSET = policy(sunset={"after": "10d"}, channels=["email"])
MAIL = trigger("a", send())


def sunk(*documents: Document) -> Person:
    """Returns somebody who has not answered for ten days."""
    one = Person(SUNSET, MAIL, *documents)
    says(one, "a")
    assert stands(one.waits(T0 + 10 * DAY - 1)) == {}
    found = one.waits(T0 + 10 * DAY)
    assert stands(found) == {"p/email": "sunset"}
    (change,) = found.consent_changes
    assert (change.at, change.cause, change.new) == (T0 + 10 * DAY, "clock", "sunset")
    return one


def test_who_answers_nothing_for_so_long_gets_no_more_marketing() -> None:
    one = sunk()
    assert reasons(says(one, "a", 241)) == [("t", "fired"), ("t", "suppressed")]


def test_a_sunset_does_not_stop_what_is_transactional() -> None:
    receipt = trigger("b", send("receipt"), id="r")
    one = sunk(topic("receipt", transactional=True), receipt)
    (command,) = says(one, "b", 241).commands
    assert command.transactional


@pytest.mark.parametrize("name", ["email.opened", "email.clicked"])
def test_an_answer_ends_a_sunset_and_the_time_counts_anew(name: str) -> None:
    one = sunk()
    found = says(one, name, 250)
    assert stands(found) == {"p/email": None}
    assert changes(found) == [("email", "", "sunset", None)]
    assert stands(one.waits(T0 + 250 * HOUR + 10 * DAY)) == {"p/email": "sunset"}


def test_an_answer_puts_a_sunset_off_also_where_it_is_told_late() -> None:
    one = sunk()
    assert stands(says(one, "email.opened", 24)) == {"p/email": None}
    assert stands(one.waits(T0 + 11 * DAY)) == {"p/email": "sunset"}
    assert stands(says(one, "email.opened", 23, id="before")) == {}


def test_the_time_counts_from_the_first_message_on_not_from_the_last() -> None:
    one = Person(SUNSET, MAIL)
    says(one, "a")
    says(one, "a", 24)
    assert stands(one.waits(T0 + 10 * DAY)) == {"p/email": "sunset"}


@pytest.mark.parametrize("properties", [{"machine": True}, None])
def test_machines_and_who_got_no_message_do_not_answer(properties: Document | None) -> None:
    one = sunk() if properties else Person(SUNSET)
    assert stands(says(one, "email.opened", 250, **properties or {})) == {}


def test_a_yes_and_a_lifting_end_a_sunset_too() -> None:
    one = sunk()
    granted = says(one, "consent.granted", 250, channel="email")
    assert stands(granted) == {"p/email/*": "granted", "p/email": None}
    lifted = sunk()
    assert stands(says(lifted, "suppression.removed", 250, channel="email")) == {"p/email": None}
    assert stands(lifted.waits(T0 + 250 * HOUR + 10 * DAY)) == {"p/email": "sunset"}


def test_what_was_said_stands_above_a_sunset() -> None:
    one = sunk()
    found = says(one, "email.complained", 200, id="late")
    assert stands(found) == {"p/email": "complaint"}
    assert stands(says(one, "email.opened", 260)) == {}


def test_what_was_lifted_before_a_sunset_does_not_stand_above_it() -> None:
    one = sunk()
    says(one, "suppression.removed", 5, channel="email")
    assert stands(one.waits(T0 + 11 * DAY)) == {"p/email": "sunset"}
    assert stands(says(one, "email.complained", 4)) == {}
    assert one.profile.contact is not None
    assert one.profile.contact.standing("email") == ("sunset", T0 + 245 * HOUR)


def test_who_is_suppressed_already_does_not_sink() -> None:
    one = Person(SUNSET, MAIL)
    says(one, "a")
    says(one, "email.complained", 1)
    assert stands(one.waits(T0 + 11 * DAY)) == {}
    assert stands(says(one, "suppression.removed", 300)) == {"p/email": None}
    assert stands(one.waits(T0 + 300 * HOUR + 10 * DAY)) == {"p/email": "sunset"}


def test_a_sunset_ends_that_no_policy_asks_for_any_more() -> None:
    one = sunk()
    assert stands(one.gets(policy(caps=[cap()]), MAIL)) == {"p/email": None}
    assert len(says(one, "a", 250).commands) == 1
    waiting = Person(SUNSET, MAIL)
    says(waiting, "a")
    assert stands(waiting.gets(MAIL)) == {}
    assert waiting.profile.contact is None


def test_a_sunset_may_be_said_and_a_yes_ends_it() -> None:
    one = Person(MAIL)
    said = {"channel": "email", "reason": "sunset"}
    assert stands(says(one, "suppression.added", 5, **said)) == {"p/email": "sunset"}
    assert stands(says(one, "consent.granted", 4, channel="email")) == {"p/email/*": "granted"}
    granted = says(one, "consent.granted", 6, channel="email")
    assert stands(granted) == {"p/email/*": "granted", "p/email": None}
    says(one, "suppression.added", 7, **said)
    assert stands(says(one, "suppression.removed", 8)) == {"p/email": None}
    assert stands(says(one, "suppression.added", 7.5, **said)) == {}


def test_all_is_suppressed_under_one_key() -> None:
    assert says(Person(), "suppression.added").standing[0][1] == f"p/{ALL}"
