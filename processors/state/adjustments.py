"""Points that were given for a time: each lot with its end, those that end first in front."""

from bisect import insort

Adjustments = list[tuple[int, int]]
"""When each ends, ms, and how many points."""

MAX_ADJUSTMENTS = 100
"""How many lots one score of one profile keeps; for a further one that which ends first ends."""


def add(kept: Adjustments, ends_ms: int, points: int) -> int:
    """Keeps points until an instant; returns those that end at once to make room for them.

    >>> kept = [(20, 5)]
    >>> add(kept, 10, 7), kept
    (0, [(10, 7), (20, 5)])
    """
    insort(kept, (ends_ms, points))
    return kept.pop(0)[1] if len(kept) > MAX_ADJUSTMENTS else 0


def expire(kept: Adjustments, now: int) -> list[int]:
    """Drops the lots that have ended by an instant; returns the points of each.

    >>> kept = [(10, 7), (20, 5)]
    >>> expire(kept, 10), kept
    ([7], [(20, 5)])
    """
    ended = [points for ends_ms, points in kept if ends_ms <= now]
    del kept[: len(ended)]
    return ended
