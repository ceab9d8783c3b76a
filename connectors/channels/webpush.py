"""Web Push: messages to browsers, encrypted for each of them, signed by us.

Last in the flow. The address of a message is the browser's subscription as JSON, as
`PushSubscription.toJSON()` gives it. It comes from people's browsers: the client's guard stands
before it. Sources: RFC 8030 (push), RFC 8188 and 8291 (encryption), RFC 8292 (VAPID).

Promise: none. A push service takes no idempotency key. A repeat replaces one that has not been
delivered yet, by the message's id as its topic (RFC 8030, 5.4).
"""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors import http
from connectors.channels import replies
from connectors.channels.replies import Codes
from connectors.errors import BadSetting
from connectors.http import Client
from schemas.messages import Message, Promise, Reply

RECORD_BYTES = 4_096
MAX_PLAIN_BYTES = 3_993
"""So that the body has at most 4,096: header 86, padding 1, tag 16. Source: RFC 8291, 4."""
TTL_S = 86_400
"""How long the push service keeps a message for a browser that is away."""
JWT_LIFE_MS = 12 * 3_600_000
"""Half of what RFC 8292, 2 allows; renewed after the half of it."""
MAX_ORIGINS = 1_000

CODES = Codes(
    refused=frozenset({"http-400", "http-401", "http-403", "http-413"}),
    suppresses={"http-404": "hard-bounce", "http-410": "hard-bounce"},
)


class Keys(msgspec.Struct, frozen=True):
    """What a browser gives to encrypt with, in base64url."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser can be reached."""

    endpoint: str
    keys: Keys


class Vapid(NamedTuple):
    """Who we are for push services."""

    private: ec.EllipticCurvePrivateKey
    public: str
    """In base64url: the `applicationServerKey` of the page."""
    subject: str
    """`mailto:…` or `https://…`, for the operators of push services."""


def read_vapid(key: str, subject: str) -> Vapid:
    """Returns who we are.

    Args:
        key: the private key, 32 bytes in base64url.
        subject: how to reach us.

    Raises:
        BadSetting: the key is none, or the subject no address.
    """
    if not subject.startswith(("mailto:", "https://")):
        raise BadSetting("the subject must be mailto:… or https://…")
    try:
        number = decode(key)
        if len(number) != 32:
            raise ValueError
        private = ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1())
    except ValueError:
        raise BadSetting("a VAPID key must be 32 bytes in base64url") from None
    return Vapid(private, encode(_point(private.public_key())), subject)


PLATFORM = "web"
"""As a message's header `platform` has it."""


class WebPush:
    """Sends push messages to browsers, a `Provider` by shape."""

    name = "webpush"
    channels = ("push",)
    promise: Promise = "none"

    def __init__(self, client: Client, vapid: Vapid, *, now_ms: Callable[[], int]) -> None:
        """Takes who we are; the client is closed with the provider."""
        self._client = client
        self._vapid = vapid
        self._now_ms = now_ms
        self._tokens: dict[str, tuple[int, str]] = {}

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        if message.headers.get("platform", PLATFORM) != PLATFORM:
            return replies.refused("platform-other")
        plain = msgspec.json.encode(_payload(message))
        if len(plain) > MAX_PLAIN_BYTES:
            return replies.refused("payload-too-large")
        try:
            subscription = msgspec.json.decode(message.to, type=Subscription)
            content = encrypt(
                plain,
                subscription.keys,
                private=ec.generate_private_key(ec.SECP256R1()),
                salt=secrets.token_bytes(16),
            )
            origin = _origin(subscription.endpoint)
        except ValueError:
            return replies.refused("subscription-invalid")
        attempt = await self._client.ask(
            "POST", subscription.endpoint, content, headers=self._headers(origin, message.id)
        )
        if attempt.detail in http.REFUSED:  # the browser's address, not one of ours
            return replies.refused(attempt.detail)
        return replies.judge(attempt, CODES, self._now_ms())

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: push services can not be asked for a message."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _headers(self, origin: str, id_: str) -> dict[str, str]:
        return {
            "Authorization": f"vapid t={self._token(origin)}, k={self._vapid.public}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_S),
            "Urgency": "normal",
            "Topic": encode(hashlib.sha256(id_.encode()).digest())[:32],
        }

    def _token(self, origin: str) -> str:
        now = self._now_ms()
        until_ms, token = self._tokens.get(origin, (0, ""))
        if not now < until_ms - JWT_LIFE_MS // 2 <= now + JWT_LIFE_MS:
            if len(self._tokens) >= MAX_ORIGINS:
                self._tokens.clear()
            until_ms = now + JWT_LIFE_MS
            claims = {"aud": origin, "exp": until_ms // 1000, "sub": self._vapid.subject}
            token = jwt.encode(claims, self._vapid.private, algorithm="ES256")
            self._tokens[origin] = until_ms, token
        return token


def encrypt(plain: bytes, keys: Keys, *, private: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """Returns the body of a push message, which only the browser can read.

    Args:
        plain: at most 3,993 bytes.
        keys: of the browser.
        private: made for this message alone.
        salt: 16 bytes, for this message alone.

    Raises:
        ValueError: the browser's keys are none.

    Source: RFC 8291, 3.4 and 4; RFC 8188, 2.
    """
    theirs, auth = decode(keys.p256dh), decode(keys.auth)
    if len(auth) != 16:
        raise ValueError("the authentication secret must have 16 bytes")
    ours = _point(private.public_key())
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    shared = private.exchange(ec.ECDH(), point)
    key = _hkdf(shared, auth, b"WebPush: info\0" + theirs + ours, 32)
    content_key = _hkdf(key, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(key, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(content_key).encrypt(nonce, plain + b"\2", None)  # 2: the last record
    return salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours + sealed


def encode(found: bytes) -> str:
    """Returns base64url without padding."""
    return urlsafe_b64encode(found).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Returns the bytes of base64url, padded or not.

    Raises:
        ValueError: it is none.
    """
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _payload(message: Message) -> dict[str, Any]:
    """Returns what the page's service worker is given."""
    shown = {
        "id": message.id,
        "title": message.subject,
        "body": message.text,
        "url": message.url,
        "image": message.image,
    }
    found: dict[str, Any] = {key: value for key, value in shown.items() if value is not None}
    return found | ({"data": message.data} if message.data else {})


def _origin(endpoint: str) -> str:
    found = urlsplit(endpoint)
    return f"{found.scheme}://{found.netloc}"


def _hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
