"""Rules on events: each sort has the node that keeps no more than it needs."""

from fractions import Fraction
from typing import Any

import pytest

from processors.decisions.fading import FadingRule, StepRule
from processors.decisions.features import MAX_COUNT, Features
from processors.decisions.measures import Measure, Measures
from processors.decisions.nodes import (
    MAX_AMOUNT_POINTS,
    AmountRule,
    CountRule,
    Holder,
    WindowRule,
)
from processors.decisions.rules import Built, counting
from processors.decisions.scales import scale
from processors.definitions.scores import Rule, Score
from processors.state.profiles import NEVER
from processors.state.windows import MAX_TIMES
from tests.builders import DAY, HOUR, T0, Person, on, score, segment, track


def built(**keys: Any) -> Built:
    document = score(on("a", 10, "r", **keys))
    found = Score.model_validate(document)
    rule: Rule = found.groups[0].rules[0]
    holder = Holder("fit", "r", 1, 0, scale(found, {}))
    return counting("score/fit/r", holder, rule, Features(), Measures())


@pytest.mark.parametrize(
    ("keys", "sort", "width_ms", "capacity"),
    [
        ({}, CountRule, None, MAX_COUNT),
        ({"max_occurrences": 3}, CountRule, None, 3),
        ({"within": "1d", "max_occurrences": 3}, WindowRule, DAY, 3),
        ({"decay": {"half_life": "1d"}}, FadingRule, NEVER, MAX_COUNT),
        ({"decay": {"half_life": "1d"}, "max_occurrences": 3}, FadingRule, NEVER, 3),
        ({"decay": {"half_life": "1d"}, "within": "1d", "max_occurrences": 2}, FadingRule, DAY, 2),
        ({"decay": {"per": "1d", "percent": 30}, "max_occurrences": 3}, StepRule, 4 * DAY, 3),
        ({"decay": {"per": "1d", "percent": 30}, "within": "1d", "max_occurrences": 3},
         StepRule, DAY, 3),
        ({"per": "n"}, WindowRule, None, MAX_TIMES),
        ({"per": "n", "max_occurrences": 3}, WindowRule, None, 3),
        ({"per": "n", "within": "1d", "max_occurrences": 3}, WindowRule, DAY, 3),
    ],
)  # fmt: skip
def test_each_sort_of_rule_has_its_node_and_feature(
    keys: dict[str, Any], sort: type, width_ms: int | None, capacity: int
) -> None:
    node, feature = built(**keys)

    assert type(node) is sort
    assert (feature.width_ms, feature.capacity) == (width_ms, capacity)
    assert node.feature == feature.key
    assert not isinstance(node, AmountRule)
    assert node.points == 10


def reading(person: Person, at_ms: int, article: Any) -> float:
    """Returns the score after an article was read."""
    person.hears(track("read", at_ms, article=article))
    return person.score()


def test_each_value_of_a_property_counts_once() -> None:
    person = Person(score(on("read", 5, per="article")))
    told = ["x", "y", "x", 1, "1", 1.0, True, None, ["x"]]
    assert [reading(person, T0 + at, each) for at, each in enumerate(told)] == [
        5, 10, 10, 15, 20, 20, 25, 25, 25,
    ]  # fmt: skip
    person.hears(track("read", T0 + 99))
    assert (person.score(), person.profile.due) == (25, NEVER)


def test_at_most_so_many_values_count() -> None:
    person = Person(score(on("read", 5, per="article", max_occurrences=2)))
    assert [reading(person, T0 + at, each) for at, each in enumerate("xxyz")] == [5, 5, 10, 10]


def test_a_value_counts_until_its_latest_occurrence_leaves_the_window() -> None:
    person = Person(score(on("read", 5, per="article", within="1h")))
    assert [reading(person, T0 + at, each) for at, each in ((0, "x"), (5, "y"), (9, "x"))] == [
        5, 10, 10,
    ]  # fmt: skip
    seen = []
    for after in (HOUR, HOUR + 5, HOUR + 8, HOUR + 9):
        person.waits(T0 + after)
        seen.append(person.score())
    assert seen == [10, 5, 5, 0]


def test_in_a_window_the_latest_values_count_whatever_their_order_of_arrival() -> None:
    rule = on("read", 5, per="article", within="1h", max_occurrences=2)
    person = Person(score(rule))
    for at, article in ((9, "z"), (0, "x"), (5, "y"), (7, "x")):
        reading(person, T0 + at, article)
    assert person.score() == 10
    person.waits(T0 + HOUR + 7)
    assert person.score() == 5


def test_a_rule_shares_what_is_kept_with_a_condition_that_asks_more() -> None:
    many = {"event": "read", "distinct": {"property": "article", "at_least": 3}}
    rule = on("read", 5, per="article", max_occurrences=2)
    person = Person(score(rule), segment(many))
    for at, each in enumerate("xyz"):
        reading(person, T0 + at, each)
    assert (person.score(), person.segments) == (10, {"s"})
    assert len(person.profile.times) == 1


@pytest.mark.parametrize(("within", "width_ms"), [(None, None), ("1d", DAY)])
def test_points_for_an_amount_have_a_node_that_reads_its_sum(
    within: str | None, width_ms: int | None
) -> None:
    span = {"within": within} if within else {}
    node, measure = built(for_each={"property": "seconds", "amount": 2.5}, **span)
    assert isinstance(node, AmountRule)
    assert (node.rate, node.width_ms) == (Fraction(4, 1_000_000), width_ms)
    assert (node.feature, measure.width_ms) == (measure.key, width_ms)
    assert isinstance(measure, Measure)
    assert measure.function == "sum"


SECONDS = on("view", 1, for_each={"property": "seconds", "amount": 10})


def viewed(person: Person, *told: tuple[int, Any]) -> list[float]:
    """Returns the score after each view that took so long."""
    seen = []
    for at_ms, seconds in told:
        person.hears(track("view", T0 + at_ms, seconds=seconds))
        seen.append(person.score())
    return seen


def test_points_for_an_amount_are_of_the_sum_rounded_once_halves_to_the_even_number() -> None:
    person = Person(score(SECONDS))
    told = [4, 1, 0.1, 4.8, 5.1, "10", True, None, 10]
    assert viewed(person, *enumerate(told)) == [0, 0, 1, 1, 2, 2, 2, 2, 2]
    assert type(person.score()) is int
    assert person.profile.due == NEVER


def test_points_for_an_amount_may_be_negative_either_way_and_have_a_bound() -> None:
    less = Person(score(on("view", -3, for_each={"property": "seconds"}), floor=None))
    assert viewed(less, (0, 2), (1, -4)) == [-6, 6]
    much = on("view", 1_000_000, for_each={"property": "seconds", "amount": 0.000001})
    for sign in (1, -1):
        most = Person(score(much, floor=None))
        assert viewed(most, (0, sign * 10**12)) == [sign * MAX_AMOUNT_POINTS]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_amounts_leave_their_window_one_by_one_whatever_their_order_of_arrival(
    order: tuple[int, ...],
) -> None:
    told = [(0, 14), (5, 10), (9, 12)]
    person = Person(score(SECONDS | {"within": "1h"}))
    assert viewed(person, *(told[each] for each in order))[-1] == 4
    seen = []
    for after in (HOUR - 1, HOUR, HOUR + 5, HOUR + 9):
        person.waits(T0 + after)
        seen.append(person.score())
    assert seen == [4, 2, 1, 0]
    assert person.profile.due == NEVER


def test_points_for_an_amount_share_its_sum_with_a_condition() -> None:
    asked = {"event": "view", "sum": {"property": "seconds", "at_least": 20}}
    person = Person(score(SECONDS), segment(asked))
    assert viewed(person, (0, 20)) == [2]
    assert person.segments == {"s"}
    assert person.profile.measured is not None
    assert len(person.profile.measured.sums) == 1
