"""Addresses are one address each, and nothing with a control passes."""

from typing import Any

import pytest

from connectors.channels import mails
from schemas.errors import Unsendable
from tests.providers.cases import mail

SENDER = "Shop <news@example.com>"
BAD = [
    "",
    "ada",
    "@example.com",
    "ada@",
    '"a"@example.com, eve@example.com',
    "ada@example.com, eve@example.com",
    "ada@example.com;eve@example.com",
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@example.com\n",
    "ada@exam\0ple.com",
    "ada@example.com\u2028",
    "Ada <ada@example.com> <eve@example.com>",
    "Ada <ada@example.com>, Eve <eve@example.com>",
    "Ada\r\nBcc: eve@example.com <ada@example.com>",
    "<ada@example.com",
    "ada@ex ample.com",
    "ada@example.com" * 100,
    "ada@[127.0.0.1]",
    "ada\ud800@example.com",
]
BREAKS = ["\r\nBcc: eve@example.com", "\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_not_one_address_is_refused(text: str) -> None:
    with pytest.raises(Unsendable, match=r"^address-invalid"):
        mails.mailbox(text)


@pytest.mark.parametrize(
    ("text", "name", "address", "ascii", "header"),
    [
        ("ada@example.com", "", "ada@example.com", "ada@example.com", "ada@example.com"),
        (
            '"Lovelace, Ada" <ada@example.com>',
            "Lovelace, Ada",
            "ada@example.com",
            "ada@example.com",
            '"Lovelace, Ada" <ada@example.com>',
        ),
        (
            "Köln <shop@köln.example.com>",
            "Köln",
            "shop@köln.example.com",
            "shop@xn--kln-sna.example.com",
            "=?utf-8?b?S8O2bG4=?= <shop@xn--kln-sna.example.com>",
        ),
        (
            "用户@例え.jp",
            "",
            "用户@xn--r8jz45g.jp",
            None,
            "用户@xn--r8jz45g.jp",
        ),
        (
            'A "B" <jürgen@example.com>',
            'A "B"',
            "jürgen@example.com",
            None,
            '"A B" <jürgen@example.com>',
        ),
    ],
)
def test_address_is_taken_apart(
    text: str, name: str, address: str, ascii: str | None, header: str
) -> None:
    found = mails.mailbox(text)

    assert found == (name, address, ascii)
    assert found.header == header
    assert found.domain.isascii()


@pytest.mark.parametrize("broken", BREAKS)
def test_control_in_a_subject_is_refused(broken: str) -> None:
    with pytest.raises(Unsendable, match=r"^header-invalid: subject$"):
        mails.mail(mail(subject=f"Hello{broken}"), SENDER)


@pytest.mark.parametrize("broken", BREAKS)
def test_control_in_a_header_or_an_address_is_refused(broken: str) -> None:
    several: tuple[dict[str, Any], ...] = (
        {"headers": {"X-Note": f"a{broken}"}},
        {"headers": {f"X-Note{broken}": "a"}},
        {"to": f"ada@example.com{broken}"},
        {"sender": f"Shop{broken} <news@example.com>"},
        {"reply_to": f"help@example.com{broken}"},
    )
    for changes in several:
        with pytest.raises(Unsendable, match=r"^(header|address)-invalid"):
            mails.mail(mail(**changes), SENDER)


@pytest.mark.parametrize(
    "headers",
    [
        {"Bcc": "eve@example.com"},
        {"subject": "another"},
        {"Message-ID": "<a@b>"},
        {"Content-Type": "text/plain"},
        {"X Note": "a"},
        {"X-Note:": "a"},
        {"": "a"},
        {"X-Note": "ä"},
        {"X-Note": "a" * 901},
        {f"X-{number}": "a" for number in range(16)},
    ],
)
def test_header_that_is_ours_or_none_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Unsendable, match=r"^header-invalid"):
        mails.mail(mail(headers=headers), SENDER)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": None, "html": None}, "body-missing"),
        ({"text": "a\0b"}, "body-invalid"),
        ({"html": "\ud800"}, "body-invalid"),
        ({"html": "x" * (mails.MAX_BODY_BYTES + 1)}, "body-too-long"),
        ({"subject": "x" * 4_001}, "header-invalid: subject"),
    ],
)
def test_body_that_can_not_be_sent_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsendable, match=f"^{reason}$"):
        mails.mail(mail(**changes), SENDER)


def test_sender_of_the_message_wins_over_that_of_the_settings() -> None:
    assert mails.mail(mail(), SENDER).sender.address == "news@example.com"
    found = mails.mail(mail(sender="Ada <ada@example.com>"), SENDER)
    assert found.sender == ("Ada", "ada@example.com", "ada@example.com")


def test_name_of_a_recipient_is_left_out() -> None:
    assert mails.mail(mail(to="Ada <ada@example.com>"), SENDER).to.header == "ada@example.com"
