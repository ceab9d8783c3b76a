"""Scores whose points become fewer: told at stimuli, and when they cross what somebody asks."""

import math
from typing import Any

import pytest

from processors.state.profiles import NEVER
from schemas.records import ScoreChange
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Person,
    group,
    holding,
    identify,
    moves,
    on,
    points,
    score,
    segment,
    set_trait,
    tag,
    track,
    trigger,
)

LEVELS = {"hot": 5, "cold": 0}
DAILY = {"half_life": "1d"}


def fading(event: str = "a", points: int = 10, **keys: Any) -> Document:
    return on(event, points, **({"decay": DAILY} | keys))


def steps(points: int = 10, **keys: Any) -> Document:
    return on("a", points, decay={"per": "30d", "percent": 20}, **keys)


def falls(points: float, to: float) -> int:
    """Returns the ms after which fading points are rounded to less than a number."""
    return math.ceil(math.log2(points / (to - 0.005)) * DAY)


def told(changes: list[ScoreChange]) -> list[tuple[float, float, int]]:
    return [(each.old, each.new, each.at - T0) for each in changes]


# By half-life


def test_a_score_is_told_at_each_occurrence_with_what_is_left_of_the_others() -> None:
    person = Person(score(fading()))
    assert told(person.hears(track("a")).score_changes) == [(0, 10, 0)]
    assert told(person.hears(track("a", T0 + DAY)).score_changes) == [(10, 15, DAY)]
    assert told(person.hears(track("a", T0 + 4 * DAY)).score_changes) == [(15, 11.88, 4 * DAY)]
    assert person.profile.times == {}
    assert person.profile.due == NEVER


def test_nothing_is_told_while_it_fades_and_nobody_asks() -> None:
    person = Person(score(fading()), trigger("x"))
    person.hears(track("a"))
    assert person.waits(T0 + 90 * DAY).score_changes == []
    assert person.hears(track("x", T0 + 91 * DAY)).score_changes == []
    assert person.score() == 10


def test_a_level_is_left_at_the_first_ms_at_which_less_is_left() -> None:
    person = Person(score(fading(), levels=LEVELS))
    person.hears(track("a"))
    after = falls(10, 5)
    assert person.profile.due == T0 + after
    assert person.waits(T0 + after - 1).fired == 0
    (change,) = person.waits(T0 + 90 * DAY).score_changes
    assert (change.new, change.level, change.rule) == (4.99, "cold", None)
    assert (change.at - T0, change.cause) == (after, "clock")
    assert person.profile.clock == T0 + after


@pytest.mark.parametrize(
    ("asks", "after"),
    [
        ({"at_least": 5}, falls(10, 5)),
        ({"greater_than": 5}, falls(10, 5.01)),
        ({"between": [2.5, 20]}, falls(10, 2.5)),
        ({"equals": 10}, falls(10, 10)),
        ({"level": "hot"}, falls(10, 5)),
        ({"grade": "A"}, falls(10, 8)),
    ],
)
def test_a_segment_is_left_at_the_instant_of_the_crossing(asks: Document, after: int) -> None:
    scored = score(fading(), levels=LEVELS, grades={"A": 8, "B": 0})
    person = Person(scored, segment({"score": "fit"} | asks))
    assert moves(person.hears(track("a"))) == [("s", "entered", 0, f"a@{T0}")]
    assert moves(person.waits(T0 + 90 * DAY)) == [("s", "exited", after, "clock")]


def test_a_segment_is_entered_where_a_value_lies_in_between() -> None:
    person = Person(score(fading()), segment({"score": "fit", "in": [5]}))
    person.hears(track("a"))
    after = falls(10, 5.01)
    assert moves(person.waits(T0 + 90 * DAY)) == [
        ("s", "entered", after, "clock"),
        ("s", "exited", falls(10, 5), "clock"),
    ]


def test_a_trigger_waits_for_a_score_to_fade() -> None:
    on_falling = {"score": "fit", "crosses": 4, "direction": "down"}
    person = Person(score(fading()), trigger(on_falling, tag("cooling")))
    person.hears(track("a"))
    assert person.waits(T0 + falls(10, 4) - 1).decisions == []
    (decision,) = person.waits(T0 + 90 * DAY).decisions
    assert (decision.at - T0, decision.outcome) == (falls(10, 4), "yes")


def test_a_score_that_is_held_at_its_limit_crosses_later() -> None:
    person = Person(score(groups=[group(fading(points=40), limit=10)], limit=8, levels=LEVELS))
    person.hears(track("a"))
    assert person.score() == 8
    (change,) = person.waits(T0 + 90 * DAY).score_changes
    assert change.at - T0 == falls(40, 5)


def test_points_against_each_other_rise_and_fall() -> None:
    rules = [fading(points=30, decay={"half_life": "10d"}), fading("b", -26, id="b")]
    person = Person(score(*rules, floor=None, levels={"hot": 15, "warm": 10, "cold": 0}))
    person.hears(track("a"))
    person.hears(track("b"))
    levels = [change.level for change in person.waits(T0 + 90 * DAY).score_changes]
    assert levels == ["warm", "hot", "warm", "cold"]


@pytest.mark.parametrize("late_by", [1, HOUR, 3 * DAY])
def test_late_events_count_for_what_is_left_of_them(late_by: int) -> None:
    person = Person(score(fading()))
    person.hears(track("a", T0 + 4 * DAY))
    (change,) = person.hears(track("a", T0 + 4 * DAY - late_by)).score_changes
    assert change.late
    assert change.new == round(10 + 10 * 0.5 ** (late_by / DAY), 2)


def test_the_latest_occurrences_count_where_their_number_is_limited() -> None:
    person = Person(score(fading(max_occurrences=2), levels={"x": 0}))
    for days in (0, 2, 3):
        person.hears(track("a", T0 + days * DAY))
    assert person.score() == 15
    assert person.hears(track("a", T0 + DAY)).score_changes == []  # older than both
    (change,) = person.hears(track("a", T0 + 3 * DAY, id="again")).score_changes
    assert change.new == 20
    assert person.hears(track("a", T0 + 3 * DAY, id="same")).score_changes == []


def test_occurrences_of_a_window_roll_off_with_what_is_left() -> None:
    person = Person(score(fading(within="2d")))
    person.hears(track("a"))
    person.hears(track("a", T0 + DAY))
    assert person.profile.due == T0 + 2 * DAY
    changes = person.waits(T0 + 90 * DAY).score_changes
    assert told(changes) == [(15, 5, 2 * DAY), (5, 0, 3 * DAY)]
    assert [change.rule for change in changes] == ["a", "a"]
    assert person.points() == {}


def test_points_that_triggers_give_do_not_fade() -> None:
    person = Person(score(fading(), levels=LEVELS), trigger("b", points(6)))
    person.hears(track("b"))
    person.hears(track("a"))
    assert person.waits(T0 + 90 * DAY).score_changes == []
    assert told(person.hears(track("b", T0 + 90 * DAY)).score_changes) == [(16, 12, 90 * DAY)]


def test_rules_of_all_kinds_stand_in_one_score() -> None:
    held = holding({"trait": "plan", "equals": "gold"}, 3)
    person = Person(score(fading(), on("b", 1), held))
    person.hears(track("a"))
    assert person.hears(track("b", T0 + DAY)).points[0].by_rule() == {"a": 5, "b": 1}
    (last,) = person.hears(identify(T0 + 2 * DAY, plan="gold")).points
    assert last.by_rule() == {"a": 2.5, "b": 1, "held": 3}
    assert person.score() == 6.5


def test_somebody_of_whom_nothing_is_known_has_no_score() -> None:
    person = Person(score(fading(), floor=2))
    assert person.hears(track("x")).score_changes == []
    assert person.gets(score(fading(points=5), floor=2)).score_changes == []
    assert (person.profile.scores, person.score()) == ({}, 2)


def test_a_rule_that_begins_to_fade_keeps_nothing_of_what_it_held() -> None:
    person = Person(score(on("a", 10)))
    person.hears(track("a"))
    assert told(person.gets(score(fading())).score_changes) == [(10, 0, 0)]
    person.hears(track("a", T0 + DAY))
    assert person.score() == 10
    assert len(person.profile.decays or {}) == 1
    person.gets(score(on("b")))
    assert person.profile.decays == {}


# By steps


def test_points_go_step_by_step() -> None:
    person = Person(score(steps()))
    person.hears(track("a"))
    changes = person.waits(T0 + 900 * DAY).score_changes
    days = [30 * DAY * step for step in range(1, 6)]
    assert told(changes) == list(zip([10, 8, 6, 4, 2], [8, 6, 4, 2, 0], days, strict=True))
    assert {change.rule for change in changes} == {"a"}
    assert person.points() == {}
    assert person.profile.due == NEVER


def test_each_occurrence_has_steps_of_its_own() -> None:
    person = Person(score(steps(max_occurrences=2, within="40d")))
    for days in (0, 10, 20):
        person.hears(track("a", T0 + days * DAY))
    assert person.score() == 20
    changes = person.waits(T0 + 900 * DAY).score_changes
    assert told(changes) == [(20, 18, 40 * DAY), (18, 8, 50 * DAY), (8, 0, 60 * DAY)]


def test_a_share_of_points_has_two_decimals() -> None:
    person = Person(score(on("a", 7, decay={"per": "1d", "percent": 33.3})))
    person.hears(track("a"))
    values = [change.new for change in person.waits(T0 + 30 * DAY).score_changes]
    assert values == [4.67, 2.34, 0.01, 0]


# Combined


def both(**keys: Any) -> Document:
    inner = {"of": ["fit", "engagement"]} | {
        key: keys.pop(key) for key in ("matrix",) if key in keys
    }
    return {"kind": "score", "id": "both", "name": "both", "combined": inner} | keys


FIT = score(holding({"trait": "plan", "is_set": True}, 60), floor=0)
ENGAGEMENT = score(on("a", 30), id="engagement")


def of_both(changes: list[ScoreChange]) -> list[tuple[float, float, str | None]]:
    return [(each.old, each.new, each.grade) for each in changes if each.score_id == "both"]


def test_a_combined_score_has_the_sum_and_a_grade_of_both() -> None:
    person = Person(FIT, ENGAGEMENT, both())
    assert of_both(person.hears(track("a")).score_changes) == [(0, 30, "D3")]
    assert of_both(person.hears(identify(T0 + 1, plan="x")).score_changes) == [(30, 90, "B3")]
    decision = person.hears(track("a", T0 + 2))
    assert of_both(decision.score_changes) == [(90, 120, "B2")]
    assert decision.points[-1].by_rule() == {"fit": 60, "engagement": 60}
    assert decision.points[-1].by_group() == {}
    assert decision.score_changes[-1].rule is None


def test_a_grade_that_turns_is_told_though_the_sum_stays() -> None:
    rules = [
        score(holding({"trait": "plan", "equals": "x"}, 60)),
        score(holding({"trait": "plan", "equals": "y"}, 60), id="engagement"),
        both(),
    ]
    person = Person(*rules, segment({"score": "both", "grade": "B4"}))
    assert of_both(person.hears(identify(plan="x")).score_changes) == [(0, 60, "B4")]
    assert person.segments == {"s"}
    assert of_both(person.hears(identify(T0 + 1, plan="y")).score_changes) == [(60, 60, "D2")]
    assert person.segments == set()


def test_a_combined_score_goes_when_both_are_gone() -> None:
    person = Person(ENGAGEMENT, FIT, both(levels=LEVELS))
    person.hears(identify(plan="x"))
    assert set(person.profile.scores) == {"fit", "both"}
    decision = person.hears(identify(T0 + 1, plan=None))
    assert of_both(decision.score_changes) == [(60, 0, "D4")]
    assert (person.points("fit"), person.score("both")) == ({}, 0)
    assert of_both(person.gets(ENGAGEMENT, FIT, both()).score_changes) == []


def test_a_combined_score_of_which_nothing_counted_leaves_no_state() -> None:
    person = Person()
    person.hears(track("never-asked-for"))
    person.gets(score(on("a"), id="fit"), score(on("b"), id="engagement"), both())
    assert person.profile.scores == {}


def test_a_combined_score_begins_with_what_both_are_for_somebody_unknown() -> None:
    parts = score(fading(), floor=5), score(on("b"), id="engagement", floor=None, limit=-3)
    person = Person(*parts, both(matrix={"rows": {"A": 5, "B": 0}, "columns": {"1": -5, "2": -9}}))
    assert person.score("both") == 2
    person.hears(track("a"))
    assert person.score("both") == 7
    assert person.points("both") == {"fit": 10, "engagement": -3}


def test_a_part_that_fades_may_be_unknown_yet() -> None:
    person = Person(score(fading("z"), floor=5), ENGAGEMENT, both())
    assert of_both(person.hears(track("x")).score_changes) == []
    assert of_both(person.hears(track("a")).score_changes) == [(5, 35, "D3")]


def test_a_combined_score_fades_with_its_parts() -> None:
    person = Person(score(fading()), ENGAGEMENT, both(), segment({"score": "both", "at_least": 35}))
    person.hears(track("a"))
    assert person.score("both") == 40
    decision = person.waits(T0 + 90 * DAY)
    assert moves(decision) == [("s", "exited", falls(10, 5), "clock")]
    assert of_both(decision.score_changes) == [(40, 34.99, "D3")]


def test_the_grade_of_a_combined_score_turns_as_a_part_fades() -> None:
    matrix = {"rows": {"A": 5, "B": 0}, "columns": {"1": 0}}
    person = Person(score(fading()), ENGAGEMENT, both(matrix=matrix))
    person.hears(track("a"))
    assert of_both(person.waits(T0 + 90 * DAY).score_changes) == [(40, 34.99, "B1")]


def test_a_part_that_is_held_at_its_limit_moves_the_instant_of_the_sum() -> None:
    person = Person(
        score(fading(), limit=10), score(id="engagement", groups=[]), both(levels=LEVELS)
    )
    person.hears(track("a"))
    person.hears(track("a", T0, id="again"))
    (change,) = [c for c in person.waits(T0 + 90 * DAY).score_changes if c.score_id == "both"]
    assert change.at - T0 == falls(20, 5)


def test_combined_scores_may_be_combined() -> None:
    outer = {
        "kind": "score",
        "id": "all",
        "name": "all",
        "combined": {"of": ["both", "fit"]},
        "levels": {"hot": 100, "cold": 0},
    }
    wake = trigger({"level": "all", "becomes": "hot"}, tag("hot"))
    person = Person(FIT, ENGAGEMENT, both(), outer, wake)
    person.hears(identify(plan="x"))
    assert person.score("all") == 120
    assert person.profile.tags == ["hot"]
    assert person.points("all") == {"both": 60, "fit": 60}


def test_a_trigger_waits_for_the_sum_to_cross() -> None:
    crossing = trigger({"score": "both", "crosses": 60}, set_trait("seen", True))
    person = Person(FIT, ENGAGEMENT, both(), crossing)
    assert person.hears(track("a")).decisions == []
    assert len(person.hears(track("a", T0 + 1)).decisions) == 1
