"""What is written of a message after it was sent: all that one report or click comes to, at once.

Between the callbacks' server, which makes a posting, and the senders' database, which takes it
whole or not at all.
"""

import msgspec

from schemas.consents import ConsentRecord, SuppressionRecord
from schemas.outcomes import Outcome

OWN = "beckon"
"""Whose reports our own tracking makes."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of a message."""

    command_id: str
    message_id: str
    """What the provider knows it by: the command's id, or one of its own where a command has
    several messages."""
    profile_id: str
    channel: str
    topic: str | None = None
    definition_id: str = ""
    step: str = ""
    state: str = "sent"
    provider: str | None = None
    provider_id: str | None = None
    promise: str | None = None
    attempts: int = 1
    variant: str | None = None
    domain: str | None = None
    """Who keeps the mailbox that it went to; None: it is no mail."""
    updated_at: int | None = None
    """Ms since the epoch, when its state last changed; None: it is not in the ledger."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record for Kafka."""

    id: str
    """Of the row: one that is there already stays."""
    topic: str
    """Without the prefix."""
    key: str
    value: str
    """JSON."""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """What one report comes to: taken once by its source and id."""

    source: str
    """The provider, or `OWN`."""
    id: str
    """Of the report."""
    rows: tuple[Row, ...] = ()
    suppressions: tuple[SuppressionRecord, ...] = ()
    """In force when the posting is; what was claimed for the person and channel is dropped."""
    denials: tuple[ConsentRecord, ...] = ()
    """The same for one topic of a channel."""
    outcome: Outcome | None = None
    """What the rows tell of, for those who count."""
    domain: str | None = None
    """As the ledger has it."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one person stands, as the senders know it."""

    suppressions: tuple[SuppressionRecord, ...] = ()
    """Those in force."""
    consents: tuple[ConsentRecord, ...] = ()
