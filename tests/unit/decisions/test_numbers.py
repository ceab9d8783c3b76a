"""Numbers for names: short, none twice, the same in any order and nearly any company."""

import random

from hypothesis import given
from hypothesis import strategies as st

from processors.decisions.numbers import BOUND, numbered
from tests.properties import budget

NAMES = [f"score/fit/rule-{number}" for number in range(2_000)]


@budget(100)
@given(st.lists(st.text(max_size=5)), st.integers(1, 9), st.randoms())
def test_each_name_has_a_number_of_its_own_in_any_order(
    names: list[str], below: int, chance: random.Random
) -> None:
    found = numbered(names, below)
    assert found.keys() == set(names)
    assert len(set(found.values())) == len(found)
    chance.shuffle(names)
    assert numbered(names, below) == found


def test_numbers_stay_below_the_bound_while_there_is_room() -> None:
    assert max(numbered(NAMES).values()) < BOUND


def test_a_name_has_nearly_always_its_number_whatever_names_there_are_beside_it() -> None:
    found = numbered(NAMES)
    alone = [numbered([name])[name] for name in NAMES]
    assert sum(found[name] != number for name, number in zip(NAMES, alone, strict=True)) < 50


def test_numbers_are_those_that_profiles_hold_already() -> None:
    assert numbered(["pricing", "demo"]) == {"demo": 25_392, "pricing": 45_471}
