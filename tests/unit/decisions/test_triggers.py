"""Triggers: what wakes them, in which order they run, what they do and how often."""

from typing import Any

import pytest

from processors.decisions.triggers import MAX_ROUNDS
from schemas import commands
from schemas.commands import Command
from tests.builders import (
    DAY,
    HOUR,
    SEND,
    T0,
    Document,
    Person,
    account,
    identify,
    on,
    points,
    reasons,
    score,
    segment,
    set_trait,
    static_list,
    tag,
    track,
    trigger,
)

LEVELS = {"hot": 80, "warm": 50, "cold": 0}


def fired(person: Person, *events: Document) -> list[list[str]]:
    """Returns of each event which triggers fired."""
    return [
        [one for one, reason in reasons(person.hears(each)) if reason == "fired"] for each in events
    ]


# What wakes


def test_an_event_wakes_by_its_name_and_properties() -> None:
    person = Person(trigger({"event": "a", "where": [{"property": "n", "at_least": 2}]}))
    found = fired(person, track("b", n=2), track("a", n=1), track("a", T0 + 1, n=2))
    assert found == [[], [], ["t"]]


def test_an_event_that_does_not_fit_leaves_no_record() -> None:
    person = Person(trigger({"event": "a", "where": [{"property": "n", "at_least": 2}]}))
    assert reasons(person.hears(track("a", n=1))) == []


def test_entering_and_leaving_a_segment_wake() -> None:
    person = Person(
        segment({"trait": "plan", "equals": "gold"}),
        trigger({"segment": "s", "change": "entered"}, id="in"),
        trigger({"segment": "s", "change": "exited"}, id="out"),
    )
    plans = ["gold", "gold", "silver", "gold"]
    events = [identify(T0 + n, plan=plan) for n, plan in enumerate(plans)]
    assert fired(person, *events) == [["in"], [], ["out"], ["in"]]


def test_leaving_by_the_clock_wakes_too() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger({"segment": "s", "change": "exited"}),
    )
    person.hears(track("a"))
    (command,) = person.waits(T0 + DAY).commands
    assert (command.at, command.occurrence) == (T0 + HOUR, f"clock@{T0 + HOUR}")


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ({}, [False, True, False, False, False, True]),
        ({"direction": "up"}, [False, True, False, False, False, True]),
        ({"direction": "down"}, [False, False, False, False, True, False]),
        ({"direction": "either"}, [False, True, False, False, True, True]),
    ],
)
def test_a_score_wakes_when_it_crosses_the_threshold(
    direction: Document, expected: list[bool]
) -> None:
    person = Person(
        score(on("up", 10), on("down", -10)),
        trigger({"score": "fit", "crosses": 20} | direction),
    )
    names = ["up", "up", "up", "down", "down", "up"]  # 10, 20, 30, 20, 10, 20
    events = [track(name, T0 + n) for n, name in enumerate(names)]
    assert [bool(one) for one in fired(person, *events)] == expected


def test_a_score_that_jumps_over_the_threshold_crosses_it() -> None:
    person = Person(score(on("a", 50)), trigger({"score": "fit", "crosses": 20}))
    assert fired(person, track("a")) == [["t"]]


def test_becoming_a_level_wakes_but_beginning_at_it_does_not() -> None:
    person = Person(
        score(on("up", 50), on("down", -100), levels=LEVELS),
        *(trigger({"level": "fit", "becomes": level}, id=level) for level in LEVELS),
    )
    names = ["other", "up", "up", "up", "down", "down"]  # 0, 50, 100, 150, 50, 0
    events = [track(name, T0 + n) for n, name in enumerate(names)]
    assert fired(person, *events) == [[], ["warm"], ["hot"], [], ["warm"], ["cold"]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["gold"], ["changes", "becomes"]),
        (["gold", "gold"], []),
        (["gold", "silver"], ["changes"]),
        (["gold", None], ["changes"]),
        ([None], []),
        ([1], ["changes"]),
        ([1, True], ["changes"]),
        ([1, 1.0], []),
        ([{"a": 1}, {"a": True}], ["changes"]),
        ([{"a": 1}, {"a": 1.0}], []),
    ],
)
def test_a_trait_wakes_when_it_changes_or_becomes_a_value(
    values: list[Any], expected: list[str]
) -> None:
    person = Person(
        trigger({"trait": "plan", "changes": True}, id="changes", priority=9),
        trigger({"trait": "plan", "becomes": "gold"}, id="becomes"),
    )
    events = [identify(T0 + n, plan=value) for n, value in enumerate(values)]
    assert fired(person, *events)[-1] == expected


def status(to: str) -> Document:
    return {"set_status": to}


def test_a_status_wakes_when_it_becomes_another() -> None:
    person = Person(
        trigger("a", status("lead"), id="1"),
        trigger("b", status("customer"), id="2"),
        trigger({"status": "lead"}, id="new-lead"),
        trigger({"status": "customer"}, id="customer"),
        trigger({"status": "customer", "from": "lead"}, id="converted"),
        trigger({"status": "lead", "from": "customer"}, id="back"),
    )
    found = [
        [each for each, _ in reasons(person.hears(track(name, T0 + at)))]
        for at, name in enumerate("aabba")
    ]
    assert found == [
        ["1", "new-lead"],
        ["1"],
        ["2", "converted", "customer"],
        ["2"],
        ["1", "back", "new-lead"],
    ]


@pytest.mark.parametrize(
    ("stimulus", "woken"),
    [
        ({"status": "lead"}, [True, True]),
        ({"status": "lead", "include_new": True}, [True, True]),
        ({"status": "lead", "include_new": False}, [False, True]),
        ({"status": "lead", "from": "customer"}, [False, True]),
        ({"status": "lead", "from": "customer", "include_new": True}, [True, True]),
        ({"status": "lead", "from": "customer", "include_new": False}, [False, True]),
        ({"status": "lead", "from": "churned", "include_new": True}, [True, False]),
    ],
)
def test_a_first_status_wakes_where_new_ones_are_included(
    stimulus: Document, woken: list[bool]
) -> None:
    person = Person(
        trigger("a", status("lead"), id="1"),
        trigger("b", status("customer"), id="2"),
        trigger(stimulus),
    )
    found = fired(person, *(track(name, T0 + at) for at, name in enumerate("aba")))
    assert ["t" in found[0], "t" in found[2]] == woken


def test_a_status_that_comes_back_within_a_round_has_not_changed() -> None:
    person = Person(
        trigger("a", status("lead"), id="1"),
        trigger("b", status("customer"), status("lead"), id="2"),
        trigger({"status": "lead"}, id="3"),
    )
    person.hears(track("a"))
    assert reasons(person.hears(track("b"))) == [("2", "fired")]


def test_a_trait_inside_of_another_wakes_by_its_path() -> None:
    person = Person(
        trigger({"trait": "company.plan.name", "becomes": "gold"}, id="gold"),
        trigger({"trait": "company.size", "changes": True}, id="size"),
    )
    values = [{"size": 1}, {"size": 1, "plan": {"name": "gold"}}, {"plan": {"name": "gold"}}, 5]
    events = [identify(T0 + n, company=value) for n, value in enumerate(values)]
    assert fired(person, *events) == [["size"], ["gold"], ["size"], []]


def test_a_value_that_is_older_than_the_one_known_wakes_nobody() -> None:
    person = Person(trigger({"trait": "plan", "changes": True}))
    later, earlier = identify(T0 + 1, plan="gold"), identify(T0, plan="silver")
    assert fired(person, later, earlier) == [["t"], []]


def test_traits_of_an_account_are_not_the_persons() -> None:
    person = Person(trigger({"trait": "plan", "changes": True}))
    assert fired(person, account(plan="gold")) == [[]]


def test_identify_and_group_are_events_too() -> None:
    where = [{"property": "plan", "equals": "gold"}]
    person = Person(
        trigger({"event": "user.profile_updated", "where": where}, id="user"),
        trigger({"event": "account.updated", "where": where}, id="account"),
    )
    found = fired(person, identify(plan="gold"), account(plan="gold"), account(T0 + 1, plan="x"))
    assert found == [["user"], ["account"], []]


# Whether they may


def test_when_is_asked_before_the_limit() -> None:
    person = Person(trigger("a", when={"tag": "vip"}, limit={"times": 1}))
    found = reasons(person.hears(track("a")))
    assert found == [("t", "condition")]
    assert person.profile.fired == {}


def test_a_decision_says_who_when_why() -> None:
    person = Person(trigger("a"), trigger("a", id="u", when={"tag": "vip"}))
    yes, no = person.hears(track("a")).decisions
    assert (yes.outcome, yes.reason, no.outcome, no.reason) == ("yes", "fired", "no", "condition")
    assert (yes.profile_id, yes.at, yes.cause, yes.late) == ("p", T0, f"a@{T0}", False)


def test_property_conditions_ask_the_event_at_hand() -> None:
    person = Person(trigger("a", when={"property": "n.deep", "equals": 1}))
    assert fired(person, track("a", n={"deep": 1}), track("a", T0 + 1)) == [["t"], []]


@pytest.mark.parametrize(
    "stimulus",
    [
        {"segment": "s", "change": "entered"},
        {"score": "fit", "crosses": 5},
        {"level": "fit", "becomes": "warm"},
    ],
)
def test_property_conditions_ask_the_event_also_when_it_woke_through_what_it_changed(
    stimulus: Document,
) -> None:
    def person() -> Person:
        return Person(
            segment({"event": "a"}),
            score(on("a", 50), levels=LEVELS),
            trigger(stimulus, when={"property": "n", "equals": 1}),
        )

    assert fired(person(), track("a", n=1)) == [["t"]]
    assert reasons(person().hears(track("a", n=2))) == [("t", "condition")]


def test_property_conditions_ask_the_event_in_later_rounds_too() -> None:
    person = Person(
        segment({"tag": "vip"}),
        trigger("a", tag("vip")),
        trigger({"segment": "s", "change": "entered"}, id="u", when={"property": "n", "equals": 1}),
    )
    assert fired(person, track("a", n=1)) == [["t", "u"]]


def test_by_the_clock_there_is_no_property() -> None:
    person = Person(
        segment({"event": "a", "within": "1h"}),
        trigger({"segment": "s", "change": "exited"}, id="no", when={"property": "n", "equals": 1}),
        trigger(
            {"segment": "s", "change": "exited"},
            id="yes",
            when={"property": "n", "is_not_set": True},
        ),
    )
    person.hears(track("a", n=1))
    assert reasons(person.waits(T0 + DAY)) == [("no", "condition"), ("yes", "fired")]


def test_a_trigger_fires_at_most_so_often_ever() -> None:
    person = Person(trigger("a", limit={"times": 2}))
    found = [reasons(person.hears(track("a", T0 + n * DAY)))[0][1] for n in range(4)]
    assert found == ["fired", "fired", "limit", "limit"]


def test_a_trigger_fires_at_most_so_often_in_a_rolling_window() -> None:
    person = Person(trigger("a", limit={"times": 2, "within": "1h"}))
    times = [0, 10, HOUR - 1, HOUR, HOUR + 9, HOUR + 10]
    found = [reasons(person.hears(track("a", T0 + at)))[0][1] for at in times]
    assert found == ["fired", "fired", "limit", "fired", "limit", "fired"]
    assert person.profile.fired == {"t": [T0 + HOUR, T0 + HOUR + 10]}


def test_without_a_limit_nothing_is_remembered() -> None:
    person = Person(trigger("a"))
    person.hears(track("a"))
    assert person.profile.fired == {}


# In which order


def test_the_highest_priority_goes_first_then_the_id() -> None:
    person = Person(
        trigger("a", id="b"),
        trigger("a", id="a"),
        trigger("a", id="z", priority=9),
        trigger("a", id="c", priority=0),
        trigger({"trait": "plan", "changes": True}, id="aa"),
    )
    assert fired(person, track("a")) == [["z", "a", "b", "c"]]


def test_stimuli_of_all_sorts_are_ordered_together() -> None:
    person = Person(
        segment({"event": "a"}),
        trigger({"segment": "s", "change": "entered"}, id="b"),
        trigger("a", id="c"),
        trigger("a", id="a"),
    )
    assert fired(person, track("a")) == [["a", "b", "c"]]


def test_those_of_a_round_see_what_earlier_ones_did_but_not_its_consequences() -> None:
    person = Person(
        segment({"tag": "vip"}),
        trigger("a", tag("vip"), id="first", priority=9),
        trigger("a", id="sees-tag", when={"tag": "vip"}),
        trigger("a", id="sees-segment", when={"segment": "s"}),
    )
    assert reasons(person.hears(track("a"))) == [
        ("first", "fired"),
        ("sees-segment", "condition"),
        ("sees-tag", "fired"),
    ]


def test_consequences_wake_the_next_round() -> None:
    person = Person(
        segment({"tag": "vip"}),
        trigger("a", tag("vip"), SEND, id="z"),
        trigger({"segment": "s", "change": "entered"}, id="a"),
    )
    decision = person.hears(track("a"))
    assert [(one.definition_id, one.occurrence) for one in decision.commands] == [
        ("z", f"a@{T0}"),
        ("a", f"a@{T0}#1"),
    ]


def test_one_trigger_is_woken_once_a_round() -> None:
    person = Person(
        trigger("a", set_trait("plan", 1), set_trait("plan", 2)),
        trigger({"trait": "plan", "changes": True}, id="u"),
    )
    assert fired(person, track("a")) == [["t", "u"]]


def test_a_trait_that_is_set_and_set_back_in_one_round_has_not_changed() -> None:
    person = Person(
        trigger("a", set_trait("plan", "new"), set_trait("plan", "old")),
        trigger({"trait": "plan", "changes": True}, id="u"),
    )
    assert fired(person, identify(plan="old"), track("a", T0 + 1)) == [["u"], ["t"]]


def test_rounds_end_after_sixteen_with_a_no() -> None:
    person = Person(
        trigger("a", points(1)),
        trigger({"trait": "n", "becomes": 1}, set_trait("n", 2), id="one"),
        trigger({"trait": "n", "becomes": 2}, set_trait("n", 1), id="two"),
        score(on("never")),
    )
    found = reasons(person.hears(identify(n=1)))
    assert [reason for _, reason in found] == ["fired"] * MAX_ROUNDS + ["loop"]
    assert found[-1] == ("one", "loop")
    assert person.profile.traits["n"][0] == 1


def test_a_loop_of_points_ends_too() -> None:
    person = Person(
        score(on("a", 1), floor=None),
        trigger({"score": "fit", "crosses": 1, "direction": "up"}, points(-1), id="up"),
        trigger({"score": "fit", "crosses": 1, "direction": "down"}, points(1), id="down"),
    )
    found = reasons(person.hears(track("a")))
    assert [reason for _, reason in found] == ["fired"] * MAX_ROUNDS + ["loop"]


def test_after_a_loop_the_next_event_begins_anew() -> None:
    person = Person(
        trigger({"trait": "n", "becomes": 1}, set_trait("n", 2), id="one"),
        trigger({"trait": "n", "becomes": 2}, set_trait("n", 1), id="two"),
    )
    person.hears(identify(n=1))
    assert reasons(person.hears(identify(T0 + 1, n=3))) == []
    assert len(reasons(person.hears(identify(T0 + 2, n=1)))) == MAX_ROUNDS + 1


# What they do


def test_a_command_carries_who_what_why_and_when() -> None:
    send = {"send": {"channel": "push", "template": "hello", "topic": "news"}}
    person = Person(trigger("a", tag("x"), send, priority=7))
    person.hears(identify(plan="gold"))
    (command,) = person.hears(track("a", T0 + 5, id="m1")).commands
    version = person.compiled.plans["a"].triggers[0].version
    assert command == Command(
        id=commands.derive_id("t", version, "p", "1", "m1"),
        channel="push",
        profile_id="p",
        definition_id="t",
        version=version,
        step="1",
        occurrence="m1",
        at=T0 + 5,
        priority=7,
        template="hello",
        topic="news",
        traits={"plan": "gold"},
    )


def test_a_webhook_is_a_command_too() -> None:
    hook = {"webhook": {"url": "https://example.com/hook", "body": {"n": 1}}}
    person = Person(segment({"event": "a"}), trigger("a", hook))
    (command,) = person.hears(track("a")).commands
    assert command.segments == []
    assert (command.channel, command.url, command.body) == (
        "webhook",
        "https://example.com/hook",
        {"n": 1},
    )


def test_ids_of_commands_differ_by_person_trigger_step_occurrence_and_round() -> None:
    documents = [
        segment({"tag": "vip"}),
        trigger("a", SEND, SEND, tag("vip")),
        trigger("a", SEND, id="u"),
        trigger({"segment": "s", "change": "entered"}, id="v"),
    ]
    found = []
    for name in ("p", "q"):
        person = Person(*documents, id=name)
        for at in (T0, T0 + 1):
            found += person.hears(track("a", at, person=name)).commands
    assert len(found) == 14
    assert len({one.id for one in found}) == 14


def test_an_event_called_clock_is_no_clock() -> None:
    (command,) = Person(trigger("a")).hears(track("a", id="clock")).commands
    assert command.occurrence == "clock"


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([tag("x")], ["x"]),
        ([tag("x"), tag("x")], ["x"]),
        ([tag("x"), tag("y"), {"remove_tag": "x"}], ["y"]),
        ([{"remove_tag": "x"}], []),
    ],
)
def test_tags_are_put_on_once_and_taken_off(actions: list[Document], expected: list[str]) -> None:
    person = Person(trigger("a", *actions))
    person.hears(track("a"))
    assert person.profile.tags == expected


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([{"add_to_list": "l"}], ["l"]),
        ([{"add_to_list": "l"}, {"add_to_list": "l"}], ["l"]),
        ([{"add_to_list": "l"}, {"remove_from_list": "l"}], []),
        ([{"remove_from_list": "l"}], []),
    ],
)
def test_lists_are_joined_once_and_left(actions: list[Document], expected: list[str]) -> None:
    person = Person(static_list("l"), trigger("a", *actions))
    person.hears(track("a"))
    assert person.profile.lists == expected


@pytest.mark.parametrize(
    ("action", "when"),
    [
        (tag("x"), {"tag": "x"}),
        ({"add_to_list": "l"}, {"list": "l"}),
        ({"set_status": "lead"}, {"status": "lead"}),
        (set_trait("plan", "gold"), {"trait": "plan", "equals": "gold"}),
        (points(10), {"score": "fit", "at_least": 10}),
    ],
)
def test_what_a_trigger_changes_lets_in_at_once(action: Document, when: Document) -> None:
    person = Person(
        static_list("l"),
        score(on("never")),
        segment(when),
        trigger("a", action),
        trigger({"segment": "s", "change": "entered"}, id="u"),
    )
    assert fired(person, track("a")) == [["t", "u"]]
    assert person.segments == {"s"}
    assert fired(person, track("a", T0 + 1))[0][0] == "t"


def test_taking_away_lets_out_at_once() -> None:
    person = Person(
        static_list("l"),
        segment({"any": [{"tag": "x"}, {"list": "l"}]}),
        trigger("a", tag("x"), {"add_to_list": "l"}),
        trigger("b", {"remove_tag": "x"}, {"remove_from_list": "l"}, id="u"),
    )
    person.hears(track("a"))
    assert person.segments == {"s"}
    person.hears(track("b", T0 + 1))
    assert person.segments == set()


def test_status_is_the_latest_set() -> None:
    person = Person(
        segment({"status": "lead"}),
        trigger("a", {"set_status": "lead"}),
        trigger("b", {"set_status": "customer"}, id="u"),
    )
    person.hears(track("a"))
    assert person.segments == {"s"}
    person.hears(track("a", T0 + 1))
    person.hears(track("b", T0 + 2))
    assert (person.profile.status, person.segments) == ("customer", set())


def test_a_trait_that_a_trigger_sets_is_as_of_then() -> None:
    person = Person(trigger("a", set_trait("plan", "gold")))
    person.hears(track("a", T0 + 5))
    person.hears(identify(T0 + 4, plan="late"))
    assert person.profile.traits["plan"] == ("gold", T0 + 5)
    person.hears(identify(T0 + 5, plan="newer"))
    assert person.profile.traits["plan"] == ("newer", T0 + 5)


def test_a_trait_can_be_unset() -> None:
    person = Person(
        segment({"trait": "plan", "is_set": True}), trigger("a", set_trait("plan", None))
    )
    person.hears(identify(plan="gold"))
    assert person.segments == {"s"}
    person.hears(track("a", T0 + 1))
    assert person.segments == set()


def test_points_that_triggers_give_stand_beside_the_groups() -> None:
    person = Person(
        score(groups=[{"id": "g", "rules": [on("a", 10)], "limit": 10}], limit=25),
        trigger("gift", points(10)),
        trigger("fine", points(-5), id="u"),
    )
    values = []
    for at, name in enumerate(["gift", "a", "a", "gift", "fine", "fine"]):
        decision = person.hears(track(name, T0 + at))
        values.append((person.score(), [one.rule for one in decision.score_changes]))
    assert values == [
        (10, [None]),
        (20, ["a"]),
        (20, []),
        (25, [None]),
        (25, []),
        (20, [None]),
    ]


def test_points_taken_back_leave_nothing() -> None:
    person = Person(score(on("never")), trigger("a", points(5)), trigger("b", points(-5), id="u"))
    person.hears(track("a"))
    person.hears(track("b"))
    assert (person.score(), person.profile.scores["fit"].added) == (0, 0)
