"""What a provider's HTTP answer means for a message: taken, refused, not now, or unknown.

Between the HTTP client and the providers; each adds a table of its own codes where its
documentation says more than the status does.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.errors import BadSetting
from connectors.http import Attempt, retry_after_ms
from schemas.messages import Fate, Reply

LOST_BEHIND = frozenset({502, 504})
"""A gateway got no answer from the service behind it, which may have done what was asked.

Source: RFC 9110, 15.6.3 and 15.6.5."""
NOT_NOW = frozenset({401, 402, 403, 404, 405, 407, 408, 425, 429})
"""Refusals that are about the account or the address of the service and not about the message:
another provider, or the same one with its settings mended, takes it."""

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


def fate(attempt: Attempt) -> Fate:
    """Returns what became of a request, judged by its status alone.

    >>> fate(Attempt("http-202", 202)), fate(Attempt("time-out", is_open=True))
    ('accepted', 'unknown')
    """
    status = attempt.status
    if status is None:
        return "unknown" if attempt.is_open else "passing"
    if attempt.sent:
        return "accepted"
    if status in LOST_BEHIND:
        return "unknown"
    return "passing" if status in NOT_NOW or status < 400 or status >= 500 else "refused"


def reply(
    attempt: Attempt,
    now_ms: int,
    *,
    code: str | None = None,
    codes: Mapping[str, Fate] | None = None,
    provider_id: str | None = None,
    reset_after_ms: int | None = None,
) -> Reply:
    """Returns the reply to a request.

    Args:
        attempt: what came of it.
        now_ms: the time, where a wait is given as a date.
        code: the provider's own word for what is wrong; becomes the detail where it is a word.
        codes: the fate by such a word, which wins over the status's where there is an answer.
        provider_id: of the message, where the answer has it.
        reset_after_ms: how long to wait, where the provider says so by a header of its own.
    """
    found = (codes or {}).get(code or "", fate(attempt))
    if attempt.status is None or attempt.sent:
        code, found = None, fate(attempt)
    waits_ms = retry_after_ms(attempt.retry_after, now_ms)
    return Reply(
        fate=found,
        detail=code if code is not None and WORD.fullmatch(code) else attempt.detail,
        provider_id=provider_id if found == "accepted" else None,
        retry_after_ms=(reset_after_ms if waits_ms is None else waits_ms)
        if found == "passing"
        else None,
    )


def refused(detail: str) -> Reply:
    """Returns the reply to a message that was not sent and never will be."""
    return Reply(fate="refused", detail=detail)


def fields(body: bytes) -> dict[str, Any]:
    """Returns a JSON object; an empty one where the body is none.

    >>> fields(b'{"id": 1}'), fields(b"[]"), fields(b"{")
    ({'id': 1}, {}, {})
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(value: object, limit: int = 1_000) -> str | None:
    """Returns a value of a provider's answer if it is a text with something in it, and short."""
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def seconds(value: str | None) -> int | None:
    """Returns a header's seconds; None where it says none.

    >>> seconds("45"), seconds("soon"), seconds(None)
    (45, None, None)
    """
    whole = (value or "").strip()
    return int(whole[:12]) if whole.isascii() and whole.isdigit() else None


def key(value: str, name: str) -> str:
    """Returns a credential that can travel in a header.

    Raises:
        BadSetting: it is empty or can not; the message has the name and not the value.
    """
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise BadSetting(f"{name} must be printable ASCII without spaces")
    return value
