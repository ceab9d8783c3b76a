"""Which day, week or month it is by the clocks of a person, also where these are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions.periods import bounds
from processors.definitions import zones
from processors.definitions.policies import Per
from tests.builders import HOUR, MINUTE

NEW_YORK = "America/New_York"
ZONES = ("UTC", NEW_YORK, "Australia/Lord_Howe", "Asia/Beirut", "America/St_Johns", "Africa/Cairo")
PERS: tuple[Per, ...] = ("day", "week", "month")


def at(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("per", "begins", "ends"),
    [
        ("day", "2026-03-04T00:00", "2026-03-05T00:00"),
        ("week", "2026-03-02T00:00", "2026-03-09T00:00"),
        ("month", "2026-03-01T00:00", "2026-04-01T00:00"),
    ],
)
def test_period_is_that_of_the_clocks(per: Per, begins: str, ends: str) -> None:
    for zone in ("UTC", NEW_YORK, "Asia/Kathmandu"):
        found = at(begins, zone), at(ends, zone)
        assert bounds(per, at("2026-03-04T15:30", zone), ZoneInfo(zone)) == found


def test_beginning_is_inside_and_end_is_outside() -> None:
    begins, ends = at("2026-12-01T00:00"), at("2027-01-01T00:00")
    assert bounds("month", begins, UTC) == bounds("month", ends - 1, UTC) == (begins, ends)
    assert bounds("month", ends, UTC)[0] == ends


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)]
)
def test_day_on_which_clocks_are_changed_is_shorter_or_longer(day: str, hours: int) -> None:
    begins, ends = bounds("day", at(f"{day}T12:00", NEW_YORK), ZoneInfo(NEW_YORK))
    assert begins == at(f"{day}T00:00", NEW_YORK)
    assert ends - begins == hours * HOUR


def test_day_whose_midnight_is_left_out_begins_after_the_gap() -> None:
    begins, _ = bounds("day", at("2026-04-24T12:00", "Africa/Cairo"), ZoneInfo("Africa/Cairo"))
    assert begins == at("2026-04-24T01:00", "Africa/Cairo")


def test_clocks_that_go_back_over_midnight_begin_no_day_twice() -> None:
    zone = ZoneInfo("America/St_Johns")  # at 00:01 back to 23:01
    begins = at("2010-11-07T00:00", "America/St_Johns")
    ends = at("2010-11-08T00:00", "America/St_Johns")
    assert zones.local(begins + 2 * MINUTE, zone).day == 6
    for after in (0, MINUTE, 2 * MINUTE, HOUR, 2 * HOUR):
        assert bounds("day", begins + after, zone) == (begins, ends)


@given(
    st.sampled_from(PERS),
    st.sampled_from(ZONES),
    st.integers(at("2005-01-01"), at("2030-01-01")),
)
def test_each_instant_lies_in_one_period_and_they_follow_each_other(
    per: Per, name: str, now: int
) -> None:
    zone = ZoneInfo(name)
    begins, ends = bounds(per, now, zone)
    assert begins <= now < ends
    assert bounds(per, begins, zone) == bounds(per, ends - 1, zone) == (begins, ends)
    assert bounds(per, ends, zone)[0] == ends
    most = {"day": 1, "week": 7, "month": 31}[per]
    assert timedelta(milliseconds=ends - begins) <= timedelta(days=most, hours=2)
