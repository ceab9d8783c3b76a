"""Dates of people: at which instant something relative to a date trait is due."""

import calendar
import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import msgspec

from processors.decisions.comparisons import instant
from processors.definitions import zones
from schemas.topics import DAY_MS

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEARS = 4
"""Among so many in a row one lies ahead."""


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """What is due when, relative to a date."""

    offset_ms: int = 0
    """Whole days are days of the calendar; anything else is that much time."""
    at: time | None = None
    """The time of day; None: that of the date."""
    is_yearly: bool = False
    """Again each year, from the date's own on; 29 February on the 28th where there is none."""


class _Day(msgspec.Struct, frozen=True):
    """A date as clocks show it, and the instant that it is where it names one."""

    shown: datetime
    exact_ms: int | None


def next_due(appointment: Appointment, value: Any, zone: tzinfo, after_ms: int) -> int | None:
    """Returns the first instant after another at which an appointment is due; None: there is none.

    Args:
        appointment: what is due.
        value: an ISO 8601 instant, or a date such as `2026-05-01`, which begins at 00:00 local
            time; anything else is no date.
        zone: of the person's clocks.
        after_ms: ms.
    """
    try:
        day = _read(value, zone)
        return None if day is None else _next(appointment, day, zone, after_ms)
    except (OverflowError, ValueError):  # beyond the calendar
        return None


def next_time(from_ms: int, at: time | None, days: tuple[int, ...], zone: tzinfo) -> int:
    """Returns the first instant from another on at which clocks show a time, on one of some days.

    Args:
        from_ms: it may be this one.
        at: the time; None: any of the day.
        days: 0 is Monday; empty: any.
        zone: of the clocks.
    """
    begin = zones.local(from_ms, zone)
    if at is None and begin.weekday() in days:
        return from_ms
    day = begin.date()
    while True:
        due_ms = zones.instant(datetime.combine(day, at or time()), zone)
        if due_ms >= from_ms and (not days or day.weekday() in days):
            return due_ms
        day += timedelta(days=1)


def _read(value: Any, zone: tzinfo) -> _Day | None:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return _Day(datetime.combine(date.fromisoformat(value), time()), None)
    exact_ms = instant(value)
    return None if exact_ms is None else _Day(zones.local(exact_ms, zone), exact_ms)


def _next(appointment: Appointment, day: _Day, zone: tzinfo, after_ms: int) -> int | None:
    if not appointment.is_yearly:
        found = _due(appointment, day, zone)
        return found if found > after_ms else None
    born = day.shown.year
    first = max(born, zones.local(after_ms - appointment.offset_ms, zone).year - 1)
    years = range(first, first + _YEARS)
    days = (day if year == born else _Day(_in_year(day.shown, year), None) for year in years)
    return next(due for each in days if (due := _due(appointment, each, zone)) > after_ms)


def _due(appointment: Appointment, day: _Day, zone: tzinfo) -> int:
    """Returns the instant that an appointment makes of one day."""
    days, rest_ms = divmod(appointment.offset_ms, DAY_MS)
    at = appointment.at
    if rest_ms:
        begin_ms = zones.instant(day.shown, zone) if day.exact_ms is None else day.exact_ms
        due_ms = begin_ms + appointment.offset_ms
        if at is None:
            return due_ms
        shown = zones.local(due_ms, zone)
    elif days == 0 and at is None and day.exact_ms is not None:
        return day.exact_ms
    else:
        shown = day.shown + timedelta(days=days)
    return zones.instant(shown if at is None else datetime.combine(shown, at), zone)


def _in_year(shown: datetime, year: int) -> datetime:
    if (shown.month, shown.day) == (2, 29) and not calendar.isleap(year):
        shown = shown.replace(day=28)
    return shown.replace(year=year)
