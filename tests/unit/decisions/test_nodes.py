"""Nodes: rules hold points, scores add up, segments let in and out; by facts and by the clock."""

import pytest

from processors.decisions.nodes import set_timer
from processors.state.profiles import NEVER, Profile
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Person,
    group,
    holding,
    identify,
    moves,
    on,
    score,
    segment,
    tag,
    track,
    trigger,
)


def scored(person: Person) -> float:
    return person.score()


# Timers


def test_a_timer_is_set_moved_and_taken_away() -> None:
    profile = Profile()
    set_timer(profile, 1, 10)
    set_timer(profile, 1, 20)
    assert profile.timers == {1: 20}
    set_timer(profile, 1, NEVER)
    set_timer(profile, 1, NEVER)
    assert profile.timers == {}


# Segments


def test_a_segment_is_left_by_a_timer_and_no_event() -> None:
    person = Person(segment({"event": "a", "within": "7d"}))
    assert moves(person.hears(track("a"))) == [("s", "entered", 0, f"a@{T0}")]
    assert person.profile.due == T0 + 7 * DAY
    assert moves(person.waits(T0 + 7 * DAY - 1)) == []
    assert person.segments == {"s"}
    assert moves(person.waits(T0 + 7 * DAY)) == [("s", "exited", 7 * DAY, "clock")]
    assert person.profile.due == NEVER


def test_a_timer_that_fires_late_is_still_at_its_own_time() -> None:
    person = Person(segment({"event": "a", "within": "7d"}))
    person.hears(track("a"))
    assert moves(person.waits(T0 + 90 * DAY)) == [("s", "exited", 7 * DAY, "clock")]
    assert person.profile.clock == T0 + 7 * DAY


def test_an_occurrence_moves_the_end_of_a_membership() -> None:
    person = Person(segment({"event": "a", "within": "7d"}))
    person.hears(track("a"))
    assert moves(person.hears(track("a", T0 + DAY))) == []
    assert moves(person.waits(T0 + 8 * DAY - 1)) == []
    assert moves(person.waits(T0 + 8 * DAY)) == [("s", "exited", 8 * DAY, "clock")]


def test_membership_remembers_since_when() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(track("b"))
    person.hears(track("a", T0 + 5))
    person.hears(track("a", T0 + 9))
    assert person.profile.segments == {"s": T0 + 5}


def test_a_segment_is_entered_by_the_clock_alone() -> None:
    person = Person(segment({"not": {"event": "a", "within": "7d"}}, "quiet"))
    assert moves(person.hears(track("a"))) == []
    assert moves(person.waits(T0 + 7 * DAY)) == [("quiet", "entered", 7 * DAY, "clock")]


def test_segments_follow_segments_in_the_same_instant() -> None:
    person = Person(
        segment({"not": {"segment": "m"}}, "a"),
        segment({"event": "e", "within": "1h"}, "z"),
        segment({"segment": "z"}, "m"),
    )
    entered = [one for one, *_ in moves(person.hears(track("e")))]
    assert entered == ["z", "m"]
    left = moves(person.waits(T0 + HOUR))
    assert left == [
        ("z", "exited", HOUR, "clock"),
        ("m", "exited", HOUR, "clock"),
        ("a", "entered", HOUR, "clock"),
    ]


def test_a_person_that_nothing_is_known_of_is_in_no_segment() -> None:
    person = Person(segment({"not": {"event": "a"}}))
    assert person.segments == set()
    assert moves(person.hears(track("b"))) == [("s", "entered", 0, f"b@{T0}")]


# Rules


def test_a_rule_adds_points_at_each_occurrence() -> None:
    person = Person(score(on("a", 10)))
    for times in (1, 2, 3):
        person.hears(track("a", T0 + times))
        assert scored(person) == 10 * times
    assert person.profile.due == NEVER


def test_at_most_so_many_occurrences_count() -> None:
    person = Person(score(on("a", 10, max_occurrences=2)))
    values = []
    for n in range(4):
        person.hears(track("a", T0 + n))
        values.append(scored(person))
    assert values == [10, 20, 20, 20]


def test_rules_of_different_ceilings_share_a_count() -> None:
    person = Person(
        score(on("a", 10, max_occurrences=2), on("a", 1, "all"), floor=None),
        segment({"event": "a", "at_least": 3}),
    )
    for n in range(4):
        person.hears(track("a", T0 + n))
    assert scored(person) == 24
    assert len(person.profile.counts) == 1


def test_points_roll_off_to_the_millisecond() -> None:
    person = Person(score(on("a", 10, within="1h")))
    person.hears(track("a", T0))
    person.hears(track("a", T0 + 10))
    assert scored(person) == 20
    seen = []
    for after in (HOUR - 1, HOUR, HOUR + 9, HOUR + 10):
        person.waits(T0 + after)
        seen.append(scored(person))
    assert seen == [20, 10, 10, 0]
    assert person.points() == {}


def test_within_a_window_at_most_so_many_count() -> None:
    """Of three, the latest two count: the points fall when the second latest rolls off."""
    person = Person(score(on("a", 10, within="1h", max_occurrences=2)))
    for at in (0, 10, 20):
        person.hears(track("a", T0 + at))
    assert scored(person) == 20
    seen = []
    for after in (HOUR, HOUR + 9, HOUR + 10, HOUR + 19, HOUR + 20):
        person.waits(T0 + after)
        seen.append(scored(person))
    assert seen == [20, 20, 10, 10, 0]


def test_a_ceiling_in_a_window_has_room_again_when_it_rolls() -> None:
    person = Person(score(on("a", 10, within="1h", max_occurrences=1)))
    person.hears(track("a", T0))
    person.hears(track("a", T0 + HOUR - 1))
    person.waits(T0 + HOUR)
    assert scored(person) == 10
    person.waits(T0 + 2 * HOUR - 1)
    assert scored(person) == 0


def test_narrow_and_wide_windows_share_their_times() -> None:
    person = Person(
        score(on("a", 1, "narrow", within="1h"), on("a", 10, "wide", within="1d")),
        segment({"event": "a", "within": "1h", "at_least": 2}),
    )
    person.hears(track("a", T0))
    person.hears(track("a", T0 + 2 * HOUR))
    assert scored(person) == 21
    assert person.segments == set()
    assert len(person.profile.times) == 1


def test_points_are_held_while_a_condition_is_true() -> None:
    person = Person(score(holding({"trait": "plan", "equals": "gold"}, 10)))
    person.hears(identify(plan="gold"))
    assert scored(person) == 10
    person.hears(identify(T0 + 1, plan="silver"))
    assert scored(person) == 0


def test_points_are_held_until_an_instant() -> None:
    person = Person(score(holding({"trait": "trial", "within_next": "1d"}, 10)))
    decision = person.hears(identify(trial=iso(T0 + 2 * DAY)))
    assert scored(person) == 0
    decision = person.waits(T0 + DAY)
    assert (scored(person), decision.score_changes[0].at) == (10, T0 + DAY)
    decision = person.waits(T0 + 2 * DAY)
    assert (scored(person), decision.score_changes[0].at) == (0, T0 + 2 * DAY)


def test_points_may_be_negative() -> None:
    person = Person(score(on("buy", 10), on("return", -15), floor=None))
    person.hears(track("buy"))
    person.hears(track("return", T0 + 1))
    assert scored(person) == -5


# Scores


def test_a_group_has_bounds_of_its_own() -> None:
    person = Person(
        score(groups=[group(on("a", 30), limit=50), group(on("b", -9), id="h", floor=-10)])
    )
    for n in range(2):
        person.hears(track("a", T0 + n))
        person.hears(track("b", T0 + n))
    assert scored(person) == 40


def test_a_change_tells_old_new_level_and_rule() -> None:
    person = Person(
        score(on("a", 30), levels={"hot": 50, "cold": 0}, grades={"A": 30, "B": 0}, limit=55)
    )
    person.hears(track("a"))
    (change,) = person.hears(track("a", T0 + 7)).score_changes
    assert (change.old, change.new, change.level, change.grade) == (30, 55, "hot", "A")
    assert (change.rule, change.at, change.cause, change.late) == (
        "a",
        T0 + 7,
        f"a@{T0 + 7}",
        False,
    )


def test_where_several_rules_move_a_score_none_is_named() -> None:
    person = Person(score(on("a", 1, "one"), on("a", 2, "two"), on("b", 1, "three")))
    assert [each.rule for each in person.hears(track("a")).score_changes] == [None]
    assert [each.rule for each in person.hears(track("b")).score_changes] == ["three"]


def test_a_rule_that_moved_behind_a_clamp_is_not_named_later() -> None:
    person = Person(score(on("a", 10, "one"), on("b", -5, "two"), limit=10))
    person.hears(track("a"))
    assert person.hears(track("a", T0 + 1)).score_changes == []
    person.hears(track("b", T0 + 2))
    person.hears(track("b", T0 + 3))
    (change,) = person.hears(track("b", T0 + 4)).score_changes
    assert (change.rule, change.old, change.new) == ("two", 10, 5)


def test_a_score_that_never_moved_leaves_no_state() -> None:
    person = Person(score(on("a"), floor=5), score(on("b"), id="other"))
    assert person.hears(track("c")).score_changes == []
    assert person.profile.scores == {}


def test_a_score_begins_at_its_empty_value() -> None:
    person = Person(score(on("a", 7), floor=5))
    (change,) = person.hears(track("a")).score_changes
    assert (change.old, change.new) == (5, 7)


def test_points_that_hold_for_everybody_come_with_the_first_event() -> None:
    person = Person(score(holding({"not": {"event": "never"}}, 10)))
    (change,) = person.hears(track("anything")).score_changes
    assert (change.old, change.new, change.rule) == (0, 10, "held")


def test_points_of_nothing_change_nothing() -> None:
    person = Person(score(on("a", 0)))
    assert person.hears(track("a")).score_changes == []
    assert person.profile.scores == {}


def test_segments_follow_scores_in_the_same_instant() -> None:
    person = Person(
        score(on("a", 10, within="1h"), levels={"hot": 10, "cold": 0}, id="z"),
        segment({"score": "z", "level": "hot"}, "a"),
    )
    assert moves(person.hears(track("a"))) == [("a", "entered", 0, f"a@{T0}")]
    assert moves(person.waits(T0 + HOUR)) == [("a", "exited", HOUR, "clock")]


def test_scores_follow_segments_and_scores() -> None:
    person = Person(
        segment({"event": "a"}),
        score(holding({"segment": "s"}, 10), id="one"),
        score(holding({"score": "one", "at_least": 10}, 5), id="a-two"),
    )
    person.hears(track("a"))
    assert (person.score("one"), person.score("a-two")) == (10, 5)


# The clock


def test_points_that_turn_behind_a_clamp_move_the_clock() -> None:
    person = Person(score(on("a", 10, within="1h"), limit=5), segment({"event": "b"}))
    person.hears(track("a"))
    person.hears(track("a", T0 + 1))
    decision = person.waits(T0 + HOUR)
    assert (decision.score_changes, person.profile.clock) == ([], T0 + HOUR)
    (change,) = person.hears(track("b", T0 + 2)).segment_changes
    assert (change.at, change.late) == (T0 + HOUR, True)


def test_timers_fire_in_the_order_in_which_they_are_due() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}, "short"),
        segment({"event": "a", "within": "1d"}, "long"),
        segment({"event": "a", "within": "3d"}, "longest"),
    )
    person.hears(track("a"))
    assert [(one, at) for one, _, at, _ in moves(person.waits(T0 + 2 * DAY))] == [
        ("short", HOUR),
        ("long", DAY),
    ]
    assert person.profile.due == T0 + 3 * DAY


def test_timers_of_one_instant_fire_together_in_the_order_of_evaluation() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}, "b"),
        segment({"event": "a", "within": "1h"}, "a"),
        segment({"all": [{"segment": "a", "is": "out"}, {"segment": "b"}]}, "between"),
    )
    person.hears(track("a"))
    decision = person.waits(T0 + HOUR)
    assert [one for one, *_ in moves(decision)] == ["a", "b"]
    assert decision.fired == 2


@pytest.mark.parametrize("at", [HOUR, HOUR + 1, DAY])
def test_a_timer_fires_before_an_event_of_the_same_instant_or_later(at: int) -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a"))
    decision = person.hears(track("a", T0 + at))
    assert [(change, when) for _, change, when, _ in moves(decision)] == [
        ("exited", HOUR),
        ("entered", at),
    ]


def test_a_tag_lets_in_through_a_trigger() -> None:
    person = Person(segment({"tag": "vip"}), trigger("a", tag("vip")))
    assert [one for one, *_ in moves(person.hears(track("a")))] == ["s"]


def test_a_rule_counts_no_more_than_its_most_where_another_one_keeps_more() -> None:
    rules = (on("a", 10, "few", within="7d", max_occurrences=1), on("a", 1, "all", within="7d"))
    person = Person(score(*rules))
    for at in range(3):
        person.hears(track("a", T0 + at))
    assert scored(person) == 13


def test_a_score_that_was_told_is_told_again_when_only_its_bounds_change() -> None:
    person = Person(score(on("a", 10, within="1h"), id="fit"))
    person.hears(track("a"))
    person.waits(T0 + HOUR)
    changes = person.gets(score(on("a", 10, within="1h"), id="fit", floor=5)).score_changes
    assert [(each.old, each.new) for each in changes] == [(0, 5)]


def test_the_record_of_a_score_goes_with_it_though_all_its_points_were_gone() -> None:
    person = Person(score(on("a", 10, within="1h"), id="fit"))
    person.hears(track("a"))
    person.waits(T0 + HOUR)
    assert person.gets(segment({"tag": "x"})).removed == [("score", "p", "fit")]


def test_a_score_that_was_never_told_is_told_once_it_is_not_as_if_nothing_counted() -> None:
    """Held at its floor it was what it is for everybody; without the floor it is not."""
    person = Person(score(on("a", -10), id="fit", floor=5))
    assert person.hears(track("a")).score_changes == []
    changes = person.gets(score(on("a", 5), id="fit")).score_changes
    assert [(each.old, each.new) for each in changes] == [(0, 5)]
