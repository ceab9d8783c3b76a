"""Journeys: entry, ends, and what belongs together."""

from typing import Any

import pytest

from processors.definitions import documents
from processors.definitions.journeys import Journey
from processors.definitions.scores import EventMatch
from processors.definitions.stimuli import SegmentStimulus
from tests.unit.definitions.builders import IS_GOLD, TAG_IT, journey, problems

DAY_MS = 86_400_000


def parse(document: Any) -> Journey:
    found = documents.parse(document)
    assert isinstance(found, Journey)
    return found


def test_journey_is_read() -> None:
    found = parse(
        journey(
            {"id": "hi", "send": {"channel": "email", "template": "hi"}},
            entry={"event": "a", "where": [{"property": "n", "at_least": 2}], "when": IS_GOLD},
            targeting={"tag": "vip"},
            per="cart.id",
            limit={"times": 2},
            exit=[{"event": "b", "same": "cart"}, {"segment": "s"}],
            goal={"event": "c", "within": "7d"},
            live_edit="follow",
            moves={"old": "hi"},
        )
    )
    assert isinstance(found.entry.on, EventMatch)
    assert found.entry.on.event == "a"
    assert found.entry.when is not None
    assert found.goal is not None
    assert found.goal.within == 7 * DAY_MS
    assert found.moves == {"old": "hi"}
    assert (found.status, found.overdue, found.priority, found.name) == ("active", "run", 5, None)


def test_entry_is_any_stimulus() -> None:
    found = parse(journey(entry={"segment": "s", "change": "entered"}, fire_on_publish=True))
    assert isinstance(found.entry.on, SegmentStimulus)
    assert found.entry.when is None
    assert found.fire_on_publish


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, None), ({"re_entry": "never"}, None), ({"re_entry": "always"}, 0),
     ({"re_entry": "after 30d"}, 30 * DAY_MS)],
)  # fmt: skip
def test_re_entry_is_a_time(said: Any, expected: int | None) -> None:
    assert parse(journey(**said)).re_entry == expected


def test_runs_have_the_version_of_what_they_go_by() -> None:
    version = parse(journey()).steps_version
    assert len(version) == 12
    assert parse(journey(name="other", status="paused", re_entry="always")).steps_version == version
    assert parse(journey("other")).steps_version != version
    for more in ({"exit": [IS_GOLD]}, {"goal": {"event": "a"}}, {"targeting": IS_GOLD}):
        assert parse(journey(**more)).steps_version != version


RE_ENTRY = "must be never, always, or a time such as after 30d"
BAD: list[tuple[Any, list[str]]] = [
    (journey(entry={"event": "a", "when": {"trait": "x", "equalz": 1}}),
     ["entry.when.equalz: unknown key; did you mean equals?"]),
    (journey(entry={"event": "a", "when": None}),
     ["entry.when: is empty; give it a value or leave the key out"]),
    (journey(entry={"evnt": "a"}), ["entry.evnt: unknown key; did you mean event?"]),
    (journey(re_entry="sometimes"), [f're_entry: {RE_ENTRY}, found the text "sometimes"']),
    (journey(re_entry="after a while"), [f're_entry: {RE_ENTRY}, found the text "after a while"']),
    (journey(re_entry="after soon"), [f're_entry: {RE_ENTRY}, found the text "after soon"']),
    (journey(re_entry="until 30d"), [f're_entry: {RE_ENTRY}, found the text "until 30d"']),
    (journey(re_entry=30), [f"re_entry: {RE_ENTRY}, found the number 30"]),
    (journey(per="n", entry={"segment": "s", "change": "entered"}),
     ["per: may only stand beside an entry by event: nothing else has any"]),
    (journey(fire_on_publish=True),
     ["fire_on_publish: may only stand beside segment, score, level, grade: "
      "nothing else changes by that"]),
    (journey(moves={"old": "rest"}), ["moves: may only stand beside live_edit: follow or migrate"]),
    (journey(moves={"old": "rast"}, live_edit="follow"),
     ["moves.old: there is no step rast; did you mean rest?"]),
    (journey(moves=[], live_edit="follow"), ["moves: must be a mapping, found a list"]),
    (journey(status="off"),
     ['status: must be one of active, paused, draining, archived, found the text "off"']),
    (journey(exit=[]), ["exit: must be a list with at least one item, found a list"]),
    (journey(exit=[{"event": "a", "within": "2d", "same": "x"}]),
     ["exit[0].same: unknown key; allowed here: event, where, at_least, at_most, exactly, sum, "
      "average, min, max, distinct, within, since"]),
    (journey(goal={"event": "a", "same": {}}),
     ["goal.same: must be text, found a mapping"]),
    (journey(steps=[]), ["steps: must be a list with at least one item, found a list"]),
    (journey(steps=TAG_IT), ["steps: must be a list, found a mapping"]),
    (journey(on="a"), ["on: unknown key; did you mean entry?"]),
    ({"kind": "journey", "id": "a", "steps": [{"id": "a", "wait": {"for": "1d"}}]},
     ["needs the key entry"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), BAD, ids=[row[1][0] for row in BAD])
def test_mistake_brings_one_plain_message(document: Any, expected: list[str]) -> None:
    assert problems(document) == expected
