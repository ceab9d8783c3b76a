"""The log that is measured on: made-up shop traffic as Segment `track` events, the same each time.

A few people do most of what is done (Zipf); event times increase over two weeks, as in a log that
was recorded live.
"""

import hashlib
import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from schemas.events import iso

FORMAT = 1
"""Goes up when the same workload gives other events: a log that lies on a broker is made anew."""
DAY_MS = 86_400_000
CHUNK = 10_000

NAMES = {
    "Product Viewed": 55,
    "Products Searched": 20,
    "Product Added": 13,
    "Checkout Started": 7,
    "Order Completed": 5,
}
"""How many of a hundred events have the name."""
CATEGORIES = ("shoes", "coats", "books", "garden", "kitchen", "toys")
SOURCES = ("direct", "search", "email", "social")


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """How much traffic, by how many people."""

    events: int = 1_000_000
    people: int = 100_000
    zipf: float = 1.1
    """The person of rank r does r ** -zipf as much as the first."""
    size_bytes: int = 300
    """Of each event's JSON."""
    span_ms: int = 14 * DAY_MS
    seed: int = 1

    @property
    def id(self) -> str:
        """The same for the same events, but for when they end."""
        told = msgspec.json.encode([FORMAT, self])
        return hashlib.sha256(told).hexdigest()[:10]


class Made(NamedTuple):
    """One record for `events`."""

    key: bytes
    value: bytes
    at_ms: int


def make(workload: Workload, end_ms: int) -> Iterator[Made]:
    """Gives the events, oldest first; the last one lies just before `end_ms`."""
    chance = random.Random(workload.seed)
    start_ms = end_ms - workload.span_ms
    ids = person_ids(workload.people)
    shares = shares_of(workload)
    names, name_shares = list(NAMES), list(itertools.accumulate(NAMES.values()))
    for first in range(0, workload.events, CHUNK):
        count = min(CHUNK, workload.events - first)
        people = chance.choices(ids, cum_weights=shares, k=count)
        named = chance.choices(names, cum_weights=name_shares, k=count)
        for number, (person, name) in enumerate(zip(people, named, strict=True), first):
            at_ms = start_ms + number * workload.span_ms // workload.events
            value = event(chance, person, name, at_ms, size_bytes=workload.size_bytes)
            yield Made(person.encode(), value, at_ms)


def person_ids(people: int) -> list[str]:
    """Returns the user ids, the busiest first."""
    return [f"person-{rank:07d}" for rank in range(people)]


def shares_of(workload: Workload) -> list[float]:
    """Returns how much the people do, summed up from the busiest on."""
    ranks = range(1, workload.people + 1)
    return list(itertools.accumulate(rank**-workload.zipf for rank in ranks))


def event(
    chance: random.Random,
    person: str,
    name: str,
    at_ms: int,
    *,
    size_bytes: int,
    probe: str | None = None,
) -> bytes:
    """Returns one event as JSON, filled up to the size by the page's address.

    Args:
        chance: what is drawn from.
        person: the userId.
        name: one of `NAMES`.
        at_ms: its timestamp.
        size_bytes: how long the JSON becomes, where it is not longer without.
        probe: the messageId of an event that is marked as one; None = it is not, and its own is
            of 22 characters.
    """
    unique = probe or f"ajs-{chance.getrandbits(72):018x}"
    mark = "" if probe is None else '"probe":true,'
    head = (
        f'{{"messageId":"{unique}","type":"track","event":"{name}","userId":"{person}",'
        f'"timestamp":"{iso(at_ms)}","properties":{{{mark}{properties(chance, name)}}},'
        '"context":{"page":{"path":"/'
    )
    tail = '"}}}'
    return (head + "x" * (size_bytes - len(head) - len(tail)) + tail).encode()


def properties(chance: random.Random, name: str) -> str:
    """Returns what an event of the name says of itself, as JSON without the braces."""
    draw = chance.random()
    cents = int(draw * 30_000)
    category = CATEGORIES[int(draw * 997) % len(CATEGORIES)]
    match name:
        case "Product Viewed":
            source = SOURCES[int(draw * 1009) % len(SOURCES)]
            return (
                f'"product_id":"sku-{cents % 5000:04d}","category":"{category}",'
                f'"price":{cents / 100},"source":"{source}"'
            )
        case "Products Searched":
            return f'"query":"{category}","results":{cents % 200}'
        case "Product Added":
            return (
                f'"product_id":"sku-{cents % 5000:04d}","category":"{category}",'
                f'"price":{cents / 100},"quantity":{1 + cents % 3}'
            )
        case "Checkout Started":
            return f'"cart_id":"cart-{cents:05d}","value":{cents / 50},"items":{1 + cents % 6}'
        case _:
            return f'"order_id":"order-{cents:05d}","total":{cents / 50},"currency":"EUR"'
