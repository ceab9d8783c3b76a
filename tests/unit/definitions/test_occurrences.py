"""What is asked about events: how it is read, and what each mistake brings."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from processors.definitions.comparisons import NUMBER_OPERATORS
from processors.definitions.conditions import Condition
from processors.definitions.occurrences import AGGREGATES, COUNTS
from tests.unit.definitions.builders import problems, segment

READER: TypeAdapter[Condition] = TypeAdapter(Condition)
DAY_MS = 86_400_000


def read(raw: dict[str, Any]) -> Any:
    return READER.validate_python(raw)


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


def test_aggregate_is_read() -> None:
    found = read({"event": "order", "sum": {"property": "total", "at_least": 50}, "within": "7d"})
    name, of = found.aggregate
    assert (name, of.property, of.comparison.operator) == ("sum", "total", "at_least")
    assert (of.comparison.operand, found.within) == (50, 7 * DAY_MS)
    assert read({"event": "order"}).aggregate is None


def test_sequence_is_read() -> None:
    steps = [{"event": "a"}, {"not_event": "b"}, {"event": "c", "within": "1d"}]
    found = read({"sequence": steps, "same": "cart.id", "within": "7d"})
    assert [(each.event, each.not_event, each.within) for each in found.sequence] == [
        ("a", None, None),
        (None, "b", None),
        ("c", None, DAY_MS),
    ]
    assert (found.same, found.within) == ("cart.id", 7 * DAY_MS)


EITHER = ", ".join((*COUNTS, *AGGREGATES))
BAD: list[tuple[Any, list[str]]] = [
    ({"event": "a", "within": "7q", "at_least": 0},
     ["when.at_least: must be a count from 1 to 10000, found the number 0",
      "when.within: must be a duration such as 90s, 15m, 2h, 7d or 4w, more than 0, "
      'at most ten years, found the text "7q"']),
    ({"event": "a", "at_least": 1, "exactly": 1},
     [f"when: takes only one of {EITHER}, found at_least and exactly"]),
    ({"event": "a", "within": "7d", "since": "2026-01-01T00:00:00Z"},
     ["when: takes only one of within, since, found within and since"]),
    ({"event": "a", "at_most": -1},
     ["when.at_most: must be a count from 0 to 10000, found the number -1"]),
    # aggregates
    ({"event": "a", "sum": {"property": "x"}},
     [f"when.sum: needs an operator: one of {', '.join(NUMBER_OPERATORS)}"]),
    ({"event": "a", "sum": {"property": "x", "at_least": 1, "is_set": True}},
     ["when.sum.is_set: unknown key; allowed here: property, "
      f"{', '.join(NUMBER_OPERATORS)}"]),
    ({"event": "a", "max": {"at_least": 1}}, ["when.max: needs the key property"]),
    ({"event": "a", "min": 3},
     [f"when.min: must be a mapping of property, {', '.join(NUMBER_OPERATORS)}, "
      "found the number 3"]),
    ({"event": "a", "at_least": 2, "distinct": {"property": "x", "equals": 1}},
     [f"when: takes only one of {EITHER}, found at_least and distinct"]),
    # sequences
    ({"sequence": [{"event": "a"}]},
     ["when.sequence: must be a list of 2 to 16 steps, found a list"]),
    ({"sequence": {"event": "a"}},
     ["when.sequence: must be a list of 2 to 16 steps, found a mapping"]),
    ({"sequence": [{"event": "a"}, {"where": []}]},
     ["when.sequence[1]: takes one of event and not_event, found neither"]),
    ({"sequence": [{"event": "a"}, {"event": "b", "not_event": "c"}]},
     ["when.sequence[1]: takes one of event and not_event, found event and not_event"]),
    ({"sequence": [{"event": "a"}, {"evnt": "b"}]},
     ["when.sequence[1].evnt: unknown key; did you mean event?"]),
    ({"sequence": [{"not_event": "a", "within": "1d"}, "b"]},
     ["when.sequence[0].not_event: the first step must be an event that comes",
      "when.sequence[0].within: counts from the step before: the first has none",
      "when.sequence[1]: must be a mapping of event, not_event, where, within, "
      'found the text "b"']),
    ({"sequence": [{"event": "a"}, {"not_event": "b", "within": "1d"}, {"event": "c"}]},
     ["when.sequence[1].within: may stand beside not_event only at the end"]),
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
]  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), BAD, ids=[str(when) for when, _ in BAD])
def test_mistake_brings_one_plain_message(when: Any, expected: list[str]) -> None:
    assert problems(segment(when)) == expected
