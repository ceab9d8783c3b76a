"""The push services of Google, Apple and browsers, as their documentation has them."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from connectors import google, http
from connectors.channels import webpush as push
from connectors.channels.apns import Apns, Key
from connectors.channels.fcm import SCOPE, Fcm
from connectors.channels.webpush import WebPush
from connectors.http2 import Client
from schemas.messages import Fate, Message
from tests.providers import http2
from tests.providers.cases import FATES, Case, Cases, bounds, client
from tests.providers.messengers import KEY, NOW, NOWHERE, NUMBERS, message, of
from tests.providers.servers import Answer, Fault, Request, answer, serving

RSA_KEY = rsa.generate_private_key(65_537, 2_048)
PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
VAPID = push.read_vapid("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "mailto:a@example.com")
DEVICE = "ab" * 32


class TokenService:
    """POST /token: an access token for an assertion that the service account has signed."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def taken(self, request: Request) -> str:
        return request.form["assertion"]

    def wrong(self, request: Request) -> Answer | None:
        public = RSA_KEY.public_key()
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
        try:
            said = jwt.decode(self.taken(request), public, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            return answer(400, {"error": "invalid_grant"})
        is_right = said["scope"] == self.scope and said["exp"] - said["iat"] <= 3_600
        return None if is_right else answer(400, {"error": "invalid_scope"})

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"access_token": KEY, "expires_in": 3_599, "token_type": "Bearer"})

    def refuse(self) -> Answer:
        return answer(400, {"error": "invalid_grant"})


class FcmService:
    """POST /v1/projects/<project>/messages:send with a token: 200 with a name."""

    def taken(self, request: Request) -> str:
        return str(request.json["message"]["notification"]["body"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
        is_right = request.path == "/v1/projects/shop/messages:send"
        return None if is_right and request.json["message"]["token"] else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"name": f"projects/shop/messages/{next(NUMBERS)}"})

    def refuse(self) -> Answer:
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        details = [{"@type": kind, "errorCode": "INVALID_ARGUMENT"}]
        found = {"code": 400, "status": "INVALID_ARGUMENT", "details": details}
        return answer(400, {"error": found})


class Browser:
    """A browser and its push service: 201 for what it can decrypt and we have signed."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    def subscription(self, url: str) -> str:
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": push.encode(point), "auth": push.encode(self.auth)}
        return json.dumps({"endpoint": f"{url}/push/1", "expirationTime": None, "keys": keys})

    def decrypt(self, body: bytes) -> Any:
        """Returns the message, by RFC 8291 as a browser has it."""
        salt, length = body[:16], body[20]
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
        ours = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        shared = self.private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\0" + ours + theirs
        key = HKDF(SHA256(), 32, self.auth, info).derive(shared)
        content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(key)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(key)
        plain = AESGCM(content_key).decrypt(nonce, sealed, None)
        assert plain[-1:] == b"\2"
        return json.loads(plain[:-1])

    def taken(self, request: Request) -> str:
        return str(self.decrypt(request.body)["id"])

    def wrong(self, request: Request) -> Answer | None:
        headers = request.headers
        scheme, _, said = headers["authorization"].partition(" ")
        token, key = (part.strip().partition("=")[2] for part in said.split(","))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), push.decode(key))
        try:
            claims = jwt.decode(token, point, algorithms=["ES256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            return answer(403, {})
        is_ours = scheme == "vapid" and claims["aud"] == f"http://{headers['host']}"
        is_right = headers["content-encoding"] == "aes128gcm" and len(headers["topic"]) == 32
        return None if is_ours and is_right and int(headers["ttl"]) > 0 else answer(400, {})

    def accept(self, request: Request, known: bool) -> Answer:
        return Answer(201, b"", {"Location": "https://push.example/m/1"})

    def refuse(self) -> Answer:
        return Answer(413)


def tokens(one: http.Client, url: str, scope: str) -> google.Tokens:
    account = google.Account(
        client_email="shop@example.com",
        private_key=PEM,
        private_key_id="k-1",
        project_id="shop",
        token_uri=f"{url}/token",
    )
    return google.Tokens(one, account, scope, now_ms=NOW)


def webpush(one: http.Client, url: str) -> WebPush:
    return WebPush(one, VAPID, now_ms=NOW)


@contextlib.contextmanager
def fcm_case() -> Iterator[Case]:
    fates: dict[Fault, frozenset[Fate]] = {**FATES}
    del fates["busy"]  # it waits 60 s
    with serving(TokenService(SCOPE)) as bank, serving(FcmService()) as fake:

        def make(one: http.Client, url: str) -> Fcm:
            return Fcm(one, tokens(one, bank.url, SCOPE), "shop", now_ms=NOW, url=url)

        yield of(make, fake, lambda key: message("push", key, to="token-1"), fates=fates)


def apns(one: Client, url: str) -> Apns:
    key = Key("KEY1234567", "TEAM123456", APPLE_KEY)
    return Apns(one, key, topic="com.example.shop", now_ms=NOW, url=url)


@contextlib.contextmanager
def apns_case() -> Iterator[Case]:
    left_out = ("cut", "malformed", "drip")  # what is taken has no body
    with http2.serving(APPLE_KEY.public_key()) as fake:
        yield Case(
            make=lambda time_out_ms: apns(Client(bounds(time_out_ms)), fake.url),
            message=lambda key: message("push", key, to=DEVICE),
            effects=lambda: list(fake.effects),
            fail=fake.faults.append,
            secrets=("TEAM123456",),
            away=lambda: apns(Client(bounds()), NOWHERE),
            fates={fault: fate for fault, fate in FATES.items() if fault not in left_out},
        )


@contextlib.contextmanager
def webpush_case() -> Iterator[Case]:
    browser = Browser()
    fates = {**FATES, "locked-out": frozenset[Fate]({"refused"})}
    with serving(browser) as fake:
        place = [fake.url]

        def write(key: str) -> Message:
            return message("push", key, to=browser.subscription(place[0]))

        def away() -> WebPush:
            place[0] = NOWHERE
            return webpush(client(), NOWHERE)

        yield replace(of(webpush, fake, write, fates=fates), away=away)


CASES: Cases = {"fcm": fcm_case, "apns": apns_case, "webpush": webpush_case}
