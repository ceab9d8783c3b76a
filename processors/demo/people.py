"""Made-up people of a shop, and what they do there: visits, carts, orders and refunds.

First in the demo's flow; the same seed gives the same people. Names of events are Segment's.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from schemas.events import iso

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

START_MS = 1_767_571_200_000
"""2026-01-05, a Monday, 00:00 UTC: where the simulated time begins."""

HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 9, 9, 10, 12, 11, 9, 9, 10, 12, 15, 18, 20, 18, 12, 6)
"""How busy each hour of the day is, where the person lives."""
WEEKDAYS = (0.9, 0.9, 1.0, 1.0, 1.1, 1.2, 1.3)
COUNTRIES = (("DE", 1), ("GB", 0), ("FR", 1), ("US", -5), ("BR", -3), ("IN", 5), ("JP", 9))
"""Country, and its hours ahead of UTC."""
SOURCES = ("direct", "direct", "search", "search", "social", "email")
NAMES = ("Ada", "Ben", "Chloe", "Dan", "Eve", "Finn", "Gita", "Hugo", "Ines", "Jun", "Kim", "Lea")
PRODUCTS = (
    ("espresso-machine", "Espresso machine", 249.0),
    ("grinder", "Grinder", 129.0),
    ("kettle", "Kettle", 69.0),
    ("scale", "Scale", 45.0),
    ("filter", "Filter", 24.0),
    ("cups", "Six cups", 36.0),
    ("beans-house", "House beans", 14.5),
    ("beans-ethiopia", "Ethiopia beans", 18.0),
    ("beans-decaf", "Decaf beans", 15.5),
    ("milk-jug", "Milk jug", 22.0),
)
SHIPPING = 4.9
FREE_SHIPPING_FROM = 50.0


class Action(msgspec.Struct, frozen=True):
    """One thing that a person does."""

    at_ms: int
    type: str
    name: str | None
    """Of a `track`: what happened; of a `page`: which one."""
    data: dict[str, Any]
    """Properties; of an `identify`, traits."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor, with habits."""

    id: str
    is_known: bool
    """False: an anonymous visitor, who never signs up."""
    traits: dict[str, Any]
    from_ms: int
    """When they come for the first time."""
    until_ms: int
    """When they stop coming, should that be within the demo."""
    visits_per_day: float
    hours_ahead: int
    eagerness: float
    """How likely a visit leads to a cart."""


def person(number: int, random: Random, days: int) -> Person:
    """Returns a person; most know the shop already, some sign up while it runs."""
    country, hours_ahead = random.choice(COUNTRIES)
    name = random.choice(NAMES)
    is_known = random.random() < 0.85
    signs_up = random.random() < 0.35
    from_ms = START_MS + (int(random.random() * days * DAY_MS) if signs_up else 0)
    created_ms = from_ms if signs_up else START_MS - int(random.uniform(8, 700) * DAY_MS)
    leaves = random.random() < 0.25
    return Person(
        id=f"p{number:05d}" if is_known else f"anon-{number:05d}",
        is_known=is_known,
        traits={
            "name": name,
            "email": f"{name.lower()}.{number}@example.com",
            "plan": random.choices(("free", "plus", "pro"), (70, 22, 8))[0],
            "country": country,
            "newsletter": random.random() < 0.4,
            "created_at": iso(created_ms),
        },
        from_ms=from_ms,
        until_ms=from_ms + int(random.uniform(1, 14) * DAY_MS) if leaves else 2**62,
        visits_per_day=min(1.5, 0.05 + random.lognormvariate(-1.6, 0.8)),
        hours_ahead=hours_ahead,
        eagerness=random.betavariate(2, 5),
    )


def life(one: Person, random: Random, days: int) -> Iterator[Action]:
    """Gives everything that a person does within so many days; not quite in order of time."""
    end_ms = START_MS + days * DAY_MS
    return (action for action in _visits(one, random, days) if action.at_ms < end_ms)


def _visits(one: Person, random: Random, days: int) -> Iterator[Action]:
    is_first = True
    if one.from_ms > START_MS:
        is_first = False
        yield from _sign_up(one, random, one.from_ms)
    for day in range(days):
        if random.random() >= one.visits_per_day * WEEKDAYS[day % 7]:
            continue
        hour = random.choices(range(24), HOURS)[0] - one.hours_ahead
        at_ms = START_MS + day * DAY_MS + hour * HOUR_MS + random.randrange(HOUR_MS)
        if not max(one.from_ms, START_MS) <= at_ms < one.until_ms:
            continue
        begin = _sign_up if is_first else _visit
        is_first = False
        yield from begin(one, random, at_ms)


def _sign_up(one: Person, random: Random, at_ms: int) -> Iterator[Action]:
    """Gives a first visit: the shop learns who it is, unless they stay anonymous."""
    if one.is_known:
        yield Action(at_ms, "identify", None, one.traits)
    yield from _visit(one, random, at_ms)


def _visit(one: Person, random: Random, at_ms: int) -> Iterator[Action]:
    source = random.choice(SOURCES)
    at_ms += random.randrange(500, 5_000)
    yield Action(at_ms, "page", "Home", {"source": source})
    if random.random() < 0.3:
        at_ms += _pause(random)
        yield Action(at_ms, "track", "Products Searched", {"query": random.choice(PRODUCTS)[1]})
    seen = random.choices(PRODUCTS, k=1 + min(9, int(random.expovariate(0.5))))
    for product in seen:
        at_ms += _pause(random)
        yield _track(at_ms, "Product Viewed", product, source=source)
    if random.random() < one.eagerness:
        yield from _shop(random, at_ms, seen)


def _shop(random: Random, at_ms: int, seen: list[tuple[str, str, float]]) -> Iterator[Action]:
    """Fills a cart; half of the carts are left behind."""
    cart = random.sample(seen, 1 + random.randrange(min(3, len(seen))))
    for product in cart:
        at_ms += _pause(random)
        yield _track(at_ms, "Product Added", product, quantity=1)
    if len(cart) > 1 and random.random() < 0.2:
        at_ms += _pause(random)
        yield _track(at_ms, "Product Removed", cart.pop(), quantity=1)
    if random.random() < 0.35:
        return
    at_ms += _pause(random)
    order: dict[str, Any] = {"order_id": f"o{random.randrange(10**8):08d}", "currency": "EUR"}
    revenue = round(sum(price for _, _, price in cart), 2)
    yield Action(at_ms, "track", "Checkout Started", {**order, "revenue": revenue})
    if random.random() < 0.25:
        return
    at_ms += 2 * _pause(random)
    shipping = SHIPPING if revenue < FREE_SHIPPING_FROM else 0.0
    order["total"] = round(revenue + shipping, 2)
    paid = {**order, "revenue": revenue, "shipping": shipping}
    yield Action(at_ms, "track", "Order Completed", paid)
    if random.random() < 0.04:
        at_ms += int(random.uniform(1, 6) * DAY_MS)
        yield Action(at_ms, "track", "Order Refunded", order)


def _track(at_ms: int, name: str, product: tuple[str, str, float], **more: Any) -> Action:
    id_, _, price = product
    return Action(at_ms, "track", name, {"product_id": id_, "price": price, **more})


def _pause(random: Random) -> int:
    return 5_000 + int(random.expovariate(1 / 40_000))
