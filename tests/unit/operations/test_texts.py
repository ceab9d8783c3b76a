"""Documents as YAML: read back they are the same, and only what differs is shown."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import files
from processors.operations import texts
from tests.builders import Document, read, segment

SHOP = Path(__file__).parents[3] / "examples" / "shop"

words = st.one_of(
    st.text(string.printable.replace("\x0b", "").replace("\x0c", "") + "é→", max_size=12),
    st.sampled_from(
        ["yes", "on", "null", "~", "01067", "1e3", "0x1f", "2020-01-01", "<<", "=", "---"]
    ),
)
scalars = st.one_of(
    words, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)
).filter(lambda value: value not in (float("inf"), float("-inf")))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)


@pytest.mark.parametrize("key", sorted(files.load(SHOP).documents), ids="/".join)
def test_definition_reads_back_as_the_same(key: tuple[str, str]) -> None:
    document = files.load(SHOP).documents[key]
    assert read(texts.text(document)) == document
    assert list(read(texts.text(document))) == list(document)


@given(st.dictionaries(st.sampled_from("abc"), values, min_size=1))
def test_any_values_read_back_as_the_same(document: dict[str, Any]) -> None:
    found = read(texts.text(document))
    assert found == document
    assert repr(found) == repr(document)  # 1 is not 1.0, and not true


def test_equal_parts_are_written_each_time() -> None:
    part: Document = {"trait": "plan", "equals": "gold"}
    assert "&" not in texts.text(segment({"all": [part, part]}))


def test_documents_that_are_equal_have_no_difference() -> None:
    assert texts.difference(segment({"tag": "a"}), segment({"tag": "a"})) == []


def test_changed_lines_are_shown_with_what_stands_around_them() -> None:
    old = segment({"all": [{"tag": "a"}, {"tag": "b"}, {"tag": "c"}]}, "vip")
    new = segment({"all": [{"tag": "a"}, {"tag": "c"}]}, "vip")
    assert texts.difference(old, new) == [
        "   all:",
        "     - tag: a",
        "-    - tag: b",
        "     - tag: c",
    ]


def test_places_far_apart_are_told_apart() -> None:
    middle = {f"k{number}": number for number in range(9)}
    found = texts.difference({"a": 1} | middle | {"z": 1}, {"a": 2} | middle | {"z": 2})
    assert found == [
        "-a: 1", "+a: 2", " k0: 0", " k1: 1", "…", " k7: 7", " k8: 8", "-z: 1", "+z: 2"
    ]  # fmt: skip
