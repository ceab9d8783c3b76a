"""Amounts with their times: which are kept, and in which order."""

from itertools import permutations

import pytest

from processors.state import amounts
from processors.state.amounts import NO_SUM

Pair = tuple[int, int]


def held(*pairs: Pair) -> tuple[list[int], list[int]]:
    return [at for at, _ in pairs], [amount for _, amount in pairs]


def test_amounts_stand_at_their_times_whatever_the_order() -> None:
    for pairs in permutations([(10, 1), (20, 2), (30, 3)]):
        times: list[int] = []
        kept: list[int] = []
        for pair in pairs:
            amounts.insert(times, kept, pair, 9)
        assert (times, kept) == ([10, 20, 30], [1, 2, 3])


def test_the_oldest_amount_makes_room() -> None:
    times, kept = held((10, 1), (20, 2))
    amounts.insert(times, kept, (30, 3), 2)
    assert (times, kept) == ([20, 30], [2, 3])
    amounts.insert(times, kept, (10, 9), 2)
    assert (times, kept) == ([20, 30], [2, 3])


def test_what_lies_at_or_before_an_instant_is_dropped() -> None:
    times, kept = held((10, 1), (20, 2), (20, 3), (30, 4))
    amounts.expire(times, kept, 9)
    assert times == [10, 20, 20, 30]
    amounts.expire(times, kept, 20)
    assert (times, kept) == ([30], [4])
    amounts.expire(times, kept, 99)
    amounts.expire(times, kept, 99)
    assert (times, kept) == ([], [])


@pytest.mark.parametrize("pairs", list(permutations([(10, 9), (20, 5), (20, 7), (30, 5), (40, 2)])))
def test_of_the_best_those_stay_that_no_later_one_beats(pairs: tuple[Pair, ...]) -> None:
    times: list[int] = []
    kept: list[int] = []
    for pair in pairs:
        amounts.insert_best(times, kept, pair, 1)
    assert (times, kept) == ([10, 20, 30, 40], [9, 7, 5, 2])


def test_the_least_is_the_best_where_less_is_better() -> None:
    times, kept = held((10, 2))
    assert not amounts.insert_best(times, kept, (5, 3), -1)
    assert amounts.insert_best(times, kept, (20, 1), -1)
    assert (times, kept) == ([20], [1])


def test_of_equal_amounts_the_latest_stays() -> None:
    times, kept = held((10, 7), (20, 8))
    assert amounts.insert_latest(times, kept, (30, 7), 2)
    assert not amounts.insert_latest(times, kept, (25, 7), 2)
    assert (times, kept) == ([20, 30], [8, 7])
    assert amounts.insert_latest(times, kept, (40, 9), 2)
    assert (times, kept) == ([30, 40], [7, 9])


def test_a_sum_is_exact_far_beyond_64_bits() -> None:
    kept = NO_SUM
    for _ in range(1000):
        kept = amounts.plus(kept, 10**18)
    assert kept[0] == 1000
    assert amounts.total(kept) == 10**21
    assert amounts.total(amounts.plus(kept, -(10**21) - 1)) == -1
    assert amounts.total(NO_SUM) == 0
