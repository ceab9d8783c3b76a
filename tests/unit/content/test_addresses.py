"""Addresses: one each, and nothing that could be read as two or as a header."""

from email.utils import getaddresses
from typing import Any

import pytest

from processors.content import addresses
from schemas.errors import Unsendable

KEYS = {"p256dh": "k", "auth": "a"}
WEB = {"platform": "web", "subscription": {"endpoint": "https://push.example/x", "keys": KEYS}}


def refused(act: Any, *arguments: Any) -> str:
    with pytest.raises(Unsendable) as caught:
        act(*arguments)
    assert not caught.value.is_held
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann.B+c@EXAMPLE.com ", "Ann.B+c@example.com"),
        ("jörg@müller.example", "jörg@müller.example"),
        ("用户@例子.广告", "用户@例子.广告"),
    ],
)
def test_address_of_a_mail_is_taken(value: str, address: str) -> None:
    assert addresses.email(value) == address


@pytest.mark.parametrize(
    "value",
    [
        "ann", "@example.com", "ann@", "ann@example", "a b@example.com", "ann@example..com",
        '"a"@x.example, evil@y.example', "a@x.example,b@y.example", "a@x.example;b@y.example",
        "Ann <ann@example.com>", "ann@example.com\r\nBcc: evil@y.example", "ann@example.com\0",
        "ann@\u2028example.com", '"quoted"@example.com', "ann@[127.0.0.1]", "a@b.example (x)",
        "a" * 65 + "@example.com", "a@" + "b" * 400 + ".example", 7, ["a@b.example"], True,
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(value: Any) -> None:
    assert refused(addresses.email, value) == "address-invalid: email"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("news@shop.example", "news@shop.example"),
        ("Shop <news@shop.example>", "Shop <news@shop.example>"),
        ('"Shop, Inc." <news@shop.example>', '"Shop, Inc." <news@shop.example>'),
        ("Müller <news@shop.example>", "Müller <news@shop.example>"),
        ('A "B" <news@shop.example>', 'A "B" <news@shop.example>'),
        ("<news@shop.example>", "news@shop.example"),
    ],
)
def test_name_stands_before_the_address(value: str, written: str) -> None:
    found = addresses.mailbox(value, "from")
    assert found.replace("\\", "") == written.replace('A "B"', '"A "B"')  # quoted and escaped


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Ann\r\nBcc: evil@y.example <a@b.example>", "header-invalid: from"),
        ("Ann\u2028 <a@b.example>", "header-invalid: from"),
        ("Ann\0 <a@b.example>", "header-invalid: from"),
        ("Ann <a@b.example> x", "address-invalid: from"),
        ("Ann <a@b.example", "address-invalid: from"),
        ("Ann <x>", "address-invalid: email"),
        ("n" * 300 + " <a@b.example>", "address-invalid: from"),
    ],
)
def test_sender_that_is_none_is_refused(value: str, reason: str) -> None:
    assert refused(addresses.mailbox, value, "from") == reason


def test_sender_that_looks_like_two_is_one_with_a_name_in_quotes() -> None:
    found = addresses.mailbox("Ann <a@b.example>, Eve <e@y.example>", "from")
    assert getaddresses([found]) == [("Ann <a@b.example>, Eve", "e@y.example")]


@pytest.mark.parametrize(
    ("value", "region", "number"),
    [
        ("+49 151 1234 5678", None, "+4915112345678"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("(415) 555-0132", "US", "+14155550132"),
        ("0043 664 1234567", "DE", "+436641234567"),
    ],
)
def test_numbers_are_written_as_e164_has_them(value: str, region: str, number: str) -> None:
    assert addresses.phone(value, region) == number


@pytest.mark.parametrize(
    "value",
    ["0151 12345678", "x", "", "+", "+49", "+4915112345678 ext. 3", "1\n2", "1" * 40, 49151],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert refused(addresses.phone, value, None) == "address-invalid: phone"


@pytest.mark.parametrize(
    ("channel", "traits", "found"),
    [
        ("sms", {"phone": "0151 12345678"}, ["+4915112345678"]),
        ("sms", {"phone": "0664 1234567", "country": "at"}, ["+436641234567"]),
        ("sms", {"phone": "0664 1234567", "address": {"country": "AT"}}, ["+436641234567"]),
        ("sms", {"phone": "0151 12345678", "country": "Atlantis"}, ["+4915112345678"]),
        ("whatsapp", {"phone": "x", "whatsapp": "+4915112345678"}, ["+4915112345678"]),
        ("push", {"device_token": "t"}, ["t"]),
        ("slack", {}, [""]),
        ("slack", {"slack_id": "U1"}, ["U1"]),
        ("inbox", {}, ["ann"]),
        ("task", {}, ["ann"]),
    ],
)
def test_each_channel_has_its_trait(channel: str, traits: dict[str, Any], found: list[str]) -> None:
    assert [each.to for each in addresses.find(channel, "ann", traits, "DE")] == found


def test_each_device_gets_one() -> None:
    phones = [{"platform": "fcm", "token": "a"}, {"platform": "apns", "token": "b"}]
    found = addresses.devices({"push_tokens": [*phones, WEB, phones[0]], "device_token": "z"})
    assert [(each.platform, each.to) for each in found[:2]] == [("fcm", "a"), ("apns", "b")]
    assert found[2].platform == "web"
    assert '"endpoint":"https://push.example/x"' in found[2].to
    assert len(found) == 3
    many = [{"platform": "fcm", "token": str(each)} for each in range(50)]
    assert len(addresses.devices({"push_tokens": many})) == addresses.MAX_TOKENS


@pytest.mark.parametrize(
    "said",
    [
        "token", {"platform": "fcm"}, [{"platform": "fcm"}], [{"platform": "x", "token": "a"}],
        ["a"], [{"platform": "fcm", "token": "a\n"}], [{"platform": "web", "token": "a"}],
        [{"platform": "web", "subscription": {"endpoint": 3}}],
        [{"platform": "fcm", "token": "a" * 5_000}],
    ],
)  # fmt: skip
def test_what_is_no_device_is_refused(said: Any) -> None:
    assert refused(addresses.devices, {"push_tokens": said}) == "address-invalid: push_tokens"


@pytest.mark.parametrize(
    ("channel", "trait"), [("email", "email"), ("sms", "phone"), ("push", "device_token")]
)
@pytest.mark.parametrize("value", [None, ""])
def test_missing_address_is_named(channel: str, trait: str, value: Any) -> None:
    traits = {} if value is None else {trait: value}
    said = refused(addresses.find, channel, "ann", traits, None)
    assert said == f"address-missing: {trait}"
