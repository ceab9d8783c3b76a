"""What a test file may say, and what is said where it may not."""

from pathlib import Path
from typing import Any

import pytest

from processors.cases.documents import (
    START_MS,
    Case,
    CommandExpectation,
    Expectation,
    Given,
    ScoreExpectation,
    Step,
)
from processors.definitions.parts import Part
from schemas.events import iso
from tests.builders import DAY, HOUR, T0, Document
from tests.unit.cases.builders import case, complaints, of_expect, of_step, story

EXPECT: Document = {"expect": {"segments": {"s": "in"}}}


def test_everything_that_can_be_said_is_read() -> None:
    steps: list[Document] = [
        {"event": "Order", "properties": {"total": 3}, "times": 2, "late_by": "2h"},
        {"after": "59m", "identify": {"plan": None}},
        {"at": "2026-02-01T00:00:00Z", "group": {"tier": "gold"}},
        {"group": {}, "group_id": "acme", "person": "colleague"},
        {
            "expect": {
                "segments": {"a": "in", "b": "out"},
                "lists": {"c": "in"},
                "tags": {"Any name": "out"},
                "status": None,
                "traits": {"company.size": 5, "plan": None},
                "scores": {"fit": 5, "other": {"value": 1.5, "level": "hot", "grade": "B"}},
                "commands": [
                    {
                        "trigger": "t",
                        "channel": "webhook",
                        "template": "x",
                        "topic": "y",
                        "url": "https://shop.example",
                        "body": {},
                    }
                ],
                "decisions": [{"trigger": "t", "outcome": "no", "reason": "limit"}],
            }
        },
    ]
    given = {"traits": {}, "account": {"a": 1}, "tags": ["x"], "lists": ["c"], "status": "lead"}
    document = story(*steps, given=given, person="ada", at="2026-01-01T00:00:00Z")
    assert complaints({"cases": [document]}) == []
    read = Case.model_validate(document)
    assert (read.person, read.at) == ("ada", T0)
    assert read.given is not None
    assert read.given.lists == ("c",)
    assert (read.steps[3].group_id, read.steps[3].person) == ("acme", "colleague")
    expect = read.steps[4].expect
    assert expect is not None
    assert expect.scores is not None
    assert expect.commands is not None
    assert expect.scores["fit"].value == 5
    assert expect.names_status
    assert expect.commands[0].fields["body"] == {}


@pytest.mark.parametrize(
    "model", [Case, Given, Step, Expectation, ScoreExpectation, CommandExpectation]
)
def test_every_key_is_in_the_reference(model: type[Part]) -> None:
    reference = (Path(__file__).parents[3] / "docs" / "testing.md").read_text("utf-8")
    for key in model.known_keys():
        assert f"`{key}`" in reference or f"{key}: " in reference


def test_case_begins_on_a_monday_morning_unless_it_says_when() -> None:
    read = case(EXPECT)
    assert (read.at, iso(START_MS)) == (START_MS, "2026-01-05T09:00:00.000Z")
    assert read.given is None


def test_steps_are_at_their_instants() -> None:
    steps: list[Document] = [
        {},
        {"after": "1h"},
        {"event": "a"},
        {"at": "2026-01-09T00:00:00Z"},
        {"after": "1d"},
    ]
    read = case(*({**each, **EXPECT} for each in steps), at="2026-01-01T00:00:00Z")
    passed = [now - T0 for now in read.instants()]
    assert passed == [0, HOUR, HOUR, 8 * DAY, 9 * DAY]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "needs one of after, at, event, identify, group, expect"),
        ({"evnt": "a"}, "evnt: unknown key; did you mean event?"),
        ({"track": "a"}, "track: unknown key; did you mean event?"),
        ({"happened": "2h", "event": "a"}, "happened: unknown key; did you mean late_by?"),
        ({"event": None}, "event: is empty; give it a value or leave the key out"),
        (
            {"event": "a", "identify": {}},
            "takes only one of event, identify, group, found event and identify",
        ),
        (
            {"after": "1h", "at": "2026-01-05T10:00:00Z"},
            "takes only one of after, at, found after and at",
        ),
        ({"identify": {}, "properties": {}}, "properties: may only stand beside event"),
        ({"after": "1h", "times": 2}, "times: may only stand beside event, identify, group"),
        ({"after": "1h", "late_by": "1h"}, "late_by: may only stand beside event, identify, group"),
        ({"event": "a", "group_id": "x"}, "group_id: may only stand beside group"),
        ({"after": "1h", "person": "q"}, "person: may only stand beside event, identify, group"),
        ({"group": {}, "groupId": "x"}, "groupId: unknown key; did you mean group_id?"),
        ({"event": "a", "times": 0}, "times: must be a count from 1 to 1000, found the number 0"),
        (
            {"event": "a", "times": 1001},
            "times: must be a count from 1 to 1000, found the number 1001",
        ),
        (
            {"event": "user.profile_updated"},
            "event: user.profile_updated is written identify: {…}",
        ),
        ({"event": "account.updated"}, "event: account.updated is written group: {…}"),
        (
            {"identify": {"company.size": 5}},
            'identify["company.size"]: takes whole names, without dots: company: {size: …}',
        ),
        ({"identify": 3}, "identify: must be a mapping, found the number 3"),
        (
            {"event": "a", "properties": {"a.b": 1}},
            'properties["a.b"]: takes whole names, without dots: a: {b: …}',
        ),
    ],
)
def test_step_says_what_is_wrong(keys: dict[str, Any], said: str) -> None:
    assert of_step(**keys) == [said]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {},
            "needs one of segments, lists, tags, status, traits, scores, journeys, commands, "
            "decisions",
        ),
        ({"segment": {"a": "in"}}, "segment: unknown key; did you mean segments?"),
        ({"segments": {"a": "inn"}}, 'segments.a: must be in or out, found the text "inn"'),
        ({"tags": {"a": True}}, "tags.a: must be in or out, found true"),
        (
            {"segments": {}},
            "segments: must have at least one key",
        ),
        ({"lists": ["a"]}, "lists: must be a mapping, found a list"),
        ({"traits": {"a..b": 1}}, 'traits["a..b"]: must be a path such as company.country'),
        (
            {"scores": {"fit": "hot"}},
            "scores.fit: must be a number, or a mapping of value, level and grade, "
            'found the text "hot"',
        ),
        (
            {"scores": {"fit": True}},
            "scores.fit: must be a number, or a mapping of value, level and grade, found true",
        ),
        ({"scores": {"fit": {}}}, "scores.fit: needs one of value, level, grade"),
        ({"scores": {"fit": {"levl": "a"}}}, "scores.fit.levl: unknown key; did you mean level?"),
        (
            {"commands": [{"channel": "email"}]},
            "commands[0]: takes one of trigger and journey, found neither",
        ),
        (
            {"decisions": [{"trigger": "t", "journey": "j", "reason": "x"}]},
            "decisions[0]: takes one of trigger and journey, found trigger and journey",
        ),
        (
            {"commands": [{"trigger": "t", "step": "s"}]},
            "commands[0].step: may only stand beside journey",
        ),
        (
            {"commands": [{"trigger": "t", "channel": "mail"}]},
            "commands[0].channel: must be email, sms, push, whatsapp, inbox, slack, webhook, crm, "
            'task or audience, found the text "mail"',
        ),
        ({"decisions": []}, "decisions: must be a list with at least one item, found a list"),
        ({"decisions": [{"trigger": "t"}]}, "decisions[0]: needs one of outcome, reason"),
        (
            {"decisions": [{"trigger": "t", "outcome": False}]},
            "decisions[0].outcome: must be yes or no, found false",
        ),
    ],
)
def test_expectation_says_what_is_wrong(keys: dict[str, Any], said: str) -> None:
    assert of_expect(**keys) == [said]


def test_no_command_can_be_expected() -> None:
    assert of_expect(commands=[]) == []


def test_case_that_expects_nothing_is_refused() -> None:
    found = complaints({"cases": [story({"event": "a"})]})
    assert found == ["cases[0].steps: nothing is expected: add expect to a step"]


def test_misspelt_expect_is_one_mistake() -> None:
    found = complaints({"cases": [story({"expct": {"segments": {"s": "in"}}})]})
    assert found == ["cases[0].steps[0].expct: unknown key; did you mean expect?"]


def test_two_cases_of_one_name_are_refused() -> None:
    found = complaints({"cases": [story(EXPECT), story(EXPECT), story(EXPECT, name="b")]})
    assert found == ["cases[1].name: a case of this name is there, cases[0]"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    given = {"segments": ["a"], "tags": "x", "lists": ["A"]}
    found = complaints({"cases": [story(EXPECT, given=given, at="soon"), {"name": "b"}]})
    assert [each.partition(": ")[0] for each in found] == [
        "cases[0].given.segments",
        "cases[0].given.tags",
        "cases[0].given.lists[0]",
        "cases[0].at",
        "cases[1]",
    ]


@pytest.mark.parametrize("document", [{"cases": []}, {"cases": 3}, {"cases": [3]}])
def test_file_without_cases_is_refused(document: Any) -> None:
    assert len(complaints(document)) == 1
