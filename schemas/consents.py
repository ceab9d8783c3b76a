"""Who may be written to: consents and suppressions as they stand, and each change of them.

Written by the worker from what events say, in the transaction of everything else. Senders keep
them in their own tables for the last look before a send; analysts read them.
"""

from typing import Literal

import msgspec

State = Literal["granted", "pending", "denied"]
"""`pending`: given, and not confirmed yet where the topic asks for that."""

Reason = Literal["unsubscribe", "hard-bounce", "complaint", "manual", "erased", "sunset"]
"""Why nothing may be sent."""

LIFTED_AT = "lifted-at"
"""The header of a tombstone: ms since the epoch."""

ALL = "*"
"""Every channel, of a suppression; every topic of a channel, of a consent."""


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one person said to messages of one topic on one channel. Key: person/channel/topic."""

    profile_id: str
    channel: str
    topic: str
    """`*`: all of the channel that have no word of their own."""
    state: State
    at: int
    """Since when."""
    source: str | None = None
    """Where it was said: a form, an import, a callback."""
    actor: str | None = None
    """Who said it, where it was not the person."""
    text_version: str | None = None
    """Which text was agreed to."""
    evidence: str | None = None
    """A reference to what proves it, such as the id of a stored form."""


class SuppressionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That one person gets nothing on a channel, whatever was agreed. Key: person/channel.

    A tombstone under the key lifts it; its header `LIFTED_AT` says since when.
    """

    profile_id: str
    channel: str
    """`*`: all of them."""
    reason: Reason
    at: int
    """Since when."""


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One change of a consent or a suppression: the history, kept for ten years."""

    profile_id: str
    channel: str
    topic: str
    """Empty: a suppression."""
    old: str | None
    """State or reason before; None: there was none."""
    new: str | None
    """None: lifted."""
    at: int
    cause: str
    """messageId of the event that said so, or `clock`."""
    source: str | None = None
    actor: str | None = None
    text_version: str | None = None
    evidence: str | None = None


class Lifted(msgspec.Struct, frozen=True, kw_only=True):
    """That a suppression holds no more: what a tombstone in `suppressions` says."""

    profile_id: str
    channel: str
    at: int
    """Ms since the epoch, when that was said. Not when it was written: the worker may be behind,
    and what was said since must not be lifted."""
