"""Meta's WhatsApp Cloud API: templates and texts, and what it reports of them.

Last in the flow. Sources: developers.facebook.com/documentation/business-messaging/whatsapp:
/reference/whatsapp-business-phone-number/message-api (request, `biz_opaque_callback_data`),
/support/error-codes, /webhooks/reference/messages/status; docs/graph-api/webhooks/getting-started
(signature, challenge).

Promise: none. The API takes no idempotency key and can not be asked for a message.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from connectors.channels import posts, replies
from connectors.channels.replies import Codes
from connectors.http import Client
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Message, Promise, Reply, Report
from schemas.outcomes import Kind, Result

URL = "https://graph.facebook.com"
VERSION = "v25.0"
MAX_TEXT_CHARS = 4_096

CODES = Codes(
    passing=frozenset(
        {
            *("0", "3", "10", "102", "190", "200"),  # our token, or what it may do
            *("1", "2", "131000", "131016"),  # faults of the service
            *("4", "17", "32", "613", "80003", "80007", "130429", "131048", "131056"),  # rates
            *("368", "131031", "131042", "131045", "133010"),  # our account: locked, unpaid …
        }
    ),
    refused=frozenset(
        {
            *("131021", "131026", "131047", "131049"),  # this recipient
            *("132000", "132001", "132005", "132007", "132012", "132015", "132016"),  # the template
        }
    ),
    suppresses={"131050": "unsubscribe"},  # wants no marketing from us
)

RESULTS: dict[str, Result] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "opened",
    "failed": "failed",
}

OPT_OUT = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "stop promotions"})
"""Answers to a message, and buttons of it, that say no to the next ones."""


class Meta:
    """Sends WhatsApp messages, a `Provider` by shape."""

    name = "meta"
    channels = ("whatsapp",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        phone_number_id: str,
        *,
        token: str,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            phone_number_id: Meta's id of the number to send from.
            token: of a system user, with `whatsapp_business_messaging`.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._url = f"{url}/{VERSION}/{phone_number_id}/messages"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.template is None and not 0 < len(message.text or "") <= MAX_TEXT_CHARS:
            return replies.refused("text-length")
        content = msgspec.json.encode(_content(message))
        attempt = await self._client.ask("POST", self._url, content, headers=self._headers)
        found = replies.fields(attempt.body)
        code = None if attempt.sent else replies.text(found, "error", "code")
        provider_id = replies.text(found, "messages", 0, "id")
        return replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: Meta can not be asked for a message."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


class MetaCallbacks:
    """Reads what Meta posts about messages, `Callbacks` by shape."""

    name = "meta"

    def __init__(self, app_secret: str, *, verify_token: str) -> None:
        """Takes the app's secret, which signs, and the word with which Meta shows itself."""
        self._app_secret = app_secret.encode()
        self._verify_token = verify_token

    def challenge(self, request: CallbackRequest) -> str:
        """Returns what to answer to the GET by which Meta tries an address.

        Raises:
            Forged: it does not know the word that was agreed.
        """
        posts.check_same(request.query.get("hub.verify_token", ""), self._verify_token)
        if request.query.get("hub.mode") != "subscribe":
            raise Forged("this asks for no subscription")
        return request.query.get("hub.challenge", "")

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        """Returns what became of messages, and who said stop."""
        digest = hmac.new(self._app_secret, request.body, hashlib.sha256).hexdigest()
        given = request.headers.get("x-hub-signature-256", "")
        posts.check_same(given, f"sha256={digest}")
        found = replies.fields(request.body)
        if "entry" not in found:
            raise BadRecord("not-json", "a report of Meta has no entry")
        return list(_reports(found, request.at))


def graph_error(body: bytes) -> str | None:
    """Returns the code of an error of the Graph API; None where there is none."""
    return replies.text(replies.fields(body), "error", "code")


def _content(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to,
        "biz_opaque_callback_data": message.id,
    }
    if message.template is None:
        return found | {"type": "text", "text": {"body": message.text}}
    template: dict[str, Any] = {
        "name": message.template,
        "language": {"code": message.language or "en"},
    }
    if message.parameters:
        given = [{"type": "text", "text": each} for each in message.parameters]
        template["components"] = [{"type": "body", "parameters": given}]
    return found | {"type": "template", "template": template}


def _reports(found: dict[str, Any], at: int) -> Iterator[Report]:
    for entry in replies.objects(found, "entry"):
        for change in replies.objects(entry, "changes"):
            for status in replies.objects(change, "value", "statuses"):
                yield from _status(status, at)
            for answer in replies.objects(change, "value", "messages"):
                yield from _stop(answer, at)


def _status(found: dict[str, Any], at: int) -> Iterator[Report]:
    id_, status = replies.text(found, "id"), replies.text(found, "status")
    if id_ is None or status not in RESULTS:
        return
    code = replies.text(found, "errors", 0, "code")
    result, kind = _judged(RESULTS[status], code)
    yield Report(
        id=f"{id_}-{status}"[:300],
        provider=MetaCallbacks.name,
        result=result,
        at=_at(found, at),
        command_id=replies.text(found, "biz_opaque_callback_data"),
        provider_id=id_,
        kind=kind,
        detail=(code or status)[:64],
    )


def _judged(result: Result, code: str | None) -> tuple[Result, Kind | None]:
    """131026 is a number without WhatsApp, or one that has not been there for long."""
    if result == "failed" and code == "131050":
        return "unsubscribed", None
    if result == "failed" and code == "131026":
        return "bounced", "soft"
    return result, None


def _stop(found: dict[str, Any], at: int) -> Iterator[Report]:
    """An answer names the message that it is one to; nothing else says whom it is about."""
    answered = replies.text(found, "context", "id")
    said = replies.text(found, "text", "body") or replies.text(found, "button", "text") or ""
    if answered is None or said.strip().strip(".!").lower() not in OPT_OUT:
        return
    yield Report(
        id=f"{replies.text(found, 'id') or answered}-stop"[:300],
        provider=MetaCallbacks.name,
        result="unsubscribed",
        at=_at(found, at),
        provider_id=answered,
        detail="stop",
    )


def _at(found: dict[str, Any], otherwise: int) -> int:
    seconds = replies.text(found, "timestamp") or ""
    return int(seconds[:12]) * 1000 if seconds.isascii() and seconds.isdigit() else otherwise
