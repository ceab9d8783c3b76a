"""Conditions, each evaluated from scratch over everything that was ever heard of a person."""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import re2

from tests.oracle.documents import Document, duration_ms, instant_ms

Check = Callable[[Any, int], bool]
"""Answers for a value, at an instant."""

NEGATIVE = {
    "not_equals": "equals",
    "not_contains": "contains",
    "not_in": "in",
    "is_not_set": "is_set",
    "is_not_empty": "is_empty",
}


@dataclass(slots=True)
class Occurrence:
    """One event that happened."""

    name: str
    at_ms: int
    properties: dict[str, Any]
    message_id: str
    fits: dict[int, bool] = field(default_factory=dict)
    """Remembered answers, by the number of the `where` that asked."""


class Person(Protocol):
    """What conditions may ask of a person."""

    id: str
    occurrences: dict[str, list[Occurrence]]
    tags: set[str]
    lists: set[str]
    status: str | None
    members: dict[str, int]

    def trait(self, path: str) -> Any: ...
    def account(self, path: str) -> Any: ...
    def value(self, score: str, now: int) -> float: ...
    def step(self, score: str, kind: str, now: int) -> str | None: ...


class Condition(Protocol):
    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool: ...


class Clocked(Protocol):
    """A part of a condition that can turn by the clock alone."""

    def state(self, person: Any, now: int) -> Any: ...
    def instants(self, person: Any) -> Iterator[int]: ...


def same(a: Any, b: Any) -> bool:
    """Returns whether two values are equal and of one type; 1 and 1.0 are of one type."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and bool(a == b)


def reach(data: dict[str, Any], path: str) -> Any:
    """Returns the value at a dotted path, None where a step is missing."""
    value: Any = data
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def check(document: Document) -> Check:
    """Returns the test that the one operator of a comparison describes."""
    operator = next(key for key in document if key in OPERATORS or key in NEGATIVE)
    positive = OPERATORS[NEGATIVE.get(operator, operator)](document[operator])
    if operator not in NEGATIVE:
        return lambda value, now: value is not None and positive(value, now)
    if document.get("missing", True):
        return lambda value, now: value is None or not positive(value, now)
    return lambda value, now: value is not None and not positive(value, now)


def _number(test: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    def of(operand: Any) -> Check:
        return lambda value, now: (
            isinstance(value, int | float) and not isinstance(value, bool) and test(value, operand)
        )

    return of


def _text(test: Callable[[str, Any], bool]) -> Callable[[Any], Check]:
    def of(operand: Any) -> Check:
        return lambda value, now: isinstance(value, str) and test(value, operand)

    return of


def _contains(operand: Any) -> Check:
    def holds(value: Any, now: int) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(same(element, operand) for element in value)

    return holds


def _fixed(test: Callable[[int, int], bool]) -> Callable[[Any], Check]:
    def of(operand: str) -> Check:
        limit = instant_ms(operand)
        assert limit is not None

        def holds(value: Any, now: int) -> bool:
            at = instant_ms(value)
            return at is not None and test(at, limit)

        return holds

    return of


def _moving(test: Callable[[int, int, int], bool]) -> Callable[[Any], Check]:
    def of(operand: str) -> Check:
        width = duration_ms(operand)

        def holds(value: Any, now: int) -> bool:
            at = instant_ms(value)
            return at is not None and test(at, width, now)

        return holds

    return of


def _matches(pattern: str) -> Check:
    compiled = re2.compile(pattern)
    return lambda value, now: isinstance(value, str) and compiled.search(value) is not None


def _like(pattern: str) -> Check:
    """Walks the text by all places of the pattern at which it may stand."""
    pieces = re.findall(r"\\.|.", pattern)

    def on(places: set[int]) -> set[int]:
        """Returns the places with those behind each % that may stand for nothing."""
        for place, piece in enumerate(pieces):
            if place in places and piece == "%":
                places.add(place + 1)
        return places

    def holds(value: Any, now: int) -> bool:
        if not isinstance(value, str):
            return False
        places = on({0})
        for letter in value:
            after = set()
            for place in places - {len(pieces)}:
                if pieces[place] == "%":
                    after.add(place)
                elif pieces[place] == "_" or pieces[place][-1] == letter:
                    after.add(place + 1)
            places = on(after)
        return len(pieces) in places

    return holds


OPERATORS: dict[str, Callable[[Any], Check]] = {
    "equals": lambda operand: lambda value, now: same(value, operand),
    "in": lambda operand: lambda value, now: any(same(value, one) for one in operand),
    "is_set": lambda operand: lambda value, now: True,
    "contains": _contains,
    "starts_with": _text(lambda value, operand: value.startswith(operand)),
    "ends_with": _text(lambda value, operand: value.endswith(operand)),
    "matches": _matches,
    "like": _like,
    "is_empty": lambda operand: lambda value, now: value in ("", []),
    "greater_than": _number(lambda value, operand: value > operand),
    "less_than": _number(lambda value, operand: value < operand),
    "at_least": _number(lambda value, operand: value >= operand),
    "at_most": _number(lambda value, operand: value <= operand),
    "between": _number(lambda value, operand: operand[0] <= value <= operand[1]),
    "before": _fixed(lambda at, limit: at < limit),
    "after": _fixed(lambda at, limit: at > limit),
    "within_last": _moving(lambda at, width, now: at <= now < at + width),
    "within_next": _moving(lambda at, width, now: at - width <= now < at),
    "older_than": _moving(lambda at, width, now: now >= at + width),
}


class Where:
    """What the properties of an occurrence must be."""

    made = 0

    def __init__(self, documents: list[Document]) -> None:
        self.tests = [(one["property"], check(one)) for one in documents]
        Where.made += 1
        self.number = Where.made

    def fits(self, happened: Occurrence) -> bool:
        if not self.tests:
            return True
        if self.number not in happened.fits:
            happened.fits[self.number] = all(
                test(reach(happened.properties, path), happened.at_ms) for path, test in self.tests
            )
        return happened.fits[self.number]


class Count:
    """How many occurrences of an event count at an instant."""

    def __init__(self, document: Document) -> None:
        self.name: str = document["event"]
        self.where = Where(document.get("where", []))
        self.width = duration_ms(document["within"]) if "within" in document else None
        self.since = instant_ms(document.get("since"))
        self.limit: int | None = document.get("max_occurrences")

    def counts(self, happened: Occurrence, now: int) -> bool:
        if self.width is not None and not now < happened.at_ms + self.width:
            return False
        if self.since is not None and happened.at_ms < self.since:
            return False
        return self.where.fits(happened)

    def state(self, person: Person, now: int) -> int:
        found = sum(self.counts(one, now) for one in person.occurrences.get(self.name, ()))
        return found if self.limit is None else min(found, self.limit)

    def instants(self, person: Person) -> Iterator[int]:
        if self.width is not None:
            for one in person.occurrences.get(self.name, ()):
                yield one.at_ms + self.width


class Happened:
    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.count = Count(document)
        clocked.append(self.count)
        self.least: int = document.get("at_least", 0)
        self.most: int | None = document.get("at_most")
        if "exactly" in document:
            self.least = self.most = document["exactly"]
        elif "at_least" not in document and "at_most" not in document:
            self.least = 1

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        found = self.count.state(person, now)
        return self.least <= found and (self.most is None or found <= self.most)


class Remembered:
    """A trait of the person or of the account."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.of = "trait" if "trait" in document else "account"
        self.path: str = document[self.of]
        self.check = check(document)
        self.widths = [
            duration_ms(document[key])
            for key in ("within_last", "within_next", "older_than")
            if key in document
        ]
        if self.widths:
            clocked.append(self)

    def value(self, person: Person) -> Any:
        return person.trait(self.path) if self.of == "trait" else person.account(self.path)

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        return self.check(self.value(person), now)

    def state(self, person: Person, now: int) -> int:
        return self.holds(person, now, None)

    def instants(self, person: Person) -> Iterator[int]:
        at = instant_ms(self.value(person))
        if at is not None:
            for width in self.widths:
                yield from (at - width, at, at + width)


class Simple:
    """A condition that one function answers, and the clock never turns."""

    def __init__(self, answer: Callable[[Person, int, Occurrence | None], bool]) -> None:
        self.holds = answer


class Joined:
    def __init__(self, join: Callable[[Iterator[bool]], bool], parts: list[Condition]) -> None:
        self.join = join
        self.parts = parts

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        return self.join(part.holds(person, now, event) for part in self.parts)


class OfPeople:
    """Whether a condition holds for any, all or none of the account's people; of no account: no."""

    def __init__(self, quantifier: str, inner: Condition) -> None:
        self.quantifier = quantifier
        self.inner = inner

    def holds(self, person: Any, now: int, event: Occurrence | None) -> bool:
        found = [self.inner.holds(each, now, None) for each in person.colleagues()]
        if self.quantifier == "none":
            return bool(found) and not any(found)
        return bool(found) and (all(found) if self.quantifier == "all" else any(found))


def simple(document: Document) -> Callable[[Person, int, Occurrence | None], bool]:
    kind = next(key for key in document if key in SIMPLE)
    return SIMPLE[kind](document)


def _property(document: Document) -> Callable[[Person, int, Occurrence | None], bool]:
    test, path = check(document), document["property"]
    return lambda person, now, event: test(reach(event.properties if event else {}, path), now)


def _segment(document: Document) -> Callable[[Person, int, Occurrence | None], bool]:
    name, wanted = document["segment"], document.get("is", "in") == "in"
    return lambda person, now, event: (name in person.members) is wanted


class Lasting:
    """Having been in a segment for so long, without a break."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.name: str = document["segment"]
        self.width = duration_ms(document["for"])
        clocked.append(self)

    def holds(self, person: Person, now: int, event: Occurrence | None) -> bool:
        return self.name in person.members and now - person.members[self.name] >= self.width

    def state(self, person: Person, now: int) -> bool:
        return self.holds(person, now, None)

    def instants(self, person: Person) -> Iterator[int]:
        if self.name in person.members:
            yield person.members[self.name] + self.width


def _score(document: Document) -> Callable[[Person, int, Occurrence | None], bool]:
    name = document["score"]
    if "level" in document:
        return lambda person, now, event: person.step(name, "levels", now) == document["level"]
    if "grade" in document:
        return lambda person, now, event: person.step(name, "grades", now) == document["grade"]
    test = check(document)
    return lambda person, now, event: test(person.value(name, now), now)


def _bucket(document: Document) -> Callable[[Person, int, Occurrence | None], bool]:
    bucket = document["bucket"]
    return lambda person, now, event: (
        bucket["from"] <= percent(bucket["salt"], person.id) < bucket["to"]
    )


@functools.cache
def percent(salt: str, person_id: str) -> float:
    """Returns the stable share of a person, from 0 up to 100."""
    digest = hashlib.sha256(f"{salt}:{person_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


SIMPLE: dict[str, Callable[[Document], Callable[[Person, int, Occurrence | None], bool]]] = {
    "property": _property,
    "segment": _segment,
    "score": _score,
    "bucket": _bucket,
    "list": lambda document: lambda person, now, event: document["list"] in person.lists,
    "tag": lambda document: lambda person, now, event: document["tag"] in person.tags,
    "status": lambda document: lambda person, now, event: person.status == document["status"],
}
