"""Segments, lists, scores and triggers as they are for a person, and how they came to be so."""

from typing import Any

import pytest

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.explanations import building, futures, histories, trees
from processors.explanations.histories import Entry
from processors.operations.errors import OperationFailed
from tests.builders import (
    DAY,
    HOUR,
    T0,
    emit,
    encoded,
    group,
    holding,
    identify,
    joins,
    on,
    points,
    score,
    segment,
    static_list,
    track,
    trigger,
)
from tests.unit.explanations.asked import explained

RECENT = segment({"event": "a", "within": "1h"}, "recent")


def recent(*times: int, at_ms: int | None = None) -> trees.Segment:
    log = [track("a", T0 + at) for at in times] or [track("z")]
    return explained([RECENT], log, at_ms=at_ms).segments[0]


def test_member_is_in_since_an_event_and_until_the_window_ends() -> None:
    found = recent(0, 5)
    assert (found.member, found.since, found.until) == (True, T0, T0 + 5 + HOUR)
    assert found.cause == f"a@{T0}"


def test_who_has_left_is_out_since_then() -> None:
    found = recent(0, at_ms=T0 + DAY)
    assert (found.member, found.since, found.cause) == (False, T0 + HOUR, "clock")
    assert found.until is None


def test_who_never_was_in_is_out_since_the_first_event() -> None:
    found = recent()
    assert (found.member, found.since, found.cause, found.until) == (False, None, None, None)


def test_change_that_does_not_fit_the_profile_is_not_taken_for_its_cause() -> None:
    """As where the topic has lost the exit, or the profile is older than the log."""
    definitions = sets.from_documents([RECENT, score(on("a"))])
    ready = compile_set(definitions)
    history = histories.recall(ready, [Entry("f:1", None, encoded(track("a")))], "p")
    del history.profile.segments["recent"]
    history.profile.scores["fit"].value = 7
    chosen = building.choose(definitions, None)
    found = building.explain(definitions, ready, history, chosen)
    assert (found.segments[0].since, found.segments[0].cause) == (None, None)
    assert (found.scores[0].since, found.scores[0].cause) == (None, None)


def test_explaining_leaves_the_profile_as_it_was() -> None:
    definitions = sets.from_documents([RECENT, score(on("a"))])
    ready = compile_set(definitions)
    history = histories.recall(ready, [Entry("f:1", None, encoded(track("a")))], "p")
    before = futures.copy(history.profile)
    building.explain(definitions, ready, history, building.choose(definitions, None))
    assert history.profile == before


def test_list_is_told() -> None:
    documents = [
        static_list("l"),
        static_list("m"),
        trigger("a", {"add_to_list": "l"}),
        RECENT,
        trigger({"segment": "recent", "change": "exited"}, {"remove_from_list": "l"}, id="out"),
    ]
    found = explained(documents, [track("a")]).lists
    assert [(each.id, each.member, each.until) for each in found] == [
        ("l", True, T0 + HOUR),
        ("m", False, None),
    ]


def fit(*groups: object, **keys: object) -> trees.Score:
    log = [track("a", T0 + at) for at in range(4)]
    document = score(groups=list(groups)) | keys
    adding = trigger("b", points(3))
    return explained([document, adding], [*log, track("b", T0 + 9)], name="fit").scores[0]


def test_points_of_each_rule_and_what_limits_took_add_up_to_the_value() -> None:
    found = fit(
        group(on("a", 5), limit=12),
        group(holding({"event": "b"}, -7), id="h", floor=-2),
        limit=11,
    )
    first, second = found.groups
    assert (first.points, first.cut, first.rules[0].points) == (12, 8, 20)
    assert (second.points, second.cut, second.rules[0].points) == (-2, -5, -7)
    assert (found.added, found.cut, found.value) == (3, 2, 11)
    assert (found.since, found.cause) == (T0 + 9, f"b@{T0 + 9}")


def test_level_and_grade_stand_beside_the_value() -> None:
    found = fit(group(on("a", 5)), levels={"hot": 20, "cold": 0}, grades={"A": 90, "B": 0})
    assert (found.value, found.level, found.grade) == (23, "hot", "B")


def test_score_of_somebody_without_points_is_its_empty_value() -> None:
    found = explained([score(on("x"), floor=5)], [track("a")]).scores[0]
    assert (found.value, found.cut, found.since, found.until) == (5, -5, None, None)


@pytest.mark.parametrize(
    ("keys", "counting"),
    [
        ({"max_occurrences": 2}, [True, True, False, False]),
        ({"max_occurrences": 2, "within": "1h"}, [False, False, True, True]),
        ({"within": "1h"}, [True] * 4),
    ],
)
def test_occurrences_beyond_the_maximum_do_not_count(
    keys: dict[str, Any], counting: list[bool]
) -> None:
    (rule,) = fit(group(on("a", 5, **keys))).groups[0].rules
    assert [each.counts for each in rule.events] == counting
    assert rule.points == 5 * sum(counting)
    assert rule.on is not None
    assert rule.on.startswith("on: {event: a}")


@pytest.mark.parametrize(
    ("keys", "shown", "counting"),
    [
        ({}, [0, 1], [True, True]),
        ({"max_occurrences": 1}, [0, 1], [True, False]),
        ({"within": "1h"}, [1, 3], [True, True]),
        ({"within": "1h", "max_occurrences": 1}, [1, 3], [False, True]),
    ],
)
def test_of_a_rule_once_per_value_one_event_of_each_is_told(
    keys: dict[str, Any], shown: list[int], counting: list[bool]
) -> None:
    told: list[dict[str, Any]] = [{"n": 1}, {"n": "x"}, {}, {"n": 1.0}]
    log = [track("a", T0 + at, **each) for at, each in enumerate(told)]
    document = score(on("a", 5, per="n", **keys))
    (rule,) = explained([document], log, name="fit").scores[0].groups[0].rules
    assert [each.at - T0 for each in rule.events] == shown
    assert [each.counts for each in rule.events] == counting
    assert (rule.points, rule.each) == (5 * sum(counting), 5)
    assert rule.on is not None
    assert "per: n" in rule.on


def test_points_that_roll_off_say_when() -> None:
    found = fit(group(on("a", 5, within="1h"), on("a", 1, id="ever")))
    rolling, ever = found.groups[0].rules
    assert (rolling.until, ever.until, found.until) == (T0 + HOUR, None, T0 + HOUR)
    assert [each.until for each in rolling.events] == [T0 + HOUR + at for at in range(4)]
    assert [each.until for each in ever.events] == [None] * 4


WHEN = {"trait": "plan", "equals": 1}


def test_trigger_tells_each_decision_with_its_reason() -> None:
    document = trigger("a", when=WHEN, limit={"times": 1, "within": "1d"})
    log = [track("a"), identify(T0 + 1, plan=1), track("a", T0 + 2), track("a", T0 + 3)]
    found = explained([document], log).triggers[0]
    assert [(each.outcome, each.reason, each.at - T0) for each in found.decisions] == [
        ("no", "condition", 0),
        ("yes", "fired", 2),
        ("no", "limit", 3),
    ]
    assert (found.fired, found.refused) == (1, {"condition": 1, "limit": 1})
    assert (found.on, found.at_hand) == ("event: a", None)
    assert found.when is not None
    assert found.when.holds


def limit_at(at_ms: int, **keys: object) -> trees.Limit | None:
    document = trigger("a", limit={"times": 2} | keys)
    log = [track("a"), track("a", T0 + 5)]
    return explained([document], log, at_ms=at_ms).triggers[0].limit


def test_limit_that_is_reached_says_when_it_ends() -> None:
    found = limit_at(T0 + 5, within="1h")
    assert found == trees.Limit(times=2, within_ms=HOUR, fired=2, until=T0 + HOUR)


def test_limit_that_is_not_reached_has_no_end() -> None:
    found = limit_at(T0 + HOUR, within="1h")
    assert found == trees.Limit(times=2, within_ms=HOUR, fired=1, until=None)


def test_limit_for_ever_never_ends() -> None:
    assert limit_at(T0 + DAY) == trees.Limit(times=2, within_ms=None, fired=2, until=None)


def test_trigger_without_a_limit_has_none() -> None:
    assert explained([trigger("a")], [track("z")]).triggers[0].limit is None


def test_event_at_hand_is_the_one_that_woke_the_trigger_last() -> None:
    """Also one that a trigger told, and where a change and no event is what it waits for."""
    asking = {"property": "n", "equals": 1}
    documents = [
        RECENT,
        trigger("b", emit("a", n=1), id="tell"),
        trigger({"segment": "recent", "change": "entered"}, id="greet", when=asking),
    ]
    found = explained(documents, [track("b"), track("z", T0 + 1)], name="greet").triggers[0]
    assert found.when is not None
    assert (found.fired, found.when.holds, found.when.found) == (1, True, 1)
    assert (found.at_hand or "").startswith("emit-")


def test_definition_is_chosen_by_its_id_alone_or_with_its_kind() -> None:
    definitions = sets.from_documents([segment({"tag": "x"}, "vip"), score(on("a"), id="vip")])
    assert building.choose(definitions, "vip") == [("score", "vip"), ("segment", "vip")]
    assert building.choose(definitions, "score/vip") == [("score", "vip")]
    assert len(building.choose(definitions, None)) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("big-spender", "there is no definition big-spender; did you mean big-spenders"),
        ("segment/vipp", "; did you mean vip"),
        ("zzz", "; there are big-spenders, vip"),
    ],
)
def test_definition_that_is_unknown_is_told_with_the_nearest(name: str, said: str) -> None:
    definitions = sets.from_documents(
        [segment({"tag": "x"}, "vip"), segment({"tag": "x"}, "big-spenders")]
    )
    with pytest.raises(OperationFailed, match=said):
        building.choose(definitions, name)


def test_where_nothing_is_defined_nothing_is_suggested() -> None:
    with pytest.raises(OperationFailed, match="; there are none"):
        building.choose(sets.from_documents([]), "vip")


def test_many_definitions_are_not_all_named() -> None:
    many = sets.from_documents([segment({"tag": "x"}, f"s{n}") for n in range(12)])
    with pytest.raises(OperationFailed, match="s6, s7, …"):
        building.choose(many, "zzzzz")


def test_points_that_fade_are_those_of_the_instant() -> None:
    fading = on("a", 10, decay={"half_life": "1h"})
    found = explained([score(fading, levels={"hot": 4, "cold": 0})], [track("a")], at_ms=T0 + HOUR)
    (heat,) = found.scores
    assert (heat.value, heat.level, heat.groups[0].rules[0].points) == (5, "hot", 5)
    assert heat.until is not None
    assert heat.until > T0 + HOUR


def test_combined_score_tells_what_it_is_of() -> None:
    both = {"kind": "score", "id": "both", "name": "Both", "combined": {"of": ["fit", "heat"]}}
    documents = [score(on("a", 80)), score(on("a", 30), id="heat"), both]
    found = explained(documents, [track("a")], name="both").scores[0]
    assert (found.value, found.grade, found.of) == (110, "A3", {"fit": 80, "heat": 30})
    assert (found.cut, found.groups) == (0, [])


def test_rule_over_the_people_of_the_account_says_which_score() -> None:
    rule = {"id": "team", "points": 2, "people": {"max": "fit"}}
    log = [joins("acme"), joins("acme", person="q"), track("a", T0 + 1, person="q")]
    found = explained([score(on("a", 5)), score(rule, id="team")], log, name="score/team")
    (told,) = found.scores[0].groups[0].rules
    assert (told.points, told.each, told.on) == (10, 2, "people: {max: fit}")
    assert found.scores[0].cause == "account"
