"""Journeys, worked out by hand: each rule once."""

import hashlib
from typing import Any

import pytest

from tests.oracle.documents import Document, instant_ms, iso
from tests.oracle.logs import (
    DAY,
    HOUR,
    MINUTE,
    SEND,
    START,
    after,
    identify,
    reasons,
    run,
    segment,
    track,
    trigger,
)
from tests.oracle.recompute import Event, Result

LATELY: Document = {"event": "Seen", "within": "1h"}
VIEW: Document = {"until": {"event": "Seen"}, "timeout": "1d"}


def journey(*steps: Document, id: str = "j", **more: Any) -> Document:
    """Returns a journey that everybody enters who tells `In`."""
    return {"kind": "journey", "id": id, "entry": {"event": "In"}, "steps": list(steps)} | more


def step(id: str, **does: Any) -> Document:
    return {"id": id} | does


def wait(id: str = "w", go: str = "", **how: Any) -> Document:
    return {"id": id, "wait": how} | ({"go": go} if go else {})


def send(id: str = "s", **more: Any) -> Document:
    return {"id": id} | SEND | more


def told(result: Result, journey_id: str = "j") -> list[tuple[Any, ...]]:
    """Returns what became of the runs: what, at which step, how, when."""
    return [
        (row["what"], row["step"], row["choice"], after(row["at"]))
        for row in result.journey_runs
        if row["journey_id"] == journey_id
    ]


def ways(result: Result, journey_id: str = "j") -> list[tuple[str, str | None, int]]:
    """Returns how waits were left and runs ended, and when."""
    kinds = {"went", "exited", "completed", "goal"}
    return [(what, choice, at) for what, _, choice, at in told(result, journey_id) if what in kinds]


def events(*entries: tuple[Any, ...]) -> list[Event]:
    """Returns events of one person: when, name, properties."""
    return [
        track(number, at, name, **(more[0] if more else {}))
        for number, (at, name, *more) in enumerate(entries, 1)
    ]


# What is told.


def test_run_is_told_from_entry_to_end() -> None:
    result = run([journey(send(), wait(**{"for": "1h"}), send("t"))], events((0, "In")), 2 * HOUR)
    assert told(result) == [
        ("entered", "", None, 0),
        ("done", "s", None, 0),
        ("waiting", "w", None, 0),
        ("went", "w", "due", HOUR),
        ("done", "t", None, HOUR),
        ("completed", "", None, HOUR),
    ]
    assert [row["visit"] for row in result.journey_runs] == [0, 1, 2, 2, 3, 3]
    assert [row["until"] for row in result.journey_runs][2] == iso(START + HOUR)
    assert [row["cause"] for row in result.journey_runs] == ["m1"] * 3 + ["clock"] * 3
    assert {row["run_id"] for row in result.journey_runs} == {
        hashlib.sha256(b'["j","p","m1"]').hexdigest()[:16]
    }
    assert [(row["step"], after(row["at"])) for row in result.commands] == [("s", 0), ("t", HOUR)]
    assert reasons(result) == [("j", "entered")]


# Time.


def test_time_that_is_up_at_the_instant_of_an_event_is_up_before_it() -> None:
    result = run([journey(wait(**VIEW))], events((0, "In"), (DAY, "Seen")))
    assert ways(result) == [("went", "timeout", DAY), ("completed", None, DAY)]


def test_event_a_millisecond_before_the_time_is_up_is_heard() -> None:
    result = run([journey(wait(**VIEW))], events((0, "In"), (DAY - 1, "Seen")))
    assert ways(result) == [("went", "heard", DAY - 1), ("completed", None, DAY - 1)]


def test_event_of_the_same_instant_as_the_wait_ends_it_if_it_comes_after() -> None:
    ended = run([journey(wait(**VIEW))], events((0, "In"), (0, "Seen")), HOUR)
    assert ways(ended) == [("went", "heard", 0), ("completed", None, 0)]
    assert ways(run([journey(wait(**VIEW))], events((0, "Seen"), (0, "In")), HOUR)) == []


def test_event_that_begins_a_run_ends_no_wait_of_it() -> None:
    result = run([journey(wait(until={"event": "In"}))], events((0, "In"), (HOUR, "In")))
    assert ways(result) == [("went", "heard", HOUR), ("completed", None, HOUR)]


def test_event_ends_one_wait_only() -> None:
    steps = [wait("v", until={"event": "Seen"}), wait("w", until={"event": "Seen"})]
    result = run([journey(*steps)], events((0, "In"), (1, "Seen")), HOUR)
    assert ways(result) == [("went", "heard", 1)]


def test_late_event_counts_if_it_happened_after_the_run_came_to_the_wait() -> None:
    known = [journey(wait("u", **{"for": "1h"}), wait("v", until={"event": "Seen"}))]
    before = events((0, "In"), (3 * HOUR, "Other"), (HOUR - 1, "Seen"))
    assert ways(run(known, before)) == [("went", "due", HOUR)]
    since = events((0, "In"), (3 * HOUR, "Other"), (HOUR, "Seen"))
    result = run(known, since)
    assert ways(result) == [
        ("went", "due", HOUR),
        ("went", "heard", 3 * HOUR),
        ("completed", None, 3 * HOUR),
    ]
    assert [row["late"] for row in result.journey_runs] == [False] * 4 + [True] * 2


def test_condition_is_followed_where_only_the_clock_turns_it() -> None:
    quiet = wait(until={"not": LATELY})
    result = run([journey(quiet)], events((0, "Seen"), (MINUTE, "In")), DAY)
    assert ways(result) == [("went", "holds", HOUR), ("completed", None, HOUR)]


def test_condition_that_holds_already_is_no_wait() -> None:
    result = run([journey(wait(until=LATELY))], events((0, "Seen"), (MINUTE, "In")), DAY)
    assert told(result)[1:] == [("went", "w", "holds", MINUTE), ("completed", "", None, MINUTE)]


def test_end_comes_before_what_is_waited_for_and_that_before_the_time() -> None:
    quiet: Document = {"not": LATELY}
    waiting = wait(until=quiet, timeout="1h")
    log = events((0, "Seen"), (0, "In"))
    assert ways(run([journey(waiting)], log, DAY)) == [
        ("went", "holds", HOUR),
        ("completed", None, HOUR),
    ]
    assert ways(run([journey(waiting, exit=[quiet])], log, DAY)) == [("exited", "condition", HOUR)]


def test_timeout_counts_from_entry_where_that_is_said() -> None:
    steps = [
        wait("pause", **{"for": "2h"}),
        wait("v", until={"event": "Seen"}, timeout="3h", **{"from": "entry"}),
        wait("w", until={"event": "Seen"}, timeout="3h", **{"from": "entry"}, **{"else": "late"}),
        send("never"),
        step("late", exit="too late"),
    ]
    result = run([journey(*steps)], events((0, "In")), DAY)
    assert told(result)[3:] == [
        ("waiting", "v", None, 2 * HOUR),
        ("went", "v", "timeout", 3 * HOUR),
        ("went", "w", "timeout", 3 * HOUR),
        ("exited", "late", "too late", 3 * HOUR),
    ]


@pytest.mark.parametrize(
    ("entered", "how", "expected"),
    [
        ("2026-03-06T15:00", {"at": "09:00"}, "2026-03-07T14:00:00.000Z"),
        ("2026-03-06T14:00", {"at": "09:00"}, "2026-03-06T14:00:00.000Z"),
        ("2026-03-07T15:00", {"at": "09:00"}, "2026-03-08T13:00:00.000Z"),
        ("2026-03-08T06:59", {"at": "02:30"}, "2026-03-08T07:00:00.000Z"),
        ("2026-11-01T05:00", {"at": "01:30"}, "2026-11-01T05:30:00.000Z"),
        ("2026-11-01T05:31", {"at": "01:30"}, "2026-11-02T06:30:00.000Z"),
        ("2026-03-06T15:00", {"at": "09:00", "days": ["mon"]}, "2026-03-09T13:00:00.000Z"),
        ("2026-03-06T15:00", {"days": ["sun"]}, "2026-03-08T05:00:00.000Z"),
        ("2026-03-06T15:00", {"days": ["fri"]}, "2026-03-06T15:00:00.000Z"),
        ("2026-03-06T15:00", {"for": "2d", "at": "09:00"}, "2026-03-09T13:00:00.000Z"),
        ("2026-03-06T15:00", {"for": "1d", "days": ["sat"]}, "2026-03-07T15:00:00.000Z"),
    ],
)
def test_waits_for_a_time_end_when_clocks_show_it(
    entered: str, how: Document, expected: str
) -> None:
    began = (instant_ms(f"{entered}:00Z") or 0) - START
    log = [identify(0, 0, timezone="America/New_York"), track(1, began, "In")]
    result = run([journey(wait(timezone="profile", **how))], log, began + 9 * DAY)
    (row,) = [row for row in result.journey_runs if row["what"] == "went"]
    assert (row["at"], row["choice"]) == (expected, "due")


def test_runs_move_in_the_order_in_which_they_began() -> None:
    known = [journey(wait(**{"for": "2h"}), send(), per="k", re_entry="always")]
    log = events((0, "In", {"k": "b"}), (0, "In", {"k": "a"}))
    result = run(known, log, DAY)
    ids = [row["run_id"] for row in result.journey_runs if row["what"] == "entered"]
    assert [row["run_id"] for row in result.journey_runs if row["what"] == "completed"] == ids


# Dates.

RENEWAL = {"date": "renewal", "offset": "-2d"}


@pytest.mark.parametrize(
    ("renewal", "more", "expected"),
    [
        ("2026-01-11", {}, ("due", 8 * DAY)),
        ("2026-01-11", {"at": "09:00"}, ("due", 8 * DAY + 9 * HOUR)),
        ("2026-01-03", {}, ("past", 0)),
        ("2026-01-02", {}, ("past", 0)),
        (None, {}, ("missing", 0)),
        ("soon", {}, ("missing", 0)),
    ],
)
def test_date_is_waited_for(renewal: Any, more: Document, expected: tuple[str, int]) -> None:
    log = [identify(0, 0, renewal=renewal), track(1, 0, "In")]
    result = run([journey(wait(**RENEWAL, **more))], log, 20 * DAY)
    assert ways(result) == [("went", *expected), ("completed", None, expected[1])]


def test_date_that_changes_is_planned_anew() -> None:
    log = [
        identify(0, 0, renewal="2026-01-11"),
        track(1, 0, "In"),
        identify(2, DAY, renewal="2026-01-06"),
    ]
    result = run([journey(wait(**RENEWAL))], log, 20 * DAY)
    assert ways(result)[0] == ("went", "due", 3 * DAY)
    log[-1] = identify(2, DAY, renewal="2026-01-03")
    assert ways(run([journey(wait(**RENEWAL))], log, 20 * DAY))[0] == ("went", "due", DAY)


def test_date_that_is_missing_ends_or_holds_the_run_where_that_is_said() -> None:
    log = [track(1, 0, "In"), identify(2, DAY, renewal="2026-01-06")]
    ended = run([journey(wait(**RENEWAL, missing="exit"))], log, 20 * DAY)
    assert ways(ended) == [("went", "missing", 0), ("exited", "missing", 0)]
    held = run([journey(wait(**RENEWAL, missing="hold"))], log, 20 * DAY)
    assert ways(held) == [("went", "due", 3 * DAY), ("completed", None, 3 * DAY)]


def test_date_that_has_passed_leads_where_that_is_said() -> None:
    steps = [wait(**RENEWAL, past="over"), step("on", exit="on"), step("over", exit="over")]
    log = [identify(0, 0, renewal="2026-01-02"), track(1, 0, "In")]
    assert ways(run([journey(*steps)], log))[1] == ("exited", "over", 0)


# Who may enter.


def refused(result: Result) -> list[str]:
    return [row["reason"] for row in result.decisions if row["outcome"] == "no"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"status": "paused"}, ["paused"] * 2),
        ({"status": "draining", "targeting": {"tag": "none"}}, ["draining"] * 2),
        ({"status": "archived"}, ["archived"] * 2),
        ({"targeting": {"tag": "none"}}, ["condition"] * 2),
        ({"entry": {"event": "In", "when": {"property": "n", "equals": 2}}}, ["condition"]),
        ({"limit": {"times": 1}, "re_entry": "never"}, ["limit"]),
        ({"per": "k"}, ["no-key"] * 2),
        ({"re_entry": "never"}, ["re-entry"]),
        ({"re_entry": "always"}, []),
        ({"re_entry": "after 1h"}, []),
        ({"re_entry": "after 2h"}, ["re-entry"]),
        ({"per": "n"}, []),
        ({"per": "messageId"}, []),
        ({"re_entry": "always", "steps": [wait(**{"for": "2h"})]}, ["running"]),
        ({"re_entry": "always", "steps": [wait(**{"for": "1h"})]}, []),
    ],
)
def test_who_may_not_enter_is_told_why(more: Document, expected: list[str]) -> None:
    log = events((0, "In", {"n": 1}), (HOUR, "In", {"n": 2}))
    assert refused(run([journey(send()) | more], log)) == expected


def test_one_may_enter_again_with_the_same_value_after_its_own_latest_entry() -> None:
    known = [journey(send(), per="k", re_entry="after 2h")]
    log = events(*((at * HOUR, "In", {"k": k}) for at, k in enumerate("ababa")))
    assert refused(run(known, log)) == []
    log = events(*((at * HOUR, "In", {"k": k}) for at, k in enumerate("abaab")))
    assert refused(run(known, log)) == ["re-entry"]


def test_twenty_runs_are_the_most() -> None:
    log = events(*((at, "In") for at in range(22)))
    known = [journey(wait(**{"for": "1h"}), per="messageId")]
    assert refused(run(known, log)) == ["too-many-runs"] * 2


def test_the_latest_hundred_values_are_remembered() -> None:
    known = [journey(send(), per="k")]
    log = events(*((at, "In", {"k": k}) for at, k in enumerate([*range(101), 1, 0])))
    assert refused(run(known, log)) == ["re-entry"]


def test_segment_lets_people_in() -> None:
    entry = {"segment": "seen", "change": "exited"}
    known = [segment(LATELY, "seen"), journey(send(), entry=entry)]
    result = run(known, events((0, "Seen")), DAY)
    assert told(result)[0] == ("entered", "", None, HOUR)
    text = f'["j","p","clock@{START + HOUR}"]'
    assert result.journey_runs[0]["run_id"] == hashlib.sha256(text.encode()).hexdigest()[:16]


# What ends a run.


def test_exit_event_ends_a_run_while_it_waits() -> None:
    known = [journey(wait(**{"for": "1d"}), per="k", exit=[{"event": "Out", "same": "k"}])]
    log = events((0, "In", {"k": 1}), (1, "In", {"k": 2}), (HOUR, "Out", {"k": 2}))
    assert ways(run(known, log)) == [("exited", "event", HOUR)]


def test_what_is_the_same_may_have_another_name() -> None:
    same: Document = {"event": "Out", "same": {"cart": "k"}}
    known = [journey(wait(**{"for": "1d"}), exit=[same])]
    assert ways(run(known, events((0, "In", {"k": 1}), (1, "Out", {"k": 1})))) == []
    assert ways(run(known, events((0, "In", {"k": 1}), (1, "Out", {"cart": 1})))) != []
    assert ways(run(known, events((0, "In"), (1, "Out")))) == []


def test_goal_ends_the_run_and_counts_after_the_end_where_it_has_a_time() -> None:
    goal: Document = {"event": "Bought", "within": "2h"}
    log = events((0, "In"), (HOUR, "Bought"))
    assert ways(run([journey(wait(**{"for": "1d"}), goal=goal)], log)) == [
        ("goal", None, HOUR),
        ("exited", "goal", HOUR),
    ]
    assert ways(run([journey(send(), goal=goal)], log)) == [
        ("completed", None, 0),
        ("goal", None, HOUR),
    ]
    endless = {"event": "Bought"}
    assert ways(run([journey(send(), goal=endless)], log)) == [("completed", None, 0)]
    late = events((0, "In"), (2 * HOUR, "Bought"))
    assert ways(run([journey(wait(**{"for": "1d"}), goal=goal)], late)) == []


def test_event_that_is_the_goal_and_an_exit_is_counted_as_the_goal() -> None:
    both: Document = {"event": "Bought", "same": "k"}
    known = [journey(wait(**{"for": "1d"}), exit=[both], goal=both | {"within": "2h"})]
    log = events((0, "In", {"k": 1}), (HOUR, "Bought", {"k": 1}), (HOUR + 1, "Bought", {"k": 1}))
    assert ways(run(known, log)) == [("goal", None, HOUR), ("exited", "goal", HOUR)]


def test_end_of_the_time_for_a_goal_leaves_no_trace() -> None:
    known = [journey(send(), goal={"event": "Bought", "within": "1h"}), trigger({"event": "X"})]
    result = run(known, [*events((0, "In"), (0, "Y")), track(9, 2 * HOUR, "Y", "q")], 3 * HOUR)
    assert ways(result) == [("completed", None, 0)]
    late = [*events((0, "In")), track(8, 2 * HOUR, "Y", "q"), track(9, HOUR // 2, "X")]
    assert [row["late"] for row in run(known, late).decisions] == [False, False]


def test_run_does_not_hear_the_event_that_began_it_whoever_did() -> None:
    begun = trigger({"event": "On"}, {"start_journey": "j"}, priority=9)
    ends: Document = {"exit": [{"event": "On"}], "goal": {"event": "On"}}
    known = [begun, journey(wait(until={"event": "On"}), **ends)]
    assert ways(run(known, events((0, "On")), HOUR)) == []


def test_who_is_not_meant_is_told_so_before_all_else_of_a_run() -> None:
    begun = trigger({"event": "On"}, {"start_journey": "j"})
    targeting: Document = {"event": "On", "at_most": 1}
    known = [begun, journey(send(), targeting=targeting)]
    assert refused(run(known, events((0, "On"), (1, "On")))) == ["condition"]


def test_runs_that_stop_each_other_at_one_instant_end_once() -> None:
    steps = [wait(**{"for": "1h"}), step("stop", stop_journey="j")]
    log = events((0, "In", {"k": 1}), (0, "In", {"k": 2}))
    assert ways(run([journey(*steps, per="k")], log, DAY)) == [
        ("went", "due", HOUR),
        ("exited", "stopped", HOUR),
        ("exited", "stopped", HOUR),
    ]


def test_targeting_is_asked_again_before_each_step_that_sends() -> None:
    steps = [send(), wait(**{"for": "2h"}), step("t", add_tag="x"), send("never")]
    result = run([journey(*steps, targeting=LATELY)], events((0, "Seen"), (0, "In")), DAY)
    assert told(result)[-2:] == [
        ("done", "t", None, 2 * HOUR),
        ("exited", "never", "targeting", 2 * HOUR),
    ]
    assert len(result.commands) == 1


# Ways.


def test_branch_goes_the_first_way_that_holds_and_reads_what_the_run_knows() -> None:
    asked: Document = {"property": "look.n", "greater_than": 1}
    cases = [
        {"when": asked, "go": "much"},
        {"when": {"property": "k", "equals": "x"}, "go": "x"},
    ]
    steps = [
        wait("look", until={"event": "Seen"}, timeout="1h"),
        step("b", branch={"cases": cases}),
        step("else", exit="else"),
        step("x", exit="x"),
        step("much", exit="much"),
    ]

    def way(k: str, *more: tuple[Any, ...]) -> Any:
        return ways(run([journey(*steps)], events((0, "In", {"k": k}), *more), DAY))[-1][1]

    assert way("x", (1, "Seen", {"n": 2})) == "much"
    assert way("x", (1, "Seen", {"n": 1})) == "x"
    assert way("x") == "x"
    assert way("y") == "else"


def test_split_is_by_the_hash_of_the_person_and_tells_it() -> None:
    steps = [
        step("ab", split={"variants": {"b": 50, "a": 50}, "go": {"b": "two"}}),
        step("one", exit="one"),
        step("two", exit="two"),
    ]
    heard = trigger({"event": "Experiment Viewed"}, SEND)
    for person in "pqrs":
        digest = hashlib.sha256(f"j/ab:{person}".encode()).digest()
        variant = "a" if int.from_bytes(digest[:8], "big") < 2**63 else "b"
        result = run([journey(*steps), heard], [track(1, 0, "In", person)])
        rows = [row for row in result.journey_runs if row["what"] in {"split", "exited"}]
        assert [row["choice"] for row in rows] == [variant, {"a": "one", "b": "two"}[variant]]
        assert len(result.commands) == 1


def test_loop_ends_at_the_hundredth_pass() -> None:
    steps = [wait("w", **{"for": "1s"}), step("again", go="w")]
    result = run([journey(*steps)], events((0, "In")), DAY)
    assert ways(result)[-1] == ("exited", "pass-limit", 101_000)
    assert sum(what == "went" for what, _, _ in ways(result)) == 101


def test_step_may_be_skipped_by_the_way_of_the_one_before() -> None:
    steps = [send("a", go="c"), send("b"), step("c", exit="done")]
    assert [what[1] for what in told(run([journey(*steps)], events((0, "In"))))] == ["", "a", "c"]


# Other journeys.

CHILD = journey(wait("sleep", **{"for": "1h"}), id="child", entry={"event": "Never"})


def test_journey_begins_another_and_waits_for_its_end() -> None:
    parent = journey(step("sub", start_journey={"journey": "child", "wait": True}), send())
    result = run([parent, CHILD], events((0, "In")), DAY)
    assert told(result) == [
        ("entered", "", None, 0),
        ("done", "sub", None, 0),
        ("waiting", "sub", None, 0),
        ("went", "sub", "ended", HOUR),
        ("done", "s", None, HOUR),
        ("completed", "", None, HOUR),
    ]
    alone = journey(step("sub", start_journey="child"), send())
    assert told(run([alone, CHILD], events((0, "In")), DAY))[-1][-1] == 0


def test_journey_that_may_not_begin_is_not_waited_for() -> None:
    parent = journey(step("sub", start_journey={"journey": "child", "wait": True}))
    result = run([parent, CHILD | {"status": "paused"}], events((0, "In")), DAY)
    assert ways(result) == [("completed", None, 0)]
    assert ("child", "paused") in reasons(result)


def test_journey_is_stopped_by_another_and_by_itself() -> None:
    parent = journey(step("stop", stop_journey="child"), step("me", stop_journey="j"), send())
    log = events((0, "Never"), (1, "In"))
    result = run([parent, CHILD], log, DAY)
    assert ways(result, "child") == [("exited", "stopped", 1)]
    assert ways(result) == [("exited", "stopped", 1)]
    assert result.commands == []


def test_triggers_begin_and_stop_journeys() -> None:
    known = [
        CHILD,
        trigger({"event": "On"}, {"start_journey": "child"}, id="on"),
        trigger({"event": "Off"}, {"stop_journey": "child"}, id="off"),
    ]
    result = run(known, events((0, "On"), (1, "Off")), DAY)
    assert ways(result, "child") == [("exited", "stopped", 1)]


def test_what_runs_do_to_the_person_moves_others() -> None:
    tagged: Document = {"tag": "x"}
    first = journey(step("t", add_tag="x"), wait(until={"event": "Seen"}), id="b")
    second = journey(wait(until=tagged), id="a", priority=9)
    result = run([first, second], events((0, "In")), DAY)
    assert ways(result, "a") == [("went", "holds", 0), ("completed", None, 0)]
