"""Conditions on what clocks show, compiled: whether it is such a time, and until when.

Between two candidates nothing turns: they are the ends of the hours that are asked for, midnights,
and each minute of days on which clocks are changed.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo

import msgspec

from processors.decisions.comparisons import Answer
from processors.decisions.features import Properties
from processors.definitions import zones
from processors.definitions.hours import LocalTime
from processors.state.profiles import Profile, trait
from schemas.topics import DAY_MS

TIMEZONE = "timezone"
"""The trait that names the zone of a person's clocks."""
MINUTE_MS = 60_000
MAX_DAYS = 400
"""How far ahead a turn is looked for; further on it is looked for again."""
_DAY = timedelta(days=1)


def zone_of(profile: Profile, zone: tzinfo | None) -> tzinfo:
    """Returns a zone; for None that of the person, UTC where there is none."""
    return zone or zones.find(trait(profile.traits, (TIMEZONE,))) or UTC


class TraitHour(msgspec.Struct, frozen=True):
    """The time of day that a trait of the person names."""

    path: tuple[str, ...]
    otherwise: time

    def of(self, profile: Profile) -> time:
        """Returns it: of an hour from 0 to 23, or of a text such as `09:30`; else the other."""
        match trait(profile.traits, self.path):
            case bool():
                return self.otherwise
            case int(hour) if 0 <= hour < 24:
                return time(hour)
            case str(text):
                with contextlib.suppress(ValueError):
                    return zones.clock(text)
        return self.otherwise


def hours(asked: LocalTime) -> Callable[[Profile, int, Properties], Answer]:
    """Returns the closure of a condition on the time."""
    fixed = zones.find(asked.timezone)
    spans: dict[tzinfo, tuple[int, int, bool]] = {}

    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        zone = zone_of(profile, fixed)
        begin, end, inside = spans.get(zone, (0, 0, False))
        if not begin <= now < end:
            inside, end = is_inside(asked, zone, now), turn(asked, zone, now)
            spans[zone] = now, end, inside
        return end if inside else -end

    return evaluate


def is_inside(asked: LocalTime, zone: tzinfo, now: int) -> bool:
    """Returns whether clocks show a time that is asked for."""
    shown = zones.local(now, zone)
    return (
        shown.weekday() in asked.days
        and asked.start <= shown.time()
        and (asked.end is None or shown.time() < asked.end)
        and shown.date() not in asked.holidays
    )


def turn(asked: LocalTime, zone: tzinfo, now: int) -> int:
    """Returns the first instant after now at which the answer is another, ms."""
    inside = is_inside(asked, zone, now)
    first = now - now % DAY_MS
    for day_ms in range(first, first + MAX_DAYS * DAY_MS, DAY_MS):
        for at_ms in sorted(set(_candidates(asked, zone, day_ms))):
            if at_ms > now and is_inside(asked, zone, at_ms) != inside:
                return at_ms
    return first + MAX_DAYS * DAY_MS


def _candidates(asked: LocalTime, zone: tzinfo, day_ms: int) -> Iterator[int]:
    """Gives the instants of one day of UTC at which something may turn."""
    begin, end = zones.local(day_ms, zone), zones.local(day_ms + DAY_MS, zone)
    if end - begin != _DAY:
        yield from range(day_ms, day_ms + DAY_MS, MINUTE_MS)
    day = begin.date()
    while day <= end.date():
        for at in (time(), asked.start, asked.end):
            if at is not None:
                yield zones.instant(datetime.combine(day, at), zone)
        day += _DAY
