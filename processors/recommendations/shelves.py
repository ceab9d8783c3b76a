"""All catalogues, as they are published: found by id, and by the events that carry their items.

First in the flow: an event becomes what somebody did with some items, and everything else nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from processors.definitions import documents
from processors.definitions.catalogues import Catalogue
from processors.definitions.errors import InvalidDefinitions, Problem
from schemas import events, items
from schemas.events import MAX_CLOCK_LEAD_MS, Event
from schemas.recommendations import Occurrence, What

MOST_ITEMS = 100
"""Of one event; the others are left out."""

Step = tuple[str, bool]
"""A name in a path, and whether each of a list is meant."""


class Logged(NamedTuple):
    """Where an event lies in the log."""

    key: bytes | None
    partition: int
    at: int
    """Ms since the epoch."""


class Shelf:
    """The catalogues of one moment."""

    def __init__(self, catalogues: Iterable[Catalogue] = ()) -> None:
        self.catalogues = {each.id: each for each in catalogues}
        self._carried: dict[str, list[tuple[Catalogue, What, tuple[Step, ...]]]] = {}
        for each in self.catalogues.values():
            for what, source in each.sources.items():
                found = (each, what, steps(source.item))
                self._carried.setdefault(source.event, []).append(found)

    def read(self, event: Event, logged: Logged) -> list[Occurrence]:
        """Returns what an event tells of items; nothing where it is none of the catalogues'.

        Raises:
            BadEvent: workers lay it with the dead letters.
        """
        carried = self._carried.get(events.name(event))
        if carried is None:
            return []
        profile_id = events.profile_id(event)
        if profile_id.encode() != logged.key:
            return []
        properties = events.properties(event)
        at = min(events.time_ms(event), logged.at + MAX_CLOCK_LEAD_MS)
        return [
            Occurrence(
                id=_id(profile_id, event.message_id, catalogue.id, what),
                partition=logged.partition,
                logged_at=logged.at,
                profile_id=profile_id,
                catalogue=catalogue.id,
                what=what,
                items=found,
                at=at,
                keeps=kept(catalogue, what),
                is_trend=catalogue.trend == what,
            )
            for catalogue, what, path in carried
            if (found := named(properties, path))
        ]


def of(written: Iterable[Mapping[str, Any]]) -> tuple[Shelf, list[Problem]]:
    """Returns the catalogues among documents, and what is wrong with some of them."""
    found, problems = list[Catalogue](), list[Problem]()
    for document in written:
        if document.get("kind") != "catalogue":
            continue
        try:
            parsed = documents.parse(document, file=f"catalogue/{document.get('id')}")
        except InvalidDefinitions as error:
            problems += error.problems
            continue
        if isinstance(parsed, Catalogue):
            found.append(parsed)
    return Shelf(found), problems


def kept(catalogue: Catalogue, what: What) -> int:
    """Returns how many items of a kind are remembered of a person."""
    return catalogue.last_viewed if what == "viewed" else KEPT_BOUGHT


KEPT_BOUGHT = 100
"""What somebody bought last: it is left out, and what goes with it recommended."""


def steps(path: str) -> tuple[Step, ...]:
    """Returns a path as it is walked.

    >>> steps("products[].id")
    (('products', True), ('id', False))
    """
    return tuple((each.removesuffix("[]"), each.endswith("[]")) for each in path.split("."))


def named(properties: Mapping[str, Any], path: tuple[Step, ...]) -> tuple[str, ...]:
    """Returns the ids of items that properties name, each once, in their order."""
    found: list[Any] = [properties]
    for name, is_list in path:
        inner = [each[name] for each in found if isinstance(each, Mapping) and name in each]
        if is_list:
            inner = [one for each in inner if isinstance(each, list) for one in each]
        found = inner
    ids = (str(each) if type(each) is int else each for each in found)
    clean = (each for each in ids if isinstance(each, str) and items.fault_of_id(each) is None)
    return tuple(dict.fromkeys(clean))[:MOST_ITEMS]


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
