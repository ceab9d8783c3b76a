"""Firebase Cloud Messaging: push messages to Android, iOS and browsers.

Last in the flow. Sources: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages,
/docs/reference/fcm/rest/v1/ErrorCode, /docs/cloud-messaging/scale-fcm (Retry-After, 60 s where a
429 has none).

Promise: none. FCM takes no idempotency key. A repeat replaces what is shown already: the message's
id is the notification's tag (Android), its collapse id (iOS), its topic (browsers).
What becomes of a message on the device is for the app to tell, as an event of its own.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from connectors.channels import replies
from connectors.channels.replies import MAX_PUSH_BYTES, Codes
from connectors.google import Tokens
from connectors.http import Client
from schemas.messages import Message, Promise, Reply

URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
RESERVED = ("from", "message_type", "gcm", "google")
"""What a key of the data must not be, or begin with (the last two)."""
QUOTA_WAIT_MS = 60_000

CODES = Codes(
    passing=frozenset(
        {
            *("QUOTA_EXCEEDED", "UNAVAILABLE", "INTERNAL"),
            *("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", "PERMISSION_DENIED"),  # our account
        }
    ),
    refused=frozenset({"INVALID_ARGUMENT", "SENDER_ID_MISMATCH"}),
    suppresses={"UNREGISTERED": "hard-bounce"},
)

PLATFORM = "fcm"
"""As a message's header `platform` has it."""


class Fcm:
    """Sends push messages to registration tokens, a `Provider` by shape."""

    name = "fcm"
    channels = ("push",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        tokens: Tokens,
        project_id: str,
        *,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: closed with the provider.
            tokens: of the scope `SCOPE`.
            project_id: of Firebase.
            now_ms: the wall clock.
            url: of the service.
        """
        self._client = client
        self._tokens = tokens
        self._url = f"{url}/v1/projects/{project_id}/messages:send"
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.headers.get("platform", PLATFORM) != PLATFORM:
            return replies.refused("platform-other")
        payload = _payload(message)
        if any(_is_reserved(key) for key in payload["data"]):
            return replies.refused("data-key-reserved")
        if len(msgspec.json.encode(payload)) > MAX_PUSH_BYTES:
            return replies.refused("payload-too-large")
        token = await self._tokens.get()
        if isinstance(token, Reply):
            return token
        content = msgspec.json.encode(
            {"message": {"token": message.to, **payload, **_once(message)}}
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        attempt = await self._client.ask("POST", self._url, content, headers=headers)
        found = replies.fields(attempt.body)
        if attempt.status == 401:
            self._tokens.forget(token)
        code = None if attempt.sent else _code(found)
        provider_id = replies.text(found, "name")
        reply = replies.judge(attempt, CODES, self._now_ms(), code=code, provider_id=provider_id)
        if attempt.status == 429 and reply.retry_after_ms is None:
            return msgspec.structs.replace(reply, retry_after_ms=QUOTA_WAIT_MS)
        return reply

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: FCM can not be asked for a message."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


def _payload(message: Message) -> dict[str, Any]:
    """Returns what counts towards the limit."""
    shown = {"title": message.subject, "body": message.text, "image": message.image}
    data = {key: _text(value) for key, value in message.data.items()}
    if message.url is not None:
        data.setdefault("url", message.url)
    return {
        "notification": {key: value for key, value in shown.items() if value is not None},
        "data": data,
    }


def _once(message: Message) -> dict[str, Any]:
    """Returns what has a repeat replace the first one on the device."""
    found: dict[str, Any] = {
        "android": {"notification": {"tag": message.id}},
        "apns": {"headers": {"apns-collapse-id": message.id[:64]}},
    }
    if message.url is not None and message.url.startswith("https://"):
        found["webpush"] = {"fcm_options": {"link": message.url}}
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _is_reserved(key: str) -> bool:
    return key in RESERVED[:2] or key.startswith(RESERVED[2:])


def _code(found: dict[str, Any]) -> str | None:
    """Returns FCM's own code, else the status of all of Google's services."""
    for detail in replies.objects(found, "error", "details"):
        code = replies.text(detail, "errorCode")
        if code is not None:
            return code
    return replies.text(found, "error", "status")
