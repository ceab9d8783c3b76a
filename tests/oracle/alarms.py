"""Stimuli that are instants: when a trigger is woken with no event at hand."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tests.oracle.conditions import Occurrence, Where
from tests.oracle.documents import EPOCH, MILLISECOND, Document, duration_ms, instant_ms

DAY = timedelta(days=1)


class Person(Protocol):
    """What an alarm may ask of a person."""

    clock: int | None
    ticked: int
    own: list[Occurrence]

    def trait(self, path: str) -> Any: ...


class Alarm(Protocol):
    def instants(self, person: Person, until_ms: int) -> Iterator[int]: ...


class Idle:
    """Nothing was done, or not this one thing, for so long."""

    def __init__(self, on: Document) -> None:
        self.width = duration_ms(on["inactive"])
        self.name: str | None = on.get("event")
        self.where = Where(on.get("where", []))

    def instants(self, person: Person, until_ms: int) -> Iterator[int]:
        times = [
            one.at_ms
            for one in person.own
            if (self.name is None and one.name != "List Changed")
            or (one.name == self.name and self.where.fits(one))
        ]
        if times:
            yield max(times) + self.width


def shows(at_ms: int, zone: tzinfo) -> datetime:
    """Returns what a clock on the wall shows."""
    return (EPOCH + at_ms * MILLISECOND).astimezone(zone).replace(tzinfo=None, fold=0)


@cache
def strikes(shown: datetime, zone: tzinfo) -> int:
    """Returns when a clock on the wall first shows a time, or passes it: by watching the clock."""
    at_ms = (shown.replace(tzinfo=UTC) - EPOCH) // MILLISECOND - 27 * 3_600_000
    for step in (60_000, 1_000, 1):
        while shows(at_ms + step, zone) < shown:
            at_ms += step
    return at_ms + 1


def zone_of(on: Document, person: Person) -> tzinfo:
    """Returns the zone that a stimulus names; UTC where the person has none, or one unheard of."""
    name = on.get("timezone", "UTC")
    if name == "profile":
        name = person.trait("timezone")
    try:
        return ZoneInfo(name)
    except (TypeError, ValueError, OSError, LookupError):
        return UTC


class Dated:
    """The day of a date trait has come, or one relative to it."""

    def __init__(self, on: Document) -> None:
        self.on = on
        text: str = on.get("offset", "0s")
        length = duration_ms(text.lstrip("+-"))
        self.offset = -length if text.startswith("-") else length

    def instants(self, person: Person, until_ms: int) -> Iterator[int]:
        value, zone = person.trait(self.on["date"]), zone_of(self.on, person)
        exact, day = instant_ms(value), day_of(value)
        if day is None and exact is None:
            return
        shown = day or shows(exact or 0, zone)
        yield self._due(shown, exact, zone)
        if self.on.get("yearly"):
            last = shows(until_ms, zone).year + 12
            for year in range(max(shown.year + 1, last - 24), last):
                yield self._due(in_year(shown, year), None, zone)

    def _due(self, shown: datetime, exact: int | None, zone: tzinfo) -> int:
        whole = timedelta(milliseconds=self.offset) % DAY == timedelta(0)
        if whole and self.offset == 0 and "at" not in self.on and exact is not None:
            return exact
        if whole:
            shown += timedelta(milliseconds=self.offset)
        else:
            at_ms = (strikes(shown, zone) if exact is None else exact) + self.offset
            if "at" not in self.on:
                return at_ms
            shown = shows(at_ms, zone)
        if "at" in self.on:
            hour, minute = self.on["at"].split(":")
            shown = shown.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        return strikes(shown, zone)


def day_of(value: Any) -> datetime | None:
    """Returns when a plain date begins, on any clock; None for anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def in_year(shown: datetime, year: int) -> datetime:
    try:
        return shown.replace(year=year)
    except ValueError:
        return shown.replace(year=year, day=28)


MINUTE_MS, DAY_MS = 60_000, 86_400_000
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def numbers(field: str, low: int, high: int) -> set[int]:
    """Returns what one field of a cron expression allows."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = WEEKDAYS.index(first) if first in WEEKDAYS else int(first)
            end = int(last or (high if step else begin))
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


class Schedule:
    """The ticks of a cron expression, found minute by minute."""

    def __init__(self, on: Document) -> None:
        self.on = on

    def instants(self, person: Person, until_ms: int) -> Iterator[int]:
        begin = max(person.ticked, person.clock or 0)
        zone = zone_of(self.on, person)
        for day in range(begin // DAY_MS, until_ms // DAY_MS + 1):
            yield from (at for at in ticks(self.on["schedule"], zone, day) if at > person.ticked)


@cache
def ticks(expression: str, zone: tzinfo, day: int) -> list[int]:
    """Returns the ticks of one day (UTC, since the epoch): where the clock first shows a minute
    that is asked for, or passes it."""
    minute, hour, date, month, weekday = expression.split()
    minutes, hours, months = numbers(minute, 0, 59), numbers(hour, 0, 23), numbers(month, 1, 12)
    dates, weekdays = numbers(date, 1, 31), {one % 7 for one in numbers(weekday, 0, 7)}
    is_both = date.startswith("*") or weekday.startswith("*")

    def matches(shown: datetime) -> bool:
        of_day = [shown.day in dates, (shown.weekday() + 1) % 7 in weekdays]
        is_day = all(of_day) if is_both else any(of_day)
        return shown.minute in minutes and shown.hour in hours and shown.month in months and is_day

    begin = day * DAY_MS
    latest = max(shows(begin - at * MINUTE_MS, zone) for at in range(1, 200))
    found = []
    for at_ms in range(begin, begin + DAY_MS, MINUTE_MS):
        shown, passed = shows(at_ms, zone), False
        while latest < shown:
            latest += timedelta(minutes=1)
            passed = passed or matches(latest)
        if passed:
            found.append(at_ms)
    return found


def alarm(on: Document) -> Alarm | None:
    """Returns the alarm of a stimulus; None where it is no instant."""
    if "inactive" in on:
        return Idle(on)
    if "date" in on:
        return Dated(on)
    if "schedule" in on:
        return Schedule(on)
    return None
