"""Time zones: which instant a local time is, also on the days when clocks are changed.

A local time that does not exist is the first instant after the gap, one that comes twice the
first.
"""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

PROFILE = "profile"
"""Stands for the zone of the person."""

_MACHINE = {"localtime", "posixrules", "Factory"}
"""Names that are no zone, or that of the machine."""
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@cache
def names() -> frozenset[str]:
    """Returns the names of all zones (IANA)."""
    return frozenset(available_timezones() - _MACHINE)


def find(name: object) -> tzinfo | None:
    """Returns the zone of a name; None where there is none."""
    return ZoneInfo(name) if isinstance(name, str) and name in names() else None


def clock(text: str) -> time:
    """Returns the time of day that a text such as `09:00` names.

    Raises:
        ValueError: it is none.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError("not a time of day")
    return time(int(match[1]), int(match[2]))


def local(at_ms: int, zone: tzinfo) -> datetime:
    """Returns what clocks show at an instant; without a zone.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.
    """
    return (_EPOCH + at_ms * _MS).astimezone(zone).replace(tzinfo=None, fold=0)


def instant(shown: datetime, zone: tzinfo) -> int:
    """Returns the first instant, in ms, at which clocks show a time or are past it.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.

    >>> from zoneinfo import ZoneInfo
    >>> gap = datetime(2026, 3, 8, 2, 30)
    >>> local(instant(gap, ZoneInfo("America/New_York")), ZoneInfo("America/New_York"))
    datetime.datetime(2026, 3, 8, 3, 0)
    """
    at_ms = _ms(shown, zone)
    if local(at_ms, zone) == shown:
        return at_ms
    before_ms = _ms(shown.replace(fold=1), zone)
    offset = _offset(at_ms, zone)
    while at_ms - before_ms > 1:
        middle_ms = (before_ms + at_ms) // 2
        if _offset(middle_ms, zone) == offset:
            at_ms = middle_ms
        else:
            before_ms = middle_ms
    return at_ms


def _ms(shown: datetime, zone: tzinfo) -> int:
    return (shown.replace(tzinfo=zone) - _EPOCH) // _MS


def _offset(at_ms: int, zone: tzinfo) -> timedelta | None:
    return (_EPOCH + at_ms * _MS).astimezone(zone).utcoffset()
