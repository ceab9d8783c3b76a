"""The services of text messages, WhatsApp and Slack, and a receiver of webhooks."""

import base64
import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook

from connectors import http
from connectors.channels.brevo_sms import BrevoSms
from connectors.channels.infobip import Infobip
from connectors.channels.meta import Meta
from connectors.channels.slack import Slack, SlackWebhook
from connectors.channels.twilio import Account, Twilio
from connectors.channels.webhook import WebhookProvider
from processors.clock import WallClock
from processors.ports import Provider
from schemas.messages import Fate, Message
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


def twilio(one: http.Client, url: str) -> Twilio:
    account = Account("AC1", "SK1", KEY)
    return Twilio(one, account, sender="Shop", callback_url=CALLBACKS[0], now_ms=NOW, url=url)


def infobip(one: http.Client, url: str) -> Infobip:
    return Infobip(one, url, key=KEY, sender="Shop", callbacks=CALLBACKS, now_ms=NOW)


def brevo_sms(one: http.Client, url: str) -> BrevoSms:
    return BrevoSms(one, KEY, sender="Shop", callbacks=CALLBACKS, now_ms=NOW, url=url)


def meta(one: http.Client, url: str) -> Meta:
    return Meta(one, "1065", token=KEY, now_ms=NOW, url=url)


def slack(one: http.Client, url: str) -> Slack:
    return Slack(one, KEY, now_ms=NOW, url=url)


def slack_webhook(one: http.Client, url: str) -> SlackWebhook:
    return SlackWebhook(one, f"{url}/services/{KEY}", now_ms=NOW)


def webhook(one: http.Client, url: str) -> WebhookProvider:
    return WebhookProvider(one, [SECRET], now_ms=NOW)


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
        secrets=(KEY, SECRET, base64.b64encode(f"SK1:{KEY}".encode()).decode()),
        away=lambda: make(client(), NOWHERE),
        fates=fates,
    )


def sms(key: str) -> Message:
    return message("sms", key)


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


CASES: Cases = {
    "twilio": case(twilio, TwilioService, sms),
    "infobip": case(infobip, InfobipService, sms),
    "brevo_sms": case(brevo_sms, BrevoService, sms),
    "meta": case(meta, MetaService, lambda key: message("whatsapp", key)),
    "slack": case(slack, SlackService, lambda key: message("slack", key, to="C024BE91L")),
    "slack_webhook": case(slack_webhook, SlackHook, lambda key: message("slack", key)),
    "webhook": webhook_case,
}
