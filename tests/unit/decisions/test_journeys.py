"""Runs of journeys: what moves them, what ends them, and what a change does to them."""

from typing import Any

import pytest

from processors.decisions.moments import Decision, Moment
from processors.decisions.runs import held
from processors.decisions.triggers import Woken
from processors.state.profiles import NEVER, Profile
from processors.state.runs import ENDED
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    MINUTE,
    PAUSE,
    SEND,
    T0,
    TAGGED,
    Document,
    Person,
    begun,
    entries,
    identify,
    journey,
    reasons,
    runs,
    segment,
    step,
    tag,
    track,
    trigger,
    wait,
)

HEARD = ("went", "look", "heard")


# Ends


def test_an_event_ends_a_run_while_it_waits() -> None:
    ends = [
        {"event": "b", "same": "order"},
        {"event": "c", "where": [{"property": "n", "equals": 1}]},
    ]
    document = journey("a", PAUSE, HELLO, exit=ends)
    for event in (track("b", T0 + 1, order="o1"), track("c", T0 + 1, n=1)):
        person = begun(document, order="o1")
        assert runs(person.hears(event)) == [("exited", "pause", "event")]
        assert person.profile.due == NEVER
    for event in (
        track("b", T0 + 1, order="o2"),
        track("c", T0 + 1, n=2),
        track("b", T0 - 1, order="o1"),
    ):
        assert runs(begun(document, order="o1").hears(event)) == []


def test_a_condition_ends_a_run_at_once_also_by_the_clock() -> None:
    document = journey(
        "a", wait("pause", for_="9d"), HELLO, exit=[{"not": {"event": "b", "within": "1d"}}]
    )
    person = Person(document)
    person.hears(track("b"))
    person.hears(track("a", T0 + 1))
    found = person.waits(T0 + 9 * DAY)
    assert [(each.what, each.choice, each.at) for each in found.runs] == [
        ("exited", "condition", T0 + DAY)
    ]


def test_an_end_comes_before_what_is_waited_for() -> None:
    document = journey("a", wait("look", until={"event": "b"}), HELLO, exit=[{"event": "b"}])
    assert runs(begun(document).hears(track("b", T0 + 1))) == [("exited", "look", "event")]
    ends = [{"segment": "s"}]
    document = journey("a", wait("look", until={"event": "b"}), HELLO, exit=ends)
    person = begun(segment({"event": "b"}), document)
    found = person.hears(track("b", T0 + 1))
    assert (runs(found)[-1], found.commands) == (("exited", "hello", "condition"), [])


def test_a_goal_ends_a_run_and_counts_after_its_end() -> None:
    goal = {"event": "b", "same": "order", "within": "2d"}
    person = begun(journey("a", PAUSE, goal=goal), order=1)
    found = [("goal", "pause", None), ("exited", "pause", "goal")]
    assert runs(person.hears(track("b", T0 + 1, order=1))) == found
    assert held(person.profile, "j") == []

    person = begun(journey("a", PAUSE, goal=goal), order=1)
    assert runs(person.waits(T0 + DAY))[-1] == ("completed", "", None)
    (ended,) = held(person.profile, "j")
    assert (ended.state, person.profile.due) == (ENDED, T0 + 2 * DAY)
    assert runs(person.hears(track("b", T0 + DAY, order=2))) == []
    assert runs(person.hears(track("b", T0 + DAY + 1, order=1))) == [("goal", "", None)]
    assert held(person.profile, "j") == []


def test_a_goal_counts_so_long_and_no_longer() -> None:
    goal = {"event": "b", "within": "2d"}
    person = begun(journey("a", PAUSE, goal=goal))
    person.waits(T0 + DAY)
    assert runs(person.hears(track("b", T0 + 2 * DAY))) == []
    assert held(person.profile, "j") == []
    person = begun(journey("a", PAUSE, goal={"event": "b"}))
    person.waits(T0 + DAY)
    assert runs(person.hears(track("b", T0 + DAY))) == []
    person = begun(journey("a", wait("w", for_="9d"), goal=goal))
    assert runs(person.hears(track("b", T0 + 2 * DAY))) == []


def test_who_has_ended_may_enter_again_while_the_goal_counts() -> None:
    person = begun(journey("a", PAUSE, goal={"event": "b", "within": "9d"}, re_entry="always"))
    person.waits(T0 + HOUR)
    assert entries(person, track("a", T0 + DAY)) == ["entered"]
    assert len(held(person.profile, "j")) == 2


# Other journeys


def test_a_step_begins_another_journey() -> None:
    first = journey("a", step("more", {"start_journey": "k"}), TAGGED)
    second = journey({"manual": True}, HELLO, id="k")
    found = Person(first, second).hears(track("a", cart=1))
    assert reasons(found) == [("j", "entered"), ("k", "entered")]
    assert [each.properties for each in found.commands] == [{"cart": 1}]


def test_a_step_may_wait_for_the_end_of_the_other() -> None:
    start = step("more", {"start_journey": {"journey": "k", "wait": True}})
    first = journey("a", start, step("end", {"exit": "after"}))
    second = journey({"manual": True}, PAUSE, id="k")
    person = begun(first, second)
    found = person.waits(T0 + DAY)
    assert [(each.journey_id, each.what, each.choice) for each in found.runs] == [
        ("k", "went", "due"),
        ("k", "completed", None),
        ("j", "went", "ended"),
        ("j", "exited", "after"),
    ]


def test_who_may_not_enter_the_other_goes_on() -> None:
    start = step("more", {"start_journey": {"journey": "k", "wait": True}})
    first = journey("a", start, HELLO, re_entry="always")
    second = journey({"manual": True}, TAGGED, id="k", targeting={"tag": "vip"})
    found = Person(first, second).hears(track("a"))
    assert ("done", "more", "refused") in runs(found)
    assert len(found.commands) == 1
    third = journey({"manual": True}, TAGGED, id="k", status="paused")
    assert reasons(Person(first, third).hears(track("a")))[1] == ("k", "paused")


def test_runs_of_one_journey_move_in_the_order_in_which_they_began() -> None:
    person = Person(journey("a", wait("w", until={"event": "b"}), HELLO, per="k"))
    for n, key in enumerate(("z", "y", "x")):
        person.hears(track("a", T0 + n, k=key))
    found = person.hears(track("b", T0 + 9))
    assert [each.properties["k"] for each in found.commands] == ["z", "y", "x"]


# Changed definitions


def edited(person: Person, *documents: Document, at_ms: int = T0 + MINUTE) -> list[Any]:
    return runs(person.gets(*documents, adopted_ms=at_ms))


def test_a_journey_that_is_gone_ends_its_runs() -> None:
    person = begun(journey("a", PAUSE))
    assert edited(person) == [("exited", "pause", "deleted")]
    assert person.profile.journeys is None
    assert person.profile.due == NEVER


def test_an_archived_journey_ends_its_runs_a_draining_one_lets_them_go_on() -> None:
    person = begun(journey("a", PAUSE))
    assert edited(person, journey("a", PAUSE, status="draining")) == []
    assert runs(person.waits(T0 + DAY))[-1][0] == "completed"
    person = begun(journey("a", PAUSE))
    assert edited(person, journey("a", PAUSE, status="archived")) == [
        ("exited", "pause", "archived")
    ]


def test_what_is_no_step_changes_nothing_for_runs() -> None:
    person = begun(journey("a", PAUSE))
    assert edited(person, journey("a", PAUSE, name="other", re_entry="always")) == []
    assert person.profile.due == T0 + HOUR


@pytest.mark.parametrize("policy", ["follow", "migrate"])
@pytest.mark.parametrize("hours", [2, 1, 0.5])
def test_a_wait_is_reckoned_anew(policy: str, hours: float) -> None:
    person = begun(journey("a", PAUSE))
    longer = wait("pause", for_=f"{int(hours * 60)}m")
    found = edited(person, journey("a", longer, HELLO, live_edit=policy))
    assert found == [("moved", "pause", "edit")]
    assert person.profile.due == T0 + int(hours * HOUR)


def test_a_shortened_wait_is_over_now() -> None:
    person = begun(journey("a", PAUSE))
    shorter = journey("a", wait("pause", for_="1s"), HELLO, live_edit="follow")
    found = person.gets(shorter, adopted_ms=T0 + MINUTE)
    assert [(each.what, each.at) for each in found.runs] == [
        ("moved", T0 + MINUTE),
        ("went", T0 + MINUTE),
        ("done", T0 + MINUTE),
        ("completed", T0 + MINUTE),
    ]


def test_whose_step_is_gone_moves_or_ends() -> None:
    moved = journey("a", wait("other", for_="5h"), live_edit="follow")
    person = begun(journey("a", PAUSE))
    assert edited(person, moved) == [("exited", "pause", "step-gone")]
    person = begun(journey("a", PAUSE))
    found = edited(person, moved | {"moves": {"pause": "other"}})
    assert found == [("moved", "other", "edit"), ("waiting", "other", None)]
    assert person.profile.due == T0 + MINUTE + 5 * HOUR


def test_a_step_that_waits_no_longer_is_taken() -> None:
    person = begun(journey("a", PAUSE))
    found = edited(person, journey("a", step("pause", tag("x")), live_edit="follow"))
    assert found == [("moved", "pause", "edit"), ("done", "pause", None), ("completed", "", None)]


def test_a_paused_journey_stands_still_and_goes_on_late() -> None:
    person = begun(journey("a", PAUSE, HELLO))
    assert edited(person, journey("a", PAUSE, HELLO, status="paused")) == []
    assert person.profile.due == NEVER
    assert runs(person.waits(T0 + DAY)) == []
    person.hears(track("x", T0 + DAY))
    found = person.gets(journey("a", PAUSE, HELLO), adopted_ms=T0 + 2 * DAY)
    assert runs(found)[0] == ("went", "pause", "due")
    assert [each.at for each in found.commands] == [T0 + 2 * DAY]


def test_what_would_be_late_may_be_left_out() -> None:
    steps = [PAUSE, HELLO, TAGGED, wait("more", for_="1h"), step("bye", SEND)]
    person = begun(journey("a", *steps))
    edited(person, journey("a", *steps, status="paused"))
    found = person.gets(journey("a", *steps, overdue="skip"), adopted_ms=T0 + 2 * DAY)
    assert runs(found) == [
        ("went", "pause", "due"),
        ("skipped", "hello", "overdue"),
        ("done", "tagged", None),
        ("waiting", "more", None),
    ]
    assert [each.step for each in person.waits(T0 + 3 * DAY).commands] == ["bye"]


def test_who_is_not_late_after_a_pause_waits_on() -> None:
    person = begun(journey("a", PAUSE, HELLO))
    edited(person, journey("a", PAUSE, HELLO, status="paused"))
    edited(person, journey("a", PAUSE, HELLO, overdue="skip"), at_ms=T0 + 2 * MINUTE)
    assert len(person.waits(T0 + HOUR).commands) == 1


def test_what_happens_in_a_pause_is_remembered() -> None:
    look = wait("look", until={"event": "b"})
    person = begun(journey("a", look, HELLO, exit=[{"event": "c"}]))
    held_up = journey("a", look, HELLO, exit=[{"event": "c"}], status="paused")
    edited(person, held_up)
    found = person.hears(track("b", T0 + HOUR))
    assert (runs(found), found.commands) == ([HEARD], [])
    active = journey("a", look, HELLO, exit=[{"event": "c"}])
    found = person.gets(active, adopted_ms=T0 + DAY)
    assert [each.at for each in found.commands] == [T0 + DAY]

    person = begun(journey("a", look, HELLO, exit=[{"event": "c"}]))
    edited(person, held_up)
    assert runs(person.hears(track("c", T0 + HOUR))) == [("exited", "look", "event")]


def test_an_ended_run_goes_with_its_version() -> None:
    goal = {"event": "b", "within": "9d"}
    person = begun(journey("a", PAUSE, goal=goal))
    person.waits(T0 + HOUR)
    edited(person, journey("a", HELLO, goal=goal), at_ms=T0 + DAY)
    assert held(person.profile, "j") == []


def test_new_definitions_may_let_people_in() -> None:
    gold = segment({"trait": "plan", "equals": "gold"})
    entry = {"segment": "s", "change": "entered"}
    for is_eager, expected in ((False, []), (True, [("j", "entered")])):
        person = Person()
        person.hears(identify(T0, plan="gold"))
        found = person.gets(
            gold, journey(entry, HELLO, fire_on_publish=is_eager), adopted_ms=T0 + 1
        )
        assert reasons(found) == expected
        assert len(found.commands) == len(expected)


# Ids


def test_runs_that_begin_at_one_instant_have_ids_of_their_own() -> None:
    documents = [
        journey("a", TAGGED, HELLO, per="messageId", re_entry="always"),
        trigger("a", {"start_journey": "j"}, {"start_journey": "j"}, id="t"),
        trigger("a", {"start_journey": "j"}, id="u"),
    ]
    decision = Person(*documents).hears(track("a"))
    begun_ids = [each.run_id for each in decision.runs if each.what == "entered"]
    assert (len(begun_ids), len({each.id for each in decision.commands})) == (2, 2)
    assert len(set(begun_ids)) == 2


# Pinned versions

LONGER = wait("pause", for_="5h")


def older(document: Document) -> Document:
    return {"older": document}


def test_who_has_begun_goes_on_by_that_version() -> None:
    first, second = journey("a", PAUSE, HELLO), journey("a", LONGER, re_entry="always")
    person = begun(first)
    version = held(person.profile, "j")[0].version
    assert edited(person, older(first), second) == []
    assert person.profile.due == T0 + HOUR
    found = person.waits(T0 + HOUR)
    assert [each.version for each in found.commands] == [version]
    person.hears(track("a", T0 + DAY))
    assert person.profile.due == T0 + DAY + 5 * HOUR


def test_runs_of_several_versions_go_on_side_by_side() -> None:
    versions = [
        journey("a", wait("pause", for_=f"{n + 1}h"), step("x", tag(f"t{n}")), per="k")
        for n in range(3)
    ]
    person = begun(versions[0], k="0")
    for n in (1, 2):
        kept = [older(each) for each in versions[:n]]
        edited(person, *kept, versions[n], at_ms=T0 + n)
        person.hears(track("a", T0 + n, k=str(n)))
    person.waits(T0 + DAY)
    assert person.profile.tags == ["t0", "t1", "t2"]


def test_a_version_that_is_not_kept_is_left_for_the_newest() -> None:
    person = begun(journey("a", PAUSE))
    assert edited(person, journey("a", LONGER)) == [("moved", "pause", "edit")]
    assert person.profile.due == T0 + 5 * HOUR


def test_a_version_that_is_back_is_no_change() -> None:
    first, second = journey("a", PAUSE), journey("a", LONGER)
    person = begun(first)
    edited(person, older(first), second)
    assert edited(person, older(first), older(second), first, at_ms=T0 + 2) == []
    assert person.profile.due == T0 + HOUR


def test_events_end_runs_by_the_version_that_they_have() -> None:
    first = journey("a", PAUSE, exit=[{"event": "b"}])
    second = journey("a", PAUSE, exit=[{"event": "c"}])
    person = begun(first)
    edited(person, older(first), second)
    assert runs(person.hears(track("c", T0 + HOUR - 2))) == []
    assert runs(person.hears(track("b", T0 + HOUR - 1))) == [("exited", "pause", "event")]


def test_a_version_that_names_what_is_gone_stands_still_until_it_is_back() -> None:
    look = wait("look", until={"segment": "s"}, timeout="2h")
    first, second = journey("a", look, HELLO), journey("a", PAUSE)
    there = segment({"tag": "x"})
    person = begun(there, first)
    found = person.gets(older(first), second, adopted_ms=T0 + MINUTE)
    assert reasons(found) == [("j", "missing")]
    assert person.waits(T0 + DAY).runs == []
    person.hears(track("x", T0 + DAY))
    found = person.gets(there, older(first), second, adopted_ms=T0 + DAY)
    assert runs(found)[:2] == [("went", "look", "timeout"), ("done", "hello", None)]


def test_who_follows_needs_no_older_version() -> None:
    first, second = journey("a", PAUSE), journey("a", LONGER, live_edit="follow")
    person = begun(first)
    assert edited(person, older(first), second) == [("moved", "pause", "edit")]


def test_what_can_not_be_read_any_more_is_no_older_version() -> None:
    person = begun(journey("a", PAUSE))
    assert edited(person, older({"kind": "journey"}), older(tag("x")), journey("a", PAUSE)) == []
    held_up = older({"kind": "segment", "id": "s", "name": "s", "when": {"tag": "x"}})
    assert edited(person, held_up, journey("a", PAUSE), at_ms=T0 + 2) == []


def test_a_goal_of_a_journey_that_is_gone_counts_no_more() -> None:
    person = begun(journey("a", PAUSE, goal={"event": "b", "within": "9d"}))
    person.waits(T0 + HOUR)
    assert edited(person, at_ms=T0 + DAY) == []
    assert person.profile.journeys is None


def test_the_end_of_one_run_leaves_the_goal_of_another() -> None:
    goal = {"event": "b", "within": "2d"}
    person = begun(journey("a", PAUSE, goal=goal, per="k", exit=[{"tag": "off"}]), k="1")
    person.waits(T0 + HOUR)
    person.hears(track("a", T0 + DAY, k="2"))
    assert [each.key for each in held(person.profile, "j")] == ["1", "2"]
    person.waits(T0 + 2 * DAY)
    assert [each.key for each in held(person.profile, "j")] == ["2"]


def test_who_goes_round_ends_who_waits_goes_on() -> None:
    again = [
        journey("a", PAUSE, step("s", {"start_journey": "k"}), re_entry="always", per="key"),
        journey({"manual": True}, step("s", {"start_journey": "k2"}), id="k", re_entry="always"),
        journey({"manual": True}, step("s", {"start_journey": "k"}), id="k2", re_entry="always"),
    ]
    person = begun(*again, key="1")
    person.hears(track("a", T0 + MINUTE, key="2"))
    found = person.waits(T0 + HOUR)
    assert "loop" in [each.choice for each in found.runs]
    assert [each.key for each in held(person.profile, "j")] == ["2"]


def test_one_run_ends_the_others_stand_still() -> None:
    is_first = {"all": [{"tag": "off"}, {"property": "k", "equals": "1"}]}
    document = journey("a", PAUSE, per="k", exit=[is_first])
    off = trigger("off", tag("off"))
    person = begun(document, off, k="1")
    person.hears(track("a", T0 + 1, k="2"))
    edited(person, document | {"status": "paused"}, off)
    assert runs(person.hears(track("off", T0 + MINUTE + 1))) == [("exited", "pause", "condition")]
    assert [each.key for each in held(person.profile, "j")] == ["2"]


def test_who_stands_still_for_what_is_gone_holds_up_nobody() -> None:
    first = journey("a", wait("look", until={"segment": "s"}), per="k")
    second = journey("a", PAUSE, HELLO, per="k", exit=[{"event": "b"}])
    person = begun(segment({"tag": "x"}), first, k="1")
    edited(person, older(first), second)
    person.hears(track("b", T0 + 2 * MINUTE))
    person.hears(track("a", T0 + 2 * MINUTE, id="m2", k="2"))
    assert [each.properties["k"] for each in person.waits(T0 + DAY).commands] == ["2"]
    assert [each.key for each in held(person.profile, "j")] == ["1"]


def test_who_waits_is_not_what_goes_round() -> None:
    person = begun(journey("a", PAUSE))
    moment = Moment(Decision(), {}, T0, "m")
    person.compiled.runners["j"].give_up(person.profile, moment)
    assert moment.decision.runs == []
    assert held(person.profile, "j")


def test_a_goal_goes_on_counting_under_other_definitions() -> None:
    document = journey("a", PAUSE, goal={"event": "b", "within": "9d"})
    person = begun(document)
    person.waits(T0 + HOUR)
    assert edited(person, document, segment({"tag": "x"}), at_ms=T0 + DAY) == []
    assert runs(person.hears(track("b", T0 + 2 * DAY))) == [("goal", "", None)]


def test_who_is_woken_does_nothing_of_itself() -> None:
    moment = Moment(Decision(), {}, T0, "m")
    assert Woken(id="x", version="v").fire(Profile(), moment, 0) == set()


def test_one_run_may_end_all_others() -> None:
    person = Person(journey("a", PAUSE, step("s", {"stop_journey": "j"}), HELLO, per="k"))
    person.hears(track("a", T0, k="1"))
    person.hears(track("a", T0, id="m2", k="2"))
    found = person.waits(T0 + DAY)
    assert [each for each in runs(found) if each[0] == "exited"] == [
        ("exited", "s", "stopped"),
        ("exited", "pause", "stopped"),
    ]
    assert found.commands == []


def test_a_goal_counts_though_its_event_ends_the_run_too() -> None:
    person = begun(journey("a", PAUSE, exit=[{"event": "b"}], goal={"event": "b", "within": "9d"}))
    found = runs(person.hears(track("b", T0 + 1)))
    assert found == [("goal", "pause", None), ("exited", "pause", "goal")]


def test_a_run_does_not_hear_the_event_that_began_it() -> None:
    first = journey("a", step("s", {"start_journey": "k"}), id="j", priority=9)
    second = journey({"manual": True}, PAUSE, id="k", exit=[{"event": "a"}])
    found = Person(first, second).hears(track("a"))
    assert ("exited", "pause", "event") not in runs(found)
    assert held(begun(first, second).profile, "k")


def test_who_was_just_ended_by_another_run_hears_nothing_more() -> None:
    steps = [wait("look", until={"event": "b"}), step("s", {"stop_journey": "j"})]
    person = Person(journey("a", *steps, per="k", goal={"event": "b", "same": "k"}))
    for key in ("1", "2"):
        person.hears(track("a", id=f"m{key}", k=key))
    found = runs(person.hears(track("b", T0 + 1, k="2")))
    assert found[1:] == [("exited", "s", "stopped"), ("exited", "look", "stopped")]
