"""Lengths of time (`7d`) and instants (`2026-01-01T00:00:00Z`) as marketers write them, in ms."""

import re
from datetime import UTC, datetime, timedelta

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
MAX_MS = 3_650 * UNITS_MS["d"]
"""10 years of 365 days."""

_DURATION = re.compile(r"([1-9][0-9]{0,9})([smhdw])", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def parse(text: str) -> int:
    """Returns the length in ms of a duration such as `90s 15m 2h 7d 4w`.

    Raises:
        ValueError: it is not one, or longer than ten years.

    >>> parse("15m")
    900000
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("not a duration")
    length_ms = int(match[1]) * UNITS_MS[match[2]]
    if length_ms > MAX_MS:
        raise ValueError("longer than ten years")
    return length_ms


def parse_instant(text: str) -> int:
    """Returns ms since the epoch of an ISO 8601 instant with its zone; parts of a ms are cut off.

    Raises:
        ValueError: it is not one, has no zone, or names a day or hour that does not exist.

    >>> parse_instant("1970-01-01T01:00:00+01:00")
    0
    """
    if _INSTANT.fullmatch(text) is None:
        raise ValueError("not an instant with a zone")
    return (datetime.fromisoformat(text) - _EPOCH) // _MS
