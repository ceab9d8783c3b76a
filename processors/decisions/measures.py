"""What has to be kept of a property of which event: the amounts that aggregates read.

Numbers are kept in millionths, so that sums are exact in any order; other values as hashes.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec
from xxhash import xxh3_64_intdigest

from processors.decisions.features import Properties, Where, compile_where, read, short, written
from processors.definitions.occurrences import PropertyCondition
from processors.state import amounts
from processors.state.amounts import Measured
from processors.state.profiles import Profile

UNIT = 1_000_000
"""Numbers are rounded to millionths (half to even), of the decimal that the event says."""
LARGEST = 10**12
"""Numbers beyond are passed over: they are no amounts, and sums have to end somewhere."""
_HASH_BITS = (1 << 60) - 1

Function = Literal["sum", "min", "max", "distinct", "each"]
"""`sum` serves averages too; `each` keeps every value with its time, as a hash."""

Source = tuple[str, tuple[PropertyCondition, ...], str]
"""An event, what is asked of its properties, and the path of the property that is measured."""


class Measure(msgspec.Struct, kw_only=True):
    """Amounts that are kept of a profile."""

    key: str
    event: str
    function: Function
    where: Where | None
    path: tuple[str, ...]
    since_ms: int | None = None
    """What lies before this instant is left out."""
    width_ms: int | None = None
    """How long an amount can matter; None for ever."""
    capacity: int = 0
    users: int = 0
    """Bits of the nodes that read it."""

    def amount(self, properties: Properties, at_ms: int) -> int | None:
        """Returns what an event adds; None where it adds nothing."""
        if self.where is not None and not self.where(properties, at_ms):
            return None
        value = read(properties, self.path)
        return hashed(value) if self.function in ("distinct", "each") else millionths(value)

    def take(self, profile: Profile, at_ms: int, amount: int) -> bool:
        """Keeps an amount; returns whether anything that is kept has changed."""
        if self.since_ms is not None and at_ms < self.since_ms:
            return False
        if self.width_ms is not None and at_ms <= profile.clock - self.width_ms:
            return False
        measured = profile.measured
        if measured is None:
            measured = profile.measured = Measured()
        if self.width_ms is None:
            if self.function == "sum":
                kept = measured.sums.get(self.key, amounts.NO_SUM)
                measured.sums[self.key] = amounts.plus(kept, amount)
                return True
            at_ms = 0
        times = profile.times.setdefault(self.key, [])
        held = measured.amounts.setdefault(self.key, [])
        if self.width_ms is not None:
            amounts.expire(times, held, profile.clock - self.width_ms)
        return self.put(times, held, (at_ms, amount))

    def put(self, times: list[int], held: list[int], pair: tuple[int, int]) -> bool:
        """Adds a time with its amount to those kept; returns whether anything has changed."""
        match self.function:
            case "min":
                return amounts.insert_best(times, held, pair, -1)
            case "max":
                return amounts.insert_best(times, held, pair, 1)
            case "distinct":
                if self.width_ms is None and len(held) >= self.capacity:
                    return False
                return amounts.insert_latest(times, held, pair, self.capacity)
            case _:
                amounts.insert(times, held, pair, self.capacity)
                return True


class Measures:
    """All measures of one definition set, gathered while its conditions are compiled."""

    def __init__(self) -> None:
        self.by_key: dict[str, Measure] = {}

    def get(
        self,
        function: Function,
        source: Source,
        *,
        since_ms: int | None = None,
        width_ms: int | None = None,
        capacity: int,
    ) -> Measure:
        """Returns the measure of an event's property; definitions that ask the same share one."""
        event, where, path = source
        is_kept = "window" if width_ms is not None else "ever"
        key = short([function, event, written(where), path, since_ms, is_kept])
        found = self.by_key.get(key)
        if found is None:
            found = self.by_key[key] = Measure(
                key=key,
                event=event,
                function=function,
                where=compile_where(where),
                path=tuple(path.split(".")),
                since_ms=since_ms,
                width_ms=width_ms,
            )
        found.capacity = max(found.capacity, capacity)
        if width_ms is not None:
            found.width_ms = max(found.width_ms or 0, width_ms)
        return found


def millionths(value: Any) -> int | None:
    """Returns a number in millionths; None for what is no number.

    >>> millionths(12.34), millionths(True), millionths("1")
    (12340000, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > LARGEST:
        return None
    if isinstance(value, int):
        return value * UNIT
    return round(Decimal(repr(value)) * UNIT)


def hashed(value: Any) -> int | None:
    """Returns 60 bits that stand for a text, number, true or false; None for anything else.

    >>> hashed(1) == hashed(1.0), hashed(1) == hashed(True), hashed(1) == hashed("1")
    (True, False, False)
    """
    if not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return xxh3_64_intdigest(msgspec.json.encode(value)) & _HASH_BITS
