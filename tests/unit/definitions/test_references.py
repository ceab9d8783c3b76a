"""Every mention of another definition is found, with its place."""

from typing import Any

import pytest

from processors.definitions import documents, references
from processors.definitions.references import Asked, Gift, Reference, Rung
from tests.unit.definitions.builders import (
    rule,
    score,
    segment,
    static_list,
    trigger,
    when_rule,
)


def mentions(document: Any) -> list[Any]:
    return list(references.of(documents.parse(document)))


def test_condition_mentions_segments_lists_and_scores() -> None:
    when = {
        "all": [
            {"any": [{"segment": "a"}, {"list": "b"}]},
            {"not": {"score": "c", "level": "hot"}},
            {"score": "d", "grade": "A"},
            {"score": "e", "at_least": 3},
            {"trait": "segment", "equals": "x"},
            {"event": "segment"},
        ]
    }
    expected = [
        Reference(("when", "all", 0, "any", 0, "segment"), "segment", "a"),
        Reference(("when", "all", 0, "any", 1, "list"), "list", "b"),
        Reference(("when", "all", 1, "not", "score"), "score", "c"),
        Rung(("when", "all", 1, "not", "level"), "c", "level", "hot"),
        Reference(("when", "all", 2, "score"), "score", "d"),
        Rung(("when", "all", 2, "grade"), "d", "grade", "A"),
        Reference(("when", "all", 3, "score"), "score", "e"),
    ]
    assert mentions(segment(when)) == expected
    assert mentions(trigger(when=when)) == expected


def test_rule_mentions_by_its_condition() -> None:
    path = ("groups", 0, "rules", 1, "when", "segment")
    assert mentions(score(rule(), when_rule({"segment": "a"}, id="b"))) == [
        Reference(path, "segment", "a")
    ]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({"event": "a"}, []),
        ({"trait": "a", "changes": True}, []),
        ({"segment": "a", "change": "exited"}, [Reference(("on", "segment"), "segment", "a")]),
        ({"score": "a", "crosses": 5}, [Reference(("on", "score"), "score", "a")]),
        (
            {"level": "a", "becomes": "hot"},
            [
                Reference(("on", "level"), "score", "a"),
                Rung(("on", "becomes"), "a", "level", "hot"),
            ],
        ),
        (
            {"grade": "a", "becomes": "A"},
            [Reference(("on", "grade"), "score", "a"), Rung(("on", "becomes"), "a", "grade", "A")],
        ),
        ({"list": "a", "change": "added"}, [Reference(("on", "list"), "list", "a")]),
        ({"tag": "a", "change": "added"}, []),
        (
            {"schedule": "0 9 * * *", "audience": {"not": {"segment": "vip"}}},
            [Reference(("on", "audience", "not", "segment"), "segment", "vip")],
        ),
    ],
)
def test_stimulus_mentions(on: Any, expected: list[Any]) -> None:
    assert mentions(trigger(on=on)) == expected


def test_action_mentions() -> None:
    actions = [
        {"add_to_list": "a"},
        {"remove_from_list": "b"},
        {"add_points": {"score": "c", "points": 1}},
        {"add_tag": "d"},
        {"set_points": {"score": "e", "value": 1}},
    ]
    assert mentions(trigger(*actions)) == [
        Reference(("do", 0, "add_to_list"), "list", "a"),
        Reference(("do", 1, "remove_from_list"), "list", "b"),
        Reference(("do", 2, "add_points", "score"), "score", "c"),
        Gift(("do", 2, "add_points", "score"), "c"),
        Reference(("do", 4, "set_points", "score"), "score", "e"),
        Gift(("do", 4, "set_points", "score"), "e"),
    ]


def test_recommendations_mention_the_score_s_own_levels_and_what_they_ask() -> None:
    advice = [
        {"level": "hot", "text": "call"},
        {"when": {"all": [{"segment": "vip"}]}, "text": "write"},
    ]
    assert mentions(score(recommendations=advice)) == [
        Rung(("recommendations", 0, "level"), "fit", "level", "hot"),
        Reference(("recommendations", 1, "when", "all", 0, "segment"), "segment", "vip"),
    ]


def test_combined_score_mentions_its_parts() -> None:
    document = score(combined={"of": ["a", "b"]})
    del document["groups"]
    assert mentions(document) == [
        Reference(("combined", "of", 0), "score", "a"),
        Reference(("combined", "of", 1), "score", "b"),
    ]


def test_list_mentions_nothing() -> None:
    assert mentions(static_list()) == []


def test_what_is_asked_of_people_is_mentioned() -> None:
    when = {"account": {"none": {"any": [{"segment": "a"}, {"list": "b"}]}}}
    asked, *others = mentions(segment(when))
    assert asked == Asked(("when", "account"), asked.key)
    assert others == [
        Reference(("when", "account", "none", "any", 0, "segment"), "segment", "a"),
        Reference(("when", "account", "none", "any", 1, "list"), "list", "b"),
    ]


def test_score_of_all_people_is_mentioned() -> None:
    rolled_up = {"id": "team", "points": 1, "people": {"average": "base"}}
    asked, mentioned = mentions(score(rolled_up))
    path = ("groups", 0, "rules", 0, "people")
    assert asked == Asked(path, asked.key)
    assert asked.key.startswith("average:")
    assert mentioned == Reference((*path, "average"), "score", "base")
