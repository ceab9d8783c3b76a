"""Brevo: text messages, and what it reports of them. Its mails are `brevo`.

Last in the flow. Sources: developers.brevo.com/reference/sendtransacsms (request, answer, codes),
/reference/getsmsevents (look-up), /docs/transactional-webhooks (reports).

Promise: look-up. The command's id is the message's tag, and the events of a tag can be asked for.
No event is no proof that it never came: then nothing is known. Brevo does not sign what it posts:
each message gets an address for its reports that proves itself (`webUrl`).
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.channels import proofs, replies
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.errors import BadRecord
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

URL = "https://api.brevo.com"

CODES = Codes(
    passing=frozenset(
        {
            "not_enough_credits",
            "unauthorized",
            "account_under_validation",
            "permission_denied",
            "too_many_requests",
            "not_acceptable",
        }
    ),
)

RESULTS: dict[str, tuple[Result, Kind | None]] = {
    "delivered": ("delivered", None),
    "hard_bounce": ("bounced", "hard"),
    "soft_bounce": ("bounced", "soft"),
    "rejected": ("failed", None),
    "blacklisted": ("unsubscribed", None),
    "unsubscribe": ("unsubscribed", None),
}
"""By `msg_status`; sent, accepted, replied and skip say nothing new."""


class BrevoSms:
    """Sends text messages, a `Provider` by shape."""

    name = "brevo_sms"
    channels = ("sms",)
    promise: Promise = "look-up"

    def __init__(
        self,
        client: Client,
        key: str,
        *,
        sender: str,
        callbacks: tuple[str, bytes] | None,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            key: an API key.
            sender: at most 11 letters and digits, or 15 digits.
            callbacks: the address for reports, and what proves it; None: none are asked for.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._url = f"{url}/v3/transactionalSMS"
        self._headers = {
            "api-key": key,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._sender = sender
        self._callbacks = callbacks
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if not message.text:
            return replies.refused("text-missing")
        attempt = await self._client.ask(
            "POST", f"{self._url}/send", self._content(message), headers=self._headers
        )
        found = replies.fields(attempt.body)
        code = None if attempt.sent else replies.text(found, "code")
        provider_id = replies.text(found, "messageId")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns that it was taken, where there is an event of it."""
        query = urlencode({"tags": message.id, "days": 2, "limit": 1})
        url = f"{self._url}/statistics/events?{query}"
        attempt = await self._client.ask("GET", url, headers=self._headers)
        events = replies.objects(replies.fields(attempt.body), "events")
        if not attempt.sent or not events:
            return None
        provider_id = replies.text(events[0], "messageId")
        return replies.judge(attempt, CODES, self._now_ms(), provider_id=provider_id)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _content(self, message: Message) -> bytes:
        found: dict[str, Any] = {
            "sender": message.sender or self._sender,
            "recipient": message.to.removeprefix("+"),
            "content": message.text,
            "type": "transactional" if message.transactional else "marketing",
            "tag": message.id,
            "unicodeEnabled": not (message.text or "").isascii(),
        }
        if self._callbacks is not None:
            base, secret = self._callbacks
            found["webUrl"] = proofs.address(base, message.id, secret)
        return msgspec.json.encode(found)


class BrevoSmsCallbacks:
    """Reads what Brevo posts about text messages, `Callbacks` by shape."""

    name = "brevo_sms"

    def __init__(self, secret: bytes) -> None:
        """Takes what proves the addresses that were given out."""
        self._secret = secret

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what became of the one message that the address is for."""
        command_id = proofs.proven(request, self._secret)
        found = replies.fields(request.body)
        status = replies.text(found, "msg_status")
        if status is None:
            raise BadRecord("not-json", "a report of Brevo has no msg_status")
        if status not in RESULTS:
            return []
        result, kind = RESULTS[status]
        seconds = found.get("ts_event")
        report = Report(
            id=f"{command_id}-{status}",
            provider=self.name,
            result=result,
            at=seconds * 1000 if isinstance(seconds, int) and seconds > 0 else request.at,
            command_id=command_id,
            provider_id=replies.text(found, "messageId"),
            kind=kind,
            detail=status,
        )
        return [report]
