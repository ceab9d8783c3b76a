"""Points that fade, from every single occurrence; and when they turn: zeros of exponentials.

A sum of n exponentials has at most n - 1 zeros. They lie between those of its derivative, once it
is divided by one of its terms: so they are found term by term, each then by bisection.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

LIFETIMES = 130

Rates = dict[float, float]
"""Coefficients by rate: c * 2^(-rate * t), t in ms; a rate of 0 is a constant."""
Piece = tuple[float, float, Rates]
"""From, to, and what it is in between."""


def two_decimals(value: float) -> float:
    return round(round(value, 12), 2)


@dataclass
class Curve:
    """A sum of what stays, of occurrences that fade and of other curves, kept between bounds."""

    fixed: float = 0
    fading: list[tuple[float, int, int]] = field(default_factory=list)
    """Points, when they were given, half-life."""
    parts: list["Curve"] = field(default_factory=list)
    floor: float | None = None
    limit: float | None = None

    def value(self, now: int) -> float:
        total = self.fixed + sum(one.value(now) for one in self.parts)
        total += sum(points * 0.5 ** ((now - at) / half) for points, at, half in self.fading)
        return keep(total, self.floor, self.limit)

    def half_lives(self) -> Iterator[int]:
        yield from (half for _, _, half in self.fading)
        for part in self.parts:
            yield from part.half_lives()

    def pieces(self, base: int, length: float) -> list[Piece]:
        """Returns the curve from `base` on, cut where a bound begins or ends to hold."""
        rates: Rates = {0.0: self.fixed}
        for points, at, half in self.fading:
            rates[1 / half] = rates.get(1 / half, 0) + points * 0.5 ** ((base - at) / half)
        found: list[Piece] = [(0.0, length, rates)]
        for part in self.parts:
            found = list(laid_over(found, part.pieces(base, length)))
        for bound, side in ((self.limit, 1), (self.floor, -1)):
            if bound is not None:
                cuts = [cut for piece in found for cut in cut_at(piece, bound)]
                found = [held_at(piece, bound, side) for piece in cuts]
        return found


def keep(value: float, floor: float | None, limit: float | None) -> float:
    if limit is not None:
        value = min(value, limit)
    return value if floor is None else max(value, floor)


def evaluate(rates: Rates, t: float) -> float:
    return math.fsum(c * 2.0 ** (-rate * t) for rate, c in rates.items())


def laid_over(first: list[Piece], second: list[Piece]) -> Iterator[Piece]:
    """Yields the sum of two curves, cut where either is."""
    for begin, end, rates in first:
        for other_begin, other_end, other in second:
            low, high = max(begin, other_begin), min(end, other_end)
            if low < high:
                keys = {*rates, *other}
                yield low, high, {key: rates.get(key, 0) + other.get(key, 0) for key in keys}


def cut_at(piece: Piece, level: float) -> Iterator[Piece]:
    begin, end, rates = piece
    edges = [begin, *zeros(shifted(rates, level), begin, end), end]
    for low, high in itertools.pairwise(edges):
        if low < high:
            yield low, high, rates


def held_at(piece: Piece, bound: float, side: int) -> Piece:
    """Returns a piece that lies on one side of a bound, as the bound leaves it."""
    begin, end, rates = piece
    tried = (evaluate(rates, begin + (end - begin) * share / 8) - bound for share in range(9))
    furthest = max(tried, key=abs)
    return (begin, end, {0.0: bound}) if furthest * side > 0 else piece


def shifted(rates: Rates, level: float) -> Rates:
    return rates | {0.0: rates.get(0.0, 0) - level}


def zeros(rates: Rates, begin: float, end: float) -> list[float]:
    """Returns where a sum of exponentials changes its sign."""
    rates = {rate: c for rate, c in rates.items() if c}
    if len(rates) < 2:
        return []
    slowest = min(rates)
    divided = {rate - slowest: c for rate, c in rates.items()}
    slope = {rate: -c * rate for rate, c in divided.items() if rate}
    edges = [begin, *zeros(slope, begin, end), end]
    found = []
    for low, high in itertools.pairwise(edges):
        before, after = evaluate(divided, low), evaluate(divided, high)
        if (before < 0) != (after < 0):
            found.append(bisected(divided, low, high))
    return found


def bisected(rates: Rates, low: float, high: float) -> float:
    is_below = evaluate(rates, low) < 0
    for _ in range(200):
        middle = (low + high) / 2
        if (evaluate(rates, middle) < 0) is is_below:
            low = middle
        else:
            high = middle
    return high


def first_turn(
    curve: Curve, zone: Callable[[float], object], levels: Iterable[float], now: int
) -> int | None:
    """Returns the first ms after now at which the rounded value is in another zone.

    Args:
        curve: what the value is.
        zone: where a rounded value lies.
        levels: between which the zones lie, for values that are not rounded.
        now: an instant.
    """
    halves = list(curve.half_lives())
    if not halves:
        return None
    roots: set[float] = set()
    for begin, end, rates in curve.pieces(now, LIFETIMES * max(halves)):
        roots |= {begin, end}
        for level in levels:
            roots.update(zeros(shifted(rates, level), begin, end))
    here = zone(two_decimals(curve.value(now)))
    tried = sorted({math.floor(root) + step for root in roots for step in range(-2, 4)})
    for after in tried:
        if after > 0 and zone(two_decimals(curve.value(now + after))) != here:
            return now + after
    return None
