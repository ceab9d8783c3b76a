"""Steps of journeys: what each does, where it leads, and how long it waits."""

from typing import Any

import pytest

from processors.decisions.journeys import MAX_PASSES
from processors.decisions.runs import MAX_DATA_BYTES, held
from processors.definitions.durations import parse_instant
from processors.state.profiles import NEVER
from schemas.events import iso
from tests.builders import (
    DAY,
    HELLO,
    HOUR,
    MINUTE,
    PAUSE,
    SECOND,
    T0,
    TAGGED,
    Document,
    Person,
    begun,
    emit,
    identify,
    journey,
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

HEARD = ("went", "look", "heard")


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


DRIP = [
    HELLO | {"id": "first", "when": {"property": "n", "at_least": 5}},
    PAUSE,
    HELLO | {"id": "second", "when": {"tag": "reader"}},
    step("last", tag("done")),
]


def test_a_step_whose_condition_does_not_hold_is_skipped_and_the_run_goes_on() -> None:
    person = Person(journey("a", *DRIP))
    assert runs(person.hears(track("a", n=4)))[1:] == [
        ("skipped", "first", "condition"),
        ("waiting", "pause", None),
    ]
    found = person.waits(T0 + DAY)
    assert runs(found)[1:] == [
        ("skipped", "second", "condition"),
        ("done", "last", None),
        ("completed", "", None),
    ]
    assert found.commands == []


def test_the_condition_of_a_step_is_asked_when_the_run_comes_to_it() -> None:
    person = Person(journey("a", *DRIP), trigger("b", tag("reader")))
    assert runs(person.hears(track("a", n=5)))[1] == ("done", "first", None)
    person.hears(track("b", T0 + SECOND))
    found = person.waits(T0 + DAY)
    assert runs(found)[1] == ("done", "second", None)
    assert [each.step for each in found.commands] == ["second"]


def test_a_webhook_that_is_skipped_waits_for_no_answer() -> None:
    call = {"webhook": {"url": "https://example.com/x", "timeout": "1h"}}
    person = Person(journey("a", step("call", call, when={"tag": "x"}), TAGGED))
    assert runs(person.hears(track("a")))[1:] == [
        ("skipped", "call", "condition"),
        ("done", "tagged", None),
        ("completed", "", None),
    ]


def test_what_is_asked_of_a_step_is_a_mention() -> None:
    person = Person(segment({"tag": "x"}), journey("a", step("b", tag("y"), when={"segment": "s"})))
    assert runs(person.hears(track("a")))[1] == ("skipped", "b", "condition")


def test_every_action_of_triggers_is_a_step() -> None:
    steps = [
        step("a", set_trait("plan", "gold")),
        step("b", {"set_status": "customer"}),
        step("c", emit("told", n=1)),
        step("d", {"add_points": {"score": "fit", "points": 5}}),
        step("e", {"webhook": {"url": "https://example.com/x"}}),
        step("f", {"create_task": {"title": "Call"}}),
    ]
    person = Person(score(), journey("a", *steps), trigger("told", tag("heard")))
    found = person.hears(track("a"))
    assert person.profile.traits["plan"][0] == "gold"
    assert person.profile.status == "customer"
    assert person.profile.tags == ["heard"]
    assert person.score() == 5
    assert [each.channel for each in found.commands] == ["webhook", "task"]


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
        ({"for_": "15m", "days": ["thu"]}, "2026-01-01T00:15:00.000Z"),
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


def test_seconds_matter() -> None:
    person = begun(journey("a", wait("w", for_="5s")))
    assert person.profile.due == T0 + 5 * SECOND


# Answers

ASK = {"webhook": {"url": "https://example.com/ask", "timeout": "1h", "else": "none"}}


def asking(**keys: Any) -> Document:
    cases = [{"when": {"property": "ask.answer.ok", "equals": True}, "go": "good"}]
    return journey(
        "a",
        step("ask", ASK),
        step("look", {"branch": {"cases": cases}}),
        step("bad", {"exit": "bad"}),
        step("good", {"exit": "good"}),
        step("none", {"exit": "none"}),
        **keys,
    )


def answered(command_id: str, at_ms: int, **answer: Any) -> Document:
    return track("webhook.sent", at_ms, command_id=command_id, answer=answer)


def test_the_answer_to_a_webhook_is_known_to_the_next_steps() -> None:
    answers: list[tuple[Document, str]] = [({"ok": True}, "good"), ({"ok": 0}, "bad"), ({}, "bad")]
    for answer, end in answers:
        person = Person(asking())
        found = person.hears(track("a"))
        assert runs(found)[1:] == [("done", "ask", None), ("waiting", "ask", None)]
        (command,) = found.commands
        assert runs(person.hears(answered("another", T0 + 1, **answer))) == []
        found = person.hears(answered(command.id, T0 + 2, **answer))
        assert runs(found)[0] == ("went", "ask", "heard")
        assert runs(found)[-1] == ("exited", end, end)


def test_a_webhook_that_failed_has_an_answer_too() -> None:
    person = Person(asking())
    (command,) = person.hears(track("a")).commands
    found = person.hears(track("webhook.failed", T0 + 2, command_id=command.id))
    assert runs(found)[-1] == ("exited", "bad", "bad")


def test_who_gets_no_answer_goes_on_in_time() -> None:
    person = begun(asking())
    assert runs(person.waits(T0 + HOUR))[-1] == ("exited", "none", "none")


def test_a_webhook_that_is_left_out_has_no_answer_to_wait_for() -> None:
    steps = [
        PAUSE,
        step("ask", {"webhook": {"url": "https://example.com", "timeout": "1h"}}),
        TAGGED,
    ]
    person = begun(journey("a", *steps))
    person.gets(journey("a", *steps, status="paused"), adopted_ms=T0 + 1)
    found = person.gets(journey("a", *steps, overdue="skip"), adopted_ms=T0 + DAY)
    assert runs(found)[1:3] == [("skipped", "ask", "overdue"), ("done", "tagged", None)]
    person = begun(asking(targeting={"not": {"tag": "x"}}), trigger("t", tag("x")))
    assert held(person.profile, "j")
    off = Person(
        journey("a", PAUSE, step("ask", ASK), step("none", {"exit": "n"}), exit=[{"tag": "x"}]),
        trigger("t", tag("x")),
    )
    off.hears(track("a"))
    assert runs(off.hears(track("t", T0 + 1))) == [("exited", "pause", "condition")]


def test_an_answer_that_is_too_long_is_left_out() -> None:
    person = Person(asking())
    (command,) = person.hears(track("a", order="o1")).commands
    text = "x" * MAX_DATA_BYTES
    found = person.hears(answered(command.id, T0 + 1, ok=True, text=text))
    assert runs(found)[-1] == ("exited", "bad", "bad")
