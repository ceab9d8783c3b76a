"""Commands and decisions, those that came against those that were expected."""

from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.cases.deeds import assign
from tests.builders import Document, policy, trigger
from tests.unit.cases.builders import differences, said

MAIL: Document = {"send": {"channel": "email", "template": "hello", "topic": "news"}}
PUSH: Document = {"send": {"channel": "push", "template": "hello"}}
HOOK: Document = {"webhook": {"url": "https://shop.example/a", "body": {"n": 1}}}
DEFINITIONS = [
    trigger("a", MAIL, PUSH, when={"not": {"tag": "mute"}}, limit={"times": 2}),
    trigger("b", HOOK, id="hook"),
]


def commands(wanted: list[Document], *events: str, **keys: Any) -> list[tuple[str, str]]:
    steps: list[Document] = [{"event": name} for name in events]
    expect: Document = {"expect": {"commands": wanted}}
    return said(differences(DEFINITIONS, *steps, expect, **keys))


def test_commands_are_expected_in_any_order_and_as_far_as_they_are_described() -> None:
    assert commands([{"trigger": "t", "channel": "push"}, {"trigger": "t"}], "a") == []
    assert commands([{"trigger": "t"}, {"trigger": "t", "channel": "email"}], "a") == []
    full = {"trigger": "t", "channel": "email", "template": "hello", "topic": "news"}
    assert commands([full, {"trigger": "t", "channel": "push"}], "a") == []
    hook = {"trigger": "hook", "url": "https://shop.example/a", "body": {"n": 1}}
    assert commands([hook], "b") == []
    assert commands([]) == []


def test_command_that_nobody_expects_is_told() -> None:
    at = "at 2026-01-05T09:00:00.000Z"
    assert commands([{"trigger": "t", "channel": "push"}], "a", "b") == [
        ("no other command", f"t: channel email, template hello, topic news, {at}"),
        (
            "no other command",
            f'hook: channel webhook, url https://shop.example/a, body {{"n":1}}, {at}',
        ),
    ]


def test_like_commands_that_nobody_expects_are_told_once() -> None:
    hook = 'hook: channel webhook, url https://shop.example/a, body {"n":1}'
    assert commands([], "b", "b", "b") == [
        ("no other command", f"{hook}, 3 times, last at 2026-01-05T09:00:00.000Z")
    ]


def test_missing_command_is_held_against_the_nearest_of_its_trigger() -> None:
    wanted = [
        {"trigger": "t", "channel": "push", "template": "bye"},
        {"trigger": "t", "channel": "email"},
    ]
    steps: list[Document] = [{"event": "a"}, {"expect": {"commands": wanted}}]
    (told,) = differences(DEFINITIONS, *steps)
    assert told.path[-2:] == ("commands", 0)
    assert told.expected == "t: channel push, template bye"
    assert told.found == "t: channel push, template hello, at 2026-01-05T09:00:00.000Z"
    assert told.notes == ("differs in template",)


def test_commands_of_other_triggers_are_not_near() -> None:
    found = commands([{"trigger": "t"}], "b")
    assert [expected for expected, _ in found] == ["t: any command", "no other command"]
    assert found[0][1] == "no such command"


def notes(wanted: Document, *events: str, **keys: Any) -> list[str]:
    steps: list[Document] = [{"event": name} for name in events]
    (told,) = differences(DEFINITIONS, *steps, {"expect": wanted}, **keys)
    return list(told.notes)


def test_missing_command_says_why_its_trigger_did_not_fire() -> None:
    wanted = {"commands": [{"trigger": "t"}]}
    assert notes(wanted) == ['trigger t: never asked, since {"event":"a"} did not come']
    assert notes(wanted, "a", given={"tags": ["mute"]}) == [
        'trigger t: no, condition ({"not":{"tag":"mute"}} did not hold), '
        "at 2026-01-05T09:00:00.000Z"
    ]
    assert notes({"commands": [{"trigger": "t"}] * 5}, "a", "a", "a") == [
        "trigger t: yes, fired, 2 times, last at 2026-01-05T09:00:00.000Z",
        'trigger t: no, limit ({"times":2} was reached), at 2026-01-05T09:00:00.000Z',
    ]


def decisions(wanted: list[Document], *events: str) -> list[tuple[str, str]]:
    steps: list[Document] = [{"event": name} for name in events]
    return said(differences(DEFINITIONS, *steps, {"expect": {"decisions": wanted}}))


def test_decisions_are_among_those_that_were_made() -> None:
    yes: Document = {"trigger": "t", "outcome": "yes"}
    assert decisions([yes], "a", "b") == []
    assert decisions([yes, {"trigger": "t", "reason": "limit"}], "a", "a", "a") == []
    assert decisions([{"trigger": "t", "outcome": "no", "reason": "limit"}], "a", "a", "a") == []


def test_what_the_gate_said_of_messages_can_be_expected() -> None:
    night = policy(quiet_hours={"from": "21:00", "to": "08:00"})
    waits = {"trigger": "t", "outcome": "no", "reason": "quiet-hours"}
    steps: list[Document] = [
        {"after": "13h", "event": "a", "expect": {"decisions": [waits], "commands": []}},
        {"after": "9h", "expect": {"commands": []}},
        {"after": "1h", "expect": {"commands": [{"trigger": "t"}]}},
    ]
    assert differences([trigger("a", MAIL), night], *steps) == []
    too_early: Document = {"after": "13h", "event": "a", "expect": {"commands": [{"trigger": "t"}]}}
    (missing,) = differences([trigger("a", MAIL), night], too_early)
    assert missing.notes[-1] == "trigger t: no, quiet-hours, at 2026-01-05T22:00:00.000Z"


def test_decision_that_is_missing_is_told_with_those_that_were_made() -> None:
    assert decisions([{"trigger": "t", "outcome": "no"}], "a") == [("t: no", "no such decision")]
    assert decisions([{"trigger": "t", "outcome": "yes"}] * 2, "a") == [
        ("t: yes", "no such decision")
    ]
    assert decisions([{"trigger": "t", "outcome": "no", "reason": "limit"}]) == [
        ("t: no, limit", "no such decision")
    ]
    wanted: Document = {"decisions": [{"trigger": "t", "reason": "limit"}]}
    assert notes(wanted, "a", "b") == ["trigger t: yes, fired, at 2026-01-05T09:00:00.000Z"]


@given(st.lists(st.lists(st.integers(0, 4), unique=True), max_size=5))
def test_as_many_as_can_have_a_place_get_one(fits: list[list[int]]) -> None:
    held = assign(fits)
    assert len(set(held.values())) == len(held)
    assert all(place in fits[each] for each, place in held.items())
    most = max(
        sum(place in wanted for place, wanted in zip(places, fits, strict=False))
        for places in permutations([0, 1, 2, 3, 4])
    )
    assert len(held) == most
