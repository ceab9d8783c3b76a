"""The leaves of definitions, where the tests of the models do not reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from processors.definitions import values


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (10, "the number 10"),
        (1.5, "the number 1.5"),
        ("10", 'the text "10"'),
        ("", "an empty text"),
        ([], "a list"),
        ((), "a list"),
        ({}, "a mapping"),
        (b"", "a bytes"),
    ],
)
def test_value_is_described_as_it_stands(value: object, words: str) -> None:
    assert values.describe(value) == words


@pytest.mark.parametrize("name", ["a", "0", "vip", "big-spenders_2", "a" * 64])
def test_id_is_accepted(name: str) -> None:
    assert values.identifier(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "_a", "A", "ä", "a b", "a/b", "a@1", "a\n", "a" * 65, 5, None]
)
def test_other_id_is_refused(name: object) -> None:
    with pytest.raises(PydanticCustomError, match="must be an id"):
        values.identifier(name)


@pytest.mark.parametrize("path", [".a", "a.", "a..b", ".", ".".join("a" * 17)])
def test_path_with_gaps_is_refused(path: str) -> None:
    with pytest.raises(PydanticCustomError, match="must be a path"):
        values.trait_path(path)


def test_path_may_hold_free_text() -> None:
    assert values.trait_path("Ort der Firma.plz") == "Ort der Firma.plz"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_number_is_finite(number: float) -> None:
    with pytest.raises(PydanticCustomError, match="must be a number"):
        values.number(number)
    with pytest.raises(PydanticCustomError, match="must be a number"):
        values.scalar(number)


def test_percentage_is_a_float() -> None:
    assert (values.percent(0), values.percent(100)) == (0.0, 100.0)
    assert type(values.percent(5)) is float


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
def test_every_leaf_accepts_or_says_why_not(value: object) -> None:
    for read in (
        values.text, values.prose, values.identifier, values.trait_path, values.trait_key,
        values.number, values.whole, values.tally, values.count, values.digit, values.percent,
        values.scalar, values.listed, values.filled, values.pair, values.mapping, values.true,
        values.boolean, values.pattern, values.duration, values.instant, values.url,
    ):  # fmt: skip
        said = "must "
        try:
            read(value)
        except PydanticCustomError as error:
            said = error.message()
        assert said.startswith(("must ", "can only "))
