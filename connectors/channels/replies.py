"""What a service's answer means for a message: taken, refused, not now, or unknown.

Between the HTTP client and the channels: each has a table of the codes of its service where its
documentation says more than the status does, and all of them are judged by the same rules.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from connectors.errors import BadSetting
from connectors.http import Attempt, retry_after_ms
from schemas.messages import Fate, Reply

Suppresses = Literal["hard-bounce", "complaint", "unsubscribe"]

MAX_PUSH_BYTES = 4_096
"""As much as push services take in one message."""
MAX_TEXT_CHARS = 512
"""As long as an id or a code can be."""

LOST_BEHIND = frozenset({502, 504})
"""A gateway got no answer from the service behind it, which may have done what was asked.

Source: RFC 9110, 15.6.3 and 15.6.5."""
NOT_NOW = frozenset({401, 402, 403, 404, 405, 407, 408, 425, 429})
"""Refusals that are about the account or the address of the service and not about the message:
another provider, or the same one with its settings mended, takes it."""

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """What the codes of one service mean; one that stands nowhere is judged by the status.

    `http-410` and its like stand for a status without a code.
    """

    accepted: frozenset[str] = frozenset()
    """It was taken before."""
    passing: frozenset[str] = frozenset()
    """A repeat may do: limits, faults, and what is wrong with our account until it is mended."""
    refused: frozenset[str] = frozenset()
    """It never will, whatever the status says."""
    unknown: frozenset[str] = frozenset()
    """It may have been carried out."""
    suppresses: Mapping[str, Suppresses] = {}
    """This recipient is to get nothing more."""


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


def judge(
    attempt: Attempt,
    codes: Codes,
    now_ms: int,
    *,
    code: str | None = None,
    provider_id: str | None = None,
    reset_after_ms: int | None = None,
) -> Reply:
    """Returns what came of a request.

    Args:
        attempt: the request.
        codes: what the service's codes mean.
        now_ms: the wall clock, for a Retry-After that is a date.
        code: the service's code of an error; becomes the detail where it is a word. None: it told
            none. With one, a status of success is none.
        provider_id: the service's id of the message, where it was taken.
        reset_after_ms: how long to wait, where the service says so by a header of its own.
    """
    if attempt.status is None:
        return Reply(fate=fate(attempt), detail=attempt.detail)
    if code is None and attempt.sent:
        return Reply(fate="accepted", detail=attempt.detail, provider_id=provider_id)
    detail = code if code is not None and WORD.fullmatch(code) else attempt.detail
    found, waits_ms = _fate(attempt, codes, detail), retry_after_ms(attempt.retry_after, now_ms)
    return Reply(
        fate=found,
        detail=detail,
        provider_id=provider_id if found == "accepted" else None,
        retry_after_ms=(reset_after_ms if waits_ms is None else waits_ms)
        if found == "passing"
        else None,
        suppresses=codes.suppresses.get(detail),
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


def part(found: Any, *path: str | int) -> Any:
    """Returns what stands at a path in an answer; None where nothing does.

    >>> part({"a": [{"b": 1}]}, "a", 0, "b"), part({"a": []}, "a", 0, "b"), part({}, "a", "b")
    (1, None, None)
    """
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def text(found: Any, *path: str | int, limit: int = MAX_TEXT_CHARS) -> str | None:
    """Returns a short text or a whole number at a path, as text; None where there is none.

    >>> text({"code": 21211}, "code"), text({"code": None}, "code"), text({"code": ""}, "code")
    ('21211', None, None)
    """
    value = part(found, *path)
    is_scalar = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_scalar and 0 < len(str(value)) <= limit else None


def objects(found: Any, *path: str | int) -> list[dict[str, Any]]:
    """Returns the objects of a list at a path; what is no object is left out.

    >>> objects({"a": [{"b": 1}, 2]}, "a"), objects({}, "a")
    ([{'b': 1}], [])
    """
    value = part(found, *path)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


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


def _fate(attempt: Attempt, codes: Codes, detail: str) -> Fate:
    if detail in codes.accepted:
        return "accepted"
    if detail in codes.unknown:
        return "unknown"
    if detail in codes.suppresses or detail in codes.refused:
        return "refused"
    if detail in codes.passing:
        return "passing"
    return "refused" if attempt.sent else fate(attempt)
