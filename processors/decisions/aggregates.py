"""Sums, averages, extremes and numbers of different values, compiled: what they answer, how long.

In a window the oldest amounts leave one by one; the answer holds until the first that turns it.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from processors.decisions.comparisons import FALSE, NEGATIVE, TRUE, Answer
from processors.decisions.features import Properties
from processors.decisions.measures import UNIT, Function, Measure, Measures
from processors.definitions.comparisons import Comparison
from processors.definitions.occurrences import Aggregate, EventCondition
from processors.state import amounts
from processors.state.profiles import Profile
from processors.state.windows import MAX_TIMES

Evaluate = Callable[[Profile, int, Properties], Answer]
Ratio = tuple[int, int]
"""Numerator in millionths, and denominator."""
Holds = Callable[[Ratio | None], bool]
"""Whether an aggregate is as asked; None is that of nothing, where there is no such number."""
Worths = Callable[[list[int], int], Iterator[Ratio | None]]
"""From a place on, what the amounts come to: all of them, without the oldest, … without any."""


def aggregate(condition: EventCondition, measures: Measures) -> tuple[Evaluate, Measure]:
    """Returns the closure of a condition on an aggregate, and the measure that it reads."""
    asked = condition.aggregate
    assert asked is not None  # the caller has looked
    name, of = asked
    measure = measures.get(
        FUNCTIONS[name],
        (condition.event, condition.where, of.property),
        since_ms=condition.since,
        width_ms=condition.within,
        capacity=_capacity(of) if name == "distinct" else MAX_TIMES,
    )
    holds = _holds(of.comparison)
    if condition.within is not None:
        return _windowed(measure.key, condition.within, WORTHS[name], holds), measure
    if measure.function == "sum":
        return _added_up(measure.key, holds, is_average=name == "average"), measure
    return _kept(measure.key, WORTHS[name], holds), measure


FUNCTIONS: dict[str, Function] = {
    "sum": "sum",
    "average": "sum",
    "min": "min",
    "max": "max",
    "distinct": "distinct",
}


def _sums(held: list[int], first: int) -> Iterator[Ratio | None]:
    total = sum(held[first:])
    for place in range(first, len(held)):
        yield total, 1
        total -= held[place]
    yield 0, 1


def _averages(held: list[int], first: int) -> Iterator[Ratio | None]:
    total = sum(held[first:])
    for place in range(first, len(held)):
        yield total, len(held) - place
        total -= held[place]
    yield None


def _bests(held: list[int], first: int) -> Iterator[Ratio | None]:
    for place in range(first, len(held)):
        yield held[place], 1
    yield None


def _numbers(held: list[int], first: int) -> Iterator[Ratio | None]:
    for place in range(first, len(held) + 1):
        yield (len(held) - place) * UNIT, 1


WORTHS: dict[str, Worths] = {
    "sum": _sums,
    "average": _averages,
    "min": _bests,
    "max": _bests,
    "distinct": _numbers,
}


def _amounts(profile: Profile, key: str) -> list[int]:
    return (profile.measured or amounts.NOTHING).amounts.get(key, [])


def _windowed(key: str, width_ms: int, worths: Worths, holds: Holds) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        times = profile.times.get(key, [])
        first = bisect_right(times, now - width_ms)
        answers = map(holds, worths(_amounts(profile, key), first))
        present = next(answers)
        for place, answer in enumerate(answers, first):
            leaves_alone = place + 1 == len(times) or times[place] < times[place + 1]
            if answer != present and leaves_alone:
                until = times[place] + width_ms
                return until if present else -until
        return TRUE if present else FALSE

    return evaluate


def _added_up(key: str, holds: Holds, *, is_average: bool) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        kept = (profile.measured or amounts.NOTHING).sums.get(key, amounts.NO_SUM)
        worth = (amounts.total(kept), kept[0] if is_average else 1)
        return TRUE if holds(worth if worth[1] else None) else FALSE

    return evaluate


def _kept(key: str, worths: Worths, holds: Holds) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        return TRUE if holds(next(worths(_amounts(profile, key), 0))) else FALSE

    return evaluate


def _capacity(of: Aggregate) -> int:
    """Returns how many different values have to be told apart to know the answer."""
    operand = of.comparison.operand
    operands = operand if isinstance(operand, tuple) else (operand,)
    largest: float = max(operands)
    return min(max(0, math.floor(largest)) + 1, MAX_TIMES)


def _holds(comparison: Comparison) -> Holds:
    positive = NEGATIVE.get(comparison.operator)
    test = _test(positive or comparison.operator, comparison.operand)
    if positive is None:
        return lambda worth: worth is not None and test(*worth)
    return lambda worth: worth is None or not test(*worth)


def _test(operator: str, operand: Any) -> Callable[[int, int], bool]:
    """Returns the test of a ratio; whole numbers only, so that it is exact."""
    if operator == "between":
        least, most = _test("at_least", operand[0]), _test("at_most", operand[1])
        return lambda n, d: least(n, d) and most(n, d)
    if operator == "in":
        tests = [_test("equals", each) for each in operand]
        return lambda n, d: any(each(n, d) for each in tests)
    top, bottom = (Fraction(str(operand)) * UNIT).as_integer_ratio()
    tests_by_operator: dict[str, Callable[[int, int], bool]] = {
        "equals": lambda n, d: n * bottom == top * d,
        "greater_than": lambda n, d: n * bottom > top * d,
        "less_than": lambda n, d: n * bottom < top * d,
        "at_least": lambda n, d: n * bottom >= top * d,
        "at_most": lambda n, d: n * bottom <= top * d,
    }
    return tests_by_operator[operator]
