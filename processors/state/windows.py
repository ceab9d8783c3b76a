"""Times of occurrences, kept sorted and few: what exact windows are computed from."""

from bisect import bisect_right, insort
from collections.abc import Sequence

MAX_TIMES = 10_000
"""How many times one feature of one profile keeps at most."""


def insert(times: list[int], at_ms: int, capacity: int) -> bool:
    """Adds a time in its place, keeping the latest `capacity`; returns whether any place changed.

    >>> kept = [10, 30]
    >>> insert(kept, 20, 2), kept
    (True, [20, 30])
    """
    if not times or at_ms >= times[-1]:
        times.append(at_ms)
    else:
        insort(times, at_ms)
    return len(times) <= capacity or times.pop(0) != at_ms


def expire(times: list[int], before_ms: int) -> None:
    """Drops the times at or before an instant: they can count in no window any more."""
    if times and times[0] <= before_ms:
        del times[: bisect_right(times, before_ms)]


def count(times: Sequence[int], after_ms: int) -> int:
    """Returns how many times lie after an instant."""
    if not times or times[-1] <= after_ms:
        return 0
    return len(times) - bisect_right(times, after_ms)
