"""Stimuli: which change wakes a trigger."""

from typing import Any

import pytest

from processors.decisions import stimuli
from processors.definitions.scores import EventMatch
from schemas.events import TRIGGER_REQUESTED
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    on,
    points,
    reasons,
    score,
    static_list,
    tag,
    track,
    trigger,
)


def test_an_event_is_no_change() -> None:
    with pytest.raises(TypeError, match="an event is no change"):
        stimuli.moved(EventMatch(event="a"), {})


def woken(person: Person, *names: str) -> list[list[str]]:
    """Returns of each of some events which triggers fired but for those of its own name."""
    found = []
    for place, name in enumerate(names):
        fired = reasons(person.hears(track(name, T0 + place)))
        found.append([each for each, reason in fired if reason == "fired" and each != name])
    return found


def acting(**do: Document) -> list[Document]:
    """Returns triggers that do one thing each at the event of their name."""
    return [trigger(name, action, id=name) for name, action in do.items()]


def test_coming_to_a_grade_wakes() -> None:
    person = Person(
        score(grades={"A": 20, "B": 0}),
        *acting(more=points(15), less=points(-15)),
        trigger({"grade": "fit", "becomes": "A"}, id="up"),
        trigger({"grade": "fit", "becomes": "B"}, id="down"),
    )
    found = woken(person, "more", "more", "more", "less", "less")
    assert found == [[], ["up"], [], [], ["down"]]


@pytest.mark.parametrize("kind", ["tag", "list"])
def test_a_tag_or_list_wakes_only_if_it_really_changed(kind: str) -> None:
    add, remove = (
        ("add_tag", "remove_tag") if kind == "tag" else ("add_to_list", "remove_from_list")
    )
    person = Person(
        static_list("x"),
        static_list("y"),
        *acting(put={add: "x"}, drop={remove: "x"}, other={add: "y"}),
        trigger({kind: "x", "change": "added"}, id="in"),
        trigger({kind: "x", "change": "removed"}, id="out"),
    )
    found = woken(person, "drop", "put", "put", "other", "drop", "drop")
    assert found == [[], ["in"], [], [], ["out"], []]


def test_a_tag_that_is_as_before_at_the_end_of_a_round_wakes_nothing() -> None:
    person = Person(
        trigger("a", tag("x"), {"remove_tag": "x"}, id="a"),
        trigger({"tag": "x", "change": "added"}, id="in"),
        trigger({"tag": "x", "change": "removed"}, id="out"),
    )
    assert woken(person, "a") == [[]]
    person.profile.tags.append("x")
    assert woken(person, "b", "a") == [[], ["out"]]


def swinging(**keys: Any) -> Person:
    """Returns a person whose score goes up and down by 6, watched at 10."""
    return Person(
        score(floor=-100),
        *acting(up=points(6), down=points(-6)),
        trigger({"score": "fit", "crosses": 10, **keys}, id="t"),
    )


def test_without_a_window_the_change_at_hand_must_be_large_enough() -> None:
    for least, found in ((6, ["t"]), (6.5, [])):
        person = swinging(minimum_change=least)
        assert woken(person, "up", "up") == [[], found]


@pytest.mark.parametrize(("later_ms", "found"), [(HOUR - 1, ["t"]), (HOUR, [])])
def test_within_a_window_all_that_it_moved_since_counts(later_ms: int, found: list[str]) -> None:
    person = swinging(minimum_change=12, within="1h")
    person.hears(track("up", T0))
    decision = person.hears(track("up", T0 + later_ms))
    assert [one for one, _ in reasons(decision) if one == "t"] == found


def test_what_it_moved_back_and_forth_does_not_count() -> None:
    person = swinging(minimum_change=12, within="1h", direction="either")
    assert woken(person, "up", "up", "down", "up", "down", "down") == [[], ["t"], [], ["t"], [], []]
    for place in range(20):
        person.hears(track("down" if place else "up", T0 + DAY + place * HOUR))
    assert len((person.profile.swings or {})["fit"]) == 1


def test_a_fall_counts_downwards() -> None:
    person = swinging(minimum_change=12, within="1h", direction="down")
    for at_ms in range(3):
        person.hears(track("up", T0 + at_ms))
    found = [reasons(person.hears(track("down", T0 + DAY + at_ms))) for at_ms in range(3)]
    assert [("t", "fired") in each for each in found] == [False, True, False]


def test_moves_are_kept_only_where_somebody_asks() -> None:
    person = swinging(minimum_change=12, within="1h")
    person.hears(track("up"))
    assert person.profile.swings == {"fit": [(T0, 0)]}
    person.gets(score(), trigger({"score": "fit", "crosses": 10, "minimum_change": 5}))
    assert person.profile.swings == {}
    person.gets(score(), trigger({"score": "fit", "crosses": 10}))
    person.hears(track("up", T0 + 1))
    assert person.profile.swings == {}


def test_a_manual_trigger_fires_when_it_is_asked_for() -> None:
    asked = {"property": "reason", "equals": "sale"}
    person = Person(
        trigger({"manual": True}, id="t"),
        trigger({"manual": True}, id="asks", when=asked),
        trigger({"manual": True}, id="other"),
    )
    events = [
        track(TRIGGER_REQUESTED, T0, trigger="t"),
        track(TRIGGER_REQUESTED, T0 + 1, trigger="asks", reason="sale"),
        track(TRIGGER_REQUESTED, T0 + 2, trigger="asks", reason="whim"),
        track(TRIGGER_REQUESTED, T0 + 3, trigger="nobody"),
        track("a", T0 + 4, trigger="t"),
    ]
    assert [reasons(person.hears(each)) for each in events] == [
        [("t", "fired")],
        [("asks", "fired")],
        [("asks", "condition")],
        [],
        [],
    ]


def test_a_grade_of_two_scores_wakes_though_their_sum_is_the_same() -> None:
    fit = score(on("begin", 50, "begun"), on("swap", -50, "swapped"), id="fit")
    use = score(on("swap", 50, "swapped"), id="use")
    both = {"kind": "score", "id": "both", "name": "both", "combined": {"of": ["fit", "use"]}}
    of_first = trigger({"grade": "both", "becomes": "B4"}, id="b4")
    of_second = trigger({"grade": "both", "becomes": "D2"}, id="d2")
    person = Person(fit, use, both, of_first, of_second)
    assert woken(person, "begin", "swap") == [["b4"], ["d2"]]


def test_a_fading_score_is_remembered_for_who_asks_how_far_it_moved() -> None:
    fading = score(on("a", 10, decay={"half_life": "1h"}), floor=None)
    far = {"score": "fit", "crosses": 15, "within": "1d", "minimum_change": 16}
    person = Person(fading, trigger(far, id="far"))
    assert woken(person, "a", "a") == [[], ["far"]]
    assert len((person.profile.swings or {})["fit"]) == 2
