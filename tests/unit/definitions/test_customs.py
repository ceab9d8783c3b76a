"""Custom conditions: they name predicates that are there, tell them what they take, and refer."""

from typing import Any

import pytest

from processors.definitions import documents, sets
from processors.definitions.conditions import CustomCondition
from processors.definitions.predicates import Model, Predicate, model, predicate
from processors.definitions.segments import Segment
from tests.unit.definitions.builders import (
    complaints,
    journey,
    problems,
    rule,
    score,
    segment,
    trigger,
    when_rule,
)


def made(name: str, *reads: str, version: str = "1") -> Predicate:
    return predicate(name, reads=reads, version=version)(lambda person: True)


@predicate("likes", reads=["traits.colour"], version="1")
def likes(person: Any, *, colour: str, shade: str = "any") -> bool:
    return True


def built(*written: Any, predicates: tuple[Predicate | Model, ...] = ()) -> sets.DefinitionSet:
    known = {each.name: each for each in (likes, *predicates)}
    return sets.from_documents(written, predicates=known)


def refused(*written: Any, predicates: tuple[Predicate | Model, ...] = ()) -> list[str]:
    return complaints(lambda: built(*written, predicates=predicates))


LIKES = {"custom": "likes", "with": {"colour": "blue"}}


def test_condition_is_read_with_what_the_predicate_is_told() -> None:
    told = {"colour": "blue", "shades": ["dark", 1, True]}
    found = documents.parse(segment({"custom": "likes", "with": told}))
    assert isinstance(found, Segment)
    assert isinstance(found.when, CustomCondition)
    assert found.when.custom == "likes"
    assert found.when.parameters == {"colour": "blue", "shades": ("dark", 1, True)}
    plain = documents.parse(segment({"custom": "likes"}))
    assert isinstance(plain, Segment)
    assert isinstance(plain.when, CustomCondition)
    assert plain.when.parameters == {}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"custom": 3}, "when.custom: must be an id (small letters, digits, _ and -, beginning "
         "with a letter or digit, at most 64), found the number 3"),
        ({"custom": "likes", "with": ["blue"]}, "when.with: must be a mapping, found a list"),
        ({"custom": "likes", "with": {"colour": {"name": "blue"}}},
         "when.with.colour: must be a single text, number, true or false, found a mapping"),
        ({"custom": "likes", "with": {"colour": [["blue"]]}},
         "when.with.colour: must be a single text, number, true or false, found a list"),
        ({"custom": "likes", "parameters": {}}, "when.parameters: unknown key; did you mean with?"),
        ({"custom": "likes", "equals": 1},
         "when.equals: unknown key; allowed here: custom, with"),
        ({"custom": "likes", "tag": "x"},
         "when: a condition is one thing only, found custom and tag: make them separate"),
    ],
)  # fmt: skip
def test_mistake_brings_one_plain_message(when: Any, expected: str) -> None:
    assert problems(segment(when)) == [expected]


@pytest.mark.parametrize(
    "document",
    [
        segment({"all": [{"not": LIKES}]}),
        score(when_rule(LIKES)),
        trigger(when=LIKES),
        trigger(on={"schedule": "0 9 * * *", "audience": LIKES}),
    ],
)
def test_condition_stands_wherever_conditions_do(document: Any) -> None:
    assert refused(document) == []


def test_unknown_predicate_is_named_with_the_nearest() -> None:
    at = "segment/vip: when.custom: there is no predicate"
    assert refused(segment({"custom": "lykes"})) == [f"{at} lykes; did you mean likes?"]
    assert refused(segment({"custom": "owes"}), predicates=(made("x"),)) == [
        f"{at} owes; there are likes, x"
    ]
    assert complaints(lambda: sets.from_documents([segment({"custom": "owes"})])) == [
        f"{at} owes; BECKON_PREDICATES names none"
    ]


def test_what_a_predicate_takes_is_checked() -> None:
    when = {"any": [{"custom": "likes", "with": {"color": "blue"}}]}
    assert refused(segment(when)) == [
        "segment/vip: when.any[0].with.color: predicate likes takes no color; did you mean colour?",
        "segment/vip: when.any[0]: predicate likes needs colour: with: {colour: …}",
    ]
    plain = {"custom": "plain", "with": {"x": 1}}
    assert refused(segment(plain), predicates=(made("plain"),)) == [
        "segment/vip: when.with.x: predicate plain takes no x; it takes nothing"
    ]


def test_what_a_predicate_reads_must_be_there() -> None:
    reader = made("reader", "segments.gone", "scores.lost")
    assert refused(segment({"custom": "reader"}), predicates=(reader,)) == [
        "segment/vip: when.custom: the predicate reads score lost, but there is no score lost; "
        "there are no scores",
        "segment/vip: when.custom: the predicate reads segment gone, but there is no segment gone; "
        "the segments are vip",
    ]


def test_definitions_come_after_those_that_their_predicates_read() -> None:
    reader = made("reader", "segments.z", "scores.fit")
    found = built(
        segment({"custom": "reader"}, id="a"), segment(id="z"), score(), predicates=(reader,)
    )
    assert found.order == (("score", "fit"), ("segment", "z"), ("segment", "a"))


def test_cycle_by_way_of_a_predicate_is_shown() -> None:
    reader = made("reader", "segments.b")
    written = [segment({"custom": "reader"}, id="a"), segment({"segment": "a"}, id="b")]
    assert refused(*written, predicates=(reader,)) == [
        "segment/a: when.custom: goes round in a circle: a -> b -> a"
    ]


def test_points_that_fade_are_no_reading_for_predicates() -> None:
    """Nothing would say when the answer turns."""
    reader = made("reader", "scores.both")
    fading = score(rule(decay={"half_life": "1d"}))
    both = {"kind": "score", "id": "both", "name": "Both", "combined": {"of": ["calm", "fit"]}}
    written = [segment({"custom": "reader"}), fading, score(id="calm"), both]
    assert refused(*written, predicates=(reader,)) == [
        "segment/vip: when.custom: predicate reader reads score both, whose points fade: "
        "have it read a segment that asks for the score"
    ]
    still = [segment({"custom": "reader"}), score(), score(id="calm"), both]
    assert refused(*still, predicates=(reader,)) == []


def test_scores_that_combine_each_other_end() -> None:
    reader = made("reader", "scores.c1")
    parts = {"c1": ["c2", "fit"], "c2": ["c1", "fit"]}
    circle = [
        {"kind": "score", "id": name, "name": name, "combined": {"of": of}}
        for name, of in parts.items()
    ]
    found = refused(segment({"custom": "reader"}), score(), *circle, predicates=(reader,))
    assert found == ["score/c1: combined.of[0]: goes round in a circle: c1 -> c2 -> c1"]


def test_version_of_a_used_predicate_is_part_of_the_set() -> None:
    def id_of(when: Any, version: str) -> str:
        return built(segment(when), predicates=(made("x", version=version),)).id

    assert id_of({"custom": "x"}, "1") != id_of({"custom": "x"}, "2")
    assert id_of({"tag": "x"}, "1") == id_of({"tag": "x"}, "2")
    assert id_of({"tag": "x"}, "1") == sets.from_documents([segment({"tag": "x"})]).id


def estimated(*reads: str, version: str = "1") -> Model:
    return model("churn", reads=reads, version=version)(lambda person: 0.5)


RISK = score({"id": "churn", "points": 40, "model": "churn"}, id="risk")


def test_model_that_is_not_registered_is_no_mistake_but_worth_a_warning() -> None:
    def warnings(*known: Predicate | Model) -> list[str]:
        return [str(each) for each in sets.warnings(built(RISK, score(), predicates=known))]

    at = "score/risk: groups[0].rules[0].model: model churn is not registered here"
    assert refused(RISK) == []
    assert warnings() == [f"{at}: its rule gives 0 points"]
    assert warnings(estimated()) == []
    near = model("churned", reads=(), version="1")(lambda person: 0.5)
    assert warnings(near) == [f"{at}: its rule gives 0 points; did you mean churned?"]


def test_models_and_predicates_do_not_stand_in_for_each_other() -> None:
    assert refused(RISK, predicates=(made("churn"),)) == [
        "score/risk: groups[0].rules[0].model: churn is a predicate, no model: "
        "ask it by when: {custom: …}"
    ]
    assert refused(segment({"custom": "churn"}), predicates=(estimated(),)) == [
        "segment/vip: when.custom: churn is a model, no predicate: name it by model in a score's "
        "rule, or in set_trait"
    ]
    assert refused(segment({"custom": "churm"}), predicates=(estimated(),)) == [
        "segment/vip: when.custom: there is no predicate churm; there are likes"
    ]


def test_score_comes_after_what_its_model_reads() -> None:
    risk = score({"id": "churn", "points": 40, "model": "churn"}, id="a-risk")
    found = built(risk, segment(), score(), predicates=(estimated("segments.vip", "scores.fit"),))
    assert found.order == (("score", "fit"), ("segment", "vip"), ("score", "a-risk"))


def test_what_a_model_reads_must_be_there_and_stay_until_something_happens() -> None:
    at = "score/risk: groups[0].rules[0].model:"
    assert refused(RISK, predicates=(estimated("segments.gone"),)) == [
        f"{at} the model reads segment gone, but there is no segment gone; there are no segments"
    ]
    fading = score(rule(decay={"half_life": "1d"}))
    assert refused(RISK, fading, predicates=(estimated("scores.fit"),)) == [
        f"{at} model churn reads score fit, whose points fade: "
        "have it read a segment that asks for the score"
    ]
    assert refused(RISK, predicates=(estimated("scores.risk"),)) == [
        f"{at} goes round in a circle: risk -> risk"
    ]


def test_version_of_a_used_model_and_its_being_there_are_part_of_the_set() -> None:
    ids = [built(RISK, predicates=(estimated(version=each),)).id for each in ("1", "2")]
    assert len({*ids, built(RISK).id}) == 3


def hour(person: Any, *, at: str, otherwise: int = 9) -> int:
    return otherwise


def lays(**told: Any) -> dict[str, Any]:
    action = {"trait": "hour", "model": "hour"} | ({"with": told} if told else {})
    return trigger({"set_trait": action})


def hourly(*reads: str) -> Model:
    return model("hour", reads=reads, version="1")(hour)


def test_what_a_model_of_a_trait_takes_is_checked() -> None:
    at = "trigger/greet: do[0].set_trait"
    assert refused(lays(at={"time": "now"}), predicates=(hourly(),)) == []
    assert refused(lays(when="9"), predicates=(hourly(),)) == [
        f"{at}.with.when: model hour takes no when; it takes at, otherwise",
        f"{at}: model hour needs at: with: {{at: …}}",
    ]
    assert refused(lays(at="9"), predicates=(made("hour"),)) == [
        f"{at}.model: hour is a predicate, no model: ask it by when: {{custom: …}}"
    ]


def test_model_that_must_be_told_something_gives_no_points() -> None:
    risk = score({"id": "hour", "points": 40, "model": "hour"}, id="risk")
    assert refused(risk, predicates=(hourly(),)) == [
        "score/risk: groups[0].rules[0]: model hour needs at: set_trait alone can tell it, "
        "with: {at: …}"
    ]


def test_what_a_model_of_a_trait_reads_must_be_there() -> None:
    at = "trigger/greet: do[0].set_trait.model:"
    assert refused(lays(at="9"), predicates=(hourly("segments.gone"),)) == [
        f"{at} the model reads segment gone, but there is no segment gone; there are no segments"
    ]


@pytest.mark.parametrize("sort", ["trigger", "journey"])
def test_model_of_a_trait_that_is_not_registered_is_worth_a_warning(sort: str) -> None:
    step = {"id": "hour", "set_trait": {"trait": "hour", "model": "hour"}}
    written, at = {
        "trigger": (lays(), "trigger/greet: do[0]"),
        "journey": (journey(step), "journey/welcome: steps[0]"),
    }[sort]
    (warning,) = sets.warnings(built(written, predicates=()))
    said = "model hour is not registered here: no trait is set"
    assert str(warning) == f"{at}.set_trait.model: {said}"
