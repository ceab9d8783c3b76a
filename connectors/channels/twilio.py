"""Twilio: text messages and WhatsApp, and what it reports of them.

Last in the flow. Sources: twilio.com/docs/messaging/api/message-resource (request, answer,
`MessageStatus`), docs/api/errors (codes), docs/usage/webhooks/webhooks-security (signature).

Promise: none. The Messages API takes no idempotency key, and its list of messages knows nothing of
ours to find one by. Who answers STOP is known to Twilio alone: the next send to them comes back as
error 21610, and that suppresses.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec

from connectors.channels import posts, proofs, replies
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

URL = "https://api.twilio.com"
MAX_TEXT_CHARS = 1_600
"""Of a body; longer ones are refused with error 21617."""

CODES = Codes(
    passing=frozenset(
        {
            "20003",  # the key is not let in
            "20005",  # the account is not active
            "20429",  # too many requests
            "14107",  # rate of messages
            "21611",  # the sender's queue is full
            "30001",  # queue overflow
            "30002",  # the account is suspended
            "63018",  # WhatsApp's rate
        }
    ),
    refused=frozenset({"20404", "21408", "21606", "21612", "21617", "63016"}),
    suppresses={
        "21610": "unsubscribe",  # answered STOP
        "21211": "hard-bounce",  # no number
        "21614": "hard-bounce",  # no mobile number
        "63003": "hard-bounce",  # not on WhatsApp
        "63024": "hard-bounce",  # no recipient of WhatsApp's
    },
)

RESULTS: dict[str, Result] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "opened",
    "undelivered": "bounced",
    "failed": "failed",
}
"""By `MessageStatus`; the others (queued, sending, accepted …) say nothing new."""

BOUNCES: dict[str, Kind] = {
    "30003": "soft",  # the handset is off
    "30004": "hard",  # blocked
    "30005": "hard",  # no such number
    "30006": "hard",  # a landline
    "30008": "soft",  # not known
    "63003": "hard",
    "63024": "hard",
}


class Account(NamedTuple):
    """Whose messages they are."""

    sid: str
    """`AC…`"""
    user: str
    """The same SID, or that of an API key."""
    password: str
    """The auth token, or the API key's secret."""


class Twilio:
    """Sends text and WhatsApp messages, a `Provider` by shape."""

    name = "twilio"
    channels = ("sms", "whatsapp")
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        account: Account,
        *,
        sender: str,
        callback_url: str | None,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            account: whose messages they are.
            sender: a number in E.164, an alphanumeric name, or a messaging service, `MG…`.
            callback_url: where Twilio is to report; None: it does not.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._url = f"{url}/2010-04-01/Accounts/{account.sid}/Messages.json"
        self._headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "Basic " + b64encode(":".join(account[1:]).encode()).decode(),
        }
        self._sender = sender
        self._callback_url = callback_url
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.template is None and not 0 < len(message.text or "") <= MAX_TEXT_CHARS:
            return replies.refused("text-length")
        content = urlencode(self._form(message)).encode()
        attempt = await self._client.ask("POST", self._url, content, headers=self._headers)
        found = replies.fields(attempt.body)
        code = None if attempt.sent else replies.text(found, "code")
        provider_id = replies.text(found, "sid")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: nothing of ours is in Twilio's list."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _form(self, message: Message) -> dict[str, str]:
        prefix = "whatsapp:" if message.channel == "whatsapp" else ""
        sender = message.sender or self._sender
        form = {"To": prefix + message.to}
        if sender.startswith("MG"):
            form["MessagingServiceSid"] = sender
        else:
            form["From"] = prefix + sender
        if message.template is None:
            form["Body"] = message.text or ""
        else:
            form["ContentSid"] = message.template
            given = {str(place): each for place, each in enumerate(message.parameters, 1)}
            form["ContentVariables"] = msgspec.json.encode(given).decode()
        if self._callback_url is not None:
            form["StatusCallback"] = proofs.address(self._callback_url, message.id)
        return form


class TwilioCallbacks:
    """Reads what Twilio posts about messages, `Callbacks` by shape."""

    name = "twilio"

    def __init__(self, auth_token: str) -> None:
        """Takes the account's primary auth token, which signs, also where an API key sends."""
        self._auth_token = auth_token.encode()

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what became of one message.

        The signature has no time in it; a repeat is known by the report's id.
        """
        posted = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        signature = request.headers.get("x-twilio-signature", "")
        posts.check_same(signature, sign(self._auth_token, request.url, posted))
        sid, status = posted.get("MessageSid", ""), posted.get("MessageStatus", "")
        if not sid or status not in RESULTS:
            return []
        code = posted.get("ErrorCode", "")
        result, kind = _judged(RESULTS[status], code)
        report = Report(
            id=f"{sid}-{status}",
            provider=self.name,
            result=result,
            at=request.at,
            command_id=request.query.get(proofs.COMMAND),
            provider_id=sid,
            kind=kind,
            detail=code[:64] or status,
        )
        return [report]


def sign(auth_token: bytes, url: str, posted: dict[str, str]) -> str:
    """Returns the signature of a request.

    Args:
        auth_token: of the account.
        url: in full, with its query, as Twilio called it.
        posted: the fields of the form.

    Source: twilio.com/docs/usage/webhooks/webhooks-security: HMAC-SHA1 over the address and the
    fields by name, each name and value one after the other.
    """
    signed = url + "".join(name + posted[name] for name in sorted(posted))
    return b64encode(hmac.new(auth_token, signed.encode(), hashlib.sha1).digest()).decode()


def _judged(result: Result, code: str) -> tuple[Result, Kind | None]:
    """Returns what a failure means: Twilio says `undelivered` and `failed` of the same codes."""
    if result not in ("bounced", "failed"):
        return result, None
    if code == "21610":
        return "unsubscribed", None
    kind = BOUNCES.get(code)
    if kind is None:
        return "failed", None
    return "bounced", kind
