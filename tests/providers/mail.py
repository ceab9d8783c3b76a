"""The services that send mail, as their public documentation has them."""

import base64
import contextlib
import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from connectors import http
from connectors.channels import sigv4
from connectors.channels.brevo import BrevoProvider
from connectors.channels.mailgun import MailgunProvider
from connectors.channels.sendgrid import SendGridProvider
from connectors.channels.ses import SesProvider
from processors.clock import WallClock
from processors.ports import Provider
from tests.providers.cases import Case, Cases, client, mail
from tests.providers.servers import Answer, Fake, Request, Service, answer, serving

SENDER = "Shop Köln <news@shop.example.com>"
KEY = "SG.a-very-secret-key"
NOWHERE = "http://127.0.0.1:1"
NUMBERS = itertools.count(1)

Make = Callable[[http.Client, str], Provider]


class SendGrid:
    """POST /v3/mail/send: 202 with X-Message-Id and no body; errors as a list."""

    def taken(self, request: Request) -> str:
        return str(request.json["custom_args"]["command_id"])

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return answer(401, {"errors": [{"message": "Permission denied", "field": None}]})
        content = request.json
        kinds = [part["type"] for part in content["content"]]
        if request.path != "/v3/mail/send" or kinds != sorted(kinds, reverse=True):
            return self.refuse()
        if not content["personalizations"][0]["to"][0]["email"] or not content["subject"]:
            return self.refuse()
        return None

    def accept(self, request: Request, known: bool) -> Answer:
        return Answer(202, b"", {"X-Message-Id": f"14c5d75ce93.dfd.{next(NUMBERS)}"})

    def refuse(self) -> Answer:
        error = {"message": "Does not contain a valid address.", "field": "from.email"}
        return answer(400, {"errors": [error]})


class Brevo:
    """POST /v3/smtp/email: 201 with a messageId; a known idempotencyKey is a 400 of its own."""

    def taken(self, request: Request) -> str:
        return str(request.json["headers"]["X-Mailin-custom"]).removeprefix("command_id=")

    def wrong(self, request: Request) -> Answer | None:
        if request.headers.get("api-key") != KEY:
            return answer(401, {"code": "unauthorized", "message": "Key not found"})
        content = request.json
        if request.path != "/v3/smtp/email" or not content["sender"]["email"]:
            return self.refuse()
        uuid.UUID(content["headers"]["idempotencyKey"])
        return None

    def accept(self, request: Request, known: bool) -> Answer:
        if known:
            return answer(400, {"code": "duplicate_parameter", "message": "Duplicate key"})
        return answer(201, {"messageId": f"<2020.{next(NUMBERS)}@smtp-relay.example.com>"})

    def refuse(self) -> Answer:
        return answer(400, {"code": "invalid_parameter", "message": "email is not valid in to"})


class Mailgun:
    """POST /v3/<domain>/messages, a form: 200 with an id in brackets; errors as a message."""

    def taken(self, request: Request) -> str:
        return request.form["v:command_id"]

    def wrong(self, request: Request) -> Answer | None:
        basic = base64.b64encode(f"api:{KEY}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Answer(401, b"Forbidden")
        form = request.form
        if request.path != "/v3/mg.example.com/messages" or not form["to"] or not form["from"]:
            return self.refuse()
        return None

    def accept(self, request: Request, known: bool) -> Answer:
        known_as = f"<2021.{next(NUMBERS)}@mg.example.com>"
        return answer(200, {"id": known_as, "message": "Queued. Thank you."})

    def refuse(self) -> Answer:
        return answer(400, {"message": "'to' parameter is not a valid address."})


class Ses:
    """POST /v2/email/outbound-emails, signed: 200 with a MessageId; errors named by a header."""

    credentials = sigv4.Credentials(
        key_id="AKIDEXAMPLE", secret=KEY, region="eu-west-1", service="ses"
    )

    def taken(self, request: Request) -> str:
        [tag] = request.json["EmailTags"]
        return str(tag["Value"])

    def wrong(self, request: Request) -> Answer | None:
        given = request.headers["authorization"]
        names = re.search(r"SignedHeaders=([^,]+)", given)
        assert names is not None
        headers = {name: request.headers[name] for name in names[1].split(";")}
        expected = sigv4.authorization(
            self.credentials, request.method, request.path, headers=headers, content=request.body
        )
        if given != expected or not {"host", "x-amz-date"} <= set(headers):
            return error(403, "SignatureDoesNotMatchException")
        return None if request.path == "/v2/email/outbound-emails" else error(404, "NotFound")

    def accept(self, request: Request, known: bool) -> Answer:
        return answer(200, {"MessageId": f"0102017{next(NUMBERS)}-000000"})

    def refuse(self) -> Answer:
        return error(400, "MessageRejected")


def error(status: int, name: str) -> Answer:
    """Returns an error as the REST protocol of AWS has it."""
    kind = f"{name}:http://internal.amazon.com/coral/"
    return answer(status, {"message": "no"}, x_amzn_ErrorType=kind)


def sendgrid(client: http.Client, url: str, **changes: Any) -> SendGridProvider:
    given = {"key": KEY, "sender": SENDER, "now_ms": WallClock().now_ms, **changes}
    return SendGridProvider(client, base_url=url, **given)


def brevo(client: http.Client, url: str, **changes: Any) -> BrevoProvider:
    given = {"key": KEY, "sender": SENDER, "now_ms": WallClock().now_ms, **changes}
    return BrevoProvider(client, base_url=url, **given)


def mailgun(client: http.Client, url: str, **changes: Any) -> MailgunProvider:
    given = {"key": KEY, "sender": SENDER, "now_ms": WallClock().now_ms, **changes}
    return MailgunProvider(client, base_url=url, domain="mg.example.com", **given)


def ses(client: http.Client, url: str, **changes: Any) -> SesProvider:
    given = {"sender": SENDER, "now_ms": WallClock().now_ms, **changes}
    return SesProvider(client, Ses.credentials, base_url=url, **given)


def case(make: Make, service: Service, *, has_keys: bool = False) -> Callable[[], Any]:
    """Returns what yields the case of a provider that is called over HTTP."""

    @contextlib.contextmanager
    def found() -> Iterator[Case]:
        with serving(service, has_keys=has_keys) as fake:
            yield of(make, fake)

    return found


def of(make: Make, fake: Fake) -> Case:
    """Returns the case of a provider beside its running fake."""
    return Case(
        make=lambda time_out_ms: make(client(time_out_ms), fake.url),
        message=mail,
        effects=lambda: list(fake.effects),
        fail=fake.faults.append,
        secrets=(KEY, base64.b64encode(f"api:{KEY}".encode()).decode()),
        away=lambda: make(client(), NOWHERE),
    )


CASES: Cases = {
    "sendgrid": case(sendgrid, SendGrid()),
    "brevo": case(brevo, Brevo(), has_keys=True),
    "mailgun": case(mailgun, Mailgun()),
    "ses": case(ses, Ses()),
}
