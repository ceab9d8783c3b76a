"""What all pieces of definitions share: complete complaints, each once."""

from typing import Any

import pytest
from pydantic import ValidationError

from processors.definitions import parts
from processors.definitions.parts import Faults, Part, Written
from processors.definitions.values import Name, Whole


class Inner(Part):
    size: Whole


class Outer(Part):
    label: Name
    inner: Inner
    more: tuple[Inner, ...] = ()
    note: Name | None = None

    nullable = ("note",)
    later = ("soon",)
    hints = {"caption": "label"}  # noqa: RUF012

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        if raw.get("label") == "odd":
            faults.add((), "is odd")
        return raw


def faults(raw: Any) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(raw)
    return [(each["loc"], each["msg"]) for each in caught.value.errors()]


def test_mistakes_of_all_depths_are_named_together() -> None:
    raw = {"label": "odd", "inner": {"sise": 1}, "more": [{"size": "2"}, 3], "soon": 1, "z": 1}
    assert faults(raw) == [
        (("soon",), "not in this version"),
        (("z",), "unknown key; allowed here: label, inner, more, note"),
        ((), "is odd"),
        (("inner", "sise"), "unknown key; did you mean size?"),
        (
            ("more", 0, "size"),
            'must be a whole number (write it without quotes), found the text "2"',
        ),
        (("more", 1), "must be a mapping of size, found the number 3"),
    ]


def test_misspelt_key_is_not_also_missing() -> None:
    assert faults({"caption": "a", "inner": {"size": 1}}) == [
        (("caption",), "unknown key; did you mean label?")
    ]


def test_empty_key_is_not_also_missing() -> None:
    assert faults({"label": None, "inner": {"size": 1}}) == [
        (("label",), "is empty; give it a value or leave the key out")
    ]


def test_missing_keys_are_named_where_they_are_missing() -> None:
    assert faults({"label": "a", "inner": {}, "note": None}) == [
        (("inner",), "needs the key size"),
    ]


def test_message_may_hold_braces() -> None:
    with pytest.raises(ValidationError) as caught:
        Faults([((), "found {text} and {0}")]).throw()
    assert caught.value.errors()[0]["msg"] == "found {text} and {0}"


def test_part_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Inner(size=1).size = 2  # type: ignore[misc]


def test_definition_that_was_not_parsed_has_no_origin() -> None:
    with pytest.raises(AssertionError, match=r"documents\.parse"):
        _ = Written(kind="list", id="a").origin


def test_head_knows_a_part_by_its_type() -> None:
    assert parts.head(Inner(size=1), {"outer": Outer, "inner": Inner}) == "\0inner"
    assert parts.head({"inner": 1}, {"outer": Outer, "inner": Inner}) == "\0inner"
