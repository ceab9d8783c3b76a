"""Traits that actions set to what comes from elsewhere, or to what a model gives."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from processors.decisions.sources import MAX_NOTED
from processors.definitions.predicates import NO_VALUE, Model, model
from schemas.events import iso
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    T0,
    Document,
    Person,
    identify,
    journey,
    score,
    segment,
    set_trait,
    step,
    tag,
    track,
    trigger,
    wait,
)


def lay(more: Document, trait: str = "x") -> Document:
    return {"set_trait": {"trait": trait} | more}


ASKED = lay({"model": "m"})


def held(person: Person, trait: str = "x") -> Any:
    return person.profile.traits.get(trait, (None, 0))[0]


# From elsewhere


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"property": "product.id"}, "tent"),
        ({"property": "product"}, {"id": "tent"}),
        ({"trait": "company.size"}, 5),
        ({"time": "now"}, iso(T0 + 1)),
    ],
)
def test_a_trait_is_set_to_what_is_somewhere_else(source: Document, value: Any) -> None:
    person = Person(trigger("a", lay({"from": source})))
    person.hears(identify(T0, company={"size": 5}))
    person.hears(track("a", T0 + 1, product={"id": "tent"}))
    assert held(person) == value


@pytest.mark.parametrize("source", [{"property": "nothing"}, {"trait": "nothing.there"}])
def test_where_there_is_nothing_the_trait_stays_and_nobody_is_woken(source: Document) -> None:
    woken = trigger({"trait": "x", "changes": True}, tag("woken"), id="w")
    person = Person(trigger("a", lay({"from": source})), woken)
    person.hears(identify(T0, x="as it was"))
    person.profile.tags.clear()
    person.hears(track("a", T0 + 1))
    assert (held(person), person.profile.tags) == ("as it was", [])


def test_what_changes_wakes_triggers_and_turns_segments() -> None:
    woken = trigger({"trait": "x", "becomes": "tent"}, tag("woken"), id="w")
    person = Person(
        trigger("a", lay({"from": {"property": "id"}})),
        woken,
        segment({"trait": "x", "equals": "tent"}),
    )
    person.hears(track("a") | {"properties": {"id": "tent"}})
    assert (person.profile.tags, person.segments) == (["woken"], {"s"})


def test_a_trigger_on_a_change_reads_the_event_that_brought_it_and_one_on_an_instant_none() -> None:
    entered = {"segment": "s", "change": "entered"}
    left = {"segment": "s", "change": "exited"}
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger(entered, lay({"from": {"property": "n"}}, "in"), id="in"),
        trigger(left, lay({"from": {"property": "n"}}, "out"), id="out"),
    )
    person.hears(track("a", n=7))
    person.waits(T0 + DAY)
    assert (held(person, "in"), held(person, "out")) == (7, None)


def test_a_step_reads_what_its_run_knows_and_not_the_event_at_hand() -> None:
    steps = [wait("look", until={"event": "b"}), step("keep", lay({"from": {"property": "n"}}))]
    person = Person(journey("a", *steps))
    person.hears(track("a", n=1))
    person.hears(track("b", T0 + 1, n=2))
    assert held(person) == 1
    of_wait = step("keep", lay({"from": {"property": "look.n"}}))
    person = Person(journey("a", steps[0], of_wait))
    person.hears(track("a"))
    person.hears(track("b", T0 + 1, n=2))
    assert held(person) == 2


# From models


def made(value: Callable[..., Any], *reads: str, version: str = "1") -> Model:
    return model("m", reads=reads, version=version)(value)


def told(person: Any, *, at: str, shade: str = "any") -> list[Any]:
    return [person.traits.get("plan"), at, shade]


def test_a_trait_is_set_to_what_a_model_gives_of_what_it_reads_and_is_told() -> None:
    action = lay({"model": "m", "with": {"at": {"property": "n"}, "shade": "blue"}})
    person = Person(trigger("a", action), predicates=[made(told, "traits.plan")])
    person.hears(identify(T0, plan="gold"))
    decision = person.hears(track("a", T0 + 1, n="noon"))
    assert held(person) == ["gold", "noon", "blue"]
    (fired,) = decision.decisions
    assert fired.reason == "fired"
    assert fired.models is not None
    assert json.loads(fired.models) == {
        "x": {
            "model": "m",
            "version": "1",
            "inputs": {
                "read": {"traits.plan": "gold"},
                "told": {"at": "noon", "shade": "blue"},
            },
            "gave": ["gold", "noon", "blue"],
        }
    }


def test_a_model_is_asked_at_each_action_and_at_no_other_time() -> None:
    calls = 0

    def counting(person: Any) -> int:
        nonlocal calls
        calls += 1
        return calls

    person = Person(trigger("a", ASKED), predicates=[made(counting, "traits.plan")])
    person.hears(identify(T0, plan="gold"))
    assert held(person) is None
    person.hears(track("a", T0 + 1))
    person.hears(track("b", T0 + 2))
    person.hears(track("a", T0 + 3))
    assert held(person) == 2


def test_a_model_reads_scores_and_segments_and_what_actions_before_it_set() -> None:
    def reads(person: Any) -> list[Any]:
        return [person.scores["fit"], "s" in person.segments, person.traits["y"]]

    person = Person(
        score({"id": "r", "points": 10, "on": {"event": "a"}}),
        segment({"event": "a"}),
        trigger("a", set_trait("y", "before"), ASKED),
        predicates=[made(reads, "scores.fit", "segments.s", "traits.y")],
    )
    person.hears(track("a"))
    assert held(person) == [10, True, "before"]


def test_what_several_models_gave_is_told_by_trait() -> None:
    several = trigger("a", lay({"model": "m"}, "y"), ASKED)
    person = Person(several, predicates=[made(lambda person: 9)])
    (fired,) = person.hears(track("a")).decisions
    assert fired.models is not None
    assert {trait: each["gave"] for trait, each in json.loads(fired.models).items()} == {
        "y": 9,
        "x": 9,
    }


@pytest.mark.parametrize("known", [[], [made(lambda person: NO_VALUE)]])
def test_where_a_model_gives_nothing_or_is_not_there_the_trait_stays(known: list[Model]) -> None:
    person = Person(trigger("a", ASKED, tag("done")), predicates=known)
    person.hears(identify(T0, x="as it was"))
    (fired,) = person.hears(track("a", T0 + 1)).decisions
    assert (held(person), person.profile.tags, fired.models) == ("as it was", ["done"], None)


def test_a_model_may_unset_a_trait() -> None:
    person = Person(trigger("a", ASKED), predicates=[made(lambda person: None)])
    person.hears(identify(T0, x="as it was"))
    person.hears(track("a", T0 + 1))
    assert held(person) is None


def test_of_a_model_that_reads_too_much_what_it_gave_is_told() -> None:
    reads = made(lambda person: 1, "traits.long")
    person = Person(trigger("a", ASKED), predicates=[reads])
    person.hears(identify(T0, long="x" * MAX_NOTED))
    (fired,) = person.hears(track("a", T0 + 1)).decisions
    assert fired.models == '{"x":{"model":"m","version":"1","inputs":null,"gave":1}}'


def test_a_step_tells_what_its_model_gave() -> None:
    steps = [step("ask", ASKED), HELLO]
    person = Person(journey("a", *steps), predicates=[made(lambda person: 9)])
    decision = person.hears(track("a"))
    noted = [(each.step, each.models) for each in decision.runs if each.what == "done"]
    gave = '{"x":{"model":"m","version":"1","inputs":{"read":{},"told":{}},"gave":9}}'
    assert noted == [("ask", gave), ("hello", None)]


# The hour of a trait


@pytest.mark.parametrize(
    ("hour", "after_ms"),
    [
        (14, 14 * HOUR), (0, 24 * HOUR), (23, 23 * HOUR), ("17:30", 17.5 * HOUR),
        (24, 9 * HOUR), (-1, 9 * HOUR), (9.5, 9 * HOUR), (True, 9 * HOUR), ("late", 9 * HOUR),
        (None, 9 * HOUR),
    ],
)  # fmt: skip
def test_a_run_waits_for_the_hour_that_a_trait_names_else_for_the_other(
    hour: Any, after_ms: float
) -> None:
    assert T0 % DAY == 0
    person = Person(journey("a", wait("rest", at={"trait": "hour", "else": "09:00"}), HELLO))
    person.hears(identify(T0, hour=hour))
    person.hears(track("a", T0 + 1))
    assert person.profile.due == T0 + after_ms
