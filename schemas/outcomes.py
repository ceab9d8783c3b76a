"""What came of a command: written by senders, read by analysts, and back into events."""

import uuid
from typing import Literal

import msgspec

from schemas.commands import NAMESPACE
from schemas.topics import CHANNELS

Result = Literal[
    "sent",
    "failed",
    "unknown",
    "dropped",
    "held",
    "delivered",
    "opened",
    "clicked",
    "bounced",
    "complained",
    "unsubscribed",
]
"""`sent`: the provider took it. `dropped`: it was not to go any more (expired, suppressed).
`held`: it can not be composed, until its template is mended. The rest is reported afterwards."""

BY_SERVICES: tuple[Result, ...] = (
    "sent",
    "failed",
    "unknown",
    "dropped",
    "held",
    "delivered",
    "bounced",
)
"""What a service did with a message; the others are what a person did."""

NO_ACTIVITY = frozenset(f"{channel}.{result}" for channel in CHANNELS for result in BY_SERVICES)
"""Events that come of messages, at which their person did nothing."""

Kind = Literal["hard", "soft"]
"""Of a bounce: for good, or for now."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one command at one provider."""

    id: str
    """Derived from the command id and the result: a repeat is recognised."""
    command_id: str
    profile_id: str
    channel: str
    result: Result
    attempts: int
    detail: str
    """A short fixed word such as `http-503` or `time-out`; never an answer's text."""
    at: int
    """Ms since the epoch, when the sender knew."""
    answer: str | None = None
    """What the other side answered, as JSON text of at most 64 kB; None where it was none."""
    provider: str | None = None
    """Who sent it; None where nobody was asked."""
    provider_id: str | None = None
    """The provider's id of the message."""
    promise: str | None = None
    """`exactly-once`, `at-most-once` or `at-least-once`: what the send was done under."""
    kind: Kind | None = None
    """Of a bounce."""
    url: str | None = None
    """What was clicked."""
    machine: bool = False
    """Whether a program opened or clicked, and no person."""
    variant: str | None = None
    """Which of its template's wordings the message had; None: there is only one."""


def derive_id(message_id: str, result: str) -> str:
    """Returns the id of an outcome: the same end of the same message has the same id."""
    return str(uuid.uuid5(NAMESPACE, f"{message_id} {result}"))
