"""Points that fade: what a score is worth at an instant, and when time alone takes it over a mark.

Pure numbers: a node makes a course of what a profile holds, and asks it about now and later.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from math import ceil, floor, log, log2

import msgspec

from processors.state.profiles import NEVER

LIFETIMES = 128
"""After so many half-lives nothing of any points is left: 2^-128 of a million is far below 1e-9."""
LN_2 = log(2)
MAX_SPANS = 20_000
"""How many spans of time one search looks at: points that nearly outweigh each other take many."""
MAX_MARK = 1e15
"""Further than any score goes."""

Number = int | float


def rounded(value: float) -> Number:
    """Returns a value with 2 decimals, as it is compared and published; whole ones as integers.

    What lies half between is told by 12 decimals: the order in which points were added up does not
    show.

    >>> rounded(2.506), rounded(4.999), rounded(0.625)
    (2.51, 5, 0.62)
    """
    if isinstance(value, int):
        return value
    value = round(round(value, 12), 2)
    whole = int(value)
    return whole if whole == value else value


def share(at_ms: int, now: int, half_life_ms: int) -> float:
    """Returns what is left at `now` of what was whole at an instant."""
    return float(2.0 ** ((at_ms - now) / half_life_ms))


def add(kept: tuple[int, float] | None, at_ms: int, half_life_ms: int) -> tuple[int, float]:
    """Returns a running sum, as of the latest instant in it, with one more occurrence.

    >>> add((0, 1.0), 10, 10), add((10, 1.0), 0, 10)
    ((10, 1.5), (10, 1.5))
    """
    if kept is None:
        return at_ms, 1.0
    since, total = kept
    if at_ms < since:
        return since, total + share(at_ms, since, half_life_ms)
    return at_ms, 1.0 + total * share(since, at_ms, half_life_ms)


class Marks(msgspec.Struct, frozen=True):
    """The values at which somebody wants to know, from the lowest on."""

    leasts: tuple[float, ...] = ()
    """The least value that lies over each of them."""

    def zone(self, value: float) -> int:
        """Returns how many of them a rounded value has reached."""
        return bisect_right(self.leasts, value)

    def edge(self, here: int, there: int) -> float:
        """Returns about which value, not rounded, lies between a zone and that beside it."""
        least = self.leasts[here] if there > here else self.leasts[here - 1]
        return (ceil(least * 100 - 1e-6) - 0.5) / 100


def marks(reached: Iterable[float], passed: Iterable[float] = ()) -> Marks:
    """Returns the marks of some values.

    Args:
        reached: at which it matters whether a score is at least as large.
        passed: at which it matters whether it is larger.
    """
    leasts = {max(-MAX_MARK, min(each, MAX_MARK)) for each in reached}
    beyond = (max(-MAX_MARK, min(each, MAX_MARK)) for each in passed)
    leasts.update(round(floor(each * 100 + 1e-6) / 100 + 0.01, 2) for each in beyond)
    return Marks(tuple(sorted(leasts)))


class Term(msgspec.Struct, frozen=True, gc=False):
    """Points that fade by half in each half-life."""

    points: float
    """As of `since_ms`."""
    since_ms: int
    half_life_ms: int

    def at(self, now: int) -> float:
        """Returns what they are worth at an instant."""
        return self.points * share(self.since_ms, now, self.half_life_ms)


class Reach(msgspec.Struct, frozen=True, gc=False):
    """Between which values something moves in a span of time, and which ways."""

    first: float
    """Where it begins."""
    last: float
    """Where it ends."""
    least: float
    most: float
    down: float
    """Its slope is never below this: if it is not negative, the way is up only."""
    up: float
    """Nor above this."""


class Course(msgspec.Struct, frozen=True):
    """A value over time: a sum held between bounds. A group, a score, or several scores."""

    fixed: float
    """What does not fade."""
    terms: list[Term] = []
    parts: list["Course"] = []
    floor: int | None = None
    limit: int | None = None

    def at(self, now: int) -> float:
        """Returns the value at an instant, not rounded."""
        total = self.fixed
        for term in self.terms:
            total += term.at(now)
        for part in self.parts:
            total += part.at(now)
        return self._held(total)

    def all_terms(self) -> Iterator[Term]:
        """Gives what fades in it, wherever it stands."""
        yield from self.terms
        for part in self.parts:
            yield from part.all_terms()

    def all_fixed(self) -> float:
        """Returns the sum of what does not fade, as if nothing were held between bounds."""
        return self.fixed + sum(part.all_fixed() for part in self.parts)

    def between(self, since: int, until: int) -> Reach:
        """Returns bounds of the value from one instant to another.

        Exact where it moves one way; else no further from the truth than the parts taken by
        themselves leave it, nor than its slopes lead from where it begins.
        """
        moves = [_fading(term, since, until) for term in self.terms]
        moves += [part.between(since, until) for part in self.parts]
        first = self.fixed + sum(each.first for each in moves)
        last = self.fixed + sum(each.last for each in moves)
        down, up = sum(each.down for each in moves), sum(each.up for each in moves)
        if down >= 0 or up <= 0:
            least, most = min(first, last), max(first, last)
        else:
            width_ms = until - since
            least = max(self.fixed + sum(each.least for each in moves), first + down * width_ms)
            most = min(self.fixed + sum(each.most for each in moves), first + up * width_ms)
        held = self._held
        if held(least) != least or held(most) != most:
            down, up = min(down, 0.0), max(up, 0.0)
        return Reach(held(first), held(last), held(least), held(most), down, up)

    def _held(self, total: float) -> float:
        if self.limit is not None and total > self.limit:
            return self.limit
        if self.floor is not None and total < self.floor:
            return self.floor
        return total


def merged(terms: list[Term]) -> list[Term]:
    """Returns the same points with one term for each half-life: what cancels out is gone."""
    if len(terms) < 2:
        return terms
    since = max(term.since_ms for term in terms)
    points: dict[int, float] = {}
    for term in terms:
        points[term.half_life_ms] = points.get(term.half_life_ms, 0.0) + term.at(since)
    return [Term(total, since, half_life_ms) for half_life_ms, total in points.items()]


def _fading(term: Term, since: int, until: int) -> Reach:
    first, last = term.at(since), term.at(until)
    begin, end = -LN_2 * first / term.half_life_ms, -LN_2 * last / term.half_life_ms
    return Reach(first, last, min(first, last), max(first, last), min(begin, end), max(begin, end))


def crossing(course: Course, asked: Marks, now: int) -> int:
    """Returns the first ms after `now` at which time alone has taken a value over a mark, or NEVER.

    Where all points fade towards the same side the value moves one way only, and the instant is
    guessed by Newton's method and checked; else spans of time are halved, the earlier one first,
    and left out when their bounds hold no mark.
    """
    if not asked.leasts:
        return NEVER
    terms = list(course.all_terms())
    if not terms:
        return NEVER
    here = asked.zone(rounded(course.at(now)))
    last = now + LIFETIMES * max(term.half_life_ms for term in terms)
    search = _Search(course, asked, here)
    if any(term.points < 0 for term in terms) and any(term.points > 0 for term in terms):
        return search.earliest(now, last)
    there = search.zone(last)
    if there == here:
        return NEVER
    low, high = now, last
    guess = _guess(course.all_fixed(), terms, asked.edge(here, there), now)
    for probe in (guess - 1, guess + 1):
        if low < probe < high:
            low, high = search.narrow(low, high, probe)
    return search.end(low, high)


class _Search(msgspec.Struct, frozen=True):
    """The search for the end of a zone."""

    course: Course
    asked: Marks
    here: int

    def zone(self, now: int) -> int:
        return self.asked.zone(rounded(self.course.at(now)))

    def narrow(self, low: int, high: int, probe: int) -> tuple[int, int]:
        """Returns the part of a span in which the zone ends, the value moving one way."""
        return (probe, high) if self.zone(probe) == self.here else (low, probe)

    def end(self, low: int, high: int) -> int:
        """Returns the first instant outside, of a span in which the value leaves one way."""
        while high - low > 1:
            low, high = self.narrow(low, high, (low + high) // 2)
        return high

    def earliest(self, low: int, high: int) -> int:
        """Returns the first instant after `low`, up to `high`, outside of the zone; or NEVER.

        Where it would take too long, one before which there is none.
        """
        spans = [(low, high)]
        for _ in range(MAX_SPANS):
            if not spans:
                return NEVER
            low, high = spans.pop()
            reach = self.course.between(low, high)
            zones = {self.asked.zone(rounded(each)) for each in (reach.least, reach.most)}
            if zones == {self.here}:
                continue
            if reach.down >= 0 or reach.up <= 0:
                return self.end(low, high)
            if high - low > 1:
                middle = (low + high) // 2
                spans += [(middle, high), (low, middle)]
            elif self.zone(high) != self.here:
                return high
        return low + 1


def _guess(fixed: float, terms: list[Term], edge: float, now: int) -> int:
    """Returns about when the sum comes to an edge, were there no bounds; exact for one half-life.

    Source: Newton's method on the logarithm of the fading part, which is straight for one term;
    so it takes about as many steps as there are terms.
    """
    at = float(now)
    wanted = edge - fixed
    for _ in terms:
        worths = [(term.at(int(at)), term.half_life_ms) for term in terms]
        worth = sum(each for each, _ in worths)
        if wanted * worth <= 0:
            break
        slope = sum(each / half_life_ms for each, half_life_ms in worths)
        at += log2(worth / wanted) * worth / slope
    return int(at)
