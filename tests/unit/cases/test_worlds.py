"""A person in virtual time: what is given, what happens, and when."""

from typing import Any

import pytest

from processors.cases.documents import START_MS
from processors.cases.worlds import World
from tests.builders import DAY, HOUR, Document, compiled, on, score, segment, static_list, trigger
from tests.unit.cases.builders import case

NOTHING: Document = {"expect": {"commands": []}}


def world(*definitions: Document, **keys: Any) -> World:
    return World(compiled(*definitions), case(NOTHING, **keys))


def happens(there: World, now_ms: int = START_MS, **keys: Any) -> None:
    (step,) = case({**keys, **NOTHING}).steps
    there.pass_time(now_ms)
    there.happen(step, now_ms)


def segments(there: World) -> set[str]:
    assert there.profile is not None
    return set(there.profile.segments)


def test_nobody_is_known_before_the_first_event() -> None:
    there = world(segment({"not": {"trait": "plan", "is_set": True}}))
    assert there.profile is None
    happens(there, event="a")
    assert segments(there) == {"s"}


def test_who_is_given_is_known_from_the_beginning() -> None:
    there = world(segment({"not": {"trait": "plan", "is_set": True}}), given={}, person="ada")
    assert segments(there) == {"s"}
    assert there.profile is not None
    assert there.profile.id == "ada"
    assert [(each.at, each.cause) for each in there.moves] == [(START_MS, "definition")]


GIVEN: list[tuple[Document, Document]] = [
    ({"trait": "plan", "equals": "trial"}, {"traits": {"plan": "trial"}}),
    ({"account": "tier", "equals": "gold"}, {"account": {"tier": "gold"}}),
    ({"tag": "vip"}, {"tags": ["vip"]}),
    ({"list": "beta"}, {"lists": ["beta"]}),
    ({"status": "lead"}, {"status": "lead"}),
]


@pytest.mark.parametrize(("when", "given"), GIVEN)
def test_conditions_hold_for_what_is_given(when: Document, given: Document) -> None:
    definitions = segment(when), static_list("beta")
    assert segments(world(*definitions, given=given)) == {"s"}
    assert segments(world(*definitions, given={})) == set()


@pytest.mark.parametrize(("when", "given"), GIVEN)
def test_what_is_given_sets_off_no_trigger(when: Document, given: Document) -> None:
    definitions = (
        segment(when),
        static_list("beta"),
        trigger({"segment": "s", "change": "entered"}),
        trigger({"trait": "plan", "changes": True}, id="changes"),
        trigger("user.profile_updated", id="identified"),
    )
    there = world(*definitions, given=given)
    there.pass_time(START_MS + DAY)
    assert (there.commands, there.decisions) == ([], [])


def test_what_is_given_is_no_event_of_the_case() -> None:
    definitions = score(on("user.profile_updated", id="a"), on("account.updated", id="b"))
    there = world(definitions, given={"traits": {"plan": "trial"}})
    assert there.profile is not None
    assert there.profile.scores == {}


def test_windows_of_what_is_given_end_by_the_clock() -> None:
    when = {"trait": "since", "within_last": "7d"}
    there = world(segment(when), given={"traits": {"since": "2026-01-04T09:00:00Z"}})
    there.pass_time(START_MS + 6 * DAY - 1)
    assert segments(there) == {"s"}
    there.pass_time(START_MS + 6 * DAY)
    assert segments(there) == set()


def test_traits_are_changed_by_events_of_the_case() -> None:
    there = world(
        trigger({"trait": "plan", "becomes": "paid"}), given={"traits": {"plan": "trial"}}
    )
    happens(there, identify={"plan": "paid"})
    assert [each.outcome for each in there.decisions] == ["yes"]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("Any Name", {"event": "Any Name"}),
        ("page.viewed", {"event": "page.viewed"}),
        ("screen.viewed", {"event": "screen.viewed"}),
        ("user.aliased", {"event": "user.aliased"}),
        ("user.profile_updated", {"identify": {}}),
        ("account.updated", {"group": {}}),
    ],
)
def test_event_happens_under_its_name(name: str, step: Document) -> None:
    there = world(segment({"event": name, "exactly": 3}))
    happens(there, times=3, **step)
    assert segments(there) == {"s"}


@pytest.mark.parametrize("name", ["Any Name", "page.viewed", "screen.viewed"])
def test_properties_are_those_of_the_step(name: str) -> None:
    where = [{"property": "name", "equals": "Pricing"}, {"property": "a.b", "equals": 1}]
    there = world(segment({"event": name, "where": where}))
    happens(there, event=name, properties={"name": "Pricing"})
    assert segments(there) == set()
    happens(there, event=name, properties={"name": "Pricing", "a": {"b": 1}})
    assert segments(there) == {"s"}


def test_timers_fire_before_what_happens_at_their_instant() -> None:
    there = world(segment({"event": "a", "within": "1h"}))
    happens(there, event="a")
    happens(there, START_MS + HOUR, event="a")
    moved = [(each.change, each.at - START_MS) for each in there.moves]
    assert moved == [("entered", 0), ("exited", HOUR), ("entered", HOUR)]


def test_late_event_counts_at_its_own_time() -> None:
    there = world(segment({"event": "a", "within": "3h"}), given={})
    happens(there, START_MS + DAY, event="b")
    happens(there, START_MS + DAY, event="a", late_by="2h")
    assert there.moves[0].late
    there.pass_time(START_MS + DAY + HOUR - 1)
    assert segments(there) == {"s"}
    there.pass_time(START_MS + DAY + HOUR)
    assert segments(there) == set()


def test_event_that_is_too_late_is_refused() -> None:
    there = world(segment({"event": "a"}))
    happens(there, event="a", late_by="7d")
    assert there.refused == []
    happens(there, event="a", late_by="8d")
    assert [each.reason for each in there.refused] == ["too-late"]


def test_step_without_event_changes_nothing() -> None:
    there = world(segment({"event": "a"}))
    happens(there)
    assert there.profile is None


def test_others_may_do_something_too_and_only_the_person_is_looked_at() -> None:
    asked: Document = {"account": {"any": {"event": "a"}}}
    there = world(segment(asked), trigger("a", id="t"))
    happens(there, group={}, group_id="acme")
    happens(there, group={}, group_id="acme", person="colleague")
    happens(there, event="a", person="colleague")
    assert segments(there) == {"s"}
    assert [each.cause for each in there.moves] == ["account"]
    assert (there.commands, there.decisions) == ([], [])
