"""Items of catalogues: what is one, and what is wrong with what is none."""

from typing import Any

import msgspec
import pytest

from schemas import items
from schemas.errors import BadRecord
from schemas.items import MAX_ITEM_BYTES, Item

LAMP = {"title": "Lamp", "price": 49.9, "url": "https://s.example/l", "image": None, "brand": "H"}


def read(key: bytes | None = b"shop/lamp", value: Any = LAMP) -> Item:
    return items.read(key, value if isinstance(value, bytes) else msgspec.json.encode(value))


def test_item_is_stored_as_it_is_but_for_what_is_null() -> None:
    found = read()
    assert (found.catalogue, found.id) == ("shop", "lamp")
    assert msgspec.json.decode(found.value or "") == {
        key: value for key, value in LAMP.items() if value is not None
    }


def test_tombstone_ends_an_item_whose_id_may_have_slashes() -> None:
    assert items.read(items.key("shop", "a/b"), None) == Item("shop", "a/b", None)


@pytest.mark.parametrize(
    "key", [None, b"", b"shop", b"shop/", b"/lamp", b"shop/a\nb", b"\xff/a", b"shop/" + b"x" * 201]
)
def test_key_must_be_a_catalogue_and_an_id(key: bytes | None) -> None:
    with pytest.raises(BadRecord) as caught:
        read(key)
    assert caught.value.reason == "bad-key"


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (b"{", "not-json", "the value is not JSON"),
        (b'{"title":"L","price":1e999}', "number-out-of-range", "the item has a number too large"),
        ({"title": "L", "price": 2**63}, "number-out-of-range", "an integer of more than 64 bits"),
        ({"title": "L", "a": [{"b": -(2**63) - 1}]}, "number-out-of-range", "more than 64 bits"),
        (b"[]", "field-invalid", "an item must be a JSON object"),
        ({"title": "x" * MAX_ITEM_BYTES}, "too-large", "the item is larger than"),
        ({}, "field-invalid", "title must be a text"),
        ({"title": " "}, "field-invalid", "title must be a text"),
        ({"title": 1}, "field-invalid", "title must be a text"),
        ({"title": "L", "price": "9"}, "field-invalid", "price must be a number"),
        ({"title": "L", "price": True}, "field-invalid", "price must be a number"),
        ({"title": "L", "url": "javascript:x"}, "field-invalid", "url must be an address"),
        ({"title": "L", "url": 1}, "field-invalid", "url must be an address"),
        ({"title": "L", "url": "https:///x"}, "field-invalid", "url must be an address"),
        ({"title": "L", "url": "https://[x"}, "field-invalid", "url must be an address"),
        ({"title": "L", "image": "https://x y"}, "field-invalid", "image must be an address"),
    ],
)
def test_what_is_no_item_is_told(value: Any, reason: str, said: str) -> None:
    with pytest.raises(BadRecord, match=said) as caught:
        read(value=value)
    assert caught.value.reason == reason
