"""Commands of two sets are partners by what they are for, whatever their ids say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.operations.matching import Matcher, Sent, content, nearest
from schemas.commands import Command
from tests.builders import HOUR, MINUTE, T0, command

Told = tuple[str, int | None, int | None]


def mail(at: int = 0, **more: Any) -> Command:
    """Returns a mail at an instant after T0; unless told else, that instant caused it."""
    given = {"channel": "email", "at": T0 + at, "occurrence": f"clock@{at}", "template": "hello"}
    return command(**given | more)


def since(sent: Sent | None) -> int | None:
    return None if sent is None else sent.at - T0


def told(*stretches: tuple[list[Command], list[Command]]) -> list[Told]:
    """Returns what becomes of the commands of both sets: the change, and both instants."""
    found: list[Told] = []

    def tell(change: str, old: Sent | None, new: Sent | None) -> None:
        found.append((change, since(old), since(new)))

    matcher = Matcher(tell)
    for old, new in stretches:
        matcher.match(old, new)
    matcher.finish()
    return found


def test_command_of_another_version_is_the_same() -> None:
    assert told(([mail(id="a", version="v1")], [mail(id="b", version="v2")])) == [("same", 0, 0)]


@pytest.mark.parametrize(
    "more", [{"template": "hi"}, {"topic": "news"}, {"priority": 9}, {"traits": {"name": "Ada"}}]
)
def test_other_content_for_the_same_cause_is_a_change(more: dict[str, Any]) -> None:
    assert told(([mail()], [mail(**more)])) == [("changed", 0, 0)]


@pytest.mark.parametrize(
    "more", [{"profile_id": "bob"}, {"definition_id": "other"}, {"channel": "sms"}]
)
def test_what_is_for_somebody_or_something_else_is_no_partner(more: dict[str, Any]) -> None:
    assert told(([mail()], [mail(**more)])) == [("vanished", 0, None), ("appeared", None, 0)]


def test_cause_goes_before_the_instant() -> None:
    old = [mail(occurrence="m1"), mail(occurrence="m2", template="two")]
    new = [mail(occurrence="m2", template="2"), mail(occurrence="m1")]
    assert told((old, new)) == [("same", 0, 0), ("changed", 0, 0)]


def test_same_instant_is_enough_where_the_cause_carries_a_version() -> None:
    assert told(([mail(occurrence="emit-1")], [mail(occurrence="emit-2")])) == [("same", 0, 0)]
    assert told(([mail(occurrence="emit-1")], [mail(occurrence="emit-2", template="hi")])) == [
        ("changed", 0, 0)
    ]


def test_step_that_stands_further_down_is_the_same() -> None:
    old = [mail(step="0", template="a"), mail(step="1", template="b")]
    new = [mail(step="1", template="a"), mail(step="2", template="b")]
    assert told((old, new)) == [("same", 0, 0), ("same", 0, 0)]


def test_same_cause_at_another_time_has_moved() -> None:
    assert told(([mail(occurrence="m")], [mail(HOUR, occurrence="m")])) == [("moved", 0, HOUR)]


def test_later_stretch_may_bring_the_partner_of_what_moved() -> None:
    assert told(([mail()], []), ([], [mail(HOUR)])) == [("moved", 0, HOUR)]
    assert told(([], [mail()]), ([mail(HOUR)], [])) == [("moved", HOUR, 0)]


def test_what_moved_with_other_content_is_found_by_its_step() -> None:
    assert told(([mail()], [mail(HOUR, template="hi")])) == [("moved", 0, HOUR)]


def test_what_moved_is_found_by_its_content_before_its_step() -> None:
    old = [mail(step="0", template="a"), mail(step="1", template="b")]
    new = [mail(HOUR, step="0", template="b"), mail(HOUR, step="1", template="c")]
    assert told((old, new)) == [("moved", 0, HOUR), ("vanished", 0, None), ("appeared", None, HOUR)]


def test_nearest_moves_and_the_rest_vanishes_or_appears() -> None:
    many, few = [mail(), mail(HOUR), mail(5 * HOUR)], [mail(HOUR + MINUTE)]
    gone = [("vanished", 0, None), ("vanished", 5 * HOUR, None)]
    came = [("appeared", None, 0), ("appeared", None, 5 * HOUR)]
    assert told((many, few)) == [("moved", HOUR, HOUR + MINUTE), *gone]
    assert told((few, many)) == [("moved", HOUR + MINUTE, HOUR), *came]


def test_traits_and_segments_are_no_part_of_the_content_that_is_shown() -> None:
    shown: list[dict[str, Any]] = []

    def tell(change: str, old: Sent | None, new: Sent | None) -> None:
        assert old is not None
        shown.append(content(old))

    matcher = Matcher(tell)
    matcher.match([mail(traits={"name": "Ada"}, segments=["vip"], topic="news")], [])
    matcher.finish()
    assert shown == [{"template": "hello", "topic": "news"}]


instants = st.lists(st.integers(0, 30), max_size=6).map(sorted)


@given(instants, instants)
def test_places_rise_and_none_is_given_twice(one: list[int], other: list[int]) -> None:
    few, many = sorted((one, other), key=len)
    places = nearest(few, many)
    assert len(places) == len(few)
    assert places == sorted(set(places))
    assert all(0 <= place < len(many) for place in places)


causes = st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from("01"))
mails = st.lists(
    causes.map(lambda each: mail(each[0], occurrence=each[1], step=each[2])), max_size=6
)


@given(mails, mails, st.integers(0, 6))
def test_every_command_is_told_once(old: list[Command], new: list[Command], cut: int) -> None:
    found = told((old[:cut], new[:cut]), (old[cut:], new[cut:]))
    assert sorted(at for _, at, _ in found if at is not None) == sorted(x.at - T0 for x in old)
    assert sorted(at for _, _, at in found if at is not None) == sorted(x.at - T0 for x in new)
    assert all((was == now) == (change in ("same", "changed")) for change, was, now in found)
