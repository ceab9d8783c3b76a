"""Headers: what may be written in those of mails and webhooks, and where secrets stand in them.

Beside `commands`: definitions are checked by these rules, and senders check again what came.
"""

import re
import unicodedata
from collections.abc import Mapping

NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A token. Source: RFC 9110, 5.6.2."""
VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
"""Visible ASCII with spaces in between. Source: RFC 9110, 5.5, without what nobody agrees on."""
SECRET = re.compile(r"\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}")
MAX_VALUE_CHARS = 2_048
MAX_HEADERS = 20

OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "idempotency-key",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)
"""Written by the sender, or about the connection (RFC 9110, 7.6.1)."""


def has_controls(text: str) -> bool:
    r"""Returns whether a text has a line break, a NUL, another control, or half a character.

    They end a header and begin another one, or are not shown at all.

    >>> has_controls("Bcc: eve@example.com"), has_controls("Hello\r\nBcc: eve@example.com")
    (False, True)
    """
    return not text.isprintable() and any(
        unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text
    )


def wrong_name(name: str) -> str | None:
    """Returns what is wrong with a name; None where it is good.

    >>> wrong_name("X-Api-Key"), wrong_name("Host")
    (None, 'is written by the sender')
    """
    if NAME.fullmatch(name) is None:
        return "must be the name of a header such as X-Api-Key"
    return "is written by the sender" if name.lower() in OURS else None


def wrong_value(value: str) -> str | None:
    """Returns what is wrong with a value; None where it is good.

    >>> wrong_value("Bearer {{ secrets.CRM }}"), wrong_value("{{ name }}")
    (None, 'fills in secrets only: {{ secrets.NAME }}')
    """
    left = SECRET.sub("", value)
    has_more = "{{" in left or "}}" in left
    return wrong_line(value) or ("fills in secrets only: {{ secrets.NAME }}" if has_more else None)


def wrong_line(value: str) -> str | None:
    """Returns what is wrong with a value whatever it fills in; None where it is good."""
    if VALUE.fullmatch(value) is not None and len(value) <= MAX_VALUE_CHARS:
        return None
    return f"must be a line of at most {MAX_VALUE_CHARS} ASCII characters"


def filled(value: str, secrets: Mapping[str, str]) -> str:
    """Returns a value with its secrets in their places.

    Raises:
        KeyError: there is no secret of a name.
    """
    return SECRET.sub(lambda found: secrets[found[1]], value)
