"""Days, weeks and months by the clocks of a person: when that one began and ends which is now.

A day begins at its first midnight, or where clocks leave that out, at the end of the gap. So days
have 23 to 25 hours where clocks are changed, and each instant lies in one.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import assert_never

from processors.definitions import zones
from processors.definitions.policies import Per


def bounds(per: Per, at_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Returns when the period began in which an instant lies, and when the next one begins, ms."""
    first = _first(per, zones.local(at_ms, zone).date())
    next_ms = _begin(_following(per, first), zone)
    if at_ms >= next_ms:  # clocks were put back over midnight: the new day had begun
        first = _following(per, first)
        next_ms = _begin(_following(per, first), zone)
    return _begin(first, zone), next_ms


def _begin(day: date, zone: tzinfo) -> int:
    return zones.instant(datetime.combine(day, time()), zone)


def _first(per: Per, day: date) -> date:
    match per:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            assert_never(per)


def _following(per: Per, first: date) -> date:
    return _first(per, first + timedelta(days={"day": 1, "week": 7, "month": 31}[per]))
