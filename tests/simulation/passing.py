"""A time that is not waited for, and logs of records in it: what `races` is lived in."""

import asyncio
import selectors

import msgspec

from schemas import codec
from tests.builders import T0


class Selector(selectors.SelectSelector):
    """Passes the time that the loop would wait."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Returns at once; where there is nothing to wait for, everything stands still."""
        assert timeout is not None, "everybody waits for somebody else"
        self.now_s += max(timeout, 0.0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop in a time of its own."""

    def __init__(self) -> None:
        self._passing = Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        """Returns the seconds that have passed."""
        return self._passing.now_s


class Clock:
    """The loop's time."""

    def now_ms(self) -> int:
        """Returns ms since the epoch."""
        return T0 + round(asyncio.get_running_loop().time() * 1000)


class Topic:
    """Records in their order, each with the time at which it was written."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, bytes, bytes | None]] = []
        """Of each: topic, ms (of a tombstone, those of its header), key and value."""
        self.more = asyncio.Event()

    def write(self, name: str, at: int, key: str, value: msgspec.Struct | None) -> None:
        """Appends a record."""
        told = None if value is None else codec.encode(value)
        self.records.append((name, at, key.encode(), told))
        self.more.set()
        self.more = asyncio.Event()


class Position:
    """How far a group has committed a topic."""

    offset = 0
