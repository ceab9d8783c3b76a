"""Aggregates: what amounts come to, and until when the answer holds."""

from typing import Any

import pytest

from processors.decisions.comparisons import FALSE, TRUE
from processors.decisions.nodes import SegmentNode
from tests.builders import DAY, HOUR, T0, Document, Json, Person, identify, segment, track


def person(when: Document, *values: Any, step: int = HOUR) -> Person:
    """Returns somebody who did `order` once an hour, each with a total; the last one now."""
    found = Person(segment(when))
    found.hears(identify(T0, name="somebody"))
    for place, value in enumerate(values):
        found.hears(track("order", T0 + place * step, id=f"m{place}", total=value))
    return found


def answer(when: Document, *values: Any, now: int | None = None, step: int = HOUR) -> int:
    found = person(when, *values, step=step)
    node = found.compiled.nodes[0]
    assert isinstance(node, SegmentNode)
    at = T0 + max(0, len(values) - 1) * step if now is None else now
    return node.condition(found.profile, at, {})


def asks(function: str, within: str = "", **operator: Any) -> Document:
    asked: Document = {"event": "order", function: {"property": "total"} | operator}
    return asked | ({"within": within} if within else {})


@pytest.mark.parametrize("within", ["", "7d"])
@pytest.mark.parametrize(
    ("function", "operator", "holds"),
    [
        ("sum", {"equals": 0.3}, True),
        ("sum", {"greater_than": 0.3}, False),
        ("sum", {"less_than": 0.300001}, True),
        ("average", {"equals": 0.15}, True),
        ("average", {"at_most": 0.15}, True),
        ("average", {"not_equals": 0.15}, False),
        ("min", {"between": [0.1, 0.1]}, True),
        ("min", {"in": [0.2, 0.3]}, False),
        ("max", {"not_in": [0.1, 0.3]}, True),
        ("max", {"at_least": 0.2}, True),
        ("distinct", {"equals": 2}, True),
        ("distinct", {"at_least": 2.5}, False),
    ],
)
def test_what_amounts_come_to_is_exact(
    function: str, operator: Document, holds: bool, within: str
) -> None:
    assert (answer(asks(function, within, **operator), 0.1, 0.2) > 0) is holds


@pytest.mark.parametrize("within", ["", "7d"])
def test_of_nothing_the_sum_and_the_number_are_0_and_the_others_unset(within: str) -> None:
    for function in ("sum", "distinct"):
        assert answer(asks(function, within, equals=0)) == TRUE
        assert answer(asks(function, within, not_equals=0)) == FALSE
    for function in ("average", "min", "max"):
        assert answer(asks(function, within, at_most=10**6)) == FALSE
        assert answer(asks(function, within, not_equals=0)) == TRUE


def test_what_is_no_number_adds_nothing() -> None:
    assert answer(asks("average", equals=2), 1, "7", True, None, 3) == TRUE
    assert answer(asks("distinct", equals=3), 1, "1", 1.0, None, True, [1]) == TRUE


@pytest.mark.parametrize(
    ("when", "values", "until"),
    [
        (asks("sum", "1d", at_least=5), (5, 3, 1), T0 + DAY),
        (asks("sum", "1d", at_least=3), (5, 3, 1), T0 + DAY + HOUR),
        (asks("sum", "1d", at_most=4), (5, 3, 1), -(T0 + DAY)),
        (asks("average", "1d", at_least=3), (5, 3, 1), T0 + DAY),
        (asks("average", "1d", at_most=2), (5, 3, 1), -(T0 + DAY)),
        (asks("max", "1d", at_least=4), (5, 3, 1), T0 + DAY),
        (asks("max", "1d", at_least=4), (1, 3, 5), T0 + 2 * HOUR + DAY),
        (asks("min", "1d", at_most=1), (1, 3, 5), T0 + DAY),
        (asks("min", "1d", at_least=2), (1, 3, 5), -(T0 + DAY)),
        (asks("distinct", "1d", at_least=2), (1, 2, 1), T0 + HOUR + DAY),
        (asks("distinct", "1d", equals=1), (1, 2, 1), -(T0 + HOUR + DAY)),
        (asks("sum", "1d", at_least=0), (5, 3, 1), TRUE),
        (asks("sum", "1d", less_than=0), (5, 3, 1), FALSE),
    ],
)  # fmt: skip
def test_answer_holds_until_the_amount_leaves_that_turns_it(
    when: Document, values: tuple[int, ...], until: int
) -> None:
    assert answer(when, *values) == until


def test_amounts_of_one_instant_leave_together() -> None:
    # 4 - 3 = 1: the sum is 4 or 0 at no instant, though each of the two would leave by itself
    assert answer(asks("sum", "1d", equals=1),
                  4, -3, step=0) == T0 + DAY  # fmt: skip
    assert answer(asks("sum", "1d", at_most=2), 4, -3, step=0) == TRUE


def test_narrow_window_reads_its_part_of_a_wide_one() -> None:
    wide, narrow = asks("sum", "7d", at_least=8), asks("sum", "1h", at_least=8)
    found = Person(segment(wide, "wide"), segment(narrow, "narrow"))
    found.hears(track("order", T0, id="a", total=5))
    found.hears(track("order", T0 + 2 * HOUR, id="b", total=3))
    assert set(found.profile.segments) == {"wide"}


def test_people_leave_by_the_clock_alone() -> None:
    found = person(asks("sum", "1d", at_least=8), 5, 3)
    decision = found.waits(T0 + 2 * DAY)
    assert [(each.change, each.at) for each in decision.segment_changes] == [("exited", T0 + DAY)]


def test_late_amount_counts_at_its_own_time() -> None:
    found = person(asks("sum", "1d", at_least=8), 5)
    late: Json = track("order", T0 - HOUR, id="late", total=3)
    found.hears(late)
    assert "s" in found.profile.segments
    decision = found.waits(T0 + 2 * DAY)
    assert [each.at for each in decision.segment_changes] == [T0 - HOUR + DAY]


def test_amounts_before_since_are_left_out() -> None:
    when = {"event": "order", "max": {"property": "total", "at_least": 5}}
    assert answer(when | {"since": "2100-01-01T00:00:00Z"}, 9) == FALSE
    assert answer(when | {"since": "2000-01-01T00:00:00Z"}, 9) == TRUE
