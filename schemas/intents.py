"""What senders remember of each message: that it is to go, that it goes, and what came of it.

Between a sender and its ledger; nothing here travels over Kafka.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from schemas.commands import Command
from schemas.messages import Promise

State = Literal["claimed", "dispatching", "sent", "failed", "unknown", "dropped", "held"]
"""`claimed`: taken up, nobody was asked yet. `dispatching`: a provider may have it. The rest is
final, as in an outcome."""

OPEN = frozenset({"claimed", "dispatching"})
"""States in which nothing has come of it yet."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is to go."""

    id: str
    """The command's id; where a command has several messages, one derived from it."""
    command_id: str
    profile_id: str
    channel: str
    topic: str | None = None
    topics: list[str] = []
    """Of a summary: what it is about beside `topic`."""
    transactional: bool = False
    definition_id: str = ""
    step: str = ""
    variant: str | None = None
    """Of the wording that it has."""
    domain: str | None = None
    """Who keeps the mailbox that a mail goes to: one of a few names, or `other`."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger says of a message."""

    id: str
    state: State
    epoch: int
    """Of whoever took it up last: who has a lower one must leave it alone."""
    detail: str = ""
    provider: str | None = None
    provider_id: str | None = None
    promise: Promise | None = None
    """The provider's, when it was asked last."""
    attempts: int = 0
    answer: str | None = None
    updated_at: int
    """Ms since the epoch, when the state last changed."""
    variant: str | None = None
    """Of the wording that it went with, or was to."""
    told_at: int | None = None
    """When its outcome was in Kafka."""


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The wish to hand a message to a provider now."""

    id: str
    epoch: int
    provider: str
    promise: Promise
    topics: list[str] = []
    """What the message is about beside the topic of its intent: of these too a no stops it."""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a message."""

    id: str
    epoch: int
    state: State
    detail: str
    provider_id: str | None = None
    answer: str | None = None
    suppresses: str | None = None
    """Why the recipient is to get nothing more on the channel."""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of a channel are in a state in which nothing came of them yet."""

    channel: str
    state: str
    messages: int
    oldest: int
    """Ms since the epoch, when the one that waits longest came into it."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of templates at one moment."""

    read: int
    """How far definitions were read: rises with each of them, and is the same for all who read."""
    versions: Mapping[str, str]
    """Of each template with all that is in it, by its id."""

    def of(self, template: str | None) -> str:
        """Returns the version of a template; empty where there is none."""
        return self.versions.get(template or "", "")


class HeldCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command of which no message could be made, kept until its template is mended."""

    command: Command
    tried: str
    """The version of its template, with all that is taken in by it, that it was tried under."""
    tried_at: int
    """How far definitions were read then: who has read less does not try it."""
    held_at: int
    """Ms since the epoch."""
    until: int
    """Ms since the epoch: from then on it is not tried again."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """How many commands are kept of one channel and template, for one reason."""

    channel: str
    template: str
    detail: str | None
    """Why no message can be made; None: the ledger has forgotten."""
    messages: int
    oldest: int
    """Ms since the epoch, when the first of them was held."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that can be seen in a browser."""

    message_id: str
    profile_id: str
    html: str
    """As it was sent."""
    until: int
    """Ms since the epoch: from then on it is gone."""
