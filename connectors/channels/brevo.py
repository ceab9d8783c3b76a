"""Sends mail through Brevo, and reads its transactional webhooks.

Promise: key. The `idempotencyKey` among a mail's headers, a UUID, is known for 15 minutes (so the
change log of the API; its guide says 30), and a repeat within is answered `duplicate_parameter`:
the first one was taken. Afterwards a repeat would be a second mail.
Source: developers.brevo.com: reference/sendtransacemail, docs/heterogenous-versions-batch-emails
and changelog/email-api-now-supports-idempotency (the key), docs/how-it-works (codes),
docs/limit-headers, docs/transactional-webhooks, docs/secured-webhooks (who may post).
"""

import binascii
import uuid
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from connectors.channels import mails, posts, replies
from connectors.channels.mails import Mail, Mailbox
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.errors import Forged, Unsendable
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

BASE_URL = "https://api.brevo.com"
KEY_TTL_MS = 15 * 60_000
"""How long a key is known, the shorter of the two that are written down."""
KEYS = uuid.UUID("5a1f5f0e-7a52-5f0c-9f3e-0d8a4f1c2b6d")
"""The space of the keys: of a message's id there is one UUID."""
CUSTOM = "X-Mailin-custom"
PREFIX = "command_id="

CODES = Codes(
    accepted=frozenset({"duplicate_parameter"}),
    passing=frozenset(
        {
            "not_enough_credits",
            "account_under_validation",
            "unauthorized",
            "permission_denied",
            "too_many_requests",
        }
    ),
)
"""What the API's own words say beyond the status."""

RESULTS: dict[str, tuple[Result, Kind | None]] = {
    "delivered": ("delivered", None),
    "opened": ("opened", None),
    "unique_opened": ("opened", None),
    "proxy_open": ("opened", None),
    "unique_proxy_open": ("opened", None),
    "click": ("clicked", None),
    "hard_bounce": ("bounced", "hard"),
    "invalid_email": ("bounced", "hard"),
    "soft_bounce": ("bounced", "soft"),
    "blocked": ("failed", None),
    "error": ("failed", None),
    "spam": ("complained", None),
    "unsubscribe": ("unsubscribed", None),
    "unsubscribed": ("unsubscribed", None),
}
"""By event. `request` and `deferred` tell of what goes on, not of what came of it."""
PROXIES = frozenset({"proxy_open", "unique_proxy_open"})


class BrevoProvider:
    """Sends mail by the v3 API, a `Provider` by shape."""

    name = "brevo"
    channels = ("email",)
    promise: Promise = "key"

    def __init__(
        self,
        client: Client,
        *,
        key: str,
        sender: str,
        now_ms: Callable[[], int],
        base_url: str = BASE_URL,
    ) -> None:
        """Checks the key; asks nothing yet.

        Args:
            client: closed with the provider.
            key: an API key.
            sender: whom mails are from that say nothing else.
            now_ms: the wall clock.
            base_url: of the API.

        Raises:
            BadSetting: the key can not be one.
        """
        self._client = client
        self._key = replies.key(key, "the key")
        self._sender = sender
        self._now_ms = now_ms
        self._url = base_url.rstrip("/") + "/v3/smtp/email"

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request; one that was taken before is accepted."""
        try:
            content = body(message, mails.mail(message, self._sender))
        except Unsendable as error:
            return replies.refused(error.reason)
        attempt = await self._client.ask(
            "POST",
            self._url,
            content,
            headers={
                "api-key": self._key,
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        answer = replies.fields(attempt.body)
        reset_s = replies.seconds(attempt.headers.get("x-sib-ratelimit-reset"))
        return replies.judge(
            attempt,
            CODES,
            self._now_ms(),
            code=None if attempt.sent else replies.text(answer, "code", limit=64),
            provider_id=_bare(answer.get("messageId")),
            reset_after_ms=None if reset_s is None else reset_s * 1000,
        )

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: the key says what became of a send, by sending again."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


def body(message: Message, mail: Mail) -> bytes:
    """Returns the request that sends a mail; a repeat has the same bytes."""
    content: dict[str, Any] = {
        "sender": _party(mail.sender),
        "to": [_party(mail.to)],
        "subject": mail.subject,
        "headers": {
            **mail.headers,
            "idempotencyKey": str(uuid.uuid5(KEYS, message.id)),
            CUSTOM: PREFIX + message.id,
        },
    }
    if mail.html is not None:
        content["htmlContent"] = mail.html
    if mail.text is not None:
        content["textContent"] = mail.text
    if mail.reply_to is not None:
        content["replyTo"] = _party(mail.reply_to)
    return msgspec.json.encode(content)


def _party(one: Mailbox) -> dict[str, str]:
    party = {"email": one.ascii or one.address}
    return {**party, "name": one.name} if one.name else party


def _bare(value: object) -> str | None:
    """Returns a Message-ID without its brackets: answers have them, events do not always."""
    found = replies.text(value, limit=300)
    return None if found is None else found.strip("<>") or None


class BrevoCallbacks:
    """Reads transactional webhooks, `Callbacks` by shape.

    They are not signed: who posts says the token, as a bearer (`auth` of the webhook) or as the
    password in its address. So a captured post can be repeated, which the report's id shows.
    """

    name = "brevo"

    def __init__(self, token: str) -> None:
        """Takes the token that was given to Brevo with the webhook.

        Raises:
            BadSetting: it is empty or can not travel in a header.
        """
        self._token = replies.key(token, "the token of the webhook")

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what it tells, in its order."""
        posts.check_same(_given(request.headers.get("authorization", "")), self._token)
        return [
            report for event in posts.events(request.body) if (report := _report(event)) is not None
        ]


def _given(header: str) -> str:
    """Returns the token of an Authorization header: a bearer's, or the password of a user.

    Raises:
        Forged: there is none.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        pair = b64decode(value.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError) as error:
        raise Forged("the token is wrong") from error
    if ":" not in pair:
        raise Forged("the token is missing")
    return pair.partition(":")[2]


def _report(event: dict[str, Any]) -> Report | None:
    """Of `ts_epoch`, `ts_event` and `ts`, the first two are in UTC; the first is in ms."""
    found = RESULTS.get(str(event.get("event")))
    at = posts.at_ms(event.get("ts_epoch")) or posts.at_ms(event.get("ts_event"))
    if found is None or at is None:
        return None
    result, kind = found
    name = str(event["event"])
    message_id = _bare(event.get("message-id"))
    custom = replies.text(event, CUSTOM, limit=300) or ""
    url = replies.text(event, "link", limit=2_048) if result == "clicked" else None
    machine = name in PROXIES
    return Report(
        id=posts.derived(result, message_id, custom, event.get("email"), at, url, machine),
        provider="brevo",
        result=result,
        at=at,
        command_id=custom.removeprefix(PREFIX) if custom.startswith(PREFIX) else None,
        provider_id=message_id,
        kind=kind,
        detail=name.replace("_", "-") if result in ("failed", "bounced") else "",
        url=url,
        machine=machine,
    )
