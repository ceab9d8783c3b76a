"""Apple's push service: messages to iOS, iPadOS, macOS and Safari, over HTTP/2.

Last in the flow. Sources: developer.apple.com/documentation/usernotifications:
/sending-notification-requests-to-apns, /handling-notification-responses-from-apns,
/establishing-a-token-based-connection-to-apns (a token is renewed after 20 to 60 minutes).

Promise: none. `apns-id` names a message in Apple's answers and logs; that a second one is dropped
is said nowhere. A repeat replaces what is shown already: the id is its `apns-collapse-id` too.
What becomes of a message on the device is for the app to tell, as an event of its own.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors.channels import replies
from connectors.channels.replies import MAX_PUSH_BYTES, Codes
from connectors.errors import BadSetting
from connectors.http2 import Client
from schemas.commands import NAMESPACE
from schemas.messages import Message, Promise, Reply

URL = "https://api.push.apple.com"
TOKEN_LIFE_MS = 40 * 60_000
TOKEN_REST_MS = 20 * 60_000
"""More often than that a token may not be renewed (TooManyProviderTokenUpdates)."""
DEVICE = re.compile(r"[0-9A-Fa-f]{16,200}")

CODES = Codes(
    passing=frozenset(
        {
            *("IdleTimeout", "TooManyRequests", "InternalServerError", "ServiceUnavailable"),
            *("Shutdown", "TooManyProviderTokenUpdates"),
            *("ExpiredProviderToken", "InvalidProviderToken", "MissingProviderToken"),
            *("BadCertificate", "BadCertificateEnvironment", "Forbidden"),  # our account
            *("UnrelatedKeyIdInToken", "BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken"),
        }
    ),
    refused=frozenset({"BadPath", "MethodNotAllowed"}),
    suppresses={"Unregistered": "hard-bounce", "ExpiredToken": "hard-bounce"},
)


class Key(NamedTuple):
    """What signs for a team of developers."""

    id: str
    team_id: str
    private: EllipticCurvePrivateKey


def read_key(text: bytes, *, id_: str, team_id: str) -> Key:
    """Returns the key of a `.p8` file.

    Raises:
        BadSetting: it is none on the curve P-256.
    """
    try:
        found = load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        raise BadSetting("not a key of Apple's (.p8)") from None
    if not isinstance(found, EllipticCurvePrivateKey) or not isinstance(found.curve, SECP256R1):
        raise BadSetting("not a key on the curve P-256")
    return Key(id_, team_id, found)


PLATFORM = "apns"
"""As a message's header `platform` has it."""


class Apns:
    """Sends push messages to device tokens, a `Provider` by shape."""

    name = "apns"
    channels = ("push",)
    promise: Promise = "none"

    def __init__(
        self,
        client: Client,
        key: Key,
        *,
        topic: str,
        now_ms: Callable[[], int],
        url: str = URL,
    ) -> None:
        """Takes whom to be.

        Args:
            client: over HTTP/2; closed with the provider.
            key: signs the provider's token.
            topic: the app's bundle id.
            now_ms: the wall clock.
            url: of the service: `https://api.sandbox.push.apple.com` for apps in development.
        """
        self._client = client
        self._key = key
        self._topic = topic
        self._now_ms = now_ms
        self._url = f"{url}/3/device/"
        self._token = ""
        self._made_ms: int | None = None

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.headers.get("platform", PLATFORM) != PLATFORM:
            return replies.refused("platform-other")
        if DEVICE.fullmatch(message.to) is None:
            return replies.refused("token-invalid")
        if "aps" in message.data:
            return replies.refused("data-key-reserved")
        content = msgspec.json.encode(_payload(message))
        if len(content) > MAX_PUSH_BYTES:
            return replies.refused("payload-too-large")
        headers = self._headers(message)
        attempt = await self._client.ask("POST", self._url + message.to, content, headers=headers)
        code = None if attempt.sent else replies.text(replies.fields(attempt.body), "reason")
        if code == "ExpiredProviderToken":
            self._forget()
        return replies.judge(
            attempt, CODES, self._now_ms(), code=code, provider_id=headers["apns-id"]
        )

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: Apple can not be asked for a message."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _headers(self, message: Message) -> dict[str, str]:
        return {
            "authorization": f"bearer {self._provider_token()}",
            "apns-id": apns_id(message.id),
            "apns-topic": self._topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-collapse-id": message.id[:64],
            "content-type": "application/json",
        }

    def _provider_token(self) -> str:
        now = self._now_ms()
        if self._made_ms is None or not 0 <= now - self._made_ms < TOKEN_LIFE_MS:
            claims = {"iss": self._key.team_id, "iat": now // 1000}
            headers = {"kid": self._key.id}
            self._token = jwt.encode(claims, self._key.private, algorithm="ES256", headers=headers)
            self._made_ms = now
        return self._token

    def _forget(self) -> None:
        """Has a new token made, unless this one is so new that another would be too many."""
        if self._made_ms is not None and self._now_ms() - self._made_ms >= TOKEN_REST_MS:
            self._made_ms = None


def apns_id(id_: str) -> str:
    """Returns a message's id as the UUID that Apple wants, the same for each repeat."""
    try:
        return str(uuid.UUID(id_))
    except ValueError:
        return str(uuid.uuid5(NAMESPACE, id_))


def _payload(message: Message) -> dict[str, Any]:
    shown = {"title": message.subject, "body": message.text}
    alert = {key: value for key, value in shown.items() if value is not None}
    aps: dict[str, Any] = {"alert": alert, "sound": "default"}
    found: dict[str, Any] = {"aps": aps, **message.data}
    if message.url is not None:
        found.setdefault("url", message.url)
    if message.image is not None:
        aps["mutable-content"] = 1  # the app's extension fetches the picture
        found.setdefault("image", message.image)
    return found
