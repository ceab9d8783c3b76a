"""The way into a journey: who may enter, and why somebody may not."""

import pytest

from processors.decisions.runs import held
from processors.state.runs import MAX_ENTRIES, MAX_RUNS
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    PAUSE,
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
    tag,
    track,
    trigger,
)

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


def test_runs_that_begin_in_other_rounds_have_other_ids() -> None:
    entry = {"tag": "x", "change": "added"}
    person = Person(journey(entry, TAGGED, re_entry="always"), trigger("a", tag("x")))
    (first,) = {each.run_id for each in person.hears(track("a")).runs}
    direct = Person(journey("a", TAGGED))
    (second,) = {each.run_id for each in direct.hears(track("a")).runs}
    assert first != second
