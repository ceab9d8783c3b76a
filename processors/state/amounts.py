"""Amounts with their times, kept sorted and few: what exact aggregates are computed from.

A time and its amount stand at the same place of two lists, oldest first.
"""

from bisect import bisect_left, bisect_right

import msgspec


def insert(times: list[int], amounts: list[int], pair: tuple[int, int], capacity: int) -> None:
    """Adds a time with its amount in its place, keeping the latest `capacity`.

    >>> times, amounts = [10, 30], [1, 3]
    >>> insert(times, amounts, (20, 2), 2)
    >>> times, amounts
    ([20, 30], [2, 3])
    """
    place = bisect_right(times, pair[0])
    times.insert(place, pair[0])
    amounts.insert(place, pair[1])
    if len(times) > capacity:
        del times[0], amounts[0]


def expire(times: list[int], amounts: list[int], before_ms: int) -> None:
    """Drops what lies at or before an instant: it can count in no window any more."""
    if times and times[0] <= before_ms:
        place = bisect_right(times, before_ms)
        del times[:place], amounts[:place]


def insert_best(times: list[int], amounts: list[int], pair: tuple[int, int], sign: int) -> bool:
    """Adds a pair unless a later one is as good, and drops the earlier ones that it beats.

    So the first pair inside of a window has the best amount of that window.

    Args:
        times: of pairs of which each is better than all later ones.
        amounts: the same.
        pair: time and amount.
        sign: 1 where more is better, -1 where less is.

    Returns whether it was added.

    >>> times, amounts = [10, 30], [9, 3]
    >>> insert_best(times, amounts, (20, 5), 1), times, amounts
    (True, [10, 20, 30], [9, 5, 3])
    >>> insert_best(times, amounts, (40, 6), 1), times, amounts
    (True, [10, 40], [9, 6])
    """
    at_ms, amount = pair
    later = bisect_left(times, at_ms)
    if later < len(times) and sign * amounts[later] >= sign * amount:
        return False
    place = bisect_right(times, at_ms)
    first = place
    while first and sign * amounts[first - 1] <= sign * amount:
        first -= 1
    times[first:place] = [at_ms]
    amounts[first:place] = [amount]
    return True


def insert_latest(
    times: list[int], amounts: list[int], pair: tuple[int, int], capacity: int
) -> bool:
    """Adds a pair in the place of an earlier one with the same amount, keeping the latest.

    Returns whether anything changed.

    >>> times, amounts = [10, 30], [1, 3]
    >>> insert_latest(times, amounts, (40, 1), 9), times, amounts
    (True, [30, 40], [3, 1])
    """
    at_ms, amount = pair
    if amount in amounts:
        place = amounts.index(amount)
        if times[place] >= at_ms:
            return False
        del times[place], amounts[place]
    insert(times, amounts, pair, capacity)
    return True


Sum = tuple[int, bytes]
"""How many were added up, and what they come to: signed, big-endian, no wider than it needs."""
NO_SUM: Sum = (0, b"")


class Measured(msgspec.Struct, array_like=True, gc=False):
    """All amounts of one profile, by what is measured."""

    amounts: dict[str, list[int]] = {}
    """Those whose times the profile keeps under the same key."""
    sums: dict[str, Sum] = {}


NOTHING = Measured()
"""For reading where nothing has been measured yet."""


def total(kept: Sum) -> int:
    """Returns what a sum comes to."""
    return int.from_bytes(kept[1], "big", signed=True)


def plus(kept: Sum, amount: int) -> Sum:
    """Returns a sum with one more amount.

    >>> total(plus(plus(NO_SUM, 5), -7))
    -2
    """
    added = total(kept) + amount
    return kept[0] + 1, added.to_bytes(added.bit_length() // 8 + 1, "big", signed=True)
