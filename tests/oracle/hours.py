"""What clocks show, looked at anew each time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.oracle.conditions import Clocked, Occurrence, Person
from tests.oracle.documents import EPOCH, MILLISECOND, Document

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
QUARTER = 15 * 60_000
HORIZON = 130 * 96
"""So many quarters of an hour after its first event a person is looked at."""


class LocalTime:
    """Whether it is a time of day on one of some days; its ends lie on quarters of an hour."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        asked: Document = document["local_time"]
        self.days: list[str] = asked.get("days", DAYS)
        self.begin: str = asked.get("from", "00:00")
        self.end: str = asked.get("to", "24:00")
        self.zone: str = asked.get("timezone", "UTC")
        self.holidays: list[str] = asked.get("holidays", [])
        clocked.append(self)

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        name = person.trait("timezone") if self.zone == "profile" else self.zone
        zone = ZoneInfo(name) if isinstance(name, str) else UTC
        shown: datetime = (EPOCH + now * MILLISECOND).astimezone(zone)
        if DAYS[shown.weekday()] not in self.days or f"{shown:%Y-%m-%d}" in self.holidays:
            return False
        return self.begin <= f"{shown:%H:%M}" < self.end

    def state(self, person: Person, now: int) -> int:
        return self.holds(person, now, None)

    def instants(self, person: Person) -> Iterator[int]:
        happened = [one.at_ms for found in person.occurrences.values() for one in found]
        if happened:
            first = min(happened) // QUARTER
            yield from (number * QUARTER for number in range(first, first + HORIZON))
