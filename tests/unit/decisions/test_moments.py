"""Moments: one instant, what caused it, and what changed that nobody has answered yet."""

from processors.decisions.moments import Decision, Moment


def moment(cause: str) -> Moment:
    return Moment(Decision(), {}, now=5, cause=cause)


def test_several_changes_of_one_thing_become_one() -> None:
    found = moment("m")
    found.note(("score", "fit"), 0, 5)
    found.note(("score", "fit"), 5, 9)
    found.note(("segment", "s"), False, True)
    assert found.take_changes() == {("score", "fit"): (0, 9), ("segment", "s"): (False, True)}


def test_changes_are_taken_once() -> None:
    found = moment("m")
    found.note(("trait", "plan"), None, "gold")
    found.take_changes()
    assert found.take_changes() == {}


def test_decisions_do_not_share_their_lists() -> None:
    one, other = Decision(), Decision()
    assert one.commands is not other.commands
