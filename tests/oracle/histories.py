"""What is asked of many events at once: what they come to, and in which order they came.

By brute force: every occurrence is looked at again at each instant, every chain of them is tried.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.conditions import (
    Clocked,
    Count,
    Occurrence,
    Person,
    Where,
    reach,
    same,
)
from tests.oracle.documents import Document, duration_ms

FUNCTIONS = ("sum", "average", "min", "max", "distinct")


def exact(value: Any) -> Fraction | None:
    """Returns a number as it is written, to six places; None for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 10**12:
        return None
    return Fraction(round(Fraction(Decimal(str(value))) * 10**6), 10**6)


def different(values: Iterable[Any]) -> int:
    """Returns how many different texts, numbers, trues and falses there are."""
    kinds: list[Any] = []
    for value in values:
        if isinstance(value, str | int | float) and not any(same(value, kind) for kind in kinds):
            kinds.append(value)
    return len(kinds)


class Aggregated:
    """What a property comes to over the occurrences that count."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.function = next(name for name in FUNCTIONS if name in document)
        asked: Document = document[self.function]
        self.path: str = asked["property"]
        self.operator, operand = next(
            (key, value) for key, value in asked.items() if key != "property"
        )
        self.operand = (
            [Fraction(str(one)) for one in operand]
            if isinstance(operand, list)
            else Fraction(str(operand))
        )
        self.count = Count({key: document[key] for key in document if key != self.function})
        clocked.append(self)

    def worth(self, person: Person, now: int) -> Fraction | None:
        found = [
            reach(one.properties, self.path)
            for one in person.occurrences.get(self.count.name, ())
            if self.count.counts(one, now)
        ]
        if self.function == "distinct":
            return Fraction(different(found))
        numbers = [number for value in found if (number := exact(value)) is not None]
        if self.function == "sum":
            return sum(numbers, Fraction(0))
        if not numbers:
            return None
        if self.function == "average":
            return sum(numbers, Fraction(0)) / len(numbers)
        return min(numbers) if self.function == "min" else max(numbers)

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        worth = self.worth(person, now)
        if self.operator.startswith("not_"):
            return worth is None or not meets(worth, self.operator[4:], self.operand)
        return worth is not None and meets(worth, self.operator, self.operand)

    def state(self, person: Person, now: int) -> int:
        return self.holds(person, now, None)

    def instants(self, person: Person) -> Iterator[int]:
        yield from self.count.instants(person)


def meets(worth: Fraction, operator: str, operand: Any) -> bool:
    if operator in {"equals", "in"}:
        return worth in (operand if isinstance(operand, list) else [operand])
    if operator == "between":
        return bool(operand[0] <= worth <= operand[1])
    answers = {
        "greater_than": lambda: worth > operand,
        "less_than": lambda: worth < operand,
        "at_least": lambda: worth >= operand,
        "at_most": lambda: worth <= operand,
    }
    return bool(answers[operator]())


class Stage:
    """One step of a sequence."""

    def __init__(self, document: Document) -> None:
        self.comes = "event" in document
        self.name: str = document["event"] if self.comes else document["not_event"]
        self.where = Where(document.get("where", []))
        self.width = duration_ms(document["within"]) if "within" in document else None

    def found(self, person: Person) -> list[Occurrence]:
        return [one for one in person.occurrences.get(self.name, ()) if self.where.fits(one)]


class Sequence:
    """Events that came one after the other, and others that did not come between."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.stages = [Stage(one) for one in document["sequence"]]
        self.path: str | None = document.get("same")
        self.width = duration_ms(document["within"]) if "within" in document else None
        clocked.append(self)

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        return any(
            self.goes_on(person, now, [first])
            for first in self.stages[0].found(person)
            if (self.width is None or now < first.at_ms + self.width) and self.is_asked(first)
        )

    def is_asked(self, happened: Occurrence) -> bool:
        if self.path is None:
            return True
        return isinstance(reach(happened.properties, self.path), str | int | float)

    def fits(self, happened: Occurrence, first: Occurrence) -> bool:
        if self.path is None:
            return True
        values = [reach(one.properties, self.path) for one in (happened, first)]
        return same(*values)

    def goes_on(self, person: Person, now: int, done: list[Occurrence | None]) -> bool:
        """Returns whether the rest of the stages can be found; None stands for an absent one."""
        first, last = done[0], next(one for one in reversed(done) if one is not None)
        assert first is not None
        if len(done) == len(self.stages):
            return self.stays_away(person, now, done, last, first)
        stage = self.stages[len(done)]
        if not stage.comes:
            return self.goes_on(person, now, [*done, None])
        absent = self.absent(done)
        for one in stage.found(person):
            in_time = stage.width is None or one.at_ms < last.at_ms + stage.width
            if one.at_ms > last.at_ms and in_time and self.fits(one, first):
                between = any(
                    last.at_ms < other.at_ms < one.at_ms and self.fits(other, first)
                    for away in absent
                    for other in away.found(person)
                )
                if not between and self.goes_on(person, now, [*done, one]):
                    return True
        return False

    def absent(self, done: list[Occurrence | None]) -> list[Stage]:
        """Returns the stages since the last event that came."""
        since = max(place for place, one in enumerate(done) if one is not None)
        return self.stages[since + 1 : len(done)]

    def stays_away(
        self,
        person: Person,
        now: int,
        done: list[Occurrence | None],
        last: Occurrence,
        first: Occurrence,
    ) -> bool:
        for away in self.absent(done):
            ends = None if away.width is None else last.at_ms + away.width
            if ends is not None and now < ends:
                return False
            for other in away.found(person):
                later = other.at_ms > last.at_ms and (ends is None or other.at_ms < ends)
                if later and self.fits(other, first):
                    return False
        return True

    def state(self, person: Person, now: int) -> int:
        return self.holds(person, now, None)

    def instants(self, person: Person) -> Iterator[int]:
        widths = {self.width, *(stage.width for stage in self.stages if not stage.comes)} - {None}
        for stage in self.stages:
            for one in stage.found(person):
                yield from (one.at_ms + width for width in widths if width is not None)
