"""Scales: points to a value, a value to its level."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.decisions import scales
from processors.decisions.scales import ADDED, Held, Ladder, Scale
from processors.definitions import documents
from processors.definitions.scores import Score
from processors.state.profiles import Profile, ScoreState
from tests.builders import Document, group, on, score
from tests.properties import budget


def scale(*groups: Document, **keys: Any) -> Scale:
    parsed = documents.parse(score(groups=list(groups), **keys))
    assert isinstance(parsed, Score)
    return scales.scale(parsed)


def total(found: Scale, points: dict[str, int], added: int = 0) -> float:
    state = ScoreState(0, added, {found.number(rule): held for rule, held in points.items()})
    found.keep(state)
    return found.total(state)


@pytest.mark.parametrize(
    ("points", "added", "expected"),
    [
        ({}, 0, 0),
        ({"a": 10, "b": 20}, 0, 30),
        ({"a": 60}, 0, 50),  # the first group's limit
        ({"a": 60, "b": -20}, 0, 40),  # the group is summed up before it is held
        ({"a": -60}, 30, 20),  # the first group's floor
        ({"c": 60, "a": 60}, 0, 100),  # the score's limit
        ({"c": -60}, 0, 0),  # the score's floor
        ({"c": -60}, 70, 10),
        ({"a": 200}, -20, 30),  # points that triggers gave stand beside the groups
    ],
)
def test_value_is_the_clamped_sum_of_clamped_groups(
    points: dict[str, int], added: int, expected: int
) -> None:
    found = scale(group(on("a"), on("b"), limit=50, floor=-10), group(on("c"), id="h"), limit=100)
    assert total(found, points, added) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [({}, 0), ({"floor": None}, -60), ({"floor": -20}, -20), ({"floor": 5, "limit": 9}, 5)],
)
def test_floor_is_zero_unless_said(bounds: dict[str, Any], expected: int) -> None:
    assert total(scale(group(on("a")), **bounds), {"a": -60}) == expected


def test_rules_that_ended_give_nothing_and_are_dropped() -> None:
    found = scale(group(on("a")))
    state = ScoreState(0, 0, {99: 60, found.number("a"): 1})
    found.keep(state)
    assert state.points == {found.number("a"): 1}
    assert found.total(state) == 1


def test_a_rule_that_moved_to_another_group_counts_there() -> None:
    found = scale(group(on("a")), group(on("b"), id="h", limit=5))
    assert total(found, {"a": 7, "b": 7}) == 12


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (scale(group(on("a"))), 0),
        (scale(group(on("a")), floor=5), 5),
        (scale(group(on("a")), floor=None, limit=-3), -3),
        (scale(group(on("a"), floor=7), group(on("b"), id="h", limit=-2)), 5),
    ],
)
def test_somebody_unknown_has_the_empty_value(found: Scale, expected: int) -> None:
    assert found.empty == expected
    assert found.total(found.begin()) == expected
    assert found.told(found.begin()) == expected


def test_everybody_begins_with_a_state_of_their_own() -> None:
    found = scale(group(on("a")))
    assert found.begin().points is not found.begin().points


@pytest.mark.parametrize(
    ("value", "floor", "limit", "expected"),
    [
        (5, 0, 10, 5),
        (0, 0, 10, 0),
        (-1, 0, 10, 0),
        (10, 0, 10, 10),
        (11, 0, 10, 10),
        (-99, None, 10, -99),
        (99, 0, None, 99),
        (5, None, None, 5),
    ],
)
def test_clamp_holds_between_the_bounds_that_there_are(
    value: int, floor: int | None, limit: int | None, expected: int
) -> None:
    assert scales.clamp(value, floor, limit) == expected


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-1, "cold"),
        (0, "cold"),
        (49, "cold"),
        (50, "warm"),
        (79, "warm"),
        (80, "hot"),
        (999, "hot"),
    ],
)
def test_level_is_the_highest_threshold_reached_else_the_lowest(value: int, level: str) -> None:
    assert scales.ladder({"warm": 50, "hot": 80, "cold": 0}).name(value) == level


def test_no_thresholds_no_level() -> None:
    assert Ladder().name(5) is None


@budget(100)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(-5, 5), min_size=1).filter(
        lambda found: len(set(found.values())) == len(found)
    ),
    st.integers(-7, 7),
)
def test_spans_and_names_are_the_same_thing(thresholds: dict[str, int], value: int) -> None:
    found = scales.ladder(thresholds)
    spans = {name: found.span(name) for name in thresholds}
    assert [name for name, (low, high) in spans.items() if low <= value < high] == [
        found.name(value)
    ]


def test_value_of_a_score_that_never_moved_is_the_empty_one() -> None:
    profile = Profile(scores={"fit": ScoreState(7)})
    assert scales.value(profile, "fit", 0) == 7
    assert scales.value(profile, "other", 3) == 3


def test_points_are_told_by_rule_and_by_group_within_its_bounds() -> None:
    found = scale(group(on("a"), on("b"), id="g", limit=50), group(on("c"), id="h"))
    points = {found.number(rule): held for rule, held in {"a": 60, "b": 5, "c": 7}.items()}
    held = Held(found, points)
    assert held.by_rule() == {"a": 60, "b": 5, "c": 7}
    assert held.by_group() == {"g": 50, "h": 7}
    assert Held(found, points, added=3).by_group() == {"g": 50, "h": 7, ADDED: 3}


def test_points_that_fade_are_told_rounded_and_without_those_that_are_gone() -> None:
    found = scale(group(on("a", decay={"half_life": "7d"}), on("b"), id="g"))
    points = {found.number("a"): 1e-9, found.number("b"): 2.0000001}
    assert Held(found, points).by_rule() == {"b": 2}


def test_combined_score_is_told_by_no_group() -> None:
    known = {each: scale(group(on("a")), id=each) for each in ("x", "y")}
    both = {"kind": "score", "id": "fit", "name": "fit", "combined": {"of": ["x", "y"]}}
    made = documents.parse(both)
    assert isinstance(made, Score)
    assert Held(scales.scale(made, known), {0: 1, 1: 2}).by_group() == {}
