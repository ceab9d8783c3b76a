"""Journeys: who may enter, what moves runs, and what ends them."""

from typing import Any

import pytest

from processors.decisions.journeys import MAX_PASSES
from processors.decisions.runs import MAX_DATA_BYTES, held
from processors.definitions.durations import parse_instant
from processors.state.profiles import NEVER
from processors.state.runs import ENDED, MAX_ENTRIES, MAX_RUNS
from schemas.events import iso
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SEND,
    T0,
    Document,
    Person,
    emit,
    identify,
    journey,
    reasons,
    runs,
    score,
    segment,
    set_trait,
    step,
    tag,
    track,
    trigger,
    wait,
)

TAGGED = step("tagged", tag("x"))
HELLO = step("hello", SEND)
PAUSE = wait("pause", for_="1h")
HEARD = ("went", "look", "heard")


def entries(person: Person, *events: Document) -> list[str]:
    """Returns what was decided on the way in at each event."""
    return [reason for each in events for _, reason in reasons(person.hears(each))]


def begun(*documents: Document, **properties: Any) -> Person:
    """Returns somebody who has just done `a`."""
    person = Person(*documents)
    person.hears(track("a", **properties))
    return person


# From step to step


def test_a_run_goes_on_until_it_waits() -> None:
    person = Person(journey("a", TAGGED, PAUSE, HELLO))
    found = person.hears(track("a"))
    assert runs(found) == [
        ("entered", "", None),
        ("done", "tagged", None),
        ("waiting", "pause", None),
    ]
    assert [each.visit for each in found.runs] == [0, 1, 2]
    assert found.runs[-1].until == T0 + HOUR
    assert person.profile.tags == ["x"]
    assert person.profile.due == T0 + HOUR
    found = person.waits(T0 + DAY)
    ends = [("went", "pause", "due"), ("done", "hello", None), ("completed", "", None)]
    assert runs(found) == ends
    (command,) = found.commands
    assert (command.at, command.step, command.definition_id) == (T0 + HOUR, "hello", "j")
    assert command.version == found.runs[0].version
    assert command.occurrence == f"{found.runs[0].run_id}/3"
    assert held(person.profile, "j") == []
    assert person.profile.due == NEVER


def test_a_way_of_its_own_leads_elsewhere() -> None:
    steps = [
        step("one", tag("x"), go="three"),
        step("two", tag("y"), go="end"),
        step("three", go="two"),
        step("end", {"exit": "over"}),
    ]
    found = Person(journey("a", *steps)).hears(track("a"))
    done = [("done", "one", None), ("done", "two", None), ("exited", "end", "over")]
    assert runs(found)[1:] == done


def test_every_action_of_triggers_is_a_step() -> None:
    steps = [
        step("a", set_trait("plan", "gold")),
        step("b", {"set_status": "customer"}),
        step("c", emit("told", n=1)),
        step("d", {"add_points": {"score": "fit", "points": 5}}),
        step("e", {"webhook": {"url": "https://example.com/x"}}),
    ]
    person = Person(score(), journey("a", *steps), trigger("told", tag("heard")))
    found = person.hears(track("a"))
    assert person.profile.traits["plan"][0] == "gold"
    assert person.profile.status == "customer"
    assert person.profile.tags == ["heard"]
    assert person.score() == 5
    assert [each.channel for each in found.commands] == ["webhook"]


def test_what_a_step_changes_is_known_to_the_next() -> None:
    look = step("look", {"branch": {"cases": [{"when": {"segment": "s"}, "go": "hello"}]}})
    steps = [TAGGED, PAUSE, look, step("end", {"exit": "no"}), HELLO]
    person = begun(segment({"tag": "x"}), journey("a", *steps))
    assert runs(person.waits(T0 + DAY))[1:3] == [("branched", "look", "0"), ("done", "hello", None)]


def test_a_branch_goes_the_first_way_that_holds() -> None:
    cases = [
        {"when": {"property": "n", "at_least": 10}, "go": "many"},
        {"when": {"property": "n", "at_least": 5}, "go": "some"},
    ]
    few, some, many, none = (step(id, {"exit": id}) for id in ("few", "some", "many", "none"))

    def ends(*steps: Document, **keys: Any) -> list[str | None]:
        document = journey("a", step("look", {"branch": {"cases": cases} | keys}), *steps)
        return [runs(Person(document).hears(track("a", n=n)))[-1][2] for n in (12, 10, 7, 1)]

    assert ends(few, some, many) == ["many", "many", "some", "few"]
    assert ends(some, many, none, **{"else": "none"}) == ["many", "many", "some", "none"]


def test_a_split_is_sticky_and_tells_of_itself() -> None:
    halves = {"variants": {"b": 50, "a": 50}, "salt": "s", "go": {"b": "other"}}
    steps = [
        step("half", {"split": halves}),
        step("end", {"exit": "a"}),
        step("other", {"exit": "b"}),
    ]
    document = journey("a", *steps, re_entry="always")
    found = {}
    for n in range(40):
        person = Person(document, id=f"p{n}")
        first, again = (person.hears(track("a", T0 + at, person=f"p{n}")) for at in (0, 1))
        assert runs(first)[1:] == runs(again)[1:]
        found[f"p{n}"] = runs(first)[-1][2]
        (told,) = first.emitted
        assert told.event == "Experiment Viewed"
        assert f'"variation_id":"{found[f"p{n}"]}"'.encode() in bytes(told.properties)
    assert set(found.values()) == {"a", "b"}
    salted = journey("a", *steps, id="other", re_entry="always")
    person = Person(salted, id="p3")
    assert runs(person.hears(track("a", person="p3")))[-1][2] == found["p3"]


def test_a_run_goes_back_a_bounded_number_of_times() -> None:
    steps = [TAGGED, PAUSE, step("again", go="tagged")]
    person = begun(journey("a", *steps))
    found = person.waits(T0 + 200 * HOUR)
    assert runs(found)[-1] == ("exited", "again", "pass-limit")
    assert found.runs[-1].at == T0 + (MAX_PASSES + 1) * HOUR


# Waiting


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        ({"for_": "2d"}, "2026-01-03T00:00:00.000Z"),
        ({"for_": "2d", "at": "09:30"}, "2026-01-03T09:30:00.000Z"),
        ({"at": "09:30", "days": ["mon"]}, "2026-01-05T09:30:00.000Z"),
        ({"days": ["sat"]}, "2026-01-03T00:00:00.000Z"),
        ({"at": "18:00", "timezone": "America/New_York"}, "2026-01-01T23:00:00.000Z"),
        ({"at": "18:00", "timezone": "profile"}, "2026-01-01T09:00:00.000Z"),
        ({"for_": "8760h", "at": "00:00", "days": ["thu"]}, "2027-01-07T00:00:00.000Z"),
    ],
)
def test_a_pause_ends_at_a_local_time(keys: Document, due: str) -> None:
    person = Person(journey("a", wait("pause", **keys)))
    person.hears(identify(T0 - DAY, timezone="Asia/Tokyo"))
    (waiting,) = person.hears(track("a")).runs[1:]
    assert waiting.until is not None
    assert iso(waiting.until) == due


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        ("2026-03-08T06:00:00Z", "02:30", "2026-03-08T07:00:00.000Z"),  # 02:30 is no time that day
        ("2026-11-01T04:00:00Z", "01:30", "2026-11-01T05:30:00.000Z"),  # it comes twice: the first
        ("2026-11-01T06:00:00Z", "01:30", "2026-11-02T06:30:00.000Z"),  # the second is none
    ],
)
def test_clocks_that_are_changed_have_their_times(now: str, at: str, due: str) -> None:
    zoned = wait("pause", at=at, timezone="America/New_York")
    (waiting,) = Person(journey("a", zoned)).hears(track("a", parse_instant(now))).runs[1:]
    assert waiting.until is not None
    assert iso(waiting.until) == due


def test_a_time_that_is_now_is_no_wait() -> None:
    found = Person(journey("a", wait("pause", at="00:00"), HELLO)).hears(track("a"))
    assert runs(found)[1:3] == [("went", "pause", "due"), ("done", "hello", None)]


def test_an_event_ends_a_wait_the_time_out_has_a_way_of_its_own() -> None:
    look = wait("look", until={"event": "b"}, timeout="1h", else_="late")
    steps = [look, step("good", {"exit": "good"}), step("late", {"exit": "late"})]
    person = begun(journey("a", *steps))
    assert runs(person.hears(track("b", T0 + HOUR - 1))) == [HEARD, ("exited", "good", "good")]
    person = begun(journey("a", *steps))
    found = runs(person.hears(track("b", T0 + HOUR)))
    assert found == [("went", "look", "timeout"), ("exited", "late", "late")]


def test_a_time_out_may_count_from_entry() -> None:
    look = wait("look", until={"event": "b"}, timeout="3h", from_="entry")
    person = begun(journey("a", PAUSE, look))
    found = person.waits(T0 + DAY)
    assert [(each.what, each.at - T0) for each in found.runs] == [
        ("went", HOUR),
        ("waiting", HOUR),
        ("went", 3 * HOUR),
        ("completed", 3 * HOUR),
    ]
    late = begun(
        journey("a", PAUSE, wait("look", until={"event": "b"}, timeout="1h", from_="entry"))
    )
    assert runs(late.waits(T0 + DAY))[1] == ("went", "look", "timeout")


def test_what_came_before_the_wait_does_not_end_it() -> None:
    person = begun(journey("a", PAUSE, wait("look", until={"event": "b"})))
    person.waits(T0 + HOUR)
    assert runs(person.hears(track("b", T0 + HOUR - 1))) == []
    assert runs(person.hears(track("b", T0 + HOUR))) == [HEARD, ("completed", "", None)]


def test_a_late_event_ends_a_wait_that_began_before_it() -> None:
    person = begun(journey("a", wait("look", until={"event": "b"})))
    person.hears(track("c", T0 + DAY))
    found = person.hears(track("b", T0 + HOUR))
    assert [(each.what, each.at, each.late) for each in found.runs] == [
        ("went", T0 + DAY, True),
        ("completed", T0 + DAY, True),
    ]


def test_the_event_must_be_that_of_the_run() -> None:
    until = {
        "event": "b",
        "same": {"order.id": "number"},
        "where": [{"property": "ok", "equals": True}],
    }
    person = begun(journey("a", wait("look", until=until)), number="o1")
    for n, (order, ok) in enumerate([("o2", True), ("o1", False), (None, True)]):
        assert runs(person.hears(track("b", T0 + n, order={"id": order}, ok=ok))) == []
    assert runs(person.hears(track("b", T0 + 9, order={"id": "o1"}, ok=True)))[0] == HEARD
    person = begun(journey("a", wait("look", until={"event": "b", "same": "number"})))
    assert runs(person.hears(track("b", T0 + 1, number="o1"))) == []


def test_a_condition_ends_a_wait_by_event_and_by_the_clock() -> None:
    gold = journey("a", wait("look", until={"trait": "plan", "equals": "gold"}, timeout="1d"))
    person = begun(gold)
    assert runs(person.hears(identify(T0 + 1, plan="gold")))[0] == ("went", "look", "holds")
    quiet = {"not": {"event": "b", "within": "2h"}}
    person = Person(journey("a", wait("look", until=quiet, timeout="1d")))
    person.hears(track("b", T0 - HOUR))
    person.hears(track("a"))
    person.hears(track("b", T0 + MINUTE))
    found = person.waits(T0 + DAY)
    assert [(each.choice, each.at) for each in found.runs[:1]] == [
        ("holds", T0 + 2 * HOUR + MINUTE)
    ]


def test_a_condition_that_holds_already_is_no_wait() -> None:
    person = Person(journey("a", wait("look", until={"tag": "x"}), HELLO), trigger("t", tag("x")))
    person.hears(track("t"))
    assert runs(person.hears(track("a")))[1] == ("went", "look", "holds")


def test_a_wait_without_a_time_goes_on_for_ever() -> None:
    person = begun(journey("a", wait("look", until={"event": "b"})))
    assert person.profile.due == NEVER


RENEWAL = {"date": "renewal", "offset": "-2d", "at": "09:00"}


def dated(keys: Document, *more: Document) -> Document:
    return journey("a", wait("day", **(RENEWAL | keys)), *more)


def test_a_date_is_waited_for_and_planned_anew() -> None:
    person = Person(dated({}))
    person.hears(identify(T0 - 1, renewal="2026-01-10"))
    assert person.hears(track("a")).runs[-1].until == T0 + 7 * DAY + 9 * HOUR
    person.hears(identify(T0 + 1, renewal="2026-01-20"))
    assert person.profile.due == T0 + 17 * DAY + 9 * HOUR
    found = person.hears(identify(T0 + 2, renewal="2026-01-02"))
    assert runs(found) == [("went", "day", "due"), ("completed", "", None)]


def test_a_date_that_has_passed_has_a_way_of_its_own() -> None:
    ends = [step("on", {"exit": "on"}), step("missed", {"exit": "missed"})]
    for keys, last in (({}, "on"), ({"past": "missed"}, "missed")):
        document = dated(keys, *ends) if keys else dated(keys, ends[0])
        person = Person(document)
        person.hears(identify(T0 - 1, renewal="2026-01-02"))
        found = runs(person.hears(track("a")))
        assert found[1:] == [("went", "day", "past"), ("exited", last, last)]


@pytest.mark.parametrize("trait", [{}, {"renewal": "soon"}, {"renewal": 5}])
def test_where_there_is_no_date_the_document_says_what_then(trait: Document) -> None:
    def found(**keys: Any) -> list[tuple[str, str, str | None]]:
        person = Person(dated(keys))
        person.hears(identify(T0 - 1, **trait))
        return runs(person.hears(track("a")))[1:]

    assert found() == [("went", "day", "missing"), ("completed", "", None)]
    assert found(missing="exit") == [("went", "day", "missing"), ("exited", "day", "missing")]
    assert found(missing="hold") == [("waiting", "day", None)]


def test_who_is_held_goes_on_once_there_is_a_date() -> None:
    person = begun(dated({"missing": "hold"}))
    assert person.profile.due == NEVER
    person.hears(identify(T0 + 1, renewal="2026-01-10"))
    assert person.profile.due == T0 + 7 * DAY + 9 * HOUR


def test_a_date_that_goes_away_is_missing() -> None:
    person = Person(dated({}))
    person.hears(identify(T0 - 1, renewal="2026-01-10"))
    person.hears(track("a"))
    assert runs(person.hears(identify(T0 + 1, renewal=None)))[0] == ("went", "day", "missing")


# Entry


def test_without_a_word_people_enter_once() -> None:
    person = Person(journey("a", PAUSE))
    assert entries(person, track("a"), track("a", T0 + 1)) == ["entered", "running"]
    person.waits(T0 + HOUR)
    assert entries(person, track("a", T0 + DAY)) == ["re-entry"]


def test_people_may_enter_always_or_after_a_time() -> None:
    times = [T0, T0 + 2 * HOUR, T0 + DAY - 1, T0 + DAY]
    events = [track("a", at) for at in times]
    assert entries(Person(journey("a", TAGGED, re_entry="always")), *events) == ["entered"] * 4
    assert entries(Person(journey("a", TAGGED, re_entry="after 1d")), *events) == [
        "entered",
        "re-entry",
        "re-entry",
        "entered",
    ]


def test_each_value_of_the_key_has_a_run_of_its_own() -> None:
    person = Person(journey("a", PAUSE, per="cart.id"))
    carts = [
        {"id": "c1"},
        {"id": "c2"},
        {"id": "c1"},
        {"id": 7},
        {"id": [1]},
        None,
        {"id": "c" * 257},
    ]
    events = [track("a", T0 + n, cart=each) for n, each in enumerate(carts)]
    assert entries(person, *events) == ["entered"] * 2 + ["running", "entered"] + ["no-key"] * 3
    assert [each.key for each in held(person.profile, "j")] == ["c1", "c2", "7"]
    person.waits(T0 + DAY)
    assert entries(person, track("a", T0 + DAY, cart={"id": "c2"})) == ["re-entry"]


def test_each_event_may_have_a_run_of_its_own() -> None:
    person = Person(journey("a", PAUSE, per="messageId"))
    assert entries(person, track("a", id="m1"), track("a", id="m2")) == ["entered"] * 2


def test_so_many_keys_are_remembered() -> None:
    person = Person(journey("a", TAGGED, per="k"))
    for n in range(MAX_ENTRIES + 1):
        person.hears(track("a", T0 + n, k=f"k{n}"))
    again = [track("a", T0 + 500 + n, k=f"k{n}") for n in (1, 0)]
    assert entries(person, *again) == ["re-entry", "entered"]


def test_so_many_runs_go_on_at_once() -> None:
    person = Person(journey("a", PAUSE, per="messageId"), journey("a", PAUSE, id="k"))
    events = [track("a", T0 + n, id=f"m{n}") for n in range(MAX_RUNS)]
    found = entries(person, *events)
    assert found.count("entered") == MAX_RUNS
    assert found[-2:] == ["too-many-runs", "running"]


def test_conditions_and_limits_are_those_of_triggers() -> None:
    entry = {"event": "a", "when": {"property": "n", "at_least": 2}}
    rules: Document = {"re_entry": "always", "limit": {"times": 1, "within": "1d"}}
    person = Person(journey(entry, TAGGED, **rules))
    events = [track("a", T0 + at, n=n) for at, n in ((0, 1), (1, 2), (2, 2), (DAY + 1, 2))]
    assert entries(person, *events) == ["condition", "entered", "limit", "entered"]


def test_targeting_is_asked_at_entry_and_before_each_step_that_sends() -> None:
    document = journey("a", PAUSE, TAGGED, HELLO, targeting={"not": {"tag": "off"}})
    off = trigger("off", tag("off"))
    person = Person(document, off)
    person.hears(track("off"))
    assert entries(person, track("a", T0 + 1)) == ["condition"]
    person = begun(document, off)
    person.hears(track("off", T0 + 1))
    found = person.waits(T0 + DAY)
    assert runs(found)[1:] == [("done", "tagged", None), ("exited", "hello", "targeting")]
    assert found.commands == []


@pytest.mark.parametrize("status", ["paused", "draining", "archived"])
def test_nobody_enters_where_the_journey_is_not_active(status: str) -> None:
    assert entries(Person(journey("a", TAGGED, status=status)), track("a")) == [status]


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        ({"segment": "s", "change": "entered"}, identify(T0, plan="gold")),
        ({"trait": "plan", "becomes": "gold"}, identify(T0, plan="gold")),
        ({"manual": True}, track("Trigger Requested", trigger="j")),
    ],
)
def test_every_stimulus_lets_people_in(entry: Document, event: Document) -> None:
    person = Person(segment({"trait": "plan", "equals": "gold"}), journey(entry, TAGGED))
    assert entries(person, event) == ["entered"]


@pytest.mark.parametrize(
    ("entry", "at_ms"),
    [
        ({"inactive": "2d"}, T0 + 2 * DAY),
        ({"date": "renewal", "offset": "-1d"}, T0 + 4 * DAY),
        (
            {"schedule": "0 9 * * *", "audience": {"trait": "renewal", "is_set": True}},
            T0 + 9 * HOUR,
        ),
    ],
)
def test_instants_let_people_in(entry: Document, at_ms: int) -> None:
    person = Person(journey(entry, TAGGED))
    person.hears(identify(T0, renewal="2026-01-06"))
    found = person.waits(at_ms)
    assert [(each.what, each.at) for each in found.runs[:1]] == [("entered", at_ms)]


def test_a_journey_may_have_the_id_of_a_trigger() -> None:
    documents = [journey({"inactive": "2d"}, TAGGED, id="x"), trigger({"inactive": "2d"}, id="x")]
    person = Person(*documents)
    person.hears(track("a"))
    assert reasons(person.waits(T0 + 3 * DAY)) == [("x", "entered"), ("x", "fired")]


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


def test_triggers_begin_and_stop_journeys() -> None:
    manual = journey({"manual": True}, PAUSE, HELLO, re_entry="always")
    person = Person(
        manual,
        trigger("go", {"start_journey": "j"}, id="go"),
        trigger("halt", {"stop_journey": "j"}, id="halt"),
    )
    assert reasons(person.hears(track("go", n=1))) == [("go", "fired"), ("j", "entered")]
    assert held(person.profile, "j")[0].data == {"n": 1}
    assert runs(person.hears(track("halt", T0 + 1))) == [("exited", "pause", "stopped")]
    assert runs(person.hears(track("halt", T0 + 2))) == []


def test_a_run_may_stop_itself() -> None:
    found = Person(journey("a", step("stop", {"stop_journey": "j"}), HELLO)).hears(track("a"))
    assert runs(found)[-1] == ("exited", "stop", "stopped")
    assert found.commands == []


def test_journeys_that_begin_each_other_without_end_are_ended() -> None:
    both = [
        journey("a", step("s", {"start_journey": other}), id=id, re_entry="always")
        for id, other in (("j", "k"), ("k", "j"))
    ]
    found = Person(*both).hears(track("a"))
    assert ("exited", "s", "loop") in runs(found)
    assert len(found.runs) < 100


def test_runs_of_one_journey_move_in_the_order_in_which_they_began() -> None:
    person = Person(journey("a", wait("w", until={"event": "b"}), HELLO, per="k"))
    for n, key in enumerate(("z", "y", "x")):
        person.hears(track("a", T0 + n, k=key))
    found = person.hears(track("b", T0 + 9))
    assert [each.properties["k"] for each in found.commands] == ["z", "y", "x"]


def test_what_a_run_knows_is_bounded() -> None:
    document = journey("a", wait("w", until={"event": "b", "same": "k"}), HELLO)
    person = begun(document, k="o1", text="x" * MAX_DATA_BYTES)
    assert held(person.profile, "j")[0].data == {"k": "o1"}
    person = begun(document, k="x" * MAX_DATA_BYTES)
    assert held(person.profile, "j")[0].data is None


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


def test_seconds_matter() -> None:
    person = begun(journey("a", wait("w", for_="5s")))
    assert person.profile.due == T0 + 5 * SECOND
