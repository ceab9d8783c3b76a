"""Quiet hours, compiled: until when nothing is sent, by the clocks of the person."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo

import msgspec

from processors.decisions.hours import zone_of
from processors.definitions import policies as documents
from processors.definitions import zones
from processors.state.profiles import Profile

MAX_JOINED = 16
"""How many quiet hours may follow each other without a gap; after these it is asked again."""
_DAY = timedelta(days=1)


class Quiet(msgspec.Struct, frozen=True):
    """Some hours on some days."""

    start: time
    end: time
    zone: tzinfo | None
    """None: that of the person."""
    days: frozenset[int]
    """On which they begin."""

    def end_of(self, profile: Profile, at_ms: int) -> int:
        """Returns the end of the quiet hours in which an instant lies; it itself where in none."""
        zone = zone_of(profile, self.zone)
        today = zones.local(at_ms, zone).date()
        for day in (today - _DAY, today):
            if day.weekday() in self.days:
                begin_ms, end_ms = self._span(day, zone)
                if begin_ms <= at_ms < end_ms:
                    return end_ms
        return at_ms

    def _span(self, day: date, zone: tzinfo) -> tuple[int, int]:
        last = day if self.start < self.end else day + _DAY
        first_ms = zones.instant(datetime.combine(day, self.start), zone)
        return first_ms, zones.instant(datetime.combine(last, self.end), zone)


def quiet(written: documents.QuietHours) -> Quiet:
    """Returns quiet hours, ready to be asked."""
    zone = zones.find(written.timezone)
    return Quiet(written.start, written.end, zone, frozenset(written.days))


def end(hours: Iterable[Quiet], profile: Profile, at_ms: int) -> int:
    """Returns the first instant from one on that lies in none of several quiet hours, ms."""
    known = tuple(hours)
    for _ in range(MAX_JOINED):
        later_ms = max((each.end_of(profile, at_ms) for each in known), default=at_ms)
        if later_ms == at_ms:
            break
        at_ms = later_ms
    return at_ms
