"""Recommendations: the texts that hold when a score has moved, as of then."""

from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    holding,
    identify,
    on,
    score,
    segment,
    tag,
    track,
    trigger,
)

BY_LEVEL = [{"level": "hot", "text": "call today"}, {"level": "cold", "text": "leave in peace"}]
LEVELS = {"hot": 20, "cold": 0}


def told(person: Person, data: Document) -> list[tuple[str, ...]]:
    return [each.recommendations for each in person.hears(data).points]


def test_those_of_the_level_that_it_comes_to_are_told() -> None:
    person = Person(score(on("a"), levels=LEVELS, recommendations=BY_LEVEL))
    assert told(person, track("a")) == [("leave in peace",)]
    assert told(person, track("a", T0 + 1)) == [("call today",)]


def test_condition_and_level_must_both_hold_and_the_order_is_that_of_the_document() -> None:
    advice = [
        {"when": {"trait": "phone", "is_set": True}, "level": "hot", "text": "call"},
        {"when": {"event": "b", "within": "1h"}, "text": "ask about b"},
        *BY_LEVEL,
    ]
    person = Person(score(on("a"), on("c", 1), levels=LEVELS, recommendations=advice))
    person.hears(identify(phone="1"))
    person.hears(track("b"))
    assert told(person, track("a", T0 + 1)) == [("ask about b", "leave in peace")]
    assert told(person, track("a", T0 + HOUR - 1)) == [("call", "ask about b", "call today")]
    assert told(person, track("c", T0 + HOUR)) == [("call", "call today")]


def test_nothing_is_told_because_a_condition_turns() -> None:
    advice = [{"when": {"event": "b", "within": "1h"}, "text": "ask about b"}]
    person = Person(score(on("a"), recommendations=advice))
    person.hears(track("a"))
    assert told(person, track("b", T0 + 1)) == []
    assert person.waits(T0 + DAY).fired == 0


def test_what_they_ask_is_worked_out_before() -> None:
    advice = [{"when": {"segment": "z"}, "text": "they are in z"}]
    documents = [
        score(holding({"tag": "x"}), id="a-score", recommendations=advice),
        segment({"tag": "x"}, "z"),
        trigger("a", tag("x")),
    ]
    assert told(Person(*documents), track("a")) == [("they are in z",)]


def test_scores_that_fade_and_combined_ones_recommend_too() -> None:
    fading = score(on("a", 40, decay={"half_life": "1d"}), levels=LEVELS, recommendations=BY_LEVEL)
    both = {"kind": "score", "id": "z", "name": "z", "combined": {"of": ["fit", "x"]}} | {
        "recommendations": [{"when": {"tag": "t"}, "text": "t"}, *BY_LEVEL],
        "levels": {"hot": 100, "cold": 0},
    }
    person = Person(fading, score(on("b"), id="x"), both)
    assert told(person, track("a")) == [("call today",), ("leave in peace",)]
    fallen = person.waits(T0 + 2 * DAY)
    at_25, *at_20 = [
        each.recommendations
        for each, change in zip(fallen.points, fallen.score_changes, strict=True)
        if change.score_id == "fit"
    ]
    assert (at_25, at_20) == (("call today",), [("leave in peace",)])


def test_scores_without_any_have_none() -> None:
    assert told(Person(score(on("a"), levels=LEVELS)), track("a")) == [()]
