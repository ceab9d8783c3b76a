from typing import Any

import pytest

from tests.oracle.conditions import check, percent, reach

DATE = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "operator", "operand"),
    [
        (1, "equals", 1.0),
        ("a", "not_equals", "b"),
        ("1", "not_equals", 1),
        (True, "not_equals", 1),
        (None, "not_equals", 1),
        ("shopping", "contains", "shop"),
        (["a", 1], "contains", 1),
        (["a"], "not_contains", 1),
        (None, "not_contains", "a"),
        ("shopping", "starts_with", "sho"),
        ("shopping", "ends_with", "ing"),
        ("a-17", "matches", "[0-9]{2}$"),
        ("a-17", "like", "a-%"),
        ("a-17", "like", "%-1_"),
        ("50%", "like", "%\\%"),
        ("", "like", "%%"),
        ("", "is_empty", True),
        ([], "is_empty", True),
        (None, "is_not_empty", True),
        (0, "is_not_empty", True),
        (2, "in", [1, 2]),
        (True, "not_in", [1, 2]),
        ("", "is_set", True),
        (None, "is_not_set", True),
        (2, "greater_than", 1),
        (1, "less_than", 1.5),
        (2, "at_least", 2),
        (2, "at_most", 2),
        (2, "between", [2, 3]),
        (3, "between", [2, 3]),
        ("2025-12-31T23:59:59.999Z", "before", DATE),
        ("2026-01-01T02:00:00.001+02:00", "after", DATE),
    ],
)
def test_operator_holds(value: Any, operator: str, operand: Any) -> None:
    assert check({operator: operand})(value, 0)


@pytest.mark.parametrize(
    ("value", "operator", "operand"),
    [
        ("1", "equals", 1),
        (None, "equals", "None"),
        (12, "contains", 1),
        ("12", "greater_than", 1),
        (True, "at_least", 1),
        (None, "at_most", 1),
        (None, "less_than", 1),
        (5, "starts_with", "5"),
        ("a-17", "like", "-%"),
        ("a-17", "like", "a-1"),
        ("50", "like", "50\\%"),
        (None, "like", "%"),
        (None, "is_empty", True),
        (0, "is_empty", True),
        ([""], "is_empty", True),
        ("", "is_not_empty", True),
        (1, "greater_than", 1),
        (1, "less_than", 1),
        (None, "is_set", True),
        (0, "is_not_set", True),
        (DATE, "before", DATE),
        (DATE, "after", DATE),
        ("2025-01-01T00:00:00", "before", DATE),
        (0, "before", DATE),
    ],
)
def test_operator_does_not_hold(value: Any, operator: str, operand: Any) -> None:
    assert not check({operator: operand})(value, 0)


def test_missing_false_leaves_out_the_unset() -> None:
    for operator, operand in (("not_equals", 1), ("not_contains", "a"), ("not_in", [1])):
        assert not check({operator: operand, "missing": False})(None, 0)
        assert check({operator: operand, "missing": False})("b", 0)


def test_path_reaches_through_objects_only() -> None:
    data = {"a": {"b": 1}, "c": [1], "d.e": 2}
    assert [reach(data, path) for path in ("a.b", "a.x", "c.0", "d.e", "a.b.c")] == [
        1,
        None,
        None,
        None,
        None,
    ]


def test_bucket_is_the_share_of_the_hash() -> None:
    # sha256("pilot:p") begins with these eight bytes, found with sha256sum.
    assert percent("pilot", "p") == int("7b9cc7062ef7963d", 16) / 2**64 * 100
