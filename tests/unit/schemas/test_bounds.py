"""Free-form JSON can be stored whatever is in it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import bounds
from schemas.bounds import MAX_INTEGER, MIN_INTEGER

LARGEST = [MIN_INTEGER, MAX_INTEGER, -1, "9" * 40, 0.1234567890123456789012, True, None]


def fits(value: Any) -> bool:
    return bounds.fits(msgspec.json.encode(value), value)


@pytest.mark.parametrize("value", [*LARGEST, LARGEST, {"a": [{"b": MAX_INTEGER}]}])
def test_integers_of_64_bits_fit_and_so_do_digits_in_texts(value: Any) -> None:
    assert fits(value)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(value)) == value


@pytest.mark.parametrize("beyond", [MIN_INTEGER - 1, MAX_INTEGER + 1, 10**19, -(10**300)])
@pytest.mark.parametrize(
    "around", [lambda one: one, lambda one: [0, one], lambda one: {"a": [one]}]
)
def test_larger_ones_do_not_wherever_they_stand(beyond: int, around: Any) -> None:
    assert not fits(around(beyond))


@given(st.lists(st.integers(MIN_INTEGER * 4, MAX_INTEGER * 4)))
def test_what_fits_is_what_has_64_bits(values: list[int]) -> None:
    assert fits(values) == all(MIN_INTEGER <= each <= MAX_INTEGER for each in values)
