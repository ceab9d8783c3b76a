"""Conditions on the time: whether clocks show it, and until when."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions.hours import MAX_DAYS, hours, is_inside, turn
from processors.definitions.hours import DAYS, LocalTime
from processors.state.profiles import Profile
from tests.builders import DAY, HOUR, MINUTE, T0, Person, identify, moves, segment
from tests.properties import budget

NEW_YORK, LORD_HOWE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
WORK = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}


def asked(**keys: Any) -> LocalTime:
    return LocalTime.model_validate({key.rstrip("_"): value for key, value in keys.items()})


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "is_in", "until"),
    [
        ("2026-01-05T09:00:00Z", True, "2026-01-05T17:00:00Z"),
        ("2026-01-05T16:59:59.999Z", True, "2026-01-05T17:00:00Z"),
        ("2026-01-05T17:00:00Z", False, "2026-01-06T09:00:00Z"),
        ("2026-01-09T17:00:00Z", False, "2026-01-12T09:00:00Z"),
        ("2026-01-10T12:00:00Z", False, "2026-01-12T09:00:00Z"),
    ],
)
def test_working_hours_begin_inside_and_end_outside(at: str, is_in: bool, until: str) -> None:
    work = asked(**WORK)
    assert is_inside(work, UTC, ms(at)) is is_in
    assert turn(work, UTC, ms(at)) == ms(until)


def test_holidays_are_left_out() -> None:
    work = asked(**WORK, holidays=["2026-01-06", "2026-01-07"])
    assert turn(work, UTC, ms("2026-01-05T17:00:00Z")) == ms("2026-01-08T09:00:00Z")


def test_whole_days_follow_each_other_without_a_turn() -> None:
    week = asked(days=["mon", "tue", "wed", "thu", "fri"])
    assert turn(week, UTC, ms("2026-01-05T00:00:00Z")) == ms("2026-01-10T00:00:00Z")
    assert turn(asked(), UTC, T0) == T0 - T0 % DAY + MAX_DAYS * DAY


@pytest.mark.parametrize(
    ("start", "end", "at", "until"),
    [
        # 2:00 is followed by 3:00: the window begins with the jump
        ("02:30", "04:00", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"),
        # 1:59 is followed by 1:00: what ended at 1:10 begins again, and ends again
        ("00:00", "01:10", "2026-11-01T04:00:00Z", "2026-11-01T05:10:00Z"),
        ("00:00", "01:10", "2026-11-01T05:10:00Z", "2026-11-01T06:00:00Z"),
        ("00:00", "01:10", "2026-11-01T06:00:00Z", "2026-11-01T06:10:00Z"),
    ],
)
def test_clocks_that_are_changed_turn_it_when_they_are(
    start: str, end: str, at: str, until: str
) -> None:
    assert turn(asked(from_=start, to=end), NEW_YORK, ms(at)) == ms(until)


def by_the_minute(work: LocalTime, zone: tzinfo, now: int) -> int | None:
    """Looks at every minute of four days."""

    def shows(at_ms: int) -> bool:
        shown = datetime.fromtimestamp(at_ms / 1000, zone)
        late = work.end is not None and shown.time() >= work.end
        return (
            shown.weekday() in work.days
            and not late
            and shown.time() >= work.start
            and shown.date() not in work.holidays
        )

    begin = now - now % MINUTE + MINUTE
    for at_ms in range(begin, begin + 4 * DAY, MINUTE):
        if shows(at_ms) != shows(now):
            return at_ms
    return None


NEAR_CHANGES = [ms("2026-03-08T00:00:00Z"), ms("2026-11-01T00:00:00Z"), ms("2026-04-04T00:00:00Z")]


@budget(60)
@given(
    st.sets(st.sampled_from(DAYS), min_size=1),
    st.lists(st.sampled_from(["00:00", "00:40", "01:10", "01:30", "02:15", "03:00", "23:59"]),
             min_size=2, max_size=2, unique=True).map(sorted),
    st.sampled_from([UTC, NEW_YORK, LORD_HOWE]),
    st.sampled_from(NEAR_CHANGES),
    st.integers(-DAY // MINUTE, 2 * DAY // MINUTE),
)  # fmt: skip
def test_turn_is_the_first_minute_that_differs(
    days: set[str], ends: list[str], zone: tzinfo, near_ms: int, minutes: int
) -> None:
    work = asked(days=sorted(days), from_=ends[0], to=ends[1])
    now = near_ms + minutes * MINUTE
    found = by_the_minute(work, zone, now)
    if found is None:
        assert turn(work, zone, now) > now + 4 * DAY - MINUTE
    else:
        assert turn(work, zone, now) == found


def test_zone_may_be_that_of_the_person() -> None:
    evaluate = hours(asked(**WORK, timezone="profile"))
    at_noon = ms("2026-01-05T12:00:00Z")
    assert evaluate(Profile(), at_noon, {}) == at_noon + 5 * HOUR
    in_new_york = Profile(traits={"timezone": ("America/New_York", 0)})
    assert evaluate(in_new_york, at_noon, {}) == -(at_noon + 2 * HOUR)
    assert evaluate(in_new_york, at_noon - DAY, {}) == -(at_noon + 2 * HOUR)
    assert evaluate(Profile(), at_noon + timedelta(hours=6) // timedelta(milliseconds=1), {}) < 0


def test_people_turn_by_the_clock_and_when_they_move() -> None:
    person = Person(segment({"local_time": WORK | {"timezone": "profile"}}))
    monday = ms("2026-01-05T08:00:00Z")
    person.hears(identify(monday, timezone="UTC"))
    assert moves(person.waits(monday + DAY)) == [
        ("s", "entered", monday + HOUR - T0, "clock"),
        ("s", "exited", monday + 9 * HOUR - T0, "clock"),
    ]
    noon = monday + DAY + 4 * HOUR
    assert moves(person.waits(noon)) == [("s", "entered", monday + DAY + HOUR - T0, "clock")]
    moved = person.hears(identify(noon, id="m2", timezone="America/New_York"))
    assert moves(moved) == [("s", "exited", noon - T0, "m2")]


def test_the_same_answer_is_given_again_until_it_turns() -> None:
    person = Person(segment({"local_time": WORK | {"timezone": "Europe/Berlin"}}))
    evaluate = hours(asked(**WORK, timezone="Europe/Berlin"))
    noon = ms("2026-01-05T11:00:00Z")
    assert evaluate(Profile(), noon, {}) == noon + 5 * HOUR
    assert evaluate(Profile(), noon + HOUR, {}) == noon + 5 * HOUR
    person.hears(identify(noon, timezone="America/New_York"))
    assert person.segments == {"s"}
