"""The addresses that a message carries."""

import re
from typing import get_args

import pytest

from processors.delivery.links import PATHS, Links, checked, encoded
from processors.delivery.tokens import Keyring, Purpose
from schemas.errors import Unsendable
from tests.builders import T0, command

RING = Keyring([("k1", b"1" * 32)], workspace="beckon.")
LINKS = Links(RING, "https://mail.shop.example/m/")
MAIL = command(at=T0, channel="email", topic="news", profile_id="ada@example.com")


def test_every_purpose_has_a_path_of_its_own() -> None:
    assert set(PATHS) == set(get_args(Purpose))
    assert len(set(PATHS.values())) == len(PATHS)


def test_addresses_lead_to_the_public_url_with_a_token_of_their_purpose() -> None:
    made: dict[Purpose, str] = {
        "unsubscribe": LINKS.unsubscribe(MAIL),
        "preferences": LINKS.preferences(MAIL),
        "confirm": LINKS.confirm(MAIL),
        "open": LINKS.pixel(MAIL),
        "click": LINKS.click(MAIL, "https://shop.example/"),
        "view": LINKS.view(MAIL),
    }
    for purpose, address in made.items():
        found = re.fullmatch(rf"https://mail\.shop\.example/m/t/{PATHS[purpose]}/(.+)", address)
        assert found is not None
        claims = RING.read(purpose, found[1], now_ms=T0)
        assert claims is not None
        assert (claims.profile_id, claims.command_id, claims.topic, claims.at) == (
            "ada@example.com",
            "c-1",
            "news",
            T0,
        )
        assert claims.url == ("https://shop.example/" if purpose == "click" else None)
        assert "ada" not in address


def test_same_message_has_the_same_addresses() -> None:
    assert LINKS.unsubscribe(MAIL) == LINKS.unsubscribe(MAIL)
    assert LINKS.unsubscribe(MAIL) != LINKS.preferences(MAIL)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "/path",
        "",
        "https:evil.example",
        "https:///evil.example",
        "https://",
        "http://:80/",
        "https://shop.example@evil.example/",
        "https://user:password@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/\n",
        " https://shop.example/",
        "https://shop.example/\x00",
        "https://shop.example/\u2028",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://[::1/",
        "https://a b.example/",
        'https://shop.example/"><script>',
        "https://" + "x" * 300 + ".\u00fc/",
        "https://shop.example/" + "x" * 2_048,
    ],
)
def test_address_that_no_message_may_lead_to_is_refused_when_it_is_made(url: str) -> None:
    with pytest.raises(Unsendable) as raised:
        LINKS.click(MAIL, url)
    assert (raised.value.reason, raised.value.is_held, raised.value.detail) == (
        "link-refused",
        True,
        "",
    )


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://shop.example", "https://shop.example"),
        ("http://shop.example:8080/a?b=c&d=%20#e", "http://shop.example:8080/a?b=c&d=%20#e"),
        ("https://[2001:db8::1]:443/", "https://[2001:db8::1]:443/"),
        ("https://münchen.example:8443/ö", "https://xn--mnchen-3ya.example:8443/%C3%B6"),
        ("https://shop.example/a b|c", "https://shop.example/a%20b%7Cc"),
        ("https://shop.example/?to=me@there", "https://shop.example/?to=me@there"),
    ],
)
def test_other_addresses_are_led_to_as_they_are(url: str, sent: str) -> None:
    assert checked(url) == url
    assert encoded(url) == sent
    assert encoded(sent) == sent
