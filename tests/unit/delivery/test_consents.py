"""What people say on our pages."""

from typing import Any

import msgspec
import pytest

from processors.delivery import consents
from processors.delivery.consents import REPEAT_MS, Box, Wanted
from processors.delivery.tokens import Claims
from schemas import codec
from schemas.postings import Posting, Sent
from tests.builders import T0

CLAIMS = Claims(profile_id="ada", channel="email", command_id="c-1", at=T0, topic="news")
SENT = Sent(command_id="c-1", message_id="c-1", profile_id="ada", channel="email")
NEWS = Box("email", "news", "News", True)
NOTHING = Box("email", "*", "", False)


def said(made: Posting) -> tuple[str, dict[str, Any]]:
    """Returns name and properties of the event that a posting tells."""
    [value] = [row.value for row in made.rows if row.topic == "events"]
    found = codec.decode_event(value.encode())
    return found.event or "", msgspec.json.decode(found.properties)


def preferred(*boxes: Box, on: str = "", was: str = "", now_ms: int = T0) -> list[Posting]:
    wanted = Wanted(frozenset(on.split()), frozenset(was.split()))
    return consents.preferred(CLAIMS, SENT, boxes, wanted, now_ms=now_ms)


def names(made: list[Posting]) -> list[str]:
    return [said(one)[0] for one in made]


def test_unsubscribing_ends_the_topic_of_the_message() -> None:
    made = consents.unsubscribed(CLAIMS, SENT, now_ms=T0)
    assert [(one.channel, one.topic) for one in made.denials] == [("email", "news")]
    assert made.suppressions == ()


def test_unsubscribing_again_soon_is_the_same_and_later_another() -> None:
    first = consents.unsubscribed(CLAIMS, SENT, now_ms=T0)
    assert consents.unsubscribed(CLAIMS, SENT, now_ms=T0 + REPEAT_MS - 1).id == first.id
    assert consents.unsubscribed(CLAIMS, SENT, now_ms=T0 + REPEAT_MS).id != first.id


def test_form_is_what_its_fields_say() -> None:
    fields = [("on", "email/news"), ("was", "email/tips"), ("on", "sms/*"), ("other", "x")]
    assert Wanted.of(fields) == Wanted(
        frozenset({"email/news", "sms/*"}), frozenset({"email/tips"})
    )


def test_topic_that_is_off_is_denied_at_once() -> None:
    [made] = preferred(NEWS, was="email/news")
    assert said(made) == (
        "consent.denied",
        {"channel": "email", "topic": "news", "source": "preferences"},
    )
    [denial] = made.denials
    assert (denial.profile_id, denial.topic, denial.state, denial.at) == (
        "ada",
        "news",
        "denied",
        T0,
    )


def test_topic_that_stays_off_is_denied_again() -> None:
    assert names(preferred(NEWS._replace(is_on=False))) == ["consent.denied"]


def test_topic_that_comes_on_is_granted_by_the_worker_alone() -> None:
    [made] = preferred(NEWS._replace(is_on=False), on="email/news")
    assert (said(made)[0], made.denials, made.suppressions) == ("consent.granted", (), ())


def test_topic_that_stays_on_is_not_said_again() -> None:
    assert preferred(NEWS, on="email/news", was="email/news") == []


def test_nothing_at_all_stops_the_channel_at_once() -> None:
    [made] = preferred(NOTHING, on="email/*")
    assert [(one.channel, one.reason) for one in made.suppressions] == [("email", "unsubscribe")]
    assert said(made)[0] == "email.unsubscribed"


def test_nothing_at_all_on_another_channel_is_said_of_that_channel() -> None:
    [made] = preferred(NOTHING._replace(channel="sms"), on="sms/*")
    assert [one.channel for one in made.suppressions] == ["sms"]
    assert said(made)[0] == "sms.unsubscribed"


@pytest.mark.parametrize(
    ("on", "was", "told"),
    [
        ("email/*", "email/*", []),
        ("", "email/*", ["suppression.removed"]),
        ("", "", []),
        ("email/*", "", ["email.unsubscribed"]),
    ],
)
def test_stopped_channel_is_lifted_by_the_one_who_saw_it_stopped(
    on: str, was: str, told: list[str]
) -> None:
    assert names(preferred(NOTHING._replace(is_on=True), on=on, was=was)) == told


def test_what_is_not_for_the_person_to_change_stays() -> None:
    fixed = NOTHING._replace(is_on=True, is_fixed=True)
    assert preferred(fixed, was="email/*") == []
    assert consents.after([fixed], Wanted(frozenset(), frozenset())) == [fixed]


def test_page_after_saving_shows_what_was_said() -> None:
    wanted = Wanted(frozenset({"email/*"}), frozenset())
    assert [one.is_on for one in consents.after([NEWS, NOTHING], wanted)] == [False, True]


def test_confirming_names_the_message_as_its_evidence() -> None:
    made = consents.confirmed(CLAIMS, now_ms=T0)
    assert said(made) == (
        "consent.confirmed",
        {"channel": "email", "topic": "news", "source": "confirmation", "evidence": "c-1"},
    )
