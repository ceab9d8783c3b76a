"""What a score was lately: each change within a window, with the value that it ended."""

Number = int | float
Swing = tuple[int, Number]
"""Instant of a change in ms, and the value until then."""
Swings = list[Swing]
"""Oldest first."""

MAX_SWINGS = 10_000
"""How many changes one score of one profile keeps at most."""


def remember(kept: Swings, now: int, old: Number, width_ms: int) -> None:
    """Notes that a value ended, and forgets changes that lie outside of the window.

    >>> kept = [(10, 0), (20, 5)]
    >>> remember(kept, 30, 7, 20)
    >>> kept
    [(20, 5), (30, 7)]
    """
    passed = 0
    while passed < len(kept) and kept[passed][0] <= now - width_ms:
        passed += 1
    del kept[: max(passed, len(kept) + 1 - MAX_SWINGS)]
    if not kept or kept[-1][0] < now:
        kept.append((now, old))


def stood(kept: Swings, at_ms: int, value: Number) -> Number:
    """Returns what the score was at an instant; the present value where it has not changed since.

    >>> stood([(20, 5), (30, 7)], 20, 9)
    7
    """
    return next((old for changed_ms, old in kept if changed_ms > at_ms), value)
