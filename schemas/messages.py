"""Between a sender and its providers: a message ready to go, what came of it, what is told later.

Third in the flow: a command is composed to a message, a provider's answer is a reply, and what it
tells afterwards is a report. Nothing here travels over Kafka; outcomes do.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from schemas.outcomes import Kind, Result

Promise = Literal["key", "look-up", "none"]
"""What a provider does against sending twice: knows a message by the key that we give it, can be
asked what became of one, or neither."""

Fate = Literal["accepted", "refused", "passing", "unknown"]
"""Of one request: taken; refused for good; not now, but a repeat may do; or the answer was lost
after the request had been written, so that it may have been carried out."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one recipient, with all that a provider needs to know."""

    id: str
    """The command's id: the idempotency key where the provider takes one."""
    channel: str
    profile_id: str
    to: str
    """Address, number in E.164, device token, name of a channel: what the channel sends to."""
    definition_id: str = ""
    step: str = ""
    version: str = ""
    """Of the definition."""
    at: int | None = None
    """Ms since the epoch, when it was decided; None: not known."""
    traits: Mapping[str, Any] = {}
    """The person's, where the channel passes them on."""
    transactional: bool = False
    sender: str | None = None
    """Whom it is from; None: what the provider's settings say."""
    reply_to: str | None = None
    subject: str | None = None
    """Of a mail; the title of a push message."""
    text: str | None = None
    html: str | None = None
    is_viewable: bool = False
    """Whether a link in it leads to its HTML in a browser."""
    headers: Mapping[str, str] = {}
    """Of a mail, such as List-Unsubscribe, or of a webhook; checked, in ASCII."""
    variant: str | None = None
    """Which of its template's wordings it has; None: there is only one."""
    template: str | None = None
    """The provider's own name of an approved template (WhatsApp)."""
    language: str | None = None
    """Of that template."""
    parameters: tuple[str, ...] = ()
    """What fills in that template, in its order."""
    url: str | None = None
    """Where a webhook goes, or a tap on a push message leads."""
    method: str = "POST"
    """Of a webhook."""
    image: str | None = None
    data: Mapping[str, Any] = {}
    """Free-form, for channels that carry it: push, inbox, webhook, task, audience."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request to a provider."""

    fate: Fate
    detail: str
    """A short fixed word such as `http-503` or the provider's own code; never an answer's text."""
    provider_id: str | None = None
    """The provider's id of the message, by which it reports later."""
    retry_after_ms: int | None = None
    """How long the provider asks to wait."""
    answer: str | None = None
    """What was answered, as JSON text of at most 64 kB, where later steps may want it."""
    suppresses: Literal["hard-bounce", "complaint", "unsubscribe"] | None = None
    """Why this recipient is to get nothing more on the channel."""


class CallbackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider posted to us, not yet believed."""

    method: str
    url: str
    """In full, as the provider called it: some signatures are over it."""
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    """By lower-case name."""
    body: bytes = b""
    at: int
    """Ms since the epoch, when it came."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider tells of one message afterwards."""

    id: str
    """The provider's id of the report, else one derived from what it says: a repeat is known."""
    provider: str
    result: Result
    at: int
    """Ms since the epoch, when it happened."""
    command_id: str | None = None
    """Where the provider gives back what we sent along."""
    provider_id: str | None = None
    """Else the message is found by the provider's id of it."""
    kind: Kind | None = None
    """Of a bounce."""
    detail: str = ""
    url: str | None = None
    """What was clicked."""
    machine: bool = False
    """Whether a program opened or clicked, and no person (Apple's privacy proxy, link scanners)."""
    topic: str | None = None
    """What was unsubscribed from; None: the channel as a whole."""
