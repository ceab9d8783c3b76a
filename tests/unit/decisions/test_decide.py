"""Deciding: events, due timers and other definitions change a profile and say what follows."""

import pytest

from processors.decisions.moments import Decision
from processors.state.profiles import NEVER
from schemas.errors import BadEvent
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    SEND,
    T0,
    Document,
    Person,
    account,
    event,
    group,
    holding,
    identify,
    moves,
    on,
    points,
    reasons,
    score,
    segment,
    tag,
    track,
    trigger,
)

# Events


def test_an_event_that_touches_nothing_leads_to_nothing() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(track("a"))
    assert person.hears(track("other", T0 + 1)) == Decision()
    assert person.profile.clock == T0 + 1


def test_the_first_event_makes_a_person() -> None:
    person = Person(segment({"not": {"tag": "x"}}))
    states = [person.profile.is_new]
    person.hears(track("anything"))
    states.append(person.profile.is_new)
    assert states == [True, False]
    assert person.segments == {"s"}


def test_traits_that_nobody_reads_are_remembered() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(track("a"))
    decision = person.hears(identify(T0 + 1, plan="gold"))
    assert (decision.segment_changes, person.profile.traits["plan"]) == ([], ("gold", T0 + 1))


def test_traits_in_the_context_of_another_event_are_none() -> None:
    person = Person(segment({"trait": "plan", "is_set": True}))
    person.hears(event("track", event="a", context={"traits": {"plan": "gold"}}))
    assert person.segments == set()
    person.hears(event("identify", id="n", context={"traits": {"plan": "gold"}}))
    assert person.segments == {"s"}


def test_an_identify_without_traits_is_an_event_like_any_other() -> None:
    person = Person(score(on("user.profile_updated", id="updated")))
    person.hears(identify())
    assert person.score() == 10


def test_pages_screens_and_aliases_have_names() -> None:
    person = Person(
        trigger({"event": "page.viewed", "where": [{"property": "name", "equals": "Home"}]}),
        trigger("screen.viewed", id="u"),
        trigger("user.aliased", id="v"),
    )
    page = event("page", name="Home", properties={"path": "/"})
    found = [reasons(person.hears(one)) for one in (page, event("screen", id="n"))]
    found.append(reasons(person.hears(event("alias", id="o", previousId="q"))))
    assert found == [[("t", "fired")], [("u", "fired")], [("v", "fired")]]


def test_traits_of_the_account_are_those_of_group_events() -> None:
    person = Person(segment({"account": "plan", "equals": "gold"}))
    person.hears(account(plan="gold"))
    assert person.segments == {"s"}
    person.hears(account(T0 - 1, plan="late"))
    assert person.segments == {"s"}
    person.hears(account(T0 + 1, plan="silver"))
    assert person.segments == set()


def test_of_two_traits_that_conflict_the_later_event_time_stands() -> None:
    person = Person(segment({"trait": "plan", "equals": "gold"}))
    person.hears(identify(T0 + 5, plan="gold"))
    assert person.hears(identify(T0, plan="silver")).segment_changes == []
    (change,) = person.hears(identify(T0 + 5, id="tie", plan="silver")).segment_changes
    assert (change.change, change.at) == ("exited", T0 + 5)


def test_a_nested_trait_that_only_python_holds_for_equal_is_seen() -> None:
    person = Person(segment({"trait": "a.b", "equals": True}))
    person.hears(identify(a={"b": 1}))
    assert person.segments == set()
    person.hears(identify(T0 + 1, a={"b": True}))
    assert person.segments == {"s"}


# Duplicates


def test_a_duplicate_changes_nothing() -> None:
    person = Person(score(on("a")), trigger("a"))
    person.hears(track("a", id="m"))
    decision = person.hears(track("a", T0 + 1, id="m"))
    assert decision == Decision(duplicates=1)
    assert (person.score(), person.profile.clock) == (10, T0)


def test_a_duplicate_fires_no_timer() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a", id="m"))
    assert person.hears(track("a", T0 + DAY, id="m")).duplicates == 1
    assert person.segments == {"s"}


def test_the_same_message_counts_again_after_seven_days_of_log_time() -> None:
    person = Person(score(on("a")))
    person.hears(track("a", id="m"), log_ms=T0)
    assert person.hears(track("a", id="m"), log_ms=T0 + 7 * DAY - 1000).duplicates == 1
    assert person.hears(track("a", id="m"), log_ms=T0 + 7 * DAY).duplicates == 0
    assert person.score() == 20


# Late events


def test_a_late_event_counts_at_its_own_time() -> None:
    person = Person(segment({"event": "a", "within": "1h", "at_least": 2}))
    person.hears(track("a", T0 + 30))
    decision = person.hears(track("a", T0))
    assert [(one.at, one.late) for one in decision.segment_changes] == [(T0 + 30, True)]
    assert moves(person.waits(T0 + DAY)) == [("s", "exited", HOUR, "clock")]


def test_a_late_event_does_not_turn_back_the_clock() -> None:
    person = Person(trigger("a"))
    person.hears(track("b", T0 + 9))
    (decision,) = person.hears(track("a", T0)).decisions
    assert (decision.at, decision.late) == (T0 + 9, True)
    assert person.profile.clock == T0 + 9


def test_an_event_at_the_very_clock_is_not_late() -> None:
    person = Person(trigger("a"))
    person.hears(track("b", T0))
    (decision,) = person.hears(track("a", T0)).decisions
    assert not decision.late


@pytest.mark.parametrize(("late", "expected"), [(HOUR - 1, {"s"}), (HOUR, set())])
def test_a_late_event_outside_of_the_window_counts_no_more(late: int, expected: set[str]) -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("b", T0 + late))
    person.hears(track("a", T0))
    assert person.segments == expected


def test_a_late_event_that_is_older_than_the_latest_kept_changes_nothing() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a", T0 + 10))
    assert person.hears(track("a", T0)) == Decision(late=1)


def test_where_is_asked_at_the_time_of_the_late_event() -> None:
    recent = [{"property": "at", "within_last": "1h"}]
    person = Person(score(on("a", where=recent)))
    person.hears(track("b", T0 + DAY))
    person.hears(track("a", T0, at=iso(T0 - HOUR + 1)))
    assert person.score() == 10
    person.hears(track("a", T0 + 1, at=iso(T0 - HOUR + 1)))
    assert person.score() == 10


def test_since_leaves_out_what_came_before() -> None:
    person = Person(segment({"event": "a", "since": iso(T0)}))
    person.hears(track("a", T0 - 1))
    assert person.segments == set()
    person.hears(track("a", T0))
    assert person.segments == {"s"}


# Timers


def test_timers_that_are_due_come_before_the_event() -> None:
    person = Person(segment({"event": "a", "within": "1h"}), trigger("b", when={"segment": "s"}))
    person.hears(track("a"))
    decision = person.hears(track("b", T0 + HOUR))
    assert moves(decision) == [("s", "exited", HOUR, "clock")]
    assert reasons(decision) == [("t", "condition")]


def test_timers_that_the_stream_has_passed_come_before_a_late_event() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a"))
    decision = person.hears(track("other", T0 + 1), timers_ms=T0 + DAY)
    assert moves(decision) == [("s", "exited", HOUR, "clock")]
    assert person.profile.clock == T0 + HOUR


def test_timers_fire_also_before_an_event_that_touches_nothing() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a"))
    assert moves(person.hears(track("other", T0 + DAY))) == [("s", "exited", HOUR, "clock")]


def test_what_a_timer_tells_comes_before_the_event() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger({"segment": "s", "change": "exited"}, {"emit": {"event": "gone"}}),
        trigger("gone", id="u"),
        trigger("b", {"emit": {"event": "heard"}}, id="v"),
        trigger("heard", id="w"),
    )
    person.hears(track("a"))
    decision = person.hears(track("b", T0 + DAY))
    assert [one for one, _ in reasons(decision)] == ["t", "u", "v", "w"]
    assert [one.event for one in decision.emitted] == ["gone", "heard"]


def test_waiting_for_nothing_leads_to_nothing() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(track("a"))
    assert person.waits(T0 + DAY) == Decision()


def test_a_timer_that_turns_nothing_is_counted_but_says_nothing() -> None:
    recent, older = {"event": "a", "within": "1h"}, {"trait": "born", "older_than": "15m"}
    person = Person(segment({"any": [recent, older]}))
    person.hears(track("a"))
    person.hears(identify(born=iso(T0)))
    assert person.profile.due == T0 + HOUR
    decision = person.waits(T0 + DAY)
    assert (decision.fired, decision.segment_changes) == (1, [])
    assert (person.profile.clock, person.profile.due) == (T0, NEVER)


def test_a_condition_that_no_time_can_turn_needs_no_timer() -> None:
    person = Person(segment({"all": [{"event": "a", "within": "1h"}, {"tag": "x"}]}))
    person.hears(track("a"))
    assert person.profile.due == NEVER


def test_a_condition_that_turns_back_and_forth_is_followed() -> None:
    """In while there was exactly one within a day."""
    person = Person(segment({"event": "a", "within": "1d", "exactly": 1}))
    found = moves(person.hears(track("a")))
    found += moves(person.hears(track("a", T0 + HOUR)))
    found += moves(person.waits(T0 + 2 * DAY))
    assert [(change, at) for _, change, at, _ in found] == [
        ("entered", 0),
        ("exited", HOUR),
        ("entered", DAY),
        ("exited", DAY + HOUR),
    ]


# Bad events


def test_a_bad_event_leaves_the_profile_as_it_was() -> None:
    person = Person(segment({"event": "a", "where": [{"property": "n", "equals": 1}]}))
    with pytest.raises(BadEvent, match="properties must be a JSON object"):
        person.hears(event("track", event="a", properties=[1]))
    assert person.profile.is_new
    assert person.profile.seen == b""
    person.hears(track("a", id="m", n=1))
    assert person.segments == {"s"}


def test_one_event_counts_for_all_whom_its_properties_meet() -> None:
    def of(least: int) -> Document:
        where = [{"property": "n", "at_least": least}]
        return segment({"event": "a", "where": where}, f"from-{least}")

    person = Person(of(1), of(2), of(3))
    person.hears(track("a", n=2))
    assert person.segments == {"from-1", "from-2"}


def test_a_count_that_is_full_is_not_asked_again() -> None:
    person = Person(segment({"event": "a", "where": [{"property": "n", "at_least": 1}]}))
    for at_ms in (T0, T0 + 1):
        person.hears(track("a", at_ms, n=1))
    assert list(person.profile.counts.values()) == [1]
    assert person.segments == {"s"}


def test_properties_that_nobody_reads_are_not_looked_at() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(event("track", event="a", properties=[1]))
    assert person.segments == {"s"}


@pytest.mark.parametrize("kind", ["identify", "group"])
def test_traits_are_always_looked_at(kind: str) -> None:
    with pytest.raises(BadEvent, match="traits must be a JSON object"):
        Person(segment({"event": "a"})).hears(event(kind, traits="gold"))


# Other definitions


def test_new_definitions_are_evaluated_as_of_the_persons_clock_and_fire_nothing() -> None:
    person = Person(score(on("a")))
    person.hears(identify(plan="gold"))
    person.hears(track("a", T0 + 5))
    decision = person.gets(
        score(on("a")),
        segment({"trait": "plan", "equals": "gold"}, "new"),
        trigger({"segment": "new", "change": "entered"}),
    )
    assert moves(decision) == [("new", "entered", 5, "definition")]
    assert decision.decisions == []
    assert person.hears(track("b", T0 + 6)).decisions == []
    assert person.score() == 10


def test_definitions_set_timers() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(identify(born=iso(T0)))
    person.gets(segment({"trait": "born", "older_than": "1h"}, "old"))
    assert moves(person.waits(T0 + DAY)) == [("old", "entered", HOUR, "clock")]


def test_people_leave_segments_that_ended() -> None:
    person = Person(
        segment({"event": "a"}, "kept"), segment({"event": "a"}, "z"), segment({"event": "a"}, "b")
    )
    person.hears(track("a"))
    decision = person.gets(segment({"event": "a"}, "kept"))
    assert moves(decision) == [("b", "exited", 0, "definition"), ("z", "exited", 0, "definition")]
    assert decision.removed == [("segment", "p", "b"), ("segment", "p", "z")]
    assert person.segments == {"kept"}


def test_scores_that_ended_are_removed() -> None:
    person = Person(score(on("a")), score(on("a"), id="kept"))
    person.hears(track("a"))
    decision = person.gets(score(on("a"), id="kept"))
    assert (decision.removed, decision.score_changes) == ([("score", "p", "fit")], [])
    assert set(person.profile.scores) == {"kept"}


def test_rules_that_ended_give_no_points_and_new_ones_do() -> None:
    person = Person(score(on("a", 10, "one"), on("a", 1, "two")))
    person.hears(track("a"))
    decision = person.gets(score(on("a", 10, "one"), on("a", 5, "three")))
    (change,) = decision.score_changes
    assert (change.old, change.new, change.cause, change.late) == (11, 15, "definition", False)
    assert person.points() == {"one": 10, "three": 5}


def test_points_given_by_triggers_outlast_a_change_of_definitions() -> None:
    gift = trigger("a", points(7))
    person = Person(score(on("b", 1)), gift)
    person.hears(track("a"))
    person.hears(track("b"))
    assert person.score() == 8
    person.gets(score(on("b", 2)), gift)
    assert person.score() == 9


def test_rules_move_to_other_groups_and_bounds() -> None:
    person = Person(score(groups=[group(on("a", 10), on("b", 10))]))
    person.hears(track("a"))
    person.hears(track("b"))
    person.gets(score(groups=[group(on("a", 10), limit=3), group(on("b", 10), id="h")]))
    assert person.score() == 13
    person.hears(track("b", T0 + 1))
    assert person.score() == 23


def test_features_that_nobody_needs_are_forgotten_and_begin_anew() -> None:
    person = Person(score(on("a"), on("b", within="1d")), trigger("a", SEND, limit={"times": 1}))
    person.hears(track("a"))
    person.hears(track("b"))
    person.gets(segment({"tag": "x"}))
    profile = person.profile
    assert (profile.counts, profile.times, profile.fired) == ({}, {}, {})
    person.gets(score(on("a")))
    assert person.score() == 0
    person.hears(track("a", T0 + 1))
    assert person.score() == 10


def test_features_that_are_still_needed_are_kept() -> None:
    person = Person(score(on("a")), trigger("b", limit={"times": 1}))
    person.hears(track("a"))
    person.hears(track("b"))
    person.gets(segment({"event": "a"}, "new"), trigger("b", limit={"times": 2}))
    assert person.segments == {"new"}
    assert person.profile.fired == {"t": [T0]}


def test_facts_outlast_definitions() -> None:
    person = Person(trigger("a", tag("x")))
    person.hears(identify(plan="gold"))
    person.hears(track("a"))
    person.gets(segment({"all": [{"tag": "x"}, {"trait": "plan", "equals": "gold"}]}))
    assert person.segments == {"s"}


def test_old_timers_end_with_their_definitions() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a"))
    person.gets(segment({"event": "a", "within": "1d"}))
    assert list(person.profile.timers.values()) == [T0 + DAY]
    assert moves(person.waits(T0 + 2 * DAY)) == [("s", "exited", DAY, "clock")]


def test_an_event_brings_a_person_under_new_definitions_first() -> None:
    person = Person(segment({"event": "a"}))
    person.hears(track("a"))
    other = Person(
        segment({"event": "a"}, "new"),
        trigger({"segment": "new", "change": "entered"}),
        trigger("b", id="u", when={"segment": "new"}),
    )
    person.compiled = other.compiled
    decision = person.hears(track("b", T0 + 1))
    assert moves(decision) == [
        ("s", "exited", 0, "definition"),
        ("new", "entered", 0, "definition"),
    ]
    assert reasons(decision) == [("u", "fired")]


def test_a_timer_brings_a_person_under_new_definitions_first() -> None:
    person = Person(segment({"event": "a", "within": "1h"}))
    person.hears(track("a"))
    person.compiled = Person(segment({"event": "a", "within": "1d"})).compiled
    assert moves(person.waits(T0 + 2 * DAY)) == [("s", "exited", DAY, "clock")]
    assert person.profile.definitions == person.compiled.id


def test_a_new_person_is_under_the_present_definitions_from_the_start() -> None:
    person = Person(segment({"not": {"tag": "x"}}))
    assert moves(person.hears(track("a", id="m"))) == [("s", "entered", 0, "m")]


def test_the_same_definitions_again_change_nothing() -> None:
    documents = [
        segment({"event": "a", "within": "1h"}),
        score(on("a"), holding({"segment": "s"}, 1)),
    ]
    person = Person(*documents)
    person.hears(track("a"))
    decision = person.gets(*documents)
    assert (decision.segment_changes, decision.score_changes) == ([], [])
    assert list(person.profile.timers.values()) == [T0 + HOUR]


def test_properties_are_read_no_more_once_nobody_asks_for_them() -> None:
    person = Person(segment({"event": "a", "where": [{"property": "n", "equals": 1}]}))
    person.hears(track("a", n=1))
    assert person.segments
    unreadable = track("a", T0 + 1, id="m2") | {"properties": [1]}
    person.hears(unreadable)
    assert list(person.profile.counts.values()) == [1]
