"""The services that send all but mail, as their public documentation has them."""

import base64
import contextlib
import hashlib
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
from sqlalchemy import select
from standardwebhooks import Webhook

from connectors import google, http
from connectors.channels import webpush as push
from connectors.channels.apns import Apns, Key
from connectors.channels.brevo_sms import BrevoSms
from connectors.channels.fcm import SCOPE, Fcm
from connectors.channels.google_audience import SCOPE as ADS
from connectors.channels.google_audience import GoogleAudience
from connectors.channels.inbox import Inbox
from connectors.channels.infobip import Infobip
from connectors.channels.meta import Meta
from connectors.channels.meta_audience import MetaAudience
from connectors.channels.slack import Slack, SlackWebhook
from connectors.channels.task import Tasks
from connectors.channels.twilio import Account, Twilio
from connectors.channels.webhook import WebhookProvider
from connectors.channels.webpush import WebPush
from connectors.stores import tables
from connectors.stores.engines import Database
from processors.clock import WallClock
from processors.ports import Provider
from schemas.messages import Fate, Message
from tests.providers import http2
from tests.providers.cases import FATES, Case, Cases, client
from tests.providers.servers import Answer, Fake, Fault, Request, Service, answer, serving
from tests.receivers import SECRET

NOWHERE = "http://127.0.0.1:1"
NUMBERS = itertools.count(1)
KEY = "a-very-secret-key"
NUMBER = "+4915112345678"
CALLBACKS = ("https://beckon.example.com/callbacks/x", b"0123456789abcdef")
NOW = WallClock().now_ms
REFUSES_KEYS: Mapping[Fault, frozenset[Fate]] = {**FATES, "locked-out": frozenset({"refused"})}
"""Of those who are asked by somebody's address: whom they do not let in, they never will."""

Make = Callable[[http.Client, str], Provider]


def message(channel: str, key: str, **changes: Any) -> Message:
    """Returns a message of a channel whose text is its id, so that a fake can tell it."""
    fields: dict[str, Any] = {
        "id": key,
        "channel": channel,
        "profile_id": "ada",
        "to": NUMBER,
        "definition_id": "welcome",
        "step": "0",
        "text": key,
        **changes,
    }
    return Message(**fields)


class TwilioService:
    """POST …/Messages.json, a form, HTTP Basic: 201 with a sid; errors as {code, message}."""

    def taken(self, request: Request) -> str:
        return request.form["Body"]

    def wrong(self, request: Request) -> Answer | None:
        basic = base64.b64encode(f"SK1:{KEY}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
        form = request.form
        is_right = request.path == "/2010-04-01/Accounts/AC1/Messages.json" and form["To"] == NUMBER
        return None if is_right and form["From"] == "Shop" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(201, {"sid": f"SM{next(NUMBERS)}", "status": "queued", "error_code": None})

    def refuse(self) -> Answer:
        return answer(400, {"code": 21408, "message": "Permission to send", "status": 400})


@dataclass
class InfobipService:
    """POST /sms/3/messages with a key: 200 with a state of each message; GET /sms/3/logs."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)

    def taken(self, request: Request) -> str:
        [found] = request.json["messages"]
        return str(found["destinations"][0]["messageId"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"App {KEY}":
            return answer(
                401, {"requestError": {"serviceException": {"messageId": "UNAUTHORIZED"}}}
            )
        if request.method == "GET":
            [asked] = parse_qs(urlsplit(request.path).query)["messageId"]
            results = [self.sent[asked]] if asked in self.sent else []
            return answer(200, {"results": results})
        return None if request.path == "/sms/3/messages" else answer(404, {})

    def accept(self, request: Request, known: bool) -> Answer:
        key = self.taken(request)
        status = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
        if known:
            status = {"groupId": 5, "id": 65, "name": "REJECTED_DUPLICATE_MESSAGE_ID"}
        self.sent[key] = {"messageId": key, "status": status, "destination": NUMBER[1:]}
        return answer(200, {"bulkId": "b-1", "messages": [self.sent[key]]})

    def refuse(self) -> Answer:
        status = {"groupId": 5, "groupName": "REJECTED", "id": 12, "name": "REJECTED_DESTINATION"}
        return answer(200, {"messages": [{"messageId": "x", "status": status}]})


@dataclass
class BrevoService:
    """POST /v3/transactionalSMS/send with a key: 201 with a number; GET …/statistics/events."""

    sent: list[str] = field(default_factory=list)

    def taken(self, request: Request) -> str:
        return str(request.json["tag"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("api-key") != KEY:
            return answer(401, {"code": "unauthorized", "message": "Key not found"})
        if request.method == "GET":
            [asked] = parse_qs(urlsplit(request.path).query)["tags"]
            found = [{"messageId": "1511882900176220", "event": "sent", "tag": asked}]
            return answer(200, {"events": found if asked in self.sent else []})
        return None if request.path == "/v3/transactionalSMS/send" else answer(404, {})

    def accept(self, request: Request, known: bool) -> Answer:
        self.sent.append(self.taken(request))
        return answer(201, {"reference": "ab1", "messageId": 1511882900176220 + next(NUMBERS)})

    def refuse(self) -> Answer:
        return answer(400, {"code": "invalid_parameter", "message": "Invalid telephone number"})


class MetaService:
    """POST /v25.0/<phone number>/messages with a token: 200 with an id; Graph's errors."""

    def taken(self, request: Request) -> str:
        return str(request.json["biz_opaque_callback_data"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"code": 190, "type": "OAuthException"}})
        content = request.json
        is_right = content["messaging_product"] == "whatsapp" and content["to"] == NUMBER
        return None if is_right and request.path == "/v25.0/1065/messages" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"messages": [{"id": f"wamid.{next(NUMBERS)}"}]})

    def refuse(self) -> Answer:
        return answer(400, {"error": {"code": 132001, "message": "Template does not exist"}})


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


class SlackService:
    """POST /api/chat.postMessage with a token: 200, and `ok` says whether it was taken."""

    def taken(self, request: Request) -> str:
        return str(request.json["text"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(200, {"ok": False, "error": "invalid_auth"})
        is_right = (
            request.path == "/api/chat.postMessage" and request.json["channel"] == "C024BE91L"
        )
        return None if is_right else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(
            200, {"ok": True, "channel": "C024BE91L", "ts": f"1503435956.{next(NUMBERS)}"}
        )

    def refuse(self) -> Answer:
        return answer(200, {"ok": False, "error": "is_archived"})


class SlackHook:
    """POST of text to a secret address: 200 and `ok`; errors are a word."""

    def taken(self, request: Request) -> str:
        return str(request.json["text"])

    def wrong(self, request: Request) -> Answer | None:
        return None if request.path == f"/services/{KEY}" else Answer(404, b"no_service")

    def accept(self, request: Request, known: bool) -> Answer:
        return Answer(200, b"ok")

    def refuse(self) -> Answer:
        return Answer(403, b"action_prohibited")


class Hook:
    """A receiver that keeps to Standard Webhooks, and drops what it has had."""

    def taken(self, request: Request) -> str:
        return request.headers["webhook-id"]

    def wrong(self, request: Request) -> Answer | None:
        Webhook(SECRET).verify(request.body, dict(request.headers))
        return None

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"known": known})

    def refuse(self) -> Answer:
        return answer(422, {"error": "no"})


class Advertiser:
    """What Meta's and Google's audiences have in common: they know people by a hash."""

    KEYS: Mapping[str, str] = {
        hashlib.sha256(f"c-{number}@example.com".encode()).hexdigest(): f"c-{number}"
        for number in range(100)
    }


class MetaAudienceService(Advertiser):
    """POST and DELETE /v25.0/<audience>/users, a form with a payload in JSON."""

    def taken(self, request: Request) -> str:
        payload = json.loads(request.form["payload"])
        assert payload["schema"] == ["EMAIL"]
        return self.KEYS[payload["data"][0][0]]

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"code": 190}})
        return None if request.path == "/v25.0/2385/users" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"audience_id": "2385", "num_received": 1, "num_invalid_entries": 0})

    def refuse(self) -> Answer:
        return answer(400, {"error": {"code": 100, "error_subcode": 1713230}})


class GoogleAudienceService(Advertiser):
    """POST /v1/audienceMembers:ingest and :remove with a token."""

    def taken(self, request: Request) -> str:
        [member] = request.json["audienceMembers"]
        [identifier] = member["compositeData"]["userData"]["userIdentifiers"]
        return self.KEYS[identifier["emailAddress"]]

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"error": {"status": "UNAUTHENTICATED"}})
        [destination] = request.json["destinations"]
        is_right = destination["operatingAccount"]["accountId"] == "123"
        return None if is_right and request.json["encoding"] == "HEX" else self.refuse()

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"requestId": f"r-{next(NUMBERS)}"})

    def refuse(self) -> Answer:
        return answer(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})


RSA_KEY = rsa.generate_private_key(65_537, 2_048)
PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
VAPID = push.read_vapid("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", "mailto:a@example.com")
DEVICE = "ab" * 32


def twilio(one: http.Client, url: str) -> Twilio:
    account = Account("AC1", "SK1", KEY)
    return Twilio(one, account, sender="Shop", callback_url=CALLBACKS[0], now_ms=NOW, url=url)


def infobip(one: http.Client, url: str) -> Infobip:
    return Infobip(one, url, key=KEY, sender="Shop", callbacks=CALLBACKS, now_ms=NOW)


def brevo_sms(one: http.Client, url: str) -> BrevoSms:
    return BrevoSms(one, KEY, sender="Shop", callbacks=CALLBACKS, now_ms=NOW, url=url)


def meta(one: http.Client, url: str) -> Meta:
    return Meta(one, "1065", token=KEY, now_ms=NOW, url=url)


def webpush(one: http.Client, url: str) -> WebPush:
    return WebPush(one, VAPID, now_ms=NOW)


def slack(one: http.Client, url: str) -> Slack:
    return Slack(one, KEY, now_ms=NOW, url=url)


def slack_webhook(one: http.Client, url: str) -> SlackWebhook:
    return SlackWebhook(one, f"{url}/services/{KEY}", now_ms=NOW)


def webhook(one: http.Client, url: str) -> WebhookProvider:
    return WebhookProvider(one, [SECRET], now_ms=NOW)


def meta_audience(one: http.Client, url: str) -> MetaAudience:
    return MetaAudience(one, KEY, now_ms=NOW, url=url)


def tokens(one: http.Client, url: str, scope: str) -> google.Tokens:
    account = google.Account(
        client_email="shop@example.com",
        private_key=PEM,
        private_key_id="k-1",
        project_id="shop",
        token_uri=f"{url}/token",
    )
    return google.Tokens(one, account, scope, now_ms=NOW)


def case(
    make: Make,
    service: Callable[[], Service],
    write: Callable[[str], Message],
    *,
    has_keys: bool = False,
    fates: Mapping[Fault, frozenset[Fate]] = FATES,
) -> Callable[[], contextlib.AbstractContextManager[Case]]:
    """Returns what yields the case of a provider that is called over HTTP."""

    @contextlib.contextmanager
    def found() -> Iterator[Case]:
        with serving(service(), has_keys=has_keys) as fake:
            yield of(make, fake, write, fates=fates)

    return found


def of(
    make: Make,
    fake: Fake,
    write: Callable[[str], Message],
    *,
    fates: Mapping[Fault, frozenset[Fate]] = FATES,
) -> Case:
    """Returns the case of a provider beside its running fake."""
    return Case(
        make=lambda time_out_ms: make(client(time_out_ms), fake.url),
        message=write,
        effects=lambda: list(fake.effects),
        fail=fake.faults.append,
        secrets=(KEY, SECRET, base64.b64encode(f"SK1:{KEY}".encode()).decode(), PEM[40:80]),
        away=lambda: make(client(), NOWHERE),
        fates=fates,
    )


def sms(key: str) -> Message:
    return message("sms", key)


@contextlib.contextmanager
def fcm_case() -> Iterator[Case]:
    fates = {fault: fate for fault, fate in FATES.items() if fault != "busy"}  # it waits 60 s
    with serving(TokenService(SCOPE)) as bank, serving(FcmService()) as fake:

        def make(one: http.Client, url: str) -> Fcm:
            return Fcm(one, tokens(one, bank.url, SCOPE), "shop", now_ms=NOW, url=url)

        yield of(make, fake, lambda key: message("push", key, to="token-1"), fates=fates)


@contextlib.contextmanager
def google_audience_case() -> Iterator[Case]:
    with (
        serving(TokenService(ADS)) as bank,
        serving(GoogleAudienceService(), has_keys=True) as fake,
    ):

        def make(one: http.Client, url: str) -> GoogleAudience:
            return GoogleAudience(one, tokens(one, bank.url, ADS), "123", now_ms=NOW, url=url)

        yield of(make, fake, member)


def member(key: str) -> Message:
    data = {"operation": "add", "audience": "2385"}
    return message("audience", key, to=f"{key}@example.com", data=data)


def apns(one: http.Client, url: str) -> Apns:
    key = Key("KEY1234567", "TEAM123456", APPLE_KEY)
    return Apns(one, key, topic="com.example.shop", now_ms=NOW, url=url)


@contextlib.contextmanager
def apns_case() -> Iterator[Case]:
    left_out = ("cut", "malformed", "drip")  # what is taken has no body
    with http2.serving(APPLE_KEY.public_key()) as fake:
        yield Case(
            make=lambda time_out_ms: apns(client(time_out_ms, http2=True), fake.url),
            message=lambda key: message("push", key, to=DEVICE),
            effects=lambda: list(fake.effects),
            fail=fake.faults.append,
            secrets=("TEAM123456",),
            away=lambda: apns(client(http2=True), NOWHERE),
            fates={fault: fate for fault, fate in FATES.items() if fault not in left_out},
        )


@contextlib.contextmanager
def webpush_case() -> Iterator[Case]:
    browser = Browser()
    fates = {**FATES, "locked-out": frozenset[Fate]({"refused"})}
    with serving(browser) as fake:
        found = of(
            webpush,
            fake,
            lambda key: message("push", key, to=browser.subscription(fake.url)),
            fates=fates,
        )
        away = AwayPush(webpush(client(), ""), browser.subscription(NOWHERE))
        yield replace(found, away=lambda: away)


class AwayPush:
    """Sends every message to a browser whose push service does not answer."""

    name, channels, promise = WebPush.name, WebPush.channels, WebPush.promise

    def __init__(self, inner: WebPush, to: str) -> None:
        self.inner = inner
        self.to = to

    async def send(self, message: Message) -> Any:
        return await self.inner.send(
            Message(id=message.id, channel="push", profile_id="ada", to=self.to, text="x")
        )

    async def look_up(self, message: Message) -> Any:
        return await self.inner.look_up(message)

    async def close(self) -> None:
        await self.inner.close()


@contextlib.contextmanager
def webhook_case() -> Iterator[Case]:
    with serving(Hook(), has_keys=True) as fake:
        place = [fake.url]

        def write(key: str) -> Message:
            return message("webhook", key, url=f"{place[0]}/hook", data={"id": key})

        def away() -> Provider:
            place[0] = NOWHERE
            return webhook(client(), NOWHERE)

        yield replace(of(webhook, fake, write, fates=REFUSES_KEYS), away=away)


@dataclass
class Kept:
    """A table of the senders' database, and the ids in it."""

    database: Database
    table: Any

    def ids(self) -> list[str]:
        rows = self.database.run_now(lambda one: one.execute(select(self.table.c.id)).all())
        return [row[0] for row in rows]


def store_case(make: Callable[[Database], Provider], table: Any, **changes: Any) -> Any:
    """Returns what yields the case of a provider that keeps messages in the database."""

    @contextlib.contextmanager
    def found() -> Iterator[Case]:
        away = Database("postgresql://nobody:secret@127.0.0.1:1/none")
        with tempfile.TemporaryDirectory() as folder:
            kept = Kept(Database(f"sqlite:///{Path(folder) / 'senders.db'}"), table)
            tables.METADATA.create_all(kept.database.engine)
            yield Case(
                make=lambda _: make(kept.database),
                message=lambda key: message("store", key, **changes),
                effects=kept.ids,
                fail=lambda fault: None,
                secrets=("secret",),
                away=lambda: make(away),
                fates={},
            )
            kept.database.close()
            away.close()

    return found


CASES: Cases = {
    "twilio": case(twilio, TwilioService, sms),
    "infobip": case(infobip, InfobipService, sms),
    "brevo_sms": case(brevo_sms, BrevoService, sms),
    "meta": case(meta, MetaService, lambda key: message("whatsapp", key)),
    "fcm": fcm_case,
    "apns": apns_case,
    "webpush": webpush_case,
    "slack": case(slack, SlackService, lambda key: message("slack", key, to="C024BE91L")),
    "slack_webhook": case(slack_webhook, SlackHook, lambda key: message("slack", key)),
    "webhook": webhook_case,
    "meta_audience": case(meta_audience, MetaAudienceService, member, has_keys=True),
    "google_audience": google_audience_case,
    "inbox": store_case(lambda one: Inbox(one, now_ms=NOW), tables.INBOX),
    "task": store_case(lambda one: Tasks(one, now_ms=NOW), tables.TASKS, data={"title": "Call"}),
}
