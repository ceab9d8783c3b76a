"""Scores that triggers set to a value: what they have added moves so far, the rules stay."""

from typing import Any

import pytest

from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    group,
    holding,
    on,
    points,
    score,
    tag,
    track,
    trigger,
)


def setting(value: int, **keys: Any) -> Document:
    return {"set_points": {"score": "fit", "value": value} | keys}


def changes(decision: Any) -> list[tuple[float, float, int]]:
    """Returns how scores moved: from, to, ms since T0."""
    return [(each.old, each.new, each.at - T0) for each in decision.score_changes]


def added(person: Person) -> float:
    return person.profile.scores["fit"].added


def test_a_score_comes_to_the_value_and_goes_on_from_there() -> None:
    person = Person(score(on("a", 10)), trigger("b", setting(25)))
    person.hears(track("a"))
    decision = person.hears(track("b", T0 + 1))
    assert changes(decision) == [(10, 25, 1)]
    assert decision.score_changes[0].rule is None
    assert added(person) == 15
    assert changes(person.hears(track("a", T0 + 2))) == [(25, 35, 2)]
    assert changes(person.hears(track("b", T0 + 3))) == [(35, 25, 3)]
    assert added(person) == 5


def test_a_score_that_is_there_already_does_not_move() -> None:
    person = Person(score(on("a", 10)), trigger("b", setting(10)), trigger("c", setting(0), id="u"))
    assert changes(person.hears(track("c"))) == []
    person.hears(track("a", T0 + 1))
    assert changes(person.hears(track("b", T0 + 2))) == []
    assert added(person) == 0


def test_nobody_is_too_unknown_to_be_set() -> None:
    person = Person(score(on("a", 10)), trigger("b", setting(7)))
    assert changes(person.hears(track("b"))) == [(0, 7, 0)]


def test_bounds_of_groups_hold_before_and_those_of_the_score_after() -> None:
    person = Person(
        score(groups=[group(on("a", 10), limit=15)], limit=50),
        trigger("b", setting(80)),
        trigger("c", points(-20), id="less"),
    )
    person.hears(track("a"))
    person.hears(track("a", T0 + 1))
    assert changes(person.hears(track("b", T0 + 2))) == [(15, 50, 2)]
    assert added(person) == 65
    assert changes(person.hears(track("c", T0 + 3))) == []
    assert changes(person.hears(track("c", T0 + 4))) == [(50, 40, 4)]


@pytest.mark.parametrize(
    ("actions", "value", "rest"),
    [
        ((points(5), setting(20)), 20, 20),
        ((setting(20), points(5)), 25, 25),
        ((setting(20), setting(30)), 30, 30),
        ((setting(20), points(5), setting(30), points(-1)), 29, 29),
        (({"add_points": {"score": "fit", "points": 5, "for": "1h"}}, setting(20)), 20, 15),
        ((setting(20), {"add_points": {"score": "fit", "points": 5, "for": "1h"}}), 25, 20),
    ],
)
def test_actions_of_one_instant_count_in_their_order(
    actions: tuple[Document, ...], value: float, rest: float
) -> None:
    person = Person(score(on("a", 3)), trigger("a", *actions))
    person.hears(track("a"))
    assert person.score() == value
    person.waits(T0 + HOUR)
    assert person.score() == rest


def test_what_the_same_triggers_change_beside_it_is_part_of_the_value() -> None:
    person = Person(
        score(holding({"tag": "vip"}, 30)),
        trigger("a", setting(50), tag("vip")),
        trigger("b", {"remove_tag": "vip"}, id="gone"),
    )
    assert changes(person.hears(track("a"))) == [(0, 50, 0)]
    assert changes(person.hears(track("b", T0 + 1))) == [(50, 20, 1)]


def test_of_points_that_fade_it_is_the_value_of_that_instant() -> None:
    person = Person(
        score(on("a", 7, decay={"half_life": "1d"}), levels={"hot": 46}),
        trigger("b", setting(50)),
        trigger("c", points(0), id="look"),
    )
    person.hears(track("a"))
    person.hears(track("b", T0 + HOUR))
    assert person.score() == 50
    assert added(person) == pytest.approx(50 - 7 * 2 ** (-1 / 24))
    assert person.hears(track("c", T0 + 100 * DAY)).score_changes[-1].new == 43.2


def test_a_set_that_has_no_fading_points_any_more_has_whole_ones() -> None:
    fading = score(on("a", 7, decay={"half_life": "1d"}))
    person = Person(fading, trigger("b", setting(50)))
    person.hears(track("a"))
    person.hears(track("b", T0 + HOUR))
    person.gets(score(on("a", 7)))
    assert added(person) == 43
    assert type(added(person)) is int


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ((setting(9, reason="called back"),), "called back"),
        ((setting(9),), None),
        ((setting(9, reason="called back"), points(1)), None),
    ],
)
def test_the_change_says_why(actions: tuple[Document, ...], reason: str | None) -> None:
    person = Person(score(on("b", 1)), trigger("a", *actions))
    (change,) = person.hears(track("a")).score_changes
    assert change.reason == reason


def test_the_hundred_and_first_lot_for_a_time_takes_the_first_away_from_the_value_too() -> None:
    lent = {"add_points": {"score": "fit", "points": 1, "for": "1d"}}
    setter = trigger("c", setting(5), lent, id="u")
    person = Person(score(on("a", 1), floor=None), trigger("b", lent), setter)
    for at in range(100):
        person.hears(track("b", T0 + at))
    assert person.score() == 100
    person.hears(track("c", T0 + 100))
    assert person.score() == 5
    person.waits(T0 + 2 * DAY)
    assert person.score() == 5 - 100
