"""What a service's own codes mean: by them, and only then by the status, a request is judged.

Between the HTTP client and the channels, beside `replies`: each channel has a table of the codes
of its service, and all of them are judged by the same rules.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from connectors import http
from connectors.channels import replies
from connectors.http import Attempt
from schemas.messages import Fate, Reply

Suppresses = Literal["hard-bounce", "complaint", "unsubscribe"]

MAX_PUSH_BYTES = 4_096
"""As much as push services take in one message."""
MAX_TEXT_CHARS = 512
"""As long as an id or a code can be."""


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """What the codes of one service mean; one that stands nowhere is judged by the status.

    `http-410` and its like stand for a status without a code.
    """

    passing: frozenset[str] = frozenset()
    """A repeat may do: limits, faults, and what is wrong with our account until it is mended."""
    refused: frozenset[str] = frozenset()
    """It never will, whatever the status says."""
    unknown: frozenset[str] = frozenset()
    """It may have been carried out."""
    suppresses: Mapping[str, Suppresses] = {}
    """This recipient is to get nothing more."""


def judge(
    attempt: Attempt,
    codes: Codes,
    now_ms: int,
    *,
    code: str | None = None,
    provider_id: str | None = None,
) -> Reply:
    """Returns what came of a request.

    Args:
        attempt: the request.
        codes: what the service's codes mean.
        now_ms: the wall clock, for a Retry-After that is a date.
        code: the service's code of an error; None: it told none. With one, a status of success
            is none.
        provider_id: the service's id of the message, where it was taken.
    """
    if attempt.status is None:
        is_refused = attempt.detail in http.REFUSED
        fate: Fate = "refused" if is_refused else replies.fate(attempt)
        return Reply(fate=fate, detail=attempt.detail)
    if code is None and attempt.sent:
        return Reply(fate="accepted", detail=attempt.detail, provider_id=provider_id)
    is_word = code is not None and replies.WORD.fullmatch(code) is not None
    detail = str(code) if is_word else attempt.detail
    return Reply(
        fate=_fate(attempt, codes, detail),
        detail=detail,
        retry_after_ms=http.retry_after_ms(attempt.retry_after, now_ms),
        suppresses=codes.suppresses.get(detail),
    )


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


def text(found: Any, *path: str | int) -> str | None:
    """Returns a short text or a whole number at a path, as text; None where there is none.

    >>> text({"code": 21211}, "code"), text({"code": None}, "code"), text({"code": ""}, "code")
    ('21211', None, None)
    """
    value = part(found, *path)
    is_scalar = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_scalar and 0 < len(str(value)) <= MAX_TEXT_CHARS else None


def objects(found: Any, *path: str | int) -> list[dict[str, Any]]:
    """Returns the objects of a list at a path; what is no object is left out.

    >>> objects({"a": [{"b": 1}, 2]}, "a"), objects({}, "a")
    ([{'b': 1}], [])
    """
    value = part(found, *path)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _fate(attempt: Attempt, codes: Codes, detail: str) -> Fate:
    if detail in codes.unknown:
        return "unknown"
    if detail in codes.suppresses or detail in codes.refused:
        return "refused"
    if detail in codes.passing:
        return "passing"
    return "refused" if attempt.sent else replies.fate(attempt)
