"""The nearest known word is suggested, and none where none is near."""

import pytest

from processors.definitions import suggestions

KNOWN = ["at_least", "at_most", "equals", "event", "segment"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("at_leest", "at_least"), ("Equals", "equals"), ("evnt", "event"), ("segmnet", "segment")],
)
def test_slip_is_recognised(word: str, meant: str) -> None:
    assert suggestions.nearest(word, KNOWN) == meant
    assert suggestions.hint(word, KNOWN) == f"; did you mean {meant}?"


@pytest.mark.parametrize("word", ["", "level", "colour", "at_least" * 20])
def test_stranger_gets_no_suggestion(word: str) -> None:
    assert suggestions.nearest(word, KNOWN) is None
    assert suggestions.hint(word, KNOWN) == ""


def test_suggestion_does_not_depend_on_the_order_of_the_known() -> None:
    assert suggestions.nearest("ab", ["abc", "abd"]) == suggestions.nearest("ab", ["abd", "abc"])
