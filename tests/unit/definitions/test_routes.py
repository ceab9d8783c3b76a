"""Ways between steps: to where they lead, and whether they come to an end."""

from typing import Any

import pytest

from processors.definitions.routes import MAX_STEPS
from tests.unit.definitions.builders import IS_GOLD, TAG_IT, journey, one_day, problems

END = {"id": "end", "exit": "over"}


def tagged(id: str, **keys: Any) -> dict[str, Any]:
    return {"id": id} | TAG_IT | keys


def branch(*ways: str, **keys: Any) -> dict[str, Any]:
    cases = [{"when": IS_GOLD, "go": way} for way in ways]
    return {"id": "look", "branch": {"cases": cases} | keys}


def split(**ways: str) -> dict[str, Any]:
    return {"id": "half", "split": {"variants": {"a": 50, "b": 50}, "go": ways}}


GOOD: list[list[Any]] = [
    [tagged("a", go="c"), tagged("b", go="d"), tagged("c", go="b"), tagged("d")],
    [branch("c"), END, tagged("c")],
    [branch("c", **{"else": "end"}), tagged("c"), END],
    [split(b="c"), END, tagged("c")],
    [split(a="c", b="end"), tagged("c"), END],
    ["a", {"id": "again", "go": "a"}],
    [{"id": "a", "wait": {"until": IS_GOLD, "timeout": "1d", "else": "c"}}, END, tagged("c")],
    [{"id": "a", "wait": {"date": "x", "past": "c"}}, END, tagged("c")],
    [{"id": "a", "start_journey": {"journey": "x", "wait": True}}, {"id": "again", "go": "a"}],
]


@pytest.mark.parametrize("steps", GOOD)
def test_ways_that_lead_somewhere_are_right(steps: list[Any]) -> None:
    assert problems(journey(*steps)) == []


BAD: list[tuple[list[Any], list[str]]] = [
    (["a", "a"], ["steps[1].id: step a is there twice, first at steps[0]"]),
    ([one_day("rest", go="rast")],
     ["steps[0].go: there is no step rast; did you mean rest?"]),
    ([{"id": "a", "wait": {"until": IS_GOLD, "timeout": "1d", "else": "x"}}],
     ["steps[0].wait.else: there is no step x"]),
    ([{"id": "a", "wait": {"date": "x", "past": "y"}}], ["steps[0].wait.past: there is no step y"]),
    ([branch("x", **{"else": "y"})],
     ["steps[0].branch.else: there is no step y",
      "steps[0].branch.cases[0].go: there is no step x"]),
    ([split(a="x")], ["steps[0].split.go.a: there is no step x"]),
    ([END, "a"], ["steps[1].id: nothing leads to step a"]),
    ([tagged("a", go="c"), "b", "c"], ["steps[1].id: nothing leads to step b"]),
    ([branch("c", **{"else": "c"}), "b", "c"], ["steps[1].id: nothing leads to step b"]),
    ([split(a="c", b="c"), "b", "c"], ["steps[1].id: nothing leads to step b"]),
    ([tagged("a", go="a")], ["steps[0]: goes round without a wait: a -> a"]),
    ([tagged("a"), tagged("b"), {"id": "c", "go": "a"}],
     ["steps[0]: goes round without a wait: a -> b -> c -> a"]),
    (["w", branch("w", "look")], ["steps[1]: goes round without a wait: look -> look"]),
    ([{"id": "a", "start_journey": "x"}, {"id": "b", "go": "a"}],
     ["steps[0]: goes round without a wait: a -> b -> a"]),
    ([f"s{n}" for n in range(MAX_STEPS + 1)],
     [f"steps: must have at most {MAX_STEPS} steps, found {MAX_STEPS + 1}"]),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_ways_that_lead_nowhere_are_named(steps: list[Any], expected: list[str]) -> None:
    assert problems(journey(*steps)) == expected


@pytest.mark.parametrize(
    "step",
    [3, {"id": 4, "add_tag": "a"}, {"id": "x", "branch": 3}, {"id": "x", "branch": {"cases": 3}},
     {"id": "x", "branch": {"cases": [4]}}, {"id": "x", "split": {"go": 3}}, {"id": "x", "go": 3}],
)  # fmt: skip
def test_what_is_no_step_is_left_to_others(step: Any) -> None:
    found = problems(journey("a", step))
    assert found
    assert not any("leads to" in each or "no step" in each for each in found)
