"""Quiet hours, by the clocks of the person: from is inside, to is not."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from processors.decisions import quiet
from processors.decisions.quiet import Quiet
from processors.definitions.policies import QuietHours
from processors.state.profiles import Profile
from tests.builders import DAY, HOUR, T0, Document

BERLIN = ZoneInfo("Europe/Berlin")


def hours(start: str, end: str, **keys: object) -> Quiet:
    written: Document = {"from": start, "to": end, **keys}
    return quiet.quiet(QuietHours.model_validate(written))


def at(text: str, zone: ZoneInfo | None = None) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp() * 1000)


NIGHT = hours("21:00", "08:00")


@pytest.mark.parametrize(
    ("asked", "end"),
    [(0, 8), (7.999, 8), (8, 8), (20.999, 20.999), (21, 32), (23, 32)],
)
def test_a_night_reaches_into_the_next_day(asked: float, end: float) -> None:
    found = NIGHT.end_of(Profile(), T0 + round(asked * HOUR))
    assert found == T0 + round(end * HOUR)


def test_hours_of_one_day_end_on_it() -> None:
    noon = hours("12:00", "14:00", timezone="UTC")
    assert noon.end_of(Profile(), T0 + 12 * HOUR) == T0 + 14 * HOUR
    assert noon.end_of(Profile(), T0 + 14 * HOUR) == T0 + 14 * HOUR


def test_the_clocks_are_those_of_the_person_or_of_the_zone_that_is_named() -> None:
    person = Profile(traits={"timezone": ("Europe/Berlin", 0)})
    ten = at("2026-01-10T20:30:00")
    assert NIGHT.end_of(person, ten) == at("2026-01-11T07:00:00")
    assert NIGHT.end_of(Profile(), ten) == ten
    fixed = hours("21:00", "08:00", timezone="Europe/Berlin")
    assert fixed.end_of(Profile(), ten) == at("2026-01-11T07:00:00")


def test_days_are_those_on_which_they_begin() -> None:
    friday = hours("21:00", "08:00", days=["fri"])
    assert friday.end_of(Profile(), at("2026-01-09T22:00:00")) == at("2026-01-10T08:00:00")
    assert friday.end_of(Profile(), at("2026-01-10T07:00:00")) == at("2026-01-10T08:00:00")
    saturday = at("2026-01-10T22:00:00")
    assert friday.end_of(Profile(), saturday) == saturday


@pytest.mark.parametrize(
    ("evening", "morning"),
    [
        ("2026-03-28T22:00:00", "2026-03-29T08:00:00"),
        ("2026-10-24T22:00:00", "2026-10-25T08:00:00"),
    ],
)
def test_they_end_by_what_clocks_show_where_these_are_changed(evening: str, morning: str) -> None:
    fixed = hours("21:00", "08:00", timezone="Europe/Berlin")
    assert fixed.end_of(Profile(), at(evening, BERLIN)) == at(morning, BERLIN)


def test_what_follows_without_a_gap_is_waited_for_too() -> None:
    morning, weekend = hours("08:00", "09:00"), hours("00:00", "00:00", days=["sat", "sun"])
    known = (morning, NIGHT, weekend)
    assert quiet.end(known, Profile(), T0 + 22 * HOUR) == T0 + 33 * HOUR
    friday = at("2026-01-09T22:00:00")
    assert quiet.end(known, Profile(), friday) == at("2026-01-12T09:00:00")
    assert quiet.end((), Profile(), friday) == friday


def test_what_never_ends_is_asked_about_again_some_day() -> None:
    day, night = hours("08:00", "20:00"), hours("20:00", "08:00")
    found = quiet.end((day, night), Profile(), T0 + 9 * HOUR)
    assert T0 + 7 * DAY < found < T0 + 9 * DAY
