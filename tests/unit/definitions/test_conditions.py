"""Conditions: how they are read, and the one message that each mistake brings."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from processors.definitions import conditions
from processors.definitions.conditions import Comparison, Condition
from tests.unit.definitions.builders import problems, segment, trigger

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
        ("in", ["a", 1, True], ("a", 1, True)),
        ("not_in", ["a"], ("a",)),
        ("is_set", True, True),
        ("is_not_set", True, True),
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
    assert {row[0] for row in written} == set(conditions.OPERATORS)


@pytest.mark.parametrize("operator", ["not_equals", "not_contains", "not_in"])
def test_negative_operator_may_leave_out_the_unset(operator: str) -> None:
    operand = ["a"] if operator == "not_in" else "a"
    assert read({"account": "plan", operator: operand, "missing": False}).missing is False


def test_event_condition_is_read() -> None:
    found = read(
        {
            "event": "order",
            "where": [{"property": "total", "at_least": 50}],
            "at_least": 3,
            "within": "7d",
        }
    )
    assert (found.event, found.at_least, found.at_most, found.exactly) == ("order", 3, None, None)
    assert (found.within, found.since) == (7 * DAY_MS, None)
    assert [(each.property, each.operator, each.operand) for each in found.where] == [
        ("total", "at_least", 50)
    ]


def test_event_counts_may_be_zero_where_that_says_something() -> None:
    assert read({"event": "order", "at_most": 0}).at_most == 0
    assert read({"event": "order", "exactly": 0}).exactly == 0
    assert read({"event": "order", "since": "1970-01-02T00:00:00Z"}).since == DAY_MS


def test_memberships_are_read() -> None:
    assert read({"segment": "vip"}).is_member is True
    assert read({"segment": "vip", "is": "in"}).is_member is True
    assert read({"segment": "vip", "is": "out"}).is_member is False
    assert read({"list": "guests"}).list_id == "guests"
    assert read({"tag": "new"}).tag == "new"
    assert read({"status": "lead"}).status == "lead"


def test_score_condition_is_read() -> None:
    found = read({"score": "fit", "between": [1, 5]})
    assert found.comparison == Comparison.model_construct(
        operator="between", operand=(1, 5), missing=True
    )
    assert (found.score, found.grade, found.level) == ("fit", None, None)
    assert read({"score": "fit", "grade": "A"}).grade == "A"
    assert read({"score": "fit", "level": "hot"}).level == "hot"
    assert read({"score": "fit", "level": "hot"}).comparison is None
    assert read({"score": "fit", "in": [1, 2]}).comparison.operand == (1, 2)


def test_bucket_is_read() -> None:
    found = read({"bucket": {"salt": "s", "from": 0, "to": 25}})
    assert (found.salt, found.low, found.high) == ("s", 0.0, 25.0)


def test_conditions_nest() -> None:
    found = read({"all": [{"any": [{"tag": "a"}]}, {"not": {"tag": "b"}}]})
    assert found.all[0].any[0].tag == "a"
    assert found.all[1].negated.tag == "b"


def test_parsed_condition_may_stand_in_for_a_written_one() -> None:
    inner = read({"tag": "a"})
    assert read({"not": inner}).negated is inner
    assert inner.model_validate(inner) is inner


OPERATORS = ", ".join(conditions.OPERATORS)
BAD: list[tuple[Any, list[str]]] = [
    # what a condition is
    (3, [f"when: must be a condition: a mapping with one of {', '.join(conditions.HEADS)}, "
         "found the number 3"]),
    ({}, [f"when: a condition needs one of {', '.join(conditions.HEADS)}; "
          "found an empty mapping"]),
    ({"level": "hot"}, [f"when: a condition needs one of {', '.join(conditions.HEADS)}; "
                        "found level"]),
    ({"trat": "a", "equals": 1}, ["when.trat: unknown key; did you mean trait?"]),
    ({"trait": "a", "tag": "b"},
     ["when: a condition is one thing only, found trait and tag: make them separate"]),
    ({"sequence": []}, ["when.sequence: not in this version"]),
    ({"consent": {"channel": "email"}}, ["when.consent: not in this version"]),
    ({"all": []}, ["when.all: must be a list with at least one item, found a list"]),
    ({"any": {"tag": "a"}}, ["when.any: must be a list, found a mapping"]),
    ({"not": [{"tag": "a"}]},
     [f"when.not: must be a condition: a mapping with one of {', '.join(conditions.HEADS)}, "
      "found a list"]),
    ({"not": None}, ["when.not: is empty; give it a value or leave the key out"]),
    ({"tag": "a", "equals": 1}, ["when.equals: unknown key; allowed here: tag"]),
    ({"tag": "a", "when": 1}, ["when.when: unknown key; allowed here: tag"]),
    # operators
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
    ({"trait": "a", "before": "2026-01-31"},
     ["when.before: must be an instant with its zone such as 2026-01-31T08:00:00Z, "
      'found the text "2026-01-31"']),
    ({"trait": "a", "within_last": 7},
     ["when.within_last: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, "
      "at most ten years, found the number 7"]),
    ({"trait": "a", "equals": 1, "missing": False},
     ["when.missing: may only stand beside not_equals, not_contains, not_in"]),
    ({"trait": "a", "not_equals": 1, "missing": "no"},
     ['when.missing: must be true or false, found the text "no"']),
    ({"property": "a", "equals": 1, "missing": "often"},
     ["when.property: a segment has no event at hand; use event with where",
      "when.missing: may only stand beside not_equals, not_contains, not_in",
      'when.missing: must be true or false, found the text "often"']),
    # what is compared
    ({"trait": 3, "equals": 1},
     ["when.trait: must be text (put it in quotes), found the number 3"]),
    ({"trait": "a..b", "equals": 1},
     ["when.trait: must be a path such as company.country, 1 to 16 names, "
      'found the text "a..b"']),
    ({"trait": None, "equals": 1},
     ["when.trait: is empty; give it a value or leave the key out"]),
    # events
    ({"event": "a", "within": "7q", "at_least": 0},
     ["when.at_least: must be a count from 1 to 10000, found the number 0",
      "when.within: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, "
      'at most ten years, found the text "7q"']),
    ({"event": "a", "at_least": 1, "exactly": 1},
     ["when: takes only one of at_least, at_most, exactly, found at_least and exactly"]),
    ({"event": "a", "within": "7d", "since": "2026-01-01T00:00:00Z"},
     ["when: takes only one of within, since, found within and since"]),
    ({"event": "a", "at_most": -1},
     ["when.at_most: must be a count from 0 to 10000, found the number -1"]),
    ({"event": "a", "sum": {"property": "x"}}, ["when.sum: not in this version"]),
    ({"event": "a", "within_last": "7d"},
     ["when.within_last: unknown key; did you mean within?"]),
    ({"event": "a", "where": {"property": "x", "equals": 1}},
     ["when.where: must be a list, found a mapping"]),
    ({"event": "a", "where": [{"trait": "x", "equals": 1}]},
     ["when.where[0]: a where condition needs one of property; found trait, equals"]),
    ({"event": "a", "where": [{"property": "x", "equls": 1}]},
     ["when.where[0].equls: unknown key; did you mean equals?"]),
    ({"event": " "},
     ['when.event: must be one line of 1 to 256 characters, found the text " "']),
    # memberships and scores
    ({"segment": "VIP"},
     ["when.segment: must be an id (small letters, digits, _ and -, beginning with a letter or "
      'digit, at most 64), found the text "VIP"']),
    ({"segment": "vip", "is": True}, ["when.is: must be in or out, found true"]),
    ({"score": "fit"},
     [f"when: needs an operator: one of {', '.join(conditions.SCORE_OPERATORS)}"]),
    ({"score": "fit", "levl": "hot"}, ["when.levl: unknown key; did you mean level?"]),
    ({"score": "fit", "at_least": 3, "level": "hot"},
     ["when: takes only one of an operator, grade and level, found at_least and level"]),
    ({"score": "fit", "at_least": 3, "at_most": 5},
     ["when: takes only one operator, found at_least and at_most: join two by all"]),
    ({"score": "fit", "equals": "high"},
     ['when.equals: must be a number, found the text "high"']),
    ({"score": "fit", "in": [1, True]}, ["when.in[1]: must be a number, found true"]),
    ({"score": "fit", "is_set": True},
     [f"when.is_set: unknown key; allowed here: score, {', '.join(conditions.SCORE_OPERATORS)}, "
      "grade, level"]),
    # buckets
    ({"bucket": 25}, ["when.bucket: must be a mapping of salt, from, to, found the number 25"]),
    ({"bucket": {"salt": "s", "from": 50, "to": 25}},
     ["when.bucket: from must lie below to, found from 50 to 25"]),
    ({"bucket": {"salt": "s", "from": -1, "to": 101}},
     ["when.bucket.from: must be a percentage from 0 to 100, found the number -1",
      "when.bucket.to: must be a percentage from 0 to 100, found the number 101"]),
    ({"bucket": {"from": 0}}, ["when.bucket: needs the key salt", "when.bucket: needs the key to"]),
    ({"bucket": {"salt": "s", "form": 0, "to": 5}},
     ["when.bucket.form: unknown key; did you mean from?"]),
]  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), BAD, ids=[str(when) for when, _ in BAD])
def test_mistake_brings_one_plain_message(when: Any, expected: list[str]) -> None:
    assert problems(segment(when)) == expected


def test_all_mistakes_are_named_at_once() -> None:
    when = {"all": [{"tag": 3}, {"any": [{"tag": 4}, {"tagg": "x"}]}, {"not": {"event": ""}}]}
    assert problems(segment(when)) == [
        "when.all[0].tag: must be text (put it in quotes), found the number 3",
        "when.all[1].any[0].tag: must be text (put it in quotes), found the number 4",
        "when.all[1].any[1].tagg: unknown key; did you mean tag?",
        "when.all[2].not.event: must be one line of 1 to 256 characters, found an empty text",
    ]


def test_property_conditions_are_found_wherever_they_are_misplaced() -> None:
    asked = {"property": "x", "equals": 1}
    when = {"all": [asked, {"any": [{"not": asked}]}, {"event": "a", "where": [asked]}]}
    message = "property: a segment has no event at hand; use event with where"
    assert problems(segment(when)) == [
        f"when.all[0].{message}",
        f"when.all[1].any[0].not.{message}",
    ]
    assert problems(trigger(when=when)) == []
