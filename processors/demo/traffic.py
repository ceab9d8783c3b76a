"""The traffic of the demo: what people do, as events on their way, with what goes wrong there.

Some events come twice, some late, a few much too late, and a few are broken. Sorted by arrival.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import msgspec

from processors.demo import people
from processors.demo.people import DAY_MS, HOUR_MS, Action, Person
from schemas.events import iso

DUPLICATES = 0.005
"""How many events come a second time."""
LATE = 0.01
"""How many come late: they were held back on a phone, say."""
MAX_LATE_MS = 2 * DAY_MS
LOST = 0.0002
"""How many come more than a week late, which is too late."""
LOST_MS = 7 * DAY_MS + 6 * HOUR_MS
BROKEN = 0.0002
"""How many can not be read."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How much traffic there is to be."""

    people: int = 3_000
    days: int = 28
    seed: int = 7

    @property
    def end_ms(self) -> int:
        """When the simulated time ends."""
        return people.START_MS + self.days * DAY_MS


class Delivery(NamedTuple):
    """One record on its way to the topic `events`."""

    at_ms: int
    """When it arrives, in simulated time."""
    key: str
    value: bytes


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, in the order of arrival."""

    deliveries: list[Delivery]
    duplicates: int
    """How many of them repeat another one."""
    late: int
    broken: int
    people: int
    """How many people did something at all."""


class _Tally:
    def __init__(self) -> None:
        self.duplicates = self.late = self.broken = self.people = 0


def generate(options: Options) -> Traffic:
    """Returns the traffic; the same options give the same one, byte by byte."""
    tally = _Tally()
    deliveries = [
        each
        for number in range(options.people)
        for each in _of_one(number, Random(f"{options.seed}/{number}"), options, tally)
    ]
    deliveries.sort()
    return Traffic(
        deliveries=deliveries,
        duplicates=tally.duplicates,
        late=tally.late,
        broken=tally.broken,
        people=tally.people,
    )


def _of_one(number: int, random: Random, options: Options, tally: _Tally) -> Iterator[Delivery]:
    one = people.person(number, random, options.days)
    count = 0
    for count, action in enumerate(people.life(one, random, options.days), 1):
        yield from _deliver(one, count, action, random=random, end_ms=options.end_ms, tally=tally)
    tally.people += count > 0


def _deliver(
    one: Person, count: int, action: Action, *, random: Random, end_ms: int, tally: _Tally
) -> Iterator[Delivery]:
    """Gives the deliveries of one action: mostly one, soon."""
    value = encode(one, count, action)
    at_ms = action.at_ms + random.randrange(50, 900)
    fate = random.random()
    if fate < BROKEN:
        tally.broken += 1
        yield Delivery(at_ms, one.id, _break(value, count))
    elif fate < BROKEN + LOST and at_ms + LOST_MS < end_ms:
        yield Delivery(at_ms + LOST_MS, one.id, value)
    elif fate < BROKEN + LOST + LATE:
        tally.late += 1
        delay_ms = min(MAX_LATE_MS, int(random.expovariate(1 / (3 * HOUR_MS))))
        yield Delivery(min(end_ms, at_ms + delay_ms), one.id, value)
    else:
        yield Delivery(at_ms, one.id, value)
        if fate > 1 - DUPLICATES:
            tally.duplicates += 1
            yield Delivery(at_ms + random.randrange(1_000, 600_000), one.id, value)


def encode(one: Person, count: int, action: Action) -> bytes:
    """Returns the event as an SDK of Segment's would send it."""
    event: dict[str, Any] = {
        "messageId": f"{one.id}-{count}",
        "type": action.type,
        "userId" if one.is_known else "anonymousId": one.id,
        "timestamp": iso(action.at_ms),
    }
    if action.type == "track":
        event["event"] = action.name
    elif action.type == "page":
        event["name"] = action.name
    event["traits" if action.type == "identify" else "properties"] = action.data
    return msgspec.json.encode(event)


def _break(value: bytes, count: int) -> bytes:
    """Returns the event as a bug would send it: cut, without an id, or without a zone."""
    match count % 3:
        case 0:
            return value[: len(value) // 2]
        case 1:
            return value.replace(b'"messageId"', b'"message"', 1)
        case _:
            return value.replace(b'Z"', b'"', 1)
