"""Sends mail through Mailgun, and reads its webhooks.

Promise: none. The Messages API takes no idempotency key, and the Events API, which is said to be
late and to go away, finds a message by the id of the answer that was lost.
Source: documentation.mailgun.com: api-reference/send/mailgun/messages, quickstart-guide/responses,
api-reference/send/mailgun/events, user-manual/webhooks/securing-webhooks, user-manual/events,
user-manual/tracking-messages/open-click-bot-detect.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from connectors.channels import mails, posts, replies
from connectors.channels.mails import Mail
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.errors import BadRecord, Forged, Unsendable
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

BASE_URL = "https://api.mailgun.net"
WINDOW_MS = 9 * 3_600_000
"""Posts that were not answered are repeated for 8 hours."""
TOKEN_CHARS = range(20, 101)

RESULTS: dict[str, Result] = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "failed": "bounced",
    "rejected": "failed",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
"""By event. `accepted` and failures that are temporary tell of what goes on."""
SUPPRESSED = "suppress-"
"""Begins the reason why Mailgun did not try: an earlier bounce, complaint or unsubscribe."""
GAVE_UP = frozenset({"old", "generic", "espblock"})
"""Reasons of permanent failures that are not the address's."""


class MailgunProvider:
    """Sends mail by the Messages API, a `Provider` by shape."""

    name = "mailgun"
    channels = ("email",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        *,
        key: str,
        domain: str,
        sender: str,
        now_ms: Callable[[], int],
        base_url: str = BASE_URL,
    ) -> None:
        """Checks the key; asks nothing yet.

        Args:
            client: closed with the provider.
            key: an API key.
            domain: the sending domain.
            sender: whom mails are from that say nothing else.
            now_ms: the wall clock.
            base_url: of the API; another one for domains in the EU.

        Raises:
            BadSetting: the key or the domain can not be one.
        """
        self._client = client
        basic = b64encode(f"api:{replies.key(key, 'the key')}".encode()).decode()
        self._authorization = f"Basic {basic}"
        self._sender = sender
        self._now_ms = now_ms
        place = quote(replies.key(domain, "the domain"), safe="")
        self._url = f"{base_url.rstrip('/')}/v3/{place}/messages"

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        try:
            content = form(message, mails.mail(message, self._sender))
        except Unsendable as error:
            return replies.refused(error.reason)
        attempt = await self._client.ask(
            "POST",
            self._url,
            content,
            headers={
                "Authorization": self._authorization,
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
        )
        found = replies.text(replies.fields(attempt.body), "id", limit=300)
        return replies.judge(
            attempt,
            Codes(),
            self._now_ms(),
            provider_id=None if found is None else found.strip("<>") or None,
        )

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: without the id of the answer that was lost, it can not be asked for."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


def form(message: Message, mail: Mail) -> bytes:
    """Returns the request that sends a mail; a repeat has the same bytes."""
    pairs = [
        ("from", mail.sender.header),
        ("to", mail.to.header),
        ("subject", mail.subject),
        ("v:command_id", message.id),
    ]
    if mail.text is not None:
        pairs.append(("text", mail.text))
    if mail.html is not None:
        pairs.append(("html", mail.html))
    if mail.reply_to is not None:
        pairs.append(("h:Reply-To", mail.reply_to.header))
    pairs += [(f"h:{name}", value) for name, value in mail.headers.items()]
    return urlencode(pairs).encode()


class MailgunCallbacks:
    """Reads webhooks, `Callbacks` by shape.

    What is signed is a time and a token, and not what is told: so a report's id is the token, and
    a second post with it, whatever it tells, is the repeat of the first.
    """

    name = "mailgun"

    def __init__(self, signing_key: str) -> None:
        """Takes the HTTP webhook signing key.

        Raises:
            BadSetting: it can not be one.
        """
        self._key = replies.key(signing_key, "the signing key").encode()

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what it tells."""
        post = posts.decoded(request.body)
        if not isinstance(post, dict):
            raise BadRecord("callback-invalid", "a callback is no object")
        token = self._checked(post.get("signature"), request.at)
        event = post.get("event-data")
        report = _report(event, token) if isinstance(event, dict) else None
        return [] if report is None else [report]

    def _checked(self, signature: object, now_ms: int) -> str:
        """Returns the token, if it is signed and not too old."""
        if not isinstance(signature, Mapping):
            raise Forged("the signature is missing")
        stamp, token, given = (
            str(signature.get(name, "")) for name in ("timestamp", "token", "signature")
        )
        if len(stamp) > 20 or not (stamp.isascii() and stamp.isdigit()):
            raise Forged("the signature is missing")
        if len(token) not in TOKEN_CHARS:
            raise Forged("the token is missing")
        signed = (stamp + token).encode("utf-8", "replace")
        posts.check_same(given, hmac.new(self._key, signed, hashlib.sha256).hexdigest())
        posts.check_age(int(stamp) * 1000, now_ms, window_ms=WINDOW_MS)
        return token


def _report(event: dict[str, Any], token: str) -> Report | None:
    result = RESULTS.get(str(event.get("event")))
    at = posts.at_ms(event.get("timestamp"))
    if result is None or at is None or event.get("severity") == "temporary":
        return None
    reason = posts.word(event.get("reason"))
    kind: Kind | None = None
    if reason.startswith(SUPPRESSED):
        result = "failed"
    elif result == "bounced":
        kind = "soft" if reason in GAVE_UP else "hard"
    message_id = replies.text(event, "message", "headers", "message-id", limit=300)
    return Report(
        id=token,
        provider="mailgun",
        result=result,
        at=at,
        command_id=replies.text(event, "user-variables", "command_id", limit=200),
        provider_id=None if message_id is None else message_id.strip("<>"),
        kind=kind,
        detail=reason or ("rejected" if result == "failed" else ""),
        url=replies.text(event, "url", limit=2_048) if result == "clicked" else None,
        machine=bool(replies.part(event, "client-info", "bot")),
    )
