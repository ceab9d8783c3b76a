"""Rules on events: each sort has the node that keeps no more than it needs."""

from typing import Any

import pytest

from processors.decisions.fading import FadingRule, StepRule
from processors.decisions.features import MAX_COUNT, Features
from processors.decisions.nodes import CountRule, Holder, WindowRule
from processors.decisions.rules import Built, counting
from processors.decisions.scales import scale
from processors.definitions.scores import Rule, Score
from processors.state.profiles import NEVER
from tests.builders import DAY, on, score


def built(**keys: Any) -> Built:
    document = score(on("a", 10, "r", **keys))
    found = Score.model_validate(document)
    rule: Rule = found.groups[0].rules[0]
    holder = Holder("fit", "r", 1, 0, scale(found, {}))
    return counting("score/fit/r", holder, rule, Features())


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
    ],
)  # fmt: skip
def test_each_sort_of_rule_has_its_node_and_feature(
    keys: dict[str, Any], sort: type, width_ms: int | None, capacity: int
) -> None:
    node, feature = built(**keys)

    assert type(node) is sort
    assert (feature.width_ms, feature.capacity) == (width_ms, capacity)
    assert (node.feature, node.points) == (feature.key, 10)
