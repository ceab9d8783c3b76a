"""What all mail providers need of a message: addresses taken apart, headers checked.

Between a message and the providers of mail. Nothing with a line break, a NUL or another control
passes: they end a header and begin another one.
"""

import functools
import re
from collections.abc import Mapping
from email.utils import formataddr, unquote
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from schemas.errors import Unsendable
from schemas.headers import has_controls
from schemas.mailboxes import is_plain
from schemas.messages import Message

MAX_ADDRESS_CHARS = 320
MAX_HEADER_CHARS = 900
"""A line of a mail has at most 998 (RFC 5322, 2.1.1); these are not folded."""
MAX_SUBJECT_CHARS = 4_000
MAX_HEADERS = 15
MAX_BODY_BYTES = 8_000_000
NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
OURS = frozenset(
    {
        "bcc",
        "cc",
        "content-transfer-encoding",
        "content-type",
        "date",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
    }
)
"""Headers that the message's own fields say, so that `headers` may not."""


class Mailbox(NamedTuple):
    """Whom a mail goes to or comes from."""

    name: str
    address: str
    """In Unicode, the domain too."""
    ascii: str | None
    """With the domain in punycode; None where the part before the @ is not ASCII (SMTPUTF8)."""

    @property
    def header(self) -> str:
        """As in a header, the name encoded where it is not ASCII."""
        if self.ascii is not None:
            return formataddr((self.name, self.ascii))
        name = self.name.replace("\\", "").replace('"', "")
        return f'"{name}" <{self.address}>' if name else self.address

    @property
    def domain(self) -> str:
        """In punycode."""
        return (self.ascii or self.address).rpartition("@")[2]


class Mail(NamedTuple):
    """A message that can be a mail."""

    sender: Mailbox
    to: Mailbox
    reply_to: Mailbox | None
    subject: str
    text: str | None
    html: str | None
    headers: Mapping[str, str]


def mailbox(text: str) -> Mailbox:
    """Returns one address with its name: `ada@example.com` or `Ada <ada@example.com>`.

    Raises:
        Unsendable: it is none, or more than one.

    >>> mailbox('"Ada L." <ada@example.com>')
    Mailbox(name='Ada L.', address='ada@example.com', ascii='ada@example.com')
    """
    if has_controls(text) or len(text) > MAX_ADDRESS_CHARS + 200:
        raise Unsendable("address-invalid")
    named = NAMED.fullmatch(text.strip())
    name = unquote(named["name"].strip()) if named else ""
    address = (named["address"] if named else text).strip()
    if is_plain(address):
        return Mailbox(name, address, address)
    try:
        found = validate_email(
            address, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise Unsendable("address-invalid") from error
    if found.smtputf8:
        return Mailbox(name, f"{found.local_part}@{found.ascii_domain}", None)
    return Mailbox(name, found.normalized, found.ascii_email)


def mail(message: Message, sender: str) -> Mail:
    """Returns the parts of a mail, checked.

    Args:
        message: as composed.
        sender: whom it is from where the message says nothing.

    Raises:
        Unsendable: an address, a header or the body can not be sent.
    """
    if message.text is None and message.html is None:
        raise Unsendable("body-missing")
    for part in (message.text, message.html):
        _check_body(part or "")
    subject = message.subject or ""
    if has_controls(subject) or len(subject) > MAX_SUBJECT_CHARS:
        raise Unsendable("header-invalid", "subject")
    return Mail(
        sender=_sender(message.sender or sender),
        to=mailbox(message.to)._replace(name=""),
        reply_to=None if message.reply_to is None else mailbox(message.reply_to),
        subject=subject,
        text=message.text,
        html=message.html,
        headers=_headers(message.headers),
    )


@functools.lru_cache(maxsize=64)
def _sender(text: str) -> Mailbox:
    """Few, and in each message: looked at once. Recipients are not kept."""
    return mailbox(text)


def _check_body(part: str) -> None:
    try:
        raw = part.encode()
    except UnicodeEncodeError as error:
        raise Unsendable("body-invalid") from error
    if len(raw) > MAX_BODY_BYTES:
        raise Unsendable("body-too-long")
    if b"\0" in raw:
        raise Unsendable("body-invalid")


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    if len(headers) > MAX_HEADERS:
        raise Unsendable("header-invalid", "too many")
    for name, value in headers.items():
        if HEADER_NAME.fullmatch(name) is None or name.lower() in OURS:
            raise Unsendable("header-invalid", name[:70] if name.isprintable() else "")
        if has_controls(value) or not value.isascii() or len(value) > MAX_HEADER_CHARS:
            raise Unsendable("header-invalid", name)
    return headers
