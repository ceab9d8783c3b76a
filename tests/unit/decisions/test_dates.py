"""Dates of people: what is due when."""

from datetime import UTC, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from processors.decisions.dates import Appointment, next_due
from processors.definitions import durations
from schemas.events import iso

DAY, HOUR = 86_400_000, 3_600_000
ZONES = {
    "NY": ZoneInfo("America/New_York"),
    "Sydney": ZoneInfo("Australia/Sydney"),
    "UTC": UTC,
}
AFTER = "2026-01-01T00:00:00Z"


def due(value: Any, zone: str = "UTC", after: str = AFTER, **of: Any) -> str | None:
    found = next_due(Appointment(**of), value, ZONES[zone], durations.parse_instant(after))
    return None if found is None else iso(found).removesuffix(":00.000Z")


def test_a_day_begins_at_midnight_in_the_zone() -> None:
    assert due("2026-05-01") == "2026-05-01T00:00"
    assert due("2026-05-01", "NY") == "2026-05-01T04:00"
    assert due("2026-05-01", "Sydney") == "2026-04-30T14:00"


def test_an_instant_is_itself() -> None:
    for zone in ZONES:
        assert due("2026-05-01T12:34:00+02:00", zone) == "2026-05-01T10:34"
    assert due("2026-11-01T01:30:00-05:00", "NY") == "2026-11-01T06:30"


@pytest.mark.parametrize(
    "value",
    [None, 5, True, "", "soon", "2026-02-30", "2026-5-1", "20260501", "2026-05-01T10:00", [], {}],
)
def test_anything_else_is_no_date(value: Any) -> None:
    assert due(value, is_yearly=True) is None


def test_what_lies_in_the_past_is_skipped() -> None:
    assert due("2026-01-01", after="2025-12-31T23:59:59.999Z") == "2026-01-01T00:00"
    assert due("2026-01-01", after="2026-01-01T00:00:00Z") is None
    assert due("2026-03-01", offset_ms=-90 * DAY) is None


def test_whole_days_are_days_of_the_calendar() -> None:
    assert due("2026-03-09", "NY", offset_ms=-7 * DAY) == "2026-03-02T05:00"
    assert due("2026-03-02", "NY", offset_ms=7 * DAY) == "2026-03-09T04:00"
    assert due("2026-03-07T12:00:00-05:00", "NY", offset_ms=DAY) == "2026-03-08T16:00"


def test_hours_are_so_much_time() -> None:
    assert due("2026-03-09", "NY", offset_ms=-36 * HOUR) == "2026-03-07T16:00"
    assert due("2026-03-07T12:00:00-05:00", "NY", offset_ms=25 * HOUR) == "2026-03-08T18:00"


def test_a_time_of_day_is_that_of_the_day_it_comes_to() -> None:
    nine = time(9)
    assert due("2026-05-01", "NY", at=nine) == "2026-05-01T13:00"
    assert due("2026-05-01T03:00:00Z", "NY", at=nine) == "2026-04-30T13:00"
    assert due("2026-05-01", "NY", at=nine, offset_ms=-90 * DAY) == "2026-01-31T14:00"
    assert due("2026-05-01", "NY", at=nine, offset_ms=-HOUR) == "2026-04-30T13:00"


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2026-03-08", "NY", "2026-03-08T07:00"),
        ("2026-11-01", "NY", "2026-11-01T07:00"),
        ("2026-10-04", "Sydney", "2026-10-03T16:00"),
        ("2026-04-05", "Sydney", "2026-04-04T15:30"),
    ],
)
def test_where_clocks_change_a_time_is_the_first_or_the_end_of_the_gap(
    value: str, zone: str, expected: str
) -> None:
    at = time(2, 0 if value == "2026-11-01" else 30)
    assert due(value, zone, at=at) == expected


def test_the_earlier_of_two_is_taken() -> None:
    assert due("2026-11-01", "NY", at=time(1, 30)) == "2026-11-01T05:30"


def test_each_year_has_its_day() -> None:
    assert due("1990-05-01", is_yearly=True) == "2026-05-01T00:00"
    assert due("1990-05-01", is_yearly=True, after="2026-05-01T00:00:00Z") == "2027-05-01T00:00"
    assert due("1990-05-01T09:30:00Z", "NY", is_yearly=True) == "2026-05-01T09:30"
    assert due("1990-01-10T00:00:00Z", is_yearly=True, offset_ms=-DAY) == "2026-01-09T00:00"
    assert due("1990-01-03", is_yearly=True, offset_ms=-7 * DAY) == "2026-12-27T00:00"
    assert due("1990-01-03", is_yearly=True, offset_ms=3650 * DAY) == "2027-01-01T00:00"


def test_years_begin_with_that_of_the_date() -> None:
    assert due("2030-05-01", is_yearly=True) == "2030-05-01T00:00"
    assert due("2030-05-01T06:00:00Z", is_yearly=True) == "2030-05-01T06:00"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2025-01-01T00:00:00Z", "2025-02-28T09:00"),
        ("2027-03-01T00:00:00Z", "2028-02-29T09:00"),
        ("2100-01-01T00:00:00Z", "2100-02-28T09:00"),
    ],
)
def test_a_leap_day_is_the_28th_where_there_is_none(after: str, expected: str) -> None:
    assert due("2024-02-29", after=after, at=time(9), is_yearly=True) == expected


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("offset_ms", [-3650 * DAY, 3650 * DAY, HOUR])
def test_what_lies_beyond_the_calendar_never_comes(value: str, offset_ms: int) -> None:
    found = due(value, "Sydney", offset_ms=offset_ms)
    assert found is None or found > "9980"
