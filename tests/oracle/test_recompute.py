"""Worked examples: each result was found by hand."""

import math
import uuid
from typing import Any

import pytest

from tests.oracle import fading
from tests.oracle.documents import Document, iso, version
from tests.oracle.logs import (
    DAY,
    HOUR,
    MINUTE,
    SEND,
    START,
    after,
    identify,
    log,
    moves,
    reasons,
    run,
    score,
    segment,
    track,
    trigger,
    values,
)

LATELY = segment({"event": "A", "within": "1h"})
TWICE = segment({"event": "A", "at_least": 2, "within": "1h"})


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (HOUR - 1, [("entered", 0, "m1")]),
        (HOUR, [("entered", 0, "m1"), ("exited", HOUR, "clock")]),
        (9 * HOUR, [("entered", 0, "m1"), ("exited", HOUR, "clock")]),
    ],
)
def test_window_ends_to_the_millisecond(until: int, expected: list[tuple[str, int, str]]) -> None:
    assert moves(run([LATELY], log((0, "A")), until)) == expected


def test_membership_of_two_within_an_hour_ends_with_the_second_latest() -> None:
    events = log((0, "A"), (10 * MINUTE, "A"), (65 * MINUTE, "A"))
    assert moves(run([TWICE], events, 3 * HOUR)) == [
        ("entered", 10 * MINUTE, "m2"),
        ("exited", 60 * MINUTE, "clock"),
        ("entered", 65 * MINUTE, "m3"),
        ("exited", 70 * MINUTE, "clock"),
    ]


def test_timer_comes_before_the_event_of_the_same_instant() -> None:
    assert moves(run([LATELY], log((0, "A"), (HOUR, "A")), HOUR)) == [
        ("entered", 0, "m1"),
        ("exited", HOUR, "clock"),
        ("entered", HOUR, "m2"),
    ]


def test_late_event_counts_at_its_own_time_and_is_decided_at_the_clock() -> None:
    result = run([LATELY], log((2 * HOUR, "B"), (90 * MINUTE, "A")), 9 * HOUR)
    assert moves(result) == [("entered", 2 * HOUR, "m2"), ("exited", 150 * MINUTE, "clock")]
    assert [row["late"] for row in result.segment_changes] == [True, False]


def test_late_event_whose_window_is_over_turns_nothing() -> None:
    assert moves(run([LATELY], log((2 * HOUR, "B"), (HOUR, "A")), 9 * HOUR)) == []


def test_timers_are_due_when_the_events_of_others_pass_them() -> None:
    events = [track(1, 0, "A"), track(2, 10 * HOUR, "B", "q"), track(3, 30 * MINUTE, "A")]
    assert moves(run([LATELY], events)) == [
        ("entered", 0, "m1"),
        ("exited", HOUR, "clock"),
        ("entered", HOUR, "m3"),
        ("exited", 90 * MINUTE, "clock"),
    ]


@pytest.mark.parametrize("limit", [0, 5])
def test_points_that_roll_off_move_the_clock_even_where_a_limit_hides_them(limit: int) -> None:
    rule: Document = {"id": "r", "points": 5, "on": {"event": "A"}, "within": "1h"}
    events = [track(1, 0, "A"), track(2, 9 * HOUR, "B", "q"), track(3, 30 * MINUTE, "C")]
    told = trigger({"event": "C"}, SEND)
    (command,) = run([score(rule, limit=limit), told], events).commands
    assert after(command["at"]) == HOUR


def test_part_that_turns_without_the_whole_does_not_move_the_clock() -> None:
    both = segment({"all": [{"event": "A", "within": "1h"}, {"tag": "never"}]})
    events = [track(1, 0, "A"), track(2, 9 * HOUR, "B", "q"), track(3, 30 * MINUTE, "C")]
    (command,) = run([both, trigger({"event": "C"}, SEND)], events).commands
    assert after(command["at"]) == 30 * MINUTE


def test_events_of_another_partition_do_not_move_the_clock() -> None:
    events = [track(1, 0, "A"), track(2, 10 * HOUR, "B", "q"), track(3, 30 * MINUTE, "A")]
    apart = run([LATELY], events, partition_of=lambda person: ord(person))
    assert moves(apart) == [("entered", 0, "m1"), ("exited", 90 * MINUTE, "clock")]


def test_clock_record_moves_the_clock_of_all() -> None:
    tick = {"type": "clock", "timestamp": iso(START + 10 * HOUR)}
    events = [track(1, 0, "A"), tick, track(3, 30 * MINUTE, "A")]
    assert [move[1] for move in moves(run([LATELY], events))] == [0, HOUR, HOUR, 90 * MINUTE]


def test_repeated_message_changes_nothing_for_a_week_of_log_time() -> None:
    events = [track(1, 0, "A"), track(1, 5 * MINUTE, "A"), track(1, 7 * DAY + 5 * MINUTE, "A")]
    result = run([TWICE, score({"id": "r", "points": 1, "on": {"event": "A"}})], events)
    assert result.duplicates == ["m1"]
    assert values(result) == [(0, 1), (7 * DAY + 5 * MINUTE, 2)]


def test_same_message_id_of_two_people_is_two_messages() -> None:
    result = run([LATELY], [track(1, 0, "A"), track(1, 0, "A", "q")], 0)
    assert [row["profile_id"] for row in result.segments] == ["p", "q"]


def test_event_later_than_a_week_is_left_out() -> None:
    ever = segment({"event": "A"})
    events = [track(1, 8 * DAY, "B", "q"), track(2, DAY - 1, "A"), track(3, DAY, "A", "r")]
    result = run([ever], events)
    assert result.too_late == ["m2"]
    assert moves(result) == [("entered", DAY, "m3")]


def test_lateness_is_measured_inside_the_partition() -> None:
    events = [track(1, 8 * DAY, "B", "q"), track(2, 0, "A")]
    assert run([LATELY], events, partition_of=lambda person: ord(person)).too_late == []


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("within_last", [("entered", 5 * DAY, "clock"), ("exited", 6 * DAY, "clock")]),
        ("within_next", [("entered", 4 * DAY, "clock"), ("exited", 5 * DAY, "clock")]),
        ("older_than", [("entered", 6 * DAY, "clock")]),
    ],
)
def test_trait_dates_turn_by_the_clock(operator: str, expected: list[tuple[str, int, str]]) -> None:
    dated = segment({"trait": "deal.ends", operator: "1d"})
    events = [identify(1, 0, deal={"ends": iso(START + 5 * DAY)})]
    assert moves(run([dated], events, 30 * DAY)) == expected


def test_trait_holds_the_value_of_the_latest_time_and_of_ties_the_later_in_the_log() -> None:
    def plan(is_now: str) -> Document:
        return segment({"trait": "plan", "equals": is_now}, id=is_now)

    events = [
        identify(1, HOUR, plan="a"),
        identify(2, 0, plan="b"),
        identify(3, HOUR, plan="c", city="x"),
    ]
    result = run([plan("a"), plan("b"), plan("c")], events)
    assert [row["segment_id"] for row in result.segments] == ["c"]
    assert moves(result) == [
        ("entered", HOUR, "m1"),
        ("exited", HOUR, "m3"),
        ("entered", HOUR, "m3"),
    ]


def test_what_has_not_happened_holds_from_the_first_event_on() -> None:
    never = segment({"event": "A", "at_most": 0})
    assert moves(run([never], log((5, "B"), (HOUR, "A")))) == [
        ("entered", 5, "m1"),
        ("exited", HOUR, "m2"),
    ]


def test_since_counts_from_an_instant_on() -> None:
    late = segment({"event": "A", "since": iso(START + 10), "at_least": 2})
    assert moves(run([late], log((9, "A"), (10, "A"), (11, "A")))) == [("entered", 11, "m3")]


def test_points_roll_off_and_occurrences_are_capped_inside_the_window() -> None:
    rule: Document = {
        "id": "r",
        "points": 3,
        "on": {"event": "A"},
        "within": "1h",
        "max_occurrences": 2,
    }
    events = log((0, "A"), (1, "A"), (2, "A"))
    assert values(run([score(rule)], events, DAY)) == [
        (0, 3),
        (1, 6),
        (HOUR + 1, 3),
        (HOUR + 2, 0),
    ]


def test_each_value_of_a_property_counts_once_while_its_latest_occurrence_does() -> None:
    rule: Document = {"id": "r", "points": 3, "on": {"event": "A"}, "per": "n"}
    events = [track(n, n, "A", n=value) for n, value in enumerate(["x", "y", "x", None, "z"])]
    assert values(run([score(rule)], events, DAY)) == [(0, 3), (1, 6), (4, 9)]
    assert values(run([score(rule | {"max_occurrences": 1})], events, DAY)) == [(0, 3)]
    rolling = run([score(rule | {"within": "1h"})], events, DAY)
    assert values(rolling)[3:] == [(HOUR + 1, 6), (HOUR + 2, 3), (HOUR + 4, 0)]


def test_what_held_when_the_score_moved_is_recommended() -> None:
    advice = [{"level": "hot", "text": "call"}, {"when": {"event": "B"}, "text": "é"}]
    scored = score({"id": "r", "points": 1, "on": {"event": "A"}}, recommendations=advice)
    scored["levels"] = {"hot": 2, "cold": 0}
    events = log((0, "A"), (1, "B"), (2, "A"))
    (row,) = run([scored], events[:2]).scores
    assert (row["recommendations"], row["groups"]) == ("[]", '{"g":1}')
    (row,) = run([scored], events).scores
    assert row["recommendations"] == '["call","é"]'


def test_groups_are_clamped_before_the_score_is() -> None:
    groups = [
        {"id": "up", "limit": 10, "rules": [{"id": "a", "points": 7, "on": {"event": "A"}}]},
        {"id": "down", "floor": -4, "rules": [{"id": "b", "points": -3, "on": {"event": "B"}}]},
    ]
    whole: Document = {"kind": "score", "id": "score", "groups": groups, "floor": -2, "limit": 9}
    events = log((0, "A"), (1, "A"), (2, "B"), (3, "B"), (4, "B"))
    assert values(run([whole], events)) == [(0, 7), (1, 9), (2, 7), (3, 6)]
    assert values(run([whole], log((0, "B"), (1, "B"), (2, "A")))) == [(0, -2), (2, 3)]


def test_score_change_names_the_one_rule_that_moved() -> None:
    one: Document = {"id": "one", "points": 1, "on": {"event": "A"}}
    other: Document = {"id": "other", "points": 1, "when": {"event": "A", "at_least": 2}}
    result = run([score(one, other)], log((0, "A"), (1, "A")))
    assert [row["rule"] for row in result.score_changes] == ["one", None]


def decaying(decay: Document, **keys: Any) -> Document:
    return score({"id": "r", "points": 8, "on": {"event": "A"}, "decay": decay} | keys)


def falls(points: float, to: float, half_life: int) -> int:
    """Returns the ms after which points by half-life are rounded to less than a number."""
    return math.ceil(math.log2(points / (to - 0.005)) * half_life)


def test_points_fade_by_half_in_each_half_life() -> None:
    halving = decaying({"half_life": "1h"})
    events = log((0, "A"), (HOUR, "A"), (3 * HOUR, "A"))
    assert values(run([halving], events, DAY)) == [(0, 8), (HOUR, 12), (3 * HOUR, 11)]
    two = decaying({"half_life": "1h"}, max_occurrences=2)
    assert values(run([two], events, DAY)) == [(0, 8), (HOUR, 12), (3 * HOUR, 10)]
    short = decaying({"half_life": "1h"}, within="2h")
    assert values(run([short], log((0, "A"), (HOUR, "A")), DAY)) == [
        (0, 8),
        (HOUR, 12),
        (2 * HOUR, 4),
        (3 * HOUR, 0),
    ]


def test_points_go_by_steps_of_a_period() -> None:
    steps = decaying({"per": "1h", "percent": 25})
    assert values(run([steps], log((0, "A"), (30, "A")), DAY)) == [
        (0, 8),
        (30, 16),
        (HOUR, 14),
        (HOUR + 30, 12),
        (2 * HOUR, 10),
        (2 * HOUR + 30, 8),
        (3 * HOUR, 6),
        (3 * HOUR + 30, 4),
        (4 * HOUR, 2),
        (4 * HOUR + 30, 0),
    ]


def test_fading_turns_what_asks_for_a_number_and_nothing_else() -> None:
    halving = decaying({"half_life": "1h"}) | {"levels": {"hot": 4, "cold": 0}}
    asking = segment({"score": "score", "greater_than": 2})
    result = run([halving, asking], log((0, "A")), DAY)
    hot, over = falls(8, 4, HOUR), falls(8, 2.01, HOUR)
    assert values(result) == [(0, 8), (hot, 3.99), (over, 2)]
    assert moves(result) == [("entered", 0, "m1"), ("exited", over, "clock")]
    assert [row["rule"] for row in result.score_changes] == ["r", None, None]
    assert [row["breakdown"] for row in result.scores] == ['{"r":2}']


def test_combined_score_adds_up_and_grades_by_both() -> None:
    fit = decaying({"half_life": "1h"}) | {"id": "fit"}
    other = score({"id": "r", "points": 3, "on": {"event": "B"}})
    matrix = {"rows": {"A": 4, "B": 0}, "columns": {"1": 6, "2": 0}}
    both: Document = {
        "kind": "score",
        "id": "both",
        "combined": {"of": ["fit", "score"], "matrix": matrix},
    }
    lone = segment({"score": "both", "grade": "B2"})
    result = run([fit, other, both, lone], log((0, "A"), (0, "B")), DAY)
    told = [row for row in result.score_changes if row["score_id"] == "both"]
    assert [(row["old"], row["new"]) for row in told] == [(0, 8), (8, 11), (11, 6.99)]
    assert moves(result) == [("entered", falls(8, 4, HOUR), "clock")]
    ended = {row["score_id"]: (row["grade"], row["breakdown"]) for row in result.scores}
    assert ended["both"] == ("B2", '{"fit":3.99,"score":3}')


@pytest.mark.parametrize(
    ("rates", "wanted"),
    [
        ({0.0: -1, 1.0: 2}, [1]),
        ({0.0: 1}, []),
        ({0.0: 1, 1.0: 2}, []),
        ({0.0: 0.1875, 1.0: -1, 2.0: 1}, [math.log2(4 / 3), 2]),
    ],
)
def test_zeros_of_exponentials(rates: dict[float, float], wanted: list[float]) -> None:
    assert fading.zeros(rates, 0, 100) == pytest.approx(wanted)


def test_threshold_is_crossed_up_when_reached_and_down_when_left() -> None:
    rule: Document = {"id": "r", "points": 10, "on": {"event": "A"}, "within": "1h"}
    definitions = [
        score(rule, levels={"hot": 20, "cold": 0}),
        trigger({"score": "score", "crosses": 20}, SEND, id="up"),
        trigger({"score": "score", "crosses": 20, "direction": "down"}, SEND, id="down"),
        trigger({"score": "score", "crosses": 20, "direction": "either"}, SEND, id="either"),
        trigger({"level": "score", "becomes": "hot"}, SEND, id="hot"),
        trigger({"level": "score", "becomes": "cold"}, SEND, id="cold"),
    ]
    events = log((0, "A"), (1, "A"), (2, "A"))
    result = run(definitions, events, DAY)
    fired = [(row["definition_id"], after(row["at"])) for row in result.decisions]
    assert fired == [
        ("either", 1),
        ("hot", 1),
        ("up", 1),
        ("cold", HOUR + 1),
        ("down", HOUR + 1),
        ("either", HOUR + 1),
    ]


def test_limit_frees_a_place_exactly_when_its_window_is_over() -> None:
    limited = trigger({"event": "A"}, SEND, limit={"times": 2, "within": "1h"})
    events = log((0, "A"), (1, "A"), (2, "A"), (HOUR - 1, "A"), (HOUR, "A"), (HOUR, "A"))
    assert [reason for _, reason in reasons(run([limited], events))] == [
        "fired",
        "fired",
        "limit",
        "limit",
        "fired",
        "limit",
    ]


def test_condition_is_asked_before_the_limit() -> None:
    once = trigger(
        {"event": "A"}, SEND, when={"property": "size", "at_least": 2}, limit={"times": 1}
    )
    events = [track(n, n, "A", size=size) for n, size in enumerate([1, 2, 1, 2])]
    assert [reason for _, reason in reasons(run([once], events))] == [
        "condition",
        "fired",
        "condition",
        "limit",
    ]


def test_where_that_does_not_fit_is_no_decision() -> None:
    only = trigger({"event": "A", "where": [{"property": "size", "equals": 2}]}, SEND)
    assert reasons(run([only], [track(1, 0, "A", size=1), track(2, 1, "A", size=2.0)])) == [
        ("t", "fired")
    ]


def test_id_of_a_command_is_derived() -> None:
    only = trigger({"event": "A"}, {"add_tag": "x"}, SEND)
    (command,) = run([only], log((0, "A"))).commands
    name = f'["t","{version(only)}","p","1","m1"]'
    space = uuid.UUID("b5f5c0de-9f0a-5b6e-8c1d-6265636b6f6e")
    assert command["id"] == str(uuid.uuid5(space, name))
    assert (command["step"], command["occurrence"]) == ("1", "m1")


def test_occurrence_names_the_timer_and_the_round() -> None:
    definitions = [
        LATELY,
        segment({"tag": "gone"}, id="gone"),
        trigger({"segment": "s", "change": "exited"}, {"add_tag": "gone"}, SEND, id="first"),
        trigger({"segment": "gone", "change": "entered"}, SEND, id="second"),
    ]
    commands = run(definitions, log((0, "A")), DAY).commands
    assert [command["occurrence"] for command in commands] == [
        f"clock@{START + HOUR}",
        f"clock@{START + HOUR}#1",
    ]


def test_triggers_of_a_round_see_what_those_before_them_did_but_not_its_consequences() -> None:
    definitions = [
        segment({"tag": "x"}),
        trigger({"event": "A"}, {"add_tag": "x"}, id="z-first", priority=9),
        trigger({"event": "A"}, SEND, id="a-tag", when={"tag": "x"}),
        trigger({"event": "A"}, SEND, id="b-segment", when={"segment": "s"}),
        trigger({"segment": "s", "change": "entered"}, SEND, id="c-next", when={"segment": "s"}),
    ]
    assert reasons(run(definitions, log((0, "A")))) == [
        ("z-first", "fired"),
        ("a-tag", "fired"),
        ("b-segment", "condition"),
        ("c-next", "fired"),
    ]


def test_emitted_event_is_handled_after_the_rounds_of_its_cause() -> None:
    definitions = [
        segment({"event": "B"}),
        trigger({"event": "A"}, {"emit": {"event": "B", "properties": {"n": 1}}}, id="emits"),
        trigger({"event": "B"}, SEND, id="hears", when={"property": "n", "equals": 1}),
    ]
    result = run(definitions, log((0, "A")))
    (command,) = result.commands
    assert command["occurrence"].startswith("emit-")
    assert moves(result) == [("entered", 0, command["occurrence"])]


def test_event_that_emits_itself_ends_at_depth_eight() -> None:
    echo = trigger({"event": "A"}, {"emit": {"event": "A"}})
    result = run([echo, score({"id": "r", "points": 1, "on": {"event": "A"}})], log((0, "A")))
    assert reasons(result) == [("t", "fired")] * 9
    assert values(result) == [(0, n) for n in range(1, 10)]


def test_traits_that_set_each_other_end_after_sixteen_rounds() -> None:
    definitions = [
        trigger(
            {"trait": "mood", "becomes": mood},
            {"set_trait": {"trait": "mood", "value": other}},
            id=f"from-{mood}",
        )
        for mood, other in (("up", "down"), ("down", "up"))
    ]
    decided = reasons(run(definitions, [identify(1, 0, mood="up")]))
    assert decided == [("from-up", "fired"), ("from-down", "fired")] * 8 + [("from-up", "loop")]


def test_trait_that_is_set_to_what_it_was_has_not_changed() -> None:
    changes = trigger({"trait": "a.b", "changes": True}, SEND)
    events = [
        identify(1, 0, a={"b": 1, "c": 1}),
        identify(2, 1, a={"b": 1.0, "c": 2}),
        identify(3, 2, a={"c": 3}),
        identify(4, 3, a={"b": None}),
    ]
    commands = run([changes], events).commands
    assert [command["occurrence"] for command in commands] == ["m1", "m3"]


def test_points_of_a_trigger_stay_and_move_the_score_a_round_later() -> None:
    definitions = [
        score(levels={"some": 5, "none": 0}, limit=8),
        trigger({"event": "A"}, {"add_points": {"score": "score", "points": 5}}, id="gives"),
        trigger({"level": "score", "becomes": "some"}, SEND, id="sees"),
    ]
    result = run(definitions, log((0, "A"), (1, "A")))
    assert values(result) == [(0, 5), (1, 8)]
    assert [command["occurrence"] for command in result.commands] == ["m1#1"]
    assert [(row["value"], row["level"]) for row in result.scores] == [(8, "some")]


def test_account_is_what_group_events_told() -> None:
    big = segment({"account": "staff", "greater_than": 10})
    told = identify(1, 0, staff=20) | {"type": "group", "groupId": "g"}
    assert moves(run([big], [identify(2, 0, staff=20), told])) == [("entered", 0, "m1")]
