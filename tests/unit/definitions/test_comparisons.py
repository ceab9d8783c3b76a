"""Operators: how they are read with what they take, and what each mistake brings."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from processors.definitions import comparisons, conditions
from processors.definitions.conditions import Condition
from tests.unit.definitions.builders import problems, segment

READER: TypeAdapter[Condition] = TypeAdapter(Condition)
DAY_MS = 86_400_000


def read(raw: dict[str, Any]) -> Any:
    return READER.validate_python(raw)


@pytest.mark.parametrize(
    ("operator", "written", "operand"),
    [
        ("equals", "gold", "gold"),
        ("equals", 1.5, 1.5),
        ("not_equals", False, False),
        ("contains", "x", "x"),
        ("not_contains", 3, 3),
        ("starts_with", "a", "a"),
        ("ends_with", "z", "z"),
        ("matches", "^a+$", "^a+$"),
        ("like", "a_%", "a_%"),
        ("in", ["a", 1, True], ("a", 1, True)),
        ("not_in", ["a"], ("a",)),
        ("is_set", True, True),
        ("is_not_set", True, True),
        ("is_empty", True, True),
        ("is_not_empty", True, True),
        ("greater_than", 1, 1),
        ("less_than", -1.5, -1.5),
        ("at_least", 0, 0),
        ("at_most", 10, 10),
        ("between", [1, 2.5], (1, 2.5)),
        ("before", "1970-01-02T00:00:00Z", DAY_MS),
        ("after", "1970-01-02T00:00:00Z", DAY_MS),
        ("within_last", "1d", DAY_MS),
        ("within_next", "2d", 2 * DAY_MS),
        ("older_than", "24h", DAY_MS),
    ],
)
def test_operator_is_read_with_its_operand(operator: str, written: Any, operand: Any) -> None:
    found = read({"trait": "a.b", operator: written})
    assert isinstance(found, conditions.TraitCondition)
    assert (found.trait, found.operator, found.operand) == ("a.b", operator, operand)
    assert type(found.operand) is type(operand)
    assert found.missing is True


def test_every_operator_is_tested_above() -> None:
    written = test_operator_is_read_with_its_operand.pytestmark[0].args[1]
    assert {row[0] for row in written} == set(comparisons.OPERATORS)


@pytest.mark.parametrize(
    ("operator", "operand"),
    [("not_equals", "a"), ("not_contains", "a"), ("not_in", ["a"]), ("is_not_empty", True)],
)
def test_negative_operator_may_leave_out_the_unset(operator: str, operand: Any) -> None:
    assert read({"account": "plan", operator: operand, "missing": False}).missing is False


OPERATORS = ", ".join(comparisons.OPERATORS)
BAD: list[tuple[Any, list[str]]] = [
    ({"trait": "a"}, [f"when: needs an operator: one of {OPERATORS}"]),
    ({"trait": "a", "at_leest": 3}, ["when.at_leest: unknown key; did you mean at_least?"]),
    ({"trait": "a", "gte": 3}, ["when.gte: unknown key; did you mean at_least?"]),
    ({"trait": "a", "colour": 3},
     [f"when.colour: unknown key; allowed here: trait, {OPERATORS}, missing"]),
    ({"trait": "a", "equals": 3, "in": [1]},
     ["when: takes only one operator, found equals and in: join two by all"]),
    ({"trait": "a", "equals": None},
     ["when.equals: is empty; give it a value or leave the key out"]),
    ({"trait": "a", "equals": ["x"]},
     ["when.equals: must be a single text, number, true or false, found a list"]),
    ({"trait": "a", "operator": "equals", "operand": 3},
     [f"when.{key}: unknown key; allowed here: trait, {OPERATORS}, missing"
      for key in ("operator", "operand")]),
    ({"trait": "a", "in": "x"}, ['when.in: must be a list, found the text "x"']),
    ({"trait": "a", "in": []}, ["when.in: must be a list with at least one item, found a list"]),
    ({"trait": "a", "in": ["x", {}]},
     ["when.in[1]: must be a single text, number, true or false, found a mapping"]),
    ({"trait": "a", "at_least": "10"},
     ['when.at_least: must be a number (write it without quotes), found the text "10"']),
    ({"trait": "a", "at_least": True}, ["when.at_least: must be a number, found true"]),
    ({"trait": "a", "between": [5]},
     ["when.between: must be a list of two numbers: [lowest, highest], found a list"]),
    ({"trait": "a", "between": [5, "x"]},
     ['when.between[1]: must be a number, found the text "x"']),
    ({"trait": "a", "between": [5, 1]},
     ["when.between: the lowest comes first, found 5 before 1"]),
    ({"trait": "a", "is_set": False}, ["when.is_set: can only be true, found false"]),
    ({"trait": "a", "starts_with": 3}, ["when.starts_with: must be text, found the number 3"]),
    ({"trait": "a", "matches": "(?=a)"},
     ["when.matches: must be a regular expression that RE2 can read "
      '(invalid perl operator: (?=), found the text "(?=a)"']),
    ({"trait": "a", "matches": 3},
     ["when.matches: must be a regular expression, found the number 3"]),
    ({"trait": "a", "matches": "((a{100}){100}){100}"},
     ["when.matches: must be a regular expression that RE2 can read "
      '(invalid repetition size: {100}), found the text "((a{100}){100}){100}"']),
    ({"trait": "a", "matches": "(a|b){990}(a|b){990}"},
     ["when.matches: must be a regular expression of at most 5000 steps of RE2 (repeat less), "
      'found the text "(a|b){990}(a|b){990}"']),
    ({"trait": "a", "like": 3}, ["when.like: must be text (put it in quotes), found the number 3"]),
    ({"trait": "a", "like": "5\\d%"},
     ["when.like: must have a backslash only before %, _ or another backslash, "
      'found the text "5\\d%"']),
    ({"trait": "a", "like": "5\\"},
     ["when.like: must have a backslash only before %, _ or another backslash, "
      'found the text "5\\"']),
    ({"trait": "a", "like": "a" * 257},
     ["when.like: must be one line of 1 to 256 characters, "
      f'found the text "{"a" * 39}…"']),
    ({"trait": "a", "empty": True}, ["when.empty: unknown key; did you mean is_empty?"]),
    ({"trait": "a", "is_empty": False}, ["when.is_empty: can only be true, found false"]),
    ({"trait": "a", "before": "2026-01-31"},
     ["when.before: must be an instant with its zone such as 2026-01-31T08:00:00Z, "
      'found the text "2026-01-31"']),
    ({"trait": "a", "within_last": 7},
     ["when.within_last: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, "
      "at most ten years, found the number 7"]),
    ({"trait": "a", "equals": 1, "missing": False},
     ["when.missing: may only stand beside not_equals, not_contains, not_in, is_not_empty"]),
    ({"trait": "a", "not_equals": 1, "missing": "no"},
     ['when.missing: must be true or false, found the text "no"']),
    ({"property": "a", "equals": 1, "missing": "often"},
     ["when.property: a segment has no event at hand; use event with where",
      "when.missing: may only stand beside not_equals, not_contains, not_in, is_not_empty",
      'when.missing: must be true or false, found the text "often"']),
    # what is compared
    ({"trait": 3, "equals": 1},
     ["when.trait: must be text (put it in quotes), found the number 3"]),
    ({"trait": "a..b", "equals": 1},
     ["when.trait: must be a path such as company.country, 1 to 16 names, "
      'found the text "a..b"']),
    ({"trait": None, "equals": 1},
     ["when.trait: is empty; give it a value or leave the key out"]),
]  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), BAD, ids=[str(when) for when, _ in BAD])
def test_mistake_brings_one_plain_message(when: Any, expected: list[str]) -> None:
    assert problems(segment(when)) == expected
