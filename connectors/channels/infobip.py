"""Infobip: text messages and WhatsApp templates, and what it reports of them.

Last in the flow. Sources: infobip.com/docs/api/channels/sms (send, logs, delivery reports),
.../channels/whatsapp (template, delivery and seen reports), docs/essentials/api-essentials/
response-status-and-error-codes.

Promise: look-up. `messageId` is ours, and the logs of the last 48 hours can be asked for it; a
repeat comes back as REJECTED_DUPLICATE_MESSAGE_ID, which says that the first one came. The logs of
WhatsApp can not be asked for one id: for that channel nothing can be looked up. Infobip signs
nothing that it posts: each message gets an address for its reports that proves itself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.channels import proofs, replies
from connectors.channels.replies import Codes
from connectors.http import Attempt, Client
from schemas.errors import BadRecord
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report

CODES = Codes(
    passing=frozenset(
        {
            "REJECTED_NOT_ENOUGH_CREDITS",
            "REJECTED_PREPAID_PACKAGE_EXPIRED",
            "REJECTED_ROUTE_NOT_AVAILABLE",
            "REJECTED_SYSTEM_ERROR",
            "REJECTED_NETWORK",
            "TOO_MANY_REQUESTS",
            "UNAUTHORIZED",
        }
    ),
    suppresses={
        "REJECTED_DESTINATION_NOT_REGISTERED": "hard-bounce",
        "REJECTED_INVALID_DESTINATION": "hard-bounce",
    },
)
DUPLICATE = "REJECTED_DUPLICATE_MESSAGE_ID"
TAKEN = frozenset({1, 3})
"""Groups of states: pending, delivered. 2 is undeliverable, 4 expired, 5 rejected."""


class Infobip:
    """Sends text and WhatsApp messages, a `Provider` by shape."""

    name = "infobip"
    channels = ("sms", "whatsapp")
    promise: Promise = "look-up"

    def __init__(
        self,
        client: Client,
        url: str,
        *,
        key: str,
        sender: str,
        callbacks: tuple[str, bytes] | None,
        now_ms: Callable[[], int],
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            url: the account's own, `https://….api.infobip.com`.
            key: an API key.
            sender: a number or a registered name.
            callbacks: the address for reports, and what proves it; None: none are asked for.
            now_ms: the wall clock.
        """
        self._client = client
        self._url = url.rstrip("/")
        self._headers = {
            "Authorization": f"App {key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._sender = sender
        self._callbacks = callbacks
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.channel == "whatsapp":
            if message.template is None:
                return replies.refused("template-missing")
            path, found = "/whatsapp/1/message/template", self._template(message)
        else:
            if not message.text:
                return replies.refused("text-missing")
            path, found = "/sms/3/messages", self._text(message)
        content = msgspec.json.encode({"messages": [found]})
        attempt = await self._client.ask("POST", self._url + path, content, headers=self._headers)
        return self._judged(attempt, replies.part(replies.fields(attempt.body), "messages", 0))

    async def look_up(self, message: Message) -> Reply | None:
        """Returns what the logs say; `refused` where a text message never came."""
        if message.channel != "sms":
            return None
        query = urlencode({"messageId": message.id})
        url = f"{self._url}/sms/3/logs?{query}"
        attempt = await self._client.ask("GET", url, headers=self._headers)
        found = replies.fields(attempt.body)
        if not attempt.sent or not isinstance(found.get("results"), list):
            return None
        if not found["results"]:
            return replies.refused("never-came")
        return self._judged(attempt, found["results"][0])

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _text(self, message: Message) -> dict[str, Any]:
        found: dict[str, Any] = {
            "sender": message.sender or self._sender,
            "destinations": [{"to": message.to.removeprefix("+"), "messageId": message.id}],
            "content": {"text": message.text},
        }
        address = self._address(message)
        if address is not None:
            found["webhooks"] = {"delivery": {"url": address}, "contentType": "application/json"}
        return found

    def _template(self, message: Message) -> dict[str, Any]:
        found: dict[str, Any] = {
            "from": (message.sender or self._sender).removeprefix("+"),
            "to": message.to.removeprefix("+"),
            "messageId": message.id,
            "content": {
                "templateName": message.template,
                "templateData": {"body": {"placeholders": list(message.parameters)}},
                "language": message.language or "en",
            },
        }
        address = self._address(message)
        return found if address is None else found | {"notifyUrl": address}

    def _address(self, message: Message) -> str | None:
        if self._callbacks is None:
            return None
        base, secret = self._callbacks
        return proofs.address(base, message.id, secret)

    def _judged(self, attempt: Attempt, told: Any) -> Reply:
        """Returns the reply: a request may be taken and its message rejected."""
        group = replies.part(told, "status", "groupId")
        code = replies.text(told, "status", "name")
        if not attempt.sent:
            found = replies.fields(attempt.body)
            code = replies.text(found, "errorCode") or replies.text(
                found, "requestError", "serviceException", "messageId"
            )
        elif group in TAKEN or code == DUPLICATE:
            code = None
        elif group is None:
            return Reply(fate="unknown", detail="answer-unreadable")
        provider_id = replies.text(told, "messageId")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)


class InfobipCallbacks:
    """Reads what Infobip posts about messages, `Callbacks` by shape."""

    name = "infobip"

    def __init__(self, secret: bytes) -> None:
        """Takes what proves the addresses that were given out."""
        self._secret = secret

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what became of the one message that the address is for."""
        command_id = proofs.proven(request, self._secret)
        found = replies.fields(request.body)
        if not isinstance(found.get("results"), list):
            raise BadRecord("not-json", "a report of Infobip has no results")
        mine = [
            each
            for each in replies.objects(found, "results")
            if each.get("messageId") == command_id
        ]
        reports = [_report(each, command_id, request.at) for each in mine]
        return [each for each in reports if each is not None]


def _report(found: dict[str, Any], command_id: str, at: int) -> Report | None:
    group = replies.part(found, "status", "groupId")
    name = replies.text(found, "status", "name") or ""
    detail = replies.text(found, "error", "name") or name
    if "seenAt" in found:
        return _made(command_id, "opened", "seen", at=_at(found.get("seenAt"), at))
    if group == 3:
        return _made(command_id, "delivered", name, at=_at(found.get("doneAt"), at))
    if group not in (2, 4, 5):
        return None
    is_hard = replies.part(found, "error", "permanent") is True
    return msgspec.structs.replace(
        _made(command_id, "bounced", detail, at=_at(found.get("doneAt"), at)),
        kind="hard" if is_hard else "soft",
    )


def _made(command_id: str, result: Any, detail: str, *, at: int) -> Report:
    return Report(
        id=f"{command_id}-{result}",
        provider=InfobipCallbacks.name,
        result=result,
        at=at,
        command_id=command_id,
        provider_id=command_id,
        detail=detail[:64],
    )


def _at(told: object, otherwise: int) -> int:
    """Returns the instant that is told: `2019-04-09T16:01:56.494-0300`."""
    try:
        return round(datetime.fromisoformat(str(told)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return otherwise
