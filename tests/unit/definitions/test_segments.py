"""Segments and lists."""

from processors.definitions import documents
from processors.definitions.segments import Segment, StaticList
from tests.unit.definitions.builders import problems, segment, static_list


def test_segment_is_read() -> None:
    found = documents.parse(segment(description="Those who pay.\nAll of them."))
    assert isinstance(found, Segment)
    assert (found.kind, found.id, found.name) == ("segment", "vip", "VIP")
    assert found.description == "Those who pay.\nAll of them."


def test_list_is_read() -> None:
    found = documents.parse(static_list())
    assert isinstance(found, StaticList)
    assert (found.kind, found.id, found.name, found.description) == (
        "list",
        "guests",
        "Guests",
        None,
    )


def test_segment_needs_its_keys() -> None:
    assert problems({"kind": "segment"}) == [
        "needs the key id",
        "needs the key name",
        "needs the key when",
    ]


def test_list_has_no_condition() -> None:
    assert problems(static_list(when={"tag": "x"})) == [
        "when: unknown key; allowed here: kind, id, name, description"
    ]


def test_name_is_one_line_of_text() -> None:
    rule = "must be one line of 1 to 256 characters"
    assert problems(static_list(name="a\nb")) == [f'name: {rule}, found the text "a\\x0ab"']
    assert problems(static_list(name=2026)) == [
        "name: must be text (put it in quotes), found the number 2026"
    ]
    assert problems(static_list(name=[])) == ["name: must be text, found a list"]


def test_description_is_bounded_text() -> None:
    assert problems(static_list(description=5)) == ["description: must be text, found the number 5"]
    assert problems(static_list(description="x" * 5_000)) == [
        f'description: must have at most 4096 characters, found the text "{"x" * 39}…"'
    ]
