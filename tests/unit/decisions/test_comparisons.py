"""Operators: strict about types, exact about time."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import comparisons
from processors.decisions.comparisons import FALSE, TRUE, is_same
from processors.definitions.comparisons import Comparison
from schemas.codec import MAX_EVENT_BYTES
from schemas.events import iso
from tests.builders import DAY, T0
from tests.properties import budget
from tests.worlds import DURATIONS, SCALARS, VALUES

NOW = T0
UNSET = None


def holds(value: Any, operator: str, operand: Any, now: int = NOW, **more: Any) -> bool:
    return answer(value, operator, operand, now, **more) > 0


def answer(value: Any, operator: str, operand: Any, now: int = NOW, **more: Any) -> int:
    comparison = Comparison.model_validate({operator: operand} | more)
    return comparisons.compare(comparison)(value, now)


EQUAL = [(1, 1.0), (1, 1), ("1", "1"), (True, True), (False, False), (1.5, 1.5), ("", "")]
DIFFERENT = [
    (1, "1"),
    ("1", 1),
    (True, 1),
    (1, True),
    (1.0, True),
    (0, False),
    (False, 0),
    ("true", True),
    (True, "true"),
    (None, "x"),
    (None, False),
    (None, 0),
    (None, ""),
    (1, 2),
    ("a", "A"),
    ([1], 1),
    ({"a": 1}, 1),
]


@pytest.mark.parametrize(("value", "operand"), EQUAL)
def test_equal_values_of_a_kind_are_equal(value: Any, operand: Any) -> None:
    assert holds(value, "equals", operand)
    assert holds(value, "in", ["other", operand])
    assert holds([None, value], "contains", operand)
    assert not holds(value, "not_equals", operand)


@pytest.mark.parametrize(("value", "operand"), DIFFERENT)
def test_values_of_two_kinds_are_never_equal(value: Any, operand: Any) -> None:
    assert not holds(value, "equals", operand)
    assert not holds(value, "in", [operand])
    assert not holds([value], "contains", operand)
    assert holds(value, "not_equals", operand)


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        (None, None, True),
        (None, False, False),
        ([1, [2.0]], [1.0, [2]], True),
        ([1], [True], False),
        ([1], [1, 2], False),
        ([1], {"0": 1}, False),
        ([1, 2], (1, 2), True),
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({}, [], False),
    ],
)
def test_lists_and_objects_are_equal_by_what_is_in_them(value: Any, other: Any, same: bool) -> None:
    assert is_same(value, other) is same


@budget(200)
@given(st.sampled_from(VALUES), st.sampled_from(VALUES), st.sampled_from(VALUES))
def test_sameness_is_an_equivalence(a: Any, b: Any, c: Any) -> None:
    assert is_same(a, a)
    assert is_same(a, b) is is_same(b, a)
    if is_same(a, b) and is_same(b, c):
        assert is_same(a, c)


@pytest.mark.parametrize(
    ("value", "operand", "found"),
    [
        ("newsletter", "letter", True),
        ("newsletter", "News", False),
        ("1", 1, False),
        ("true", True, False),
        (["a", "b"], "a", True),
        (["ab"], "a", False),
        ([1], 1.0, True),
        ([1], True, False),
        ([], "a", False),
        ({"a": 1}, "a", False),
        (12, 1, False),
        (None, "a", False),
    ],
)
def test_contains_is_a_part_of_text_or_an_item_of_a_list(
    value: Any, operand: Any, found: bool
) -> None:
    assert holds(value, "contains", operand) is found
    assert holds(value, "not_contains", operand) is not found


@pytest.mark.parametrize(
    ("operator", "operand", "yes", "no"),
    [
        ("starts_with", "ab", ["ab", "abc"], ["cab", "AB", "", ["ab"], 1, None]),
        ("ends_with", "ab", ["ab", "cab"], ["abc", "AB", "", ["ab"], 1, None]),
        ("starts_with", "", ["", "a"], [1, None]),
        ("matches", "b+", ["abbc", "b"], ["ac", "B", "", ["b"], 1, None]),
        ("matches", "^b$", ["b"], ["ab", "b\n", "bb"]),
        ("matches", r"(?i)GOLD", ["gold member"], ["silver"]),
        ("like", "b%", ["b", "bc", "b\n", "b%"], ["ab", "B", "", ["b"], 1, None]),
        ("like", "%b", ["b", "ab", "\nb"], ["bc", "b\n"]),
        ("like", "%b%c%", ["bc", "abbcd", "cbc"], ["cb", "b"]),
        ("like", "b_d", ["bcd", "b_d", "bäd", "b\nd"], ["bd", "bccd", "abcd"]),
        ("like", "b", ["b"], ["ab", "bc", "b\n"]),
        ("like", "%", ["", "b", "b\nc"], [1, None, ["b"], {}]),
        ("like", r"5\%", ["5%"], ["5", "50", "5\\%"]),
        ("like", r"\_\\%", ["_\\", "_\\a"], ["a\\", "_a"]),
        ("like", "(b.*", ["(b.*"], ["(b", "bc"]),
    ],
)
def test_text_operators_take_texts_only(
    operator: str, operand: str, yes: list[Any], no: list[Any]
) -> None:
    assert [value for value in yes if not holds(value, operator, operand)] == []
    assert [value for value in no if holds(value, operator, operand)] == []


@pytest.mark.parametrize(
    ("operator", "operand", "yes", "no"),
    [
        ("greater_than", 5, [5.1, 6], [5, 5.0, 4]),
        ("less_than", 5, [4.9, -6], [5, 5.0, 6]),
        ("at_least", 5, [5, 5.0, 6], [4.999]),
        ("at_most", 5, [5, 5.0, 4], [5.001]),
        ("between", [1, 2.5], [1, 1.0, 2, 2.5], [0.999, 2.501]),
        ("between", [2, 2], [2], [1, 3]),
        ("at_least", 0, [0], [-1]),
    ],
)
def test_ordering_takes_numbers_only(
    operator: str, operand: Any, yes: list[Any], no: list[Any]
) -> None:
    assert [value for value in yes if not holds(value, operator, operand)] == []
    no_numbers = [True, False, None, "5", "", [5], {"a": 5}]
    assert [value for value in no + no_numbers if holds(value, operator, operand)] == []


@pytest.mark.parametrize("value", [False, 0, "", [], {}, "x", 1])
def test_everything_but_null_is_set(value: Any) -> None:
    assert holds(value, "is_set", True)
    assert not holds(value, "is_not_set", True)


def test_null_is_unset() -> None:
    assert holds(UNSET, "is_not_set", True)
    assert not holds(UNSET, "is_set", True)


@pytest.mark.parametrize(
    ("value", "is_empty"),
    [("", True), ([], True), (" ", False), ([None], False), ("x", False), ([""], False),
     (0, False), (False, False), ({}, False), (UNSET, False)],
)  # fmt: skip
def test_only_texts_and_lists_are_empty(value: Any, is_empty: bool) -> None:
    assert holds(value, "is_empty", True) is is_empty
    assert holds(value, "is_not_empty", True) is not is_empty
    assert holds(value, "is_not_empty", True, missing=False) is (
        not is_empty and value is not UNSET
    )


@pytest.mark.parametrize(
    ("operator", "operand"),
    [
        ("like", "%a" * 128),
        ("matches", "^(a+)+$"),
        ("matches", "^(a|a?)+$"),
        ("matches", "(.*a){50}c"),
        ("matches", "(a|b)*a(a|b){990}(a|b){600}c"),
    ],
)
def test_patterns_do_not_explode(operator: str, operand: str, capfd: Any) -> None:
    """The longest text that an event can hold, so far as it goes on being plausible."""
    text = "".join("ab"[n % 7 % 2] for n in range(MAX_EVENT_BYTES)) + "d"
    started_s = time.process_time()
    assert answer(text, operator, operand) == FALSE
    assert time.process_time() - started_s < 5
    assert capfd.readouterr().err == ""


POSITIVE = [
    ("equals", "x"),
    ("contains", "x"),
    ("in", ["x"]),
    ("starts_with", "x"),
    ("ends_with", "x"),
    ("matches", ""),
    ("like", "%"),
    ("is_empty", True),
    ("greater_than", -1),
    ("less_than", 1),
    ("at_least", 0),
    ("at_most", 0),
    ("between", [0, 0]),
    ("before", iso(T0)),
    ("after", iso(0)),
    ("within_last", "1d"),
    ("within_next", "1d"),
    ("older_than", "1d"),
]


@pytest.mark.parametrize(("operator", "operand"), POSITIVE)
@pytest.mark.parametrize("value", [UNSET, {}, [[]], True])
def test_comparing_an_unset_or_wrongly_typed_value_is_false(
    operator: str, operand: Any, value: Any
) -> None:
    assert answer(value, operator, operand) == FALSE


@budget(200)
@given(
    st.sampled_from(VALUES),
    st.sampled_from(["equals", "contains", "in"]),
    st.sampled_from(SCALARS),
    st.sampled_from([None, True, False]),
)
def test_a_negative_is_the_exact_negation_of_its_positive(
    value: Any, operator: str, scalar: Any, missing: bool | None
) -> None:
    operand = [scalar] if operator == "in" else scalar
    more = {} if missing is None else {"missing": missing}
    found = holds(value, f"not_{operator}", operand, **more)
    if value is None and missing is False:
        assert not found
    else:
        assert found is not holds(value, operator, operand)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970-01-01T00:00:00.001Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59Z", -1_000),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("yesterday", None),
        ("", None),
        (0, None),
        (T0, None),
        (True, None),
        (None, None),
        (["1970-01-01T00:00:00Z"], None),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
        ("9999-12-31T23:59:59.999-14:00", 253_402_351_199_999),
    ],
)
def test_only_iso_8601_texts_with_a_zone_are_instants(value: Any, expected: int | None) -> None:
    assert comparisons.instant(value) == expected


@pytest.mark.parametrize(("after_ms", "is_before", "is_after"), [(-1, 1, 0), (0, 0, 0), (1, 0, 1)])
def test_before_and_after_are_strict(after_ms: int, is_before: int, is_after: int) -> None:
    value = iso(T0 + after_ms)
    assert answer(value, "before", iso(T0)) == (TRUE if is_before else FALSE)
    assert answer(value, "after", iso(T0)) == (TRUE if is_after else FALSE)


EDGES = {
    # now relative to the instant of the trait: the answer, its end relative to it
    "within_last": [(-1, False, 0), (0, True, DAY), (DAY - 1, True, DAY), (DAY, False, None)],
    "within_next": [
        (-DAY - 1, False, -DAY),
        (-DAY, True, 0),
        (-1, True, 0),
        (0, False, None),
        (1, False, None),
    ],
    "older_than": [(-1, False, DAY), (DAY - 1, False, DAY), (DAY, True, None)],
}


@pytest.mark.parametrize(
    ("operator", "now", "expected", "ends"),
    [(operator, *edge) for operator, edges in EDGES.items() for edge in edges],
)
def test_relative_dates_turn_at_the_very_millisecond(
    operator: str, now: int, expected: bool, ends: int | None
) -> None:
    found = answer(iso(T0), operator, "1d", T0 + now)
    assert (found > 0) is expected
    assert abs(found) == (TRUE if ends is None else T0 + ends)


@budget(200)
@given(
    st.sampled_from(["within_last", "within_next", "older_than"]),
    st.sampled_from(DURATIONS),
    st.integers(-8 * DAY, 8 * DAY),
    st.integers(0, 8 * DAY),
)
def test_an_answer_holds_until_the_instant_that_it_names(
    operator: str, width: str, now: int, later: int
) -> None:
    value = iso(T0)
    found = answer(value, operator, width, T0 + now)
    if T0 + now + later < abs(found):
        assert (answer(value, operator, width, T0 + now + later) > 0) is (found > 0)
    if abs(found) < TRUE:
        assert (answer(value, operator, width, abs(found)) > 0) is (found < 0)


def test_an_operator_that_is_unknown_is_a_bug() -> None:
    odd = Comparison.model_construct(operator="resembles", operand=1)
    with pytest.raises(AssertionError, match="resembles"):
        comparisons.compare(odd)
