"""Cron expressions: what is one, and when they tick."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from processors.definitions import crons, durations
from processors.definitions.crons import Cron
from schemas.events import iso

NEW_YORK, SYDNEY = ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")


def ticks(expression: str, zone: ZoneInfo, after: str, count: int = 3) -> list[str]:
    """Returns the next ticks; some are asked twice, which must not matter."""
    cron, at_ms, found = Cron(expression), durations.parse_instant(after), []
    for _ in range(count):
        next_ms = cron.next_tick(at_ms, zone)
        assert cron.next_tick(next_ms - 1, zone) == next_ms
        at_ms = next_ms
        found.append(iso(at_ms).removesuffix(":00.000Z"))
    return found


@pytest.mark.parametrize(
    "expression",
    ["0 9 * * *", "*/15 8-18 * * MON-FRI", "0 0 29 2 *", "0 0 L * *", "0 9 * * 1#1", "0 0 31 1 *"],
)
def test_what_comes_some_day_is_a_schedule(expression: str) -> None:
    crons.check(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 9 * *", "five fields: minute, hour, day of month, month, day of week"),
        ("0 0 9 * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 9 * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 9 0 * *", "bad day of month"),
        ("0 9 * 13 *", "bad month"),
        ("0 9 * * 8", "bad day of week"),
        ("0 9 * * MON#6", "bad day of week"),
        ("x 9 * * *", "bad minute"),
        ("*/0 9 * * *", "bad minute"),
        ("0 0 30 2 *", "bad day of month"),
        ("0 0 31 4,6 *", "bad day of month"),
        ("0 0 * 2 MON#5", "no such day within 8 years"),
    ],
)
def test_what_never_comes_is_none(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        crons.check(expression)


def test_a_schedule_ticks_by_local_clocks() -> None:
    assert ticks("0 9 * * *", NEW_YORK, "2026-03-06T14:00:00Z") == [
        "2026-03-07T14:00",
        "2026-03-08T13:00",
        "2026-03-09T13:00",
    ]


def test_a_tick_lies_after_the_instant() -> None:
    cron, tick_ms = Cron("0 9 * * *"), durations.parse_instant("2026-01-01T09:00:00Z")
    assert cron.next_tick(tick_ms - 1, UTC) == tick_ms
    assert cron.next_tick(tick_ms, UTC) == tick_ms + 86_400_000


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # forward: what would be in the gap comes at its end, once
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", ["2026-03-08T07:00", "2026-03-09T06:30"]),
        (
            "*/20 2 * * *",
            NEW_YORK,
            "2026-03-08T06:00:00Z",
            ["2026-03-08T07:00", "2026-03-09T06:00"],
        ),
        ("0 * * * *", NEW_YORK, "2026-03-08T05:30:00Z", ["2026-03-08T06:00", "2026-03-08T07:00"]),
        ("30 2 * * *", SYDNEY, "2026-10-03T00:00:00Z", ["2026-10-03T16:00", "2026-10-04T15:30"]),
        # back: what comes twice comes the first time
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T05:45:00Z", ["2026-11-02T06:30", "2026-11-03T06:30"]),
        ("30 1 * * *", NEW_YORK, "2026-11-01T06:10:00Z", ["2026-11-02T06:30", "2026-11-03T06:30"]),
        ("0 * * * *", NEW_YORK, "2026-11-01T04:30:00Z", ["2026-11-01T05:00", "2026-11-01T07:00"]),
        ("30 2 * * *", SYDNEY, "2026-04-04T00:00:00Z", ["2026-04-04T15:30", "2026-04-05T16:30"]),
    ],
)
def test_where_clocks_change_every_tick_comes_once(
    expression: str, zone: ZoneInfo, after: str, expected: list[str]
) -> None:
    assert ticks(expression, zone, after, 2) == expected


def test_zones_are_told_apart() -> None:
    cron, after_ms = Cron("0 9 * * *"), durations.parse_instant("2026-01-01T00:00:00Z")
    for _ in range(2):
        assert iso(cron.next_tick(after_ms, NEW_YORK)) == "2026-01-01T14:00:00.000Z"
        assert iso(cron.next_tick(after_ms, SYDNEY)) == "2026-01-01T22:00:00.000Z"


def test_an_earlier_question_is_not_answered_by_a_later_one() -> None:
    cron, after_ms = Cron("0 9 * * *"), durations.parse_instant("2026-01-05T00:00:00Z")
    cron.next_tick(after_ms, UTC)
    assert iso(cron.next_tick(after_ms - 3 * 86_400_000, UTC)) == "2026-01-02T09:00:00.000Z"
