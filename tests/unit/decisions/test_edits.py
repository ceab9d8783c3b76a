"""Editing journeys while people are in them: every kind of step, every edit, every position."""

from typing import Any

import pytest

from processors.decisions.runs import held
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Document,
    Person,
    identify,
    journey,
    runs,
    segment,
    step,
    tag,
    track,
    wait,
)

FIRST, LAST = wait("first", until={"event": "go"}), wait("last", until={"event": "on"})
CHILD = journey({"manual": True}, wait("w", for_="9d"), id="k")
OTHERS = [CHILD, segment({"tag": "never"})]

STANDING: dict[str, tuple[Document, Document]] = {
    "pause": (wait("it", for_="2d"), wait("it", for_="3d")),
    "time of day": (wait("it", for_="1d", at="09:00"), wait("it", for_="1d", at="17:00")),
    "event": (wait("it", until={"event": "b"}), wait("it", until={"event": "c"})),
    "condition": (
        wait("it", until={"segment": "s"}, timeout="4d"),
        wait("it", until={"tag": "other"}, timeout="5d"),
    ),
    "date": (wait("it", date="renewal"), wait("it", date="renewal", offset="1d")),
    "answer": (
        step("it", {"webhook": {"url": "https://example.com/a", "timeout": "2d"}}),
        step("it", {"webhook": {"url": "https://example.com/b", "timeout": "3d"}}),
    ),
    "journey": (
        step("it", {"start_journey": {"journey": "k", "wait": True}}),
        step("it", {"start_journey": {"journey": "k", "wait": True}}, go="last"),
    ),
}
"""Steps at which a run can stand, each with another form of it."""
PASSING: dict[str, tuple[Document, Document]] = {
    "action": (step("it", tag("x")), step("it", tag("y"))),
    "branch": (
        step("it", {"branch": {"cases": [{"when": {"tag": "x"}, "go": "last"}]}}),
        step("it", {"branch": {"cases": [{"when": {"tag": "y"}, "go": "last"}]}}),
    ),
    "split": (
        step("it", {"split": {"variants": {"a": 100}}}),
        step("it", {"split": {"variants": {"a": 40, "b": 60}}}),
    ),
    "go": (step("it", go="last"), step("it", tag("x"), go="last")),
}
KINDS = STANDING | PASSING
EDITS = ("same", "changed", "gone", "moved", "another kind")
POSITIONS = ("before", "at", "after")


def document(*steps: Document, **keys: Any) -> Document:
    return journey("a", FIRST, *steps, LAST, **keys)


def edited(kind: str, edit: str, policy: str) -> Document:
    """Returns the journey as it is published anew."""
    old, new = KINDS[kind]
    found = {"same": [old], "changed": [new], "another kind": [step("it", tag("replaced"))]}
    keys: Document = {"live_edit": policy}
    if policy != "pin" and edit in ("moved", "gone"):
        keys["moves"] = {"it": "last"} if edit == "moved" else {}
    return document(*found.get(edit, []), **keys)


def standing(kind: str, position: str) -> Person:
    """Returns somebody whose run stands before the step, at it, or after it."""
    person = Person(document(KINDS[kind][0]), *OTHERS)
    person.hears(identify(T0, renewal="2026-01-05"))
    person.hears(track("a"))
    if position != "before":
        person.hears(track("go", T0 + 1))
    if position == "after" and kind in STANDING:
        person.waits(T0 + 8 * DAY)
        for event in ("b", "c"):
            person.hears(track(event, T0 + 8 * DAY))
        if kind == "journey":
            person.waits(T0 + 10 * DAY)
    return person


def place(person: Person) -> str:
    (run,) = held(person.profile, "j")
    return run.step


CASES = [
    (kind, edit, position)
    for kind in KINDS
    for edit in EDITS
    for position in POSITIONS
    if position != "at" or kind in STANDING  # nobody stands at a step that takes no time
]


@pytest.mark.parametrize(("kind", "edit", "position"), CASES)
@pytest.mark.parametrize("policy", ["follow", "migrate"])
def test_who_follows_goes_on_by_the_new_steps(
    policy: str, kind: str, edit: str, position: str
) -> None:
    person = standing(kind, position)
    was = place(person)
    assert was == {"before": "first", "at": "it", "after": "last"}[position]
    now = max(person.profile.clock, T0 + MINUTE)
    found = runs(person.gets(edited(kind, edit, policy), *OTHERS, adopted_ms=now))
    if edit == "same":
        assert (found, place(person)) == ([], was)
        return
    if position != "at":
        assert (found, place(person)) == ([("moved", was, "edit")], was)
    elif edit == "gone":
        assert found == [("exited", "it", "step-gone")]
        assert held(person.profile, "j") == []
        return
    elif edit == "moved":
        assert found == [("moved", "last", "edit"), ("waiting", "last", None)]
    elif edit == "another kind":
        assert found[:2] == [("moved", "it", "edit"), ("done", "it", None)]
        assert place(person) == "last"
        assert person.profile.tags == ["replaced"]
    else:
        assert (found, place(person)) == ([("moved", "it", "edit")], "it")
    if position == "before":
        person.hears(track("go", now + 1))
        stands = edit == "changed" and kind in STANDING
        assert place(person) == ("it" if stands else "last")


@pytest.mark.parametrize(("kind", "edit", "position"), CASES)
def test_who_is_pinned_goes_on_by_the_steps_it_began_with(
    kind: str, edit: str, position: str
) -> None:
    person = standing(kind, position)
    was, version = place(person), held(person.profile, "j")[0].version
    now = max(person.profile.clock, T0 + MINUTE)
    older = {"older": document(KINDS[kind][0])}
    found = person.gets(older, edited(kind, edit, "pin"), *OTHERS, adopted_ms=now)
    assert (runs(found), place(person)) == ([], was)
    if position == "before":
        person.hears(track("go", now + 1))
        assert place(person) == ("it" if kind in STANDING else "last")
    assert held(person.profile, "j")[0].version == version


@pytest.mark.parametrize(
    ("kind", "due"),
    [("pause", 3 * DAY), ("condition", 5 * DAY), ("answer", 3 * DAY)],
)
def test_a_changed_wait_counts_from_when_the_run_came_to_it(kind: str, due: int) -> None:
    person = standing(kind, "at")
    person.gets(edited(kind, "changed", "follow"), *OTHERS, adopted_ms=T0 + HOUR)
    assert held(person.profile, "j")[0].due == T0 + 1 + due
