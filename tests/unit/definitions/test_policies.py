from datetime import time
from typing import Any

import pytest

from processors.definitions import documents
from processors.definitions.policies import Policy
from tests.builders import DAY, HOUR, MINUTE, cap, policy
from tests.unit.definitions.builders import problems


def parsed(**keys: Any) -> Policy:
    found = documents.parse(policy(**keys))
    assert isinstance(found, Policy)
    return found


def test_a_policy_holds_for_all_messages_unless_it_says_for_which() -> None:
    found = parsed(expires="2h")
    assert (found.channels, found.topics, found.expires) == (None, None, 2 * HOUR)
    assert (found.consent, found.quiet_hours, found.caps) == ("implied", None, ())


def test_a_policy_may_say_all_at_once() -> None:
    found = parsed(
        channels=["email"],
        consent="required",
        quiet_hours={"from": "21:00", "to": "08:00", "timezone": "Europe/Berlin", "days": ["sat"]},
        caps=[cap(3, "7d", over="defer"), cap(1, "1d", "d")],
        arbitration={"wait": "15m", "best": 2, "others": "defer"},
        sunset={"after": "180d"},
    )
    assert found.quiet_hours is not None
    quiet = found.quiet_hours
    assert (quiet.start, quiet.end, quiet.timezone) == (time(21), time(8), "Europe/Berlin")
    assert quiet.days == (5,)
    assert [(each.times, each.within, each.over) for each in found.caps] == [
        (3, 7 * DAY, "defer"),
        (1, DAY, "drop"),
    ]
    assert found.arbitration is not None
    assert (found.arbitration.wait, found.arbitration.best) == (15 * MINUTE, 2)
    assert found.sunset is not None
    assert found.sunset.after == 180 * DAY


def test_a_cap_combines_the_messages_of_one_channel_under_a_template() -> None:
    found = parsed(channels=["email", "email"], caps=[COMBINING, cap(over="defer")])
    assert [(each.over, each.summary) for each in found.caps] == [
        ("combine", "day"),
        ("defer", None),
    ]


def test_quiet_hours_are_those_of_the_person_on_every_day_if_unsaid() -> None:
    quiet = parsed(quiet_hours={"from": "21:00", "to": "08:00"}).quiet_hours
    assert quiet is not None
    assert (quiet.timezone, quiet.days) == ("profile", tuple(range(7)))


def test_whole_days_may_be_quiet_but_not_all() -> None:
    whole = {"from": "00:00", "to": "00:00"}
    assert parsed(quiet_hours={**whole, "days": ["sun"]}).quiet_hours is not None
    assert problems(policy(quiet_hours={**whole, "days": "sun"})) == [
        'quiet_hours.days: must be a list, found the text "sun"',
    ]


COMBINING = cap(id="d", over="combine", summary="day")
SAYING = "consent, quiet_hours, caps, arbitration, sunset, expires"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, f"needs one of {SAYING}"),
        ({"channels": ["email"]}, f"needs one of {SAYING}"),
        ({"cap": []}, "cap: unknown key; did you mean caps?"),
        ({"consent": "double"}, "consent: must be one of implied, required"),
        (
            {"quiet_hours": {"from": "21:00", "to": "21:00"}},
            "quiet_hours: from 21:00 to 21:00 every day would never end",
        ),
        ({"quiet_hours": {"from": "21:00"}}, "quiet_hours: needs the key to"),
        ({"quiet_hours": {"from": "9pm", "to": "08:00"}}, "quiet_hours.from: must be a time"),
        ({"caps": [cap(), cap()]}, "caps[1].id: a cap c is there already"),
        ({"caps": [1]}, "caps[0]: must be a mapping of id, times, within, per, over, summary"),
        ({"caps": {}}, "caps: must be a list, found a mapping"),
        ({"caps": [{"id": "c", "times": 1}]},
         "caps[0]: takes exactly one of within and per, found neither"),
        ({"caps": [cap(per="day")]}, "caps[0]: takes exactly one of within and per, found both"),
        ({"caps": [{"id": "c", "times": 1, "per": "year"}]},
         'caps[0].per: must be one of day, week, month, found the text "year"'),
        ({"caps": [{"times": 1, "within": "1d"}]}, "caps[0]: needs the key id"),
        ({"caps": [cap(over="hold")]}, "caps[0].over: must be one of combine, defer, drop"),
        ({"caps": [cap(summary="day")]}, "caps[0].summary: may only stand beside over: combine"),
        ({"channels": ["email"], "caps": [cap(over="combine")]},
         "caps[0]: needs the key summary: the template of what is combined"),
        ({"channels": ["email"], "caps": [cap(over="combine", template="day")]},
         "caps[0].template: unknown key; did you mean summary?"),
        ({"caps": [cap(over="defer"), COMBINING]},
         "caps[1].over: combine is for messages of one channel: name it under channels, found all"),
        ({"channels": ["email", "sms"], "caps": [COMBINING]},
         "caps[0].over: combine is for messages of one channel: name it under channels, found "
         "email, sms"),
        ({"channels": ["email"], "caps": [COMBINING, cap(), COMBINING | {"id": "e"}]},
         "caps[2].over: cap d combines the same messages; let this one defer or drop"),
        ({"channels": "email", "caps": [COMBINING]}, "channels: must be a list, found the text"),
        ({"arbitration": {"best": 1}}, "arbitration: needs the key wait"),
        (
            {"topics": ["news"], "sunset": {"after": "1d"}},
            "sunset: may not stand beside topics: it is for whole channels",
        ),
    ],
)  # fmt: skip
def test_a_mistake_brings_one_plain_message(keys: dict[str, Any], message: str) -> None:
    (found,) = problems(policy(**keys))
    assert found.startswith(message)
