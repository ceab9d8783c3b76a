"""What the contract suite of providers needs of each: how it is made, and how to see what it did.

A provider joins by a function that yields its `Case`, in the `CASES` of its module.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from connectors import http
from processors.ports import Provider
from schemas.messages import Fate, Message
from tests.providers.servers import Fault

PATIENT_MS = 10_000
"""Time-out of an attempt where nothing goes wrong: this machine may be busy."""
HASTY_MS = 500
"""Where something does."""


def client(time_out_ms: int = PATIENT_MS, **changes: Any) -> http.Client:
    """Returns a client that may call this machine."""
    return http.Client(replace(bounds(time_out_ms), **changes))


def bounds(time_out_ms: int = PATIENT_MS) -> http.Options:
    """Returns the bounds of a client that may call this machine."""
    return http.Options(
        allow_http=True,
        allow_private=True,
        ports=frozenset(),
        attempt_timeout_ms=time_out_ms,
        read_timeout_ms=time_out_ms,
        connect_timeout_ms=time_out_ms,
    )


FATES: Mapping[Fault, frozenset[Fate]] = {
    "refused": frozenset({"refused"}),
    "locked-out": frozenset({"passing"}),
    "busy": frozenset({"passing"}),
    "busy-for-7-s": frozenset({"passing"}),
    "broken": frozenset({"passing"}),
    "time-out": frozenset({"unknown"}),
    "time-out-after": frozenset({"unknown"}),
    "reset": frozenset({"unknown"}),
    "cut": frozenset({"accepted", "unknown"}),
    "drip": frozenset({"unknown"}),
    "malformed": frozenset({"accepted", "unknown"}),
}
"""What a provider may say of each fault; a case may say less, or leave faults out."""


@dataclass
class Case:
    """A provider beside its fake."""

    make: Callable[[int], Provider]
    """With the time-out of an attempt, ms."""
    message: Callable[[str], Message]
    """A message with this id."""
    effects: Callable[[], list[str]]
    """The ids of the messages that the other side took."""
    fail: Callable[[Fault], None]
    """What goes wrong with the next request."""
    secrets: tuple[str, ...]
    """Texts that must appear nowhere."""
    away: Callable[[], Provider]
    """The provider, where nobody listens."""
    fates: Mapping[Fault, frozenset[Fate]] = field(default_factory=lambda: FATES)


Cases = Mapping[str, Callable[[], AbstractContextManager[Case]]]


def mail(key: str = "c-1", **changes: Any) -> Message:
    """Returns a mail with text and HTML."""
    fields: dict[str, Any] = {
        "id": key,
        "channel": "email",
        "profile_id": "ada",
        "to": "ada@example.com",
        "definition_id": "welcome",
        "step": "0",
        "subject": "Grüße aus Köln",
        "text": "Guten Tag, Ada",
        "html": "<p>Guten Tag, <b>Ada</b></p>",
        "headers": {
            "List-Unsubscribe": "<https://example.com/u/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        **changes,
    }
    return Message(**fields)
