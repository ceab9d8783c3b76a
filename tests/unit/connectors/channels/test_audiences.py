"""Who is put on an advertiser's list, and that only a hash of them leaves."""

import asyncio
import hashlib

import pytest

from connectors.channels import audiences
from connectors.channels.audiences import Audiences, Change
from schemas.errors import Unsendable
from tests.providers.messengers import message
from tests.unit.connectors.channels.test_devices import Service


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
    assert audiences.change({"operation": "add", "audience": "12"}, "meta") == Change(True, "12")
    assert audiences.change({"operation": "remove", "audience": "12"}, "meta") == Change(
        False, "12"
    )


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
        audiences.change(data, "meta")


def test_change_for_another_service_is_refused() -> None:
    said = {"operation": "add", "service": "google", "audience": "12"}
    assert audiences.change(said, "google") == Change(True, "12")
    with pytest.raises(Unsendable, match="service-other"):
        audiences.change(said, "meta")


def test_message_goes_to_the_service_that_it_names() -> None:
    meta, google = Service(), Service()

    async def run() -> list[str]:
        both = Audiences({"meta": meta, "google": google})
        given = [{"service": "google"}, {"service": "meta"}, {"service": "other"}, {}]
        found = [
            await both.send(message("audience", f"c-{at}", data=each))
            for at, each in enumerate(given)
        ]
        assert await both.look_up(message("audience", "c-0")) is None
        await both.close()
        return [reply.detail for reply in found]

    assert asyncio.run(run()) == ["kept", "kept", "service-unserved", "service-unserved"]
    assert (google.sent, meta.sent) == (["c-0"], ["c-1"])
    assert meta.is_closed
    assert google.is_closed
