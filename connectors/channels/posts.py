"""What all callbacks need: a body read, its age checked, secrets compared, ids derived.

Between what providers post to us and their reports.
"""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any

import msgspec

from schemas.errors import BadRecord, Forged

AHEAD_MS = 300_000
"""As far as a provider's clock may be ahead of ours."""
MAX_EVENTS = 10_000
"""Of one post."""
MILLISECONDS = 100_000_000_000
"""A time from here on is in ms: in seconds that is the year 5138."""


def decoded(body: bytes) -> Any:
    """Returns the JSON of a body.

    Raises:
        BadRecord: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRecord("callback-not-json", "a callback is not JSON") from error


def events(body: bytes) -> list[dict[str, Any]]:
    """Returns the objects of a body that is one, or a list of them.

    Raises:
        BadRecord: it is neither, or too long.
    """
    found = decoded(body)
    several = found if isinstance(found, list) else [found]
    if len(several) > MAX_EVENTS or not all(isinstance(each, dict) for each in several):
        raise BadRecord("callback-invalid", "a callback is no object and no list of objects")
    return several


def check_age(at_ms: int, now_ms: int, *, window_ms: int) -> None:
    """Lets pass what was signed within the window.

    Raises:
        Forged: it is older, or from the future.
    """
    if not now_ms - window_ms <= at_ms <= now_ms + AHEAD_MS:
        raise Forged("the signature is too old")


def check_same(given: str, expected: str) -> None:
    """Lets pass what is equal, in a time that does not depend on how much of it is.

    Raises:
        Forged: it is not.
    """
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise Forged("the signature is wrong")


def derived(*parts: object) -> str:
    """Returns an id of what a report says, for providers that give none of their own.

    >>> derived("delivered", "m-1", 5) == derived("delivered", "m-1", 5)
    True
    """
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def at_ms(value: object) -> int | None:
    """Returns a time in ms since the epoch: of seconds, of ms, or of an ISO 8601 text.

    >>> at_ms(1513299569), at_ms("2017-08-05T00:41:02.669Z"), at_ms(None)
    (1513299569000, 1501893662669, None)
    """
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return None if found.tzinfo is None else round(found.timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < MILLISECONDS * 1000:
        return None
    return round(value if value >= MILLISECONDS else value * 1000)


def word(value: object) -> str:
    """Returns a short fixed word of what a provider calls something; empty where it is no text.

    >>> word("Spam Reporting Address"), word(None)
    ('spam-reporting-address', '')
    """
    if not isinstance(value, str):
        return ""
    return re.sub(r"[^a-z0-9.]+", "-", value[:100].lower()).strip("-")[:64]
