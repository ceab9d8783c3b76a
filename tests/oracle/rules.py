"""The definitions made ready to be asked: segments, scores, triggers."""

import functools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.oracle.alarms import alarm
from tests.oracle.conditions import Clocked, Condition, Count, Person, Where, reach
from tests.oracle.documents import Document, duration_ms, version
from tests.oracle.fading import Curve, first_turn, keep
from tests.oracle.grammar import condition
from tests.oracle.histories import different, exact


class Segment:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.version = version(document)
        self.clocked: list[Clocked] = []
        self.when = condition(document["when"], self.clocked)


class Rule:
    """Points of one rule: for each occurrence that counts, or while something is so."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.id: str = document["id"]
        self.points: int = document["points"]
        self.count: Count | None = None
        self.when: Condition | None = None
        self.half_life: int | None = None
        if "on" in document:
            limits = {
                key: document[key] for key in ("within", "max_occurrences") if key in document
            }
            self.count = Count(document["on"] | limits)
            decay = document.get("decay", {})
            if "per" in document:
                self.count = Different(document["on"] | limits, document["per"])
            if "for_each" in document:
                self.count = Amounts(document["on"] | limits, document["for_each"])
            if decay:
                self.count = Latest(document["on"] | limits, decay)
            if "half_life" in decay:
                self.half_life = duration_ms(decay["half_life"])
            clocked.append(self.count)
        else:
            self.when = condition(document["when"], clocked)

    def holds(self, person: Person, now: int) -> Any:
        """Returns the points; of what fades by half-life the times of the occurrences."""
        if self.half_life is not None:
            assert isinstance(self.count, Latest)
            return self.count.times(person, now)
        if isinstance(self.count, Amounts):
            return round(self.points * self.count.state(person, now))
        if self.count is not None:
            return self.points * self.count.state(person, now)
        assert self.when is not None
        return self.points if self.when.holds(person, now, None) else 0

    def worth(self, held: Any, now: int) -> float:
        """Returns the points of what it holds."""
        if self.half_life is None:
            return float(held or 0)
        half_life = self.half_life
        return float(sum(self.points * 0.5 ** ((now - at) / half_life) for at in held or ()))


class Different(Count):
    """How many values of a property there are among the occurrences that count."""

    def __init__(self, document: Document, path: str) -> None:
        super().__init__(document)
        self.path = path

    def state(self, person: Person, now: int) -> int:
        heard = person.occurrences.get(self.name, ())
        found = different(
            reach(one.properties, self.path) for one in heard if self.counts(one, now)
        )
        return min(found, self.limit or MAX_DIFFERENT)


MAX_DIFFERENT = 10_000


class Amounts(Count):
    """How often an amount goes into what a property comes to over the occurrences that count."""

    def __init__(self, document: Document, each: Document) -> None:
        super().__init__(document)
        self.path: str = each["property"]
        self.amount = Fraction(str(each.get("amount", 1)))

    def state(self, person: Person, now: int) -> Any:
        heard = person.occurrences.get(self.name, ())
        found = [exact(reach(one.properties, self.path)) for one in heard if self.counts(one, now)]
        return sum((each for each in found if each is not None), Fraction(0)) / self.amount


class Latest(Count):
    """The latest occurrences, each for a share that becomes less."""

    def __init__(self, document: Document, decay: Document) -> None:
        super().__init__(document)
        self.per = duration_ms(decay["per"]) if "per" in decay else None
        self.percent: int = decay.get("percent", 0)

    def times(self, person: Person, now: int) -> tuple[int, ...]:
        heard = person.occurrences.get(self.name, ())
        found = sorted(one.at_ms for one in heard if self.counts(one, now))
        return tuple(found if self.limit is None else found[-self.limit :])

    def state(self, person: Person, now: int) -> Any:
        times = self.times(person, now)
        if self.per is None:
            return times
        return sum(max(0, 100 - self.percent * ((now - at) // self.per)) for at in times) / 100

    def instants(self, person: Person) -> Iterator[int]:
        yield from super().instants(person)
        if self.per is not None:
            steps = math.ceil(100 / self.percent)
            for one in person.occurrences.get(self.name, ()):
                yield from (one.at_ms + step * self.per for step in range(1, steps + 1))


Thresholds = set[tuple[float, bool]]
"""Numbers that a score is compared with, and whether it must be larger than they are."""
Held = dict[str, Any]
"""What each rule holds."""


class Fading:
    """When a score turns by fading alone."""

    def __init__(self, score_id: str) -> None:
        self.score_id = score_id
        self.thresholds: Thresholds = set()

    @functools.cached_property
    def ordered(self) -> list[tuple[float, bool]]:
        """The thresholds, of which none comes once somebody is looked at."""
        return sorted(self.thresholds)

    @functools.cached_property
    def levels(self) -> set[float]:
        """Values that are not rounded, between which those lie that are in one zone."""
        return {
            edge
            for number, _ in self.thresholds
            for edge in ((math.ceil(number * 100) - 0.5) / 100, (number * 100 // 1 + 0.5) / 100)
        }

    def zone(self, value: float) -> tuple[bool, ...]:
        return tuple(
            value > number if is_over else value >= number for number, is_over in self.ordered
        )

    def state(self, person: Any, now: int) -> Any:
        return self.zone(person.value(self.score_id, now))

    def instants(self, person: Any) -> Iterator[int]:
        found = first_turn(person.curve(self.score_id), self.zone, self.levels, person.clock)
        if found is not None:
            yield found


class Lent:
    """When points end that triggers gave to a score for a time."""

    def __init__(self, score_id: str) -> None:
        self.score_id = score_id

    def state(self, person: Any, now: int) -> Any:
        return [end for end, _ in person.lent[self.score_id] if now < end]

    def instants(self, person: Any) -> Iterator[int]:
        yield from (end for end, _ in person.lent[self.score_id])


class Advice:
    """What a score recommends."""

    def __init__(self, document: Document) -> None:
        self.all = [
            (one["text"], one.get("level"), condition(one["when"], []) if "when" in one else None)
            for one in document.get("recommendations", [])
        ]

    def given(self, person: Person, now: int, level: str | None) -> list[str]:
        return [
            text
            for text, of, when in self.all
            if of in {None, level} and (when is None or when.holds(person, now, None))
        ]


class Score:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.of: list[str] = []
        self.floor: int | None = document.get("floor", 0)
        self.limit: int | None = document.get("limit")
        self.clocked: list[Clocked] = []
        self.names: list[str] = [group["id"] for group in document["groups"]]
        self.groups = [
            (
                group.get("floor"),
                group.get("limit"),
                [Rule(rule, self.clocked) for rule in group["rules"]],
            )
            for group in document["groups"]
        ]
        self.thresholds: dict[str, dict[str, int]] = {
            kind: document.get(kind, {}) for kind in ("levels", "grades")
        }
        self.advice = Advice(document)
        self.fading = Fading(self.id)
        self.clocked += [self.fading, Lent(self.id)]

    def holds(self, person: Person, now: int) -> Held:
        """Returns what each rule holds."""
        return {r.id: r.holds(person, now) for _, _, rules in self.groups for r in rules}

    def worths(self, person: Any, now: int) -> dict[str, float]:
        """Returns the points of each rule, of what was held when it was last looked at."""
        held, _ = person.held[self.id]
        return {r.id: r.worth(held.get(r.id), now) for _, _, rules in self.groups for r in rules}

    def parts(self, person: Any, now: int) -> dict[str, float]:
        """Returns the points of each group between its bounds, and what triggers have added."""
        worths, (_, added) = self.worths(person, now), person.held[self.id]
        found = {
            name: keep(sum(worths[rule.id] for rule in rules), floor, limit)
            for name, (floor, limit, rules) in zip(self.names, self.groups, strict=True)
        }
        return found | {"+": added} if added else found

    def curve(self, held: Held, added: float) -> Curve:
        """Returns the score over time, from what its rules hold and what triggers have added."""
        parts = []
        for floor, limit, rules in self.groups:
            group = Curve(floor=floor, limit=limit)
            for rule in rules:
                if rule.half_life is None:
                    group.fixed += held.get(rule.id) or 0
                else:
                    times = held.get(rule.id) or ()
                    group.fading += [(rule.points, at, rule.half_life) for at in times]
            parts.append(group)
        return Curve(added, parts=parts, floor=self.floor, limit=self.limit)

    def step(self, value: float, kind: str) -> str | None:
        """Returns the level or grade of a value: the highest that it reaches, else the lowest."""
        return reached(self.thresholds[kind], value)


class Combined:
    """Two scores added up, with a grade of both."""

    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.of: list[str] = document["combined"]["of"]
        self.matrix = MATRIX | document["combined"].get("matrix", {})
        self.thresholds: dict[str, dict[str, int]] = {"levels": document.get("levels", {})}
        self.advice = Advice(document)
        self.fading = Fading(self.id)
        self.clocked: list[Clocked] = [self.fading]

    def holds(self, person: Person, now: int) -> Held:
        return {}

    def worths(self, person: Any, now: int) -> dict[str, float]:
        return {part: person.value(part, now) for part in self.of}

    def parts(self, person: Any, now: int) -> dict[str, float]:
        return {}

    def step(self, value: float, kind: str) -> str | None:
        return reached(self.thresholds[kind], value)

    def grade(self, person: Any, now: int) -> str:
        row, column = (person.value(part, now) for part in self.of)
        return f"{reached(self.matrix['rows'], row)}{reached(self.matrix['columns'], column)}"


MATRIX = {
    "rows": {"A": 75, "B": 50, "C": 25, "D": 0},
    "columns": {"1": 75, "2": 50, "3": 25, "4": 0},
}


def reached(thresholds: dict[str, int], value: float) -> str | None:
    steps = sorted((threshold, name) for name, threshold in thresholds.items())
    names = [name for threshold, name in steps if threshold <= value]
    if names:
        return names[-1]
    return steps[0][1] if steps else None


def compared(part: Any) -> Iterator[tuple[str, float, bool]]:
    """Yields score, number and whether it must be larger, of all that scores are compared with."""
    if isinstance(part, list):
        for inner in part:
            yield from compared(inner)
    elif isinstance(part, dict):
        if isinstance(part.get("score"), str):
            yield from _numbers(part["score"], part)
        for inner in part.values():
            yield from compared(inner)


def _numbers(score: str, part: Document) -> Iterator[tuple[str, float, bool]]:
    for key in ("at_least", "less_than", "crosses"):
        if key in part:
            yield score, part[key], False
    for key in ("greater_than", "at_most"):
        if key in part:
            yield score, part[key], True
    low, high = part.get("between", (None, None))
    if low is not None:
        yield from ((score, low, False), (score, high, True))
    both = [*part.get("in", []), *part.get("not_in", [])]
    both += [part[key] for key in ("equals", "not_equals") if key in part]
    for number in both:
        yield from ((score, number, False), (score, number, True))


class Trigger:
    def __init__(self, document: Document) -> None:
        self.id: str = document["id"]
        self.version = self.whole = version(document)
        """What commands name, and what decisions do."""
        self.on: dict[str, Any] = document["on"]
        self.where = Where(self.on.get("where", []))
        self.alarm = alarm(self.on)
        audience = self.on.get("audience")
        self.audience = None if audience is None else condition(audience, [])
        self.when = condition(document["when"], []) if "when" in document else None
        limit = document.get("limit", {})
        self.times: int | None = limit.get("times")
        self.within = duration_ms(limit["within"]) if "within" in limit else None
        self.priority: int = document.get("priority", 5)
        self.actions: list[dict[str, Any]] = document["do"]
        self.lends = self.alarm is None and any(
            "for" in each["add_points"] for each in self.actions if "add_points" in each
        )

    def calls(self, person: Person, now: int) -> bool:
        """Returns whether the instant that has come is meant for this person."""
        return self.audience is None or self.audience.holds(person, now, None)
