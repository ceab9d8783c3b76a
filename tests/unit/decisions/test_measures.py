"""Measures: which amounts of an event are kept, shared by all that ask the same."""

from typing import Any

import pytest

from processors.decisions.measures import LARGEST, UNIT, Function, Measures, hashed, millionths
from processors.definitions.occurrences import PropertyCondition
from processors.state.amounts import Measured
from processors.state.profiles import Profile
from tests.builders import DAY, HOUR, T0

GOLD = PropertyCondition.model_validate({"property": "plan", "equals": "gold"})
SOURCE = ("order", (GOLD,), "total")


def test_who_asks_the_same_shares_one_measure_as_large_as_the_largest() -> None:
    measures = Measures()
    one = measures.get("sum", SOURCE, width_ms=HOUR, capacity=5)
    other = measures.get("sum", SOURCE, width_ms=DAY, capacity=2)
    assert one is other
    assert (one.width_ms, one.capacity) == (DAY, 5)
    assert measures.get("sum", SOURCE, capacity=5) is not one
    assert len(measures.by_key) == 2


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (12.34, 12_340_000),
        (0.1, 100_000),
        (7, 7 * UNIT),
        (-1.5, -1_500_000),
        (0.000_000_5, 0),
        (0.000_001_5, 2),
        (LARGEST, LARGEST * UNIT),
        (LARGEST + 1, None),
        (True, None),
        ("7", None),
        (None, None),
        ([7], None),
    ],
)
def test_numbers_are_kept_in_millionths(value: Any, kept: int | None) -> None:
    assert millionths(value) == kept


def test_values_that_are_equal_have_one_hash() -> None:
    assert hashed(1) == hashed(1.0)
    kinds = [1, 1.5, True, False, "1", "true", ""]
    assert len({hashed(value) for value in kinds}) == len(kinds)
    assert [hashed(value) for value in (None, [1], {"a": 1})] == [None, None, None]


def test_only_what_is_asked_of_is_measured() -> None:
    measure = Measures().get("sum", SOURCE, capacity=1)
    assert measure.amount({"plan": "gold", "total": 2}, T0) == 2 * UNIT
    assert measure.amount({"plan": "lead", "total": 2}, T0) is None
    assert measure.amount({"plan": "gold"}, T0) is None


def measured(profile: Profile) -> Measured:
    assert profile.measured is not None
    return profile.measured


def taken(function: Function, *pairs: tuple[int, int], **keys: Any) -> Profile:
    profile = Profile(clock=T0)
    measure = Measures().get(function, SOURCE, **{"capacity": 2} | keys)
    for at_ms, amount in pairs:
        measure.take(profile, at_ms, amount)
    return profile


def test_what_lies_before_since_or_out_of_the_window_is_left_out() -> None:
    profile = taken("sum", (T0 - 1, 5), (T0, 7), since_ms=T0)
    assert [kept[0] for kept in measured(profile).sums.values()] == [1]
    profile = taken("sum", (T0 - HOUR, 5), (T0 - HOUR + 1, 7), width_ms=HOUR)
    assert list(measured(profile).amounts.values()) == [[7]]
    assert taken("max", (T0 - HOUR, 5), width_ms=HOUR) == Profile(clock=T0)


def test_what_has_left_the_window_is_dropped() -> None:
    profile = Profile(clock=T0)
    measure = Measures().get("sum", SOURCE, width_ms=HOUR, capacity=9)
    assert measure.take(profile, T0 - HOUR + 1, 5)
    profile.clock = T0 + 1
    assert measure.take(profile, T0 + 1, 6)
    assert measured(profile).amounts == {measure.key: [6]}


@pytest.mark.parametrize(
    ("function", "kept"), [("min", [5]), ("max", [8]), ("distinct", [8, 5]), ("each", [5, 5])]
)
def test_for_ever_no_more_is_kept_than_the_answer_needs(
    function: Function, kept: list[int]
) -> None:
    profile = taken(function, (T0, 8), (T0 + 1, 5), (T0 + 2, 5))
    assert list(measured(profile).amounts.values()) == [kept]


def test_different_values_are_told_apart_no_further_than_is_asked() -> None:
    measure = Measures().get("distinct", SOURCE, capacity=2)
    profile = Profile()
    assert [measure.take(profile, T0, value) for value in (1, 1, 2, 3)] == [
        True,
        False,
        True,
        False,
    ]
