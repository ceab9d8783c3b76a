"""The kinds of conditions, told apart by what stands in them."""

from tests.oracle.conditions import (
    Clocked,
    Condition,
    Happened,
    Joined,
    Lasting,
    OfPeople,
    Remembered,
    Simple,
    simple,
)
from tests.oracle.documents import Document
from tests.oracle.histories import FUNCTIONS, Aggregated, Sequence
from tests.oracle.hours import LocalTime


def condition(document: Document, clocked: list[Clocked]) -> Condition:
    """Returns a condition; what the clock can turn in it is added to `clocked`."""
    if "all" in document:
        return Joined(all, [condition(part, clocked) for part in document["all"]])
    if "any" in document:
        return Joined(any, [condition(part, clocked) for part in document["any"]])
    if "not" in document:
        part = condition(document["not"], clocked)
        return Simple(lambda person, now, event: not part.holds(person, now, event))
    if any(name in document for name in FUNCTIONS):
        return Aggregated(document, clocked)
    if "event" in document:
        return Happened(document, clocked)
    if "local_time" in document:
        return LocalTime(document, clocked)
    if "sequence" in document:
        return Sequence(document, clocked)
    if "for" in document:
        return Lasting(document, clocked)
    if "trait" in document or "account" in document:
        return _remembered(document, clocked)
    return Simple(simple(document))


def _remembered(document: Document, clocked: list[Clocked]) -> Condition:
    if not isinstance(document.get("account"), dict):
        return Remembered(document, clocked)
    ((quantifier, inner),) = document["account"].items()
    return OfPeople(quantifier, condition(inner, []))
