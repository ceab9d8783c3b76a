"""Rules on events: each sort has the node that keeps no more than it needs."""

from typing import Any

import pytest

from processors.decisions.fading import FadingRule, StepRule
from processors.decisions.features import MAX_COUNT, Features
from processors.decisions.measures import Measures
from processors.decisions.nodes import CountRule, Holder, WindowRule
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
    assert (node.feature, node.points) == (feature.key, 10)


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
