"""Who is put on an advertiser's list, and that only a hash of them leaves."""

import hashlib

import pytest

from connectors.channels import audiences
from connectors.channels.audiences import Change
from schemas.errors import Unsendable


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_address_is_hashed_in_its_normal_form() -> None:
    assert audiences.hashed(" Ada.Lovelace@Example.COM\n") == sha("ada.lovelace@example.com")


def test_dots_before_gmail_count_for_nothing_at_google_only() -> None:
    given = "Ada.Love.Lace@gmail.com"

    assert audiences.hashed(given, without_dots=True) == sha("adalovelace@gmail.com")
    assert audiences.hashed(given) == sha("ada.love.lace@gmail.com")
    other = "ada.l@example.com"
    assert audiences.hashed(other, without_dots=True) == sha(other)


@pytest.mark.parametrize(
    "address", ["", "ada", "@example.com", "ada@local", "a b@c.d", "a" * 320 + "@b.c"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Unsendable):
        audiences.hashed(address)


def test_change_says_what_and_where() -> None:
    assert audiences.change({"operation": "add", "audience": "12"}) == Change(True, "12")
    assert audiences.change({"operation": "remove", "audience": "12"}) == Change(False, "12")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"operation": "toggle", "audience": "12"},
        {"operation": "add"},
        {"operation": "add", "audience": 12},
        {"operation": "add", "audience": "12/../34"},
        {"operation": "add", "audience": "²"},
    ],
)
def test_change_that_is_none_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(Unsendable):
        audiences.change(data)
