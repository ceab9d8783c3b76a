"""What a person is, held against what is expected."""

from typing import Any

import pytest

from tests.builders import (
    Document,
    on,
    points,
    score,
    segment,
    set_trait,
    static_list,
    tag,
    trigger,
)
from tests.unit.cases.builders import differences, said

DEFINITIONS = [
    segment({"event": "a", "within": "1h"}),
    score(on("a", 30), on("b", -5), levels={"hot": 50, "cold": 0}, grades={"A": 50, "B": 0}),
    static_list("beta"),
    trigger("praise", points(7), tag("vip"), {"add_to_list": "beta"}, {"set_status": "friend"}),
    trigger("rename", set_trait("company", {"size": 5, "active": True}), id="rename"),
]
KNOWN: Document = {"given": {}}


def found(*steps: Document, expect: Document, **keys: Any) -> list[tuple[str, str]]:
    return said(differences(DEFINITIONS, *steps, {"expect": expect}, **keys))


@pytest.mark.parametrize(
    ("right", "wrong", "difference"),
    [
        ({"segments": {"s": "in"}}, {"segments": {"s": "out"}}, ("out", "in")),
        ({"tags": {"vip": "in"}}, {"tags": {"vip": "out"}}, ("out", "in")),
        ({"tags": {"x": "out"}}, {"tags": {"x": "in"}}, ("in", "out")),
        ({"lists": {"beta": "in"}}, {"lists": {"beta": "out"}}, ("out", "in")),
        ({"status": "friend"}, {"status": "foe"}, ('"foe"', '"friend"')),
        ({"status": "friend"}, {"status": None}, ("nothing", '"friend"')),
        ({"traits": {"company.size": 5.0}}, {"traits": {"company.size": "5"}}, ('"5"', "5")),
        (
            {"traits": {"company": {"size": 5, "active": True}}},
            {"traits": {"company": {"size": 5, "active": 1}}},
            ('{"size":5,"active":1}', '{"size":5,"active":true}'),
        ),
        ({"traits": {"plan": None}}, {"traits": {"plan": "x"}}, ('"x"', "nothing")),
        (
            {"scores": {"fit": 37}},
            {"scores": {"fit": 36}},
            ("value 36", "value 37, level cold, grade B"),
        ),
        (
            {"scores": {"fit": {"level": "cold", "grade": "B"}}},
            {"scores": {"fit": {"level": "cold", "grade": "A"}}},
            ("level cold, grade A", "value 37, level cold, grade B"),
        ),
    ],
)
def test_only_what_differs_is_told(
    right: Document, wrong: Document, difference: tuple[str, str]
) -> None:
    steps: list[Document] = [{"event": "a"}, {"event": "praise"}, {"event": "rename"}]
    assert found(*steps, expect=right) == []
    assert found(*steps, expect=wrong) == [difference]


def test_all_differences_have_their_place_and_instant() -> None:
    expect = {"segments": {"s": "in"}, "status": "lead", "scores": {"fit": 1}}
    told = differences(DEFINITIONS, {"after": "1h", "expect": expect}, given={})
    path = ("cases", 0, "steps", 0, "expect")
    assert [each.path for each in told] == [
        (*path, "segments", "s"),
        (*path, "status"),
        (*path, "scores", "fit"),
    ]
    assert {each.at_ms for each in told} == {1_767_607_200_000}


def notes(*steps: Document, expect: Document, **keys: Any) -> list[tuple[str, ...]]:
    told = differences(DEFINITIONS, *steps, {"expect": expect}, **keys)
    return [each.notes for each in told]


def test_segment_says_when_it_was_entered_and_left() -> None:
    expect = {"segments": {"s": "in"}}
    assert notes(expect=expect, given={}) == [("never entered so far",)]
    assert notes({"event": "a"}, {"after": "1h"}, expect=expect) == [
        ("entered at 2026-01-05T09:00:00.000Z, exited at 2026-01-05T10:00:00.000Z",)
    ]


def test_score_says_which_rule_gave_what() -> None:
    expect = {"scores": {"fit": 1}}
    assert notes(expect=expect, given={}) == [("no rule has given points",)]
    assert notes({"event": "b"}, {"event": "a"}, {"event": "praise"}, expect=expect) == [
        ("points: a +30, b -5, added by triggers +7",)
    ]
    assert notes({"event": "a"}, expect=expect) == [("points: a +30",)]
    assert notes({"event": "praise"}, expect=expect) == [("points: added by triggers +7",)]


def test_tags_and_lists_say_what_there_is() -> None:
    expect: Document = {"tags": {"x": "in"}, "lists": {"beta": "in"}}
    assert notes(expect=expect, given={"tags": ["c", "b"]}) == [("lists: none",), ("tags: b, c",)]


def test_person_whom_nobody_knows_is_nowhere_and_has_nothing() -> None:
    expect: Document = {
        "segments": {"s": "out"},
        "scores": {"fit": {"value": 0, "level": "cold"}},
        "status": None,
        "traits": {"plan": None},
    }
    assert found(expect=expect) == []
    unknown = "nobody knows the person yet: there was no event"
    assert notes(expect={"segments": {"s": "in"}, "scores": {"fit": 1}}) == [(unknown,)] * 2
