"""Sends mail through SendGrid, and reads what its Event Webhook tells.

Promise: none. The v3 Mail Send API takes no idempotency key, and to look a message up needs the
id that the lost answer would have had, so a repeat may be a second mail.
Source: twilio.com/docs/sendgrid: api-reference/mail-send, api-reference/how-to-use-the-sendgrid-
v3-api (errors, rate limits), glossary/x-message-id, for-developers/tracking-events/event and
…/getting-started-event-webhook-security-features.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.channels import mails, posts, replies
from connectors.channels.mails import Mail, Mailbox
from connectors.channels.replies import Codes
from connectors.errors import BadSetting
from connectors.http import Attempt, Client
from schemas.errors import Forged, Unsendable
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

BASE_URL = "https://api.sendgrid.com"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
WINDOW_MS = 25 * 3_600_000
"""Posts that were not answered are repeated for 24 hours; a repeat within is known by its ids."""
OF_FILTER = re.compile(r"\.(?:filter|recvd)")
"""Where a message's id ends in `sg_message_id`; the API answers with what stands before."""

RESULTS: dict[str, tuple[Result, Kind | None]] = {
    "delivered": ("delivered", None),
    "open": ("opened", None),
    "click": ("clicked", None),
    "bounce": ("bounced", "hard"),
    "dropped": ("failed", None),
    "spamreport": ("complained", None),
    "unsubscribe": ("unsubscribed", None),
    "group_unsubscribe": ("unsubscribed", None),
}
"""By event. `processed` and `deferred` tell of what goes on, not of what came of it."""


class SendGridProvider:
    """Sends mail by the v3 Mail Send API, a `Provider` by shape."""

    name = "sendgrid"
    channels = ("email",)
    promise: Promise = "none"

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
            key: an API key that may send mail.
            sender: whom mails are from that say nothing else.
            now_ms: the wall clock.
            base_url: of the API; another one for accounts in the EU.

        Raises:
            BadSetting: the key can not be one.
        """
        self._client = client
        self._key = replies.key(key, "the key")
        self._sender = sender
        self._now_ms = now_ms
        self._url = base_url.rstrip("/") + "/v3/mail/send"

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        try:
            content = body(message, mails.mail(message, self._sender))
        except Unsendable as error:
            return replies.refused(error.reason)
        attempt = await self._client.ask(
            "POST",
            self._url,
            content,
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        return replies.judge(
            attempt,
            Codes(),
            self._now_ms(),
            provider_id=replies.text(attempt.headers.get("x-message-id"), limit=200),
            reset_after_ms=self._reset_after_ms(attempt),
        )

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: without the id of the answer that was lost, it can not be asked for."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _reset_after_ms(self, attempt: Attempt) -> int | None:
        """X-RateLimit-Reset is a time, in seconds since the epoch."""
        reset_s = replies.seconds(attempt.headers.get("x-ratelimit-reset"))
        return None if reset_s is None else max(0, reset_s * 1000 - self._now_ms())


def body(message: Message, mail: Mail) -> bytes:
    """Returns the request that sends a mail; a repeat has the same bytes."""
    parts = [("text/plain", mail.text), ("text/html", mail.html)]
    content: dict[str, Any] = {
        "personalizations": [{"to": [_party(mail.to)]}],
        "from": _party(mail.sender),
        "subject": mail.subject,
        "content": [{"type": kind, "value": part} for kind, part in parts if part is not None],
        "custom_args": {"command_id": message.id},
    }
    if mail.reply_to is not None:
        content["reply_to"] = _party(mail.reply_to)
    if mail.headers:
        content["headers"] = dict(mail.headers)
    return msgspec.json.encode(content)


def _party(one: Mailbox) -> dict[str, str]:
    party = {"email": one.ascii or one.address}
    return {**party, "name": one.name} if one.name else party


class SendGridCallbacks:
    """Reads the signed Event Webhook, `Callbacks` by shape."""

    name = "sendgrid"

    def __init__(self, public_key: str) -> None:
        """Reads the verification key, as SendGrid shows it: base64, without PEM's lines.

        Raises:
            BadSetting: it is none.
        """
        try:
            key = load_der_public_key(b64decode(public_key, validate=True))
        except (ValueError, binascii.Error) as error:
            raise BadSetting("the verification key must be base64 of a public key") from error
        if not isinstance(key, EllipticCurvePublicKey):
            raise BadSetting("the verification key must be one for ECDSA")
        self._key = key

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what it tells, in its order."""
        self._check(request)
        return [
            report for event in posts.events(request.body) if (report := _report(event)) is not None
        ]

    def _check(self, request: CallbackRequest) -> None:
        stamp = request.headers.get(TIMESTAMP, "")
        if len(stamp) > 20 or not (stamp.isascii() and stamp.isdigit()):
            raise Forged("the signature is missing")
        try:
            signature = b64decode(request.headers.get(SIGNATURE, ""), validate=True)
            self._key.verify(signature, stamp.encode() + request.body, ECDSA(SHA256()))
        except (ValueError, InvalidSignature) as error:
            raise Forged("the signature is wrong") from error
        posts.check_age(int(stamp) * 1000, request.at, window_ms=WINDOW_MS)


def _report(event: dict[str, Any]) -> Report | None:
    found = RESULTS.get(str(event.get("event")))
    at = posts.at_ms(event.get("timestamp"))
    if found is None or at is None:
        return None
    result, kind = found
    message_id = replies.text(event, "sg_message_id", limit=300)
    command_id = replies.text(event, "command_id", limit=200)
    known = replies.text(event, "sg_event_id", limit=200)
    return Report(
        id=known or posts.derived(result, message_id, command_id, at),
        provider="sendgrid",
        result=result,
        at=at,
        command_id=command_id,
        provider_id=None if message_id is None else OF_FILTER.split(message_id)[0],
        kind="soft" if kind is not None and event.get("type") == "blocked" else kind,
        detail=_detail(event, result),
        url=replies.text(event, "url", limit=2_048) if result == "clicked" else None,
        machine=event.get("sg_machine_open") is True,
    )


def _detail(event: dict[str, Any], result: Result) -> str:
    """The reason of a drop is one of a few phrases; that of a bounce is what a server wrote."""
    if result == "failed":
        return posts.word(event.get("reason")) or "dropped"
    if result == "bounced":
        return posts.word(event.get("status")) or posts.word(event.get("type"))
    return "group" if event.get("event") == "group_unsubscribe" else ""
