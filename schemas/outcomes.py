"""What came of a command: written by senders, read by analysts."""

from typing import Literal

import msgspec

Result = Literal["sent", "failed", "unknown"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one command at one provider."""

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
