"""A model of when somebody reads mail: the hour at which most of the latest opens were.

Two of them, as a model has no history of its own: one keeps hours in a trait, the other chooses.
"""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from processors.predicates import Person, model

KEPT = 30
"""Of the latest opens."""
ENOUGH = 3
"""So many opens at one hour make it somebody's own."""


@model("opened-hours", reads=["traits.openedHours", "traits.timezone"], version="2026-03")
def opened_hours(person: Person, *, at: str) -> list[int]:
    """Returns the hours of the latest opens on the person's clock, the latest first."""
    opened = datetime.fromisoformat(at).astimezone(zone(person.traits.get("timezone")))
    return [opened.hour, *kept(person)][:KEPT]


@model("send-hour", reads=["traits.openedHours"], version="2026-03")
def send_hour(person: Person, *, otherwise: int) -> int:
    """Returns the hour at which a person opens most, of several the latest; else the other."""
    found = Counter(kept(person)).most_common(1)
    return found[0][0] if found and found[0][1] >= ENOUGH else otherwise


def kept(person: Person) -> list[int]:
    """Returns the hours that are remembered of a person."""
    hours = person.traits.get("openedHours")
    return [each for each in hours if isinstance(each, int)] if isinstance(hours, list) else []


def zone(name: object) -> ZoneInfo:
    """Returns the zone of that name; UTC where there is none."""
    try:
        return ZoneInfo(name if isinstance(name, str) else "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
