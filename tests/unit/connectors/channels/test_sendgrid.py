"""Mail goes through SendGrid as its documentation says, and its signed events are believed."""

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connectors.channels import sendgrid
from connectors.channels.sendgrid import SIGNATURE, TIMESTAMP, SendGridCallbacks
from connectors.errors import BadSetting
from connectors.http import Attempt
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Message, Reply, Report
from schemas.outcomes import Kind, Result
from tests.providers import mail as fakes
from tests.providers.cases import client, mail
from tests.providers.keys import SENDGRID_PUBLIC_KEY, SENDGRID_SIGNED
from tests.providers.servers import Answer, Fake, Request, serving

NOW_MS = 1_714_566_896_789
AT_S = NOW_MS // 1000
PRIVATE = ec.generate_private_key(ec.SECP256R1())


def der(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    raw = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(raw).decode()


def posted(content: object, *, at_s: int = AT_S, signed_at_s: int | None = None) -> CallbackRequest:
    """Returns a post as SendGrid signs it: over the time and the body."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stamp = str(at_s if signed_at_s is None else signed_at_s)
    signature = PRIVATE.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return CallbackRequest(
        method="POST",
        url="https://example.com/callbacks/sendgrid",
        headers={TIMESTAMP: stamp, SIGNATURE: base64.b64encode(signature).decode()},
        body=body,
        at=NOW_MS,
    )


def changed(request: CallbackRequest, **headers: str) -> CallbackRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallbackRequest(
        method="POST",
        url=request.url,
        headers={**request.headers, **named},
        body=request.body,
        at=request.at,
    )


def read(request: CallbackRequest) -> list[Report]:
    return list(SendGridCallbacks(der(PRIVATE)).read(request))


def event(name: str, **more: Any) -> dict[str, Any]:
    return {
        "email": "ada@example.com",
        "timestamp": AT_S,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": name,
        "sg_event_id": f"event-{name}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "command_id": "c-1",
        **more,
    }


def send(fake: Fake, message: Message, **changes: Any) -> Reply:
    async def run() -> Reply:
        provider = fakes.sendgrid(client(), fake.url, **changes)
        try:
            return await provider.send(message)
        finally:
            await provider.close()

    return asyncio.run(run())


class Answers(fakes.SendGrid):
    """Always the same answer."""

    def __init__(self, found: Answer) -> None:
        self.found = found

    def accept(self, request: Request, known: bool) -> Answer:
        return self.found


class TestSending:
    def test_request_is_as_documented(self) -> None:
        with serving(fakes.SendGrid()) as fake:
            reply = send(fake, mail("c-1", reply_to="help@example.com"))

        [request] = fake.requests
        assert reply.fate == "accepted"
        assert reply.provider_id is not None
        assert reply.provider_id.startswith("14c5d75ce93.dfd.")
        assert (request.method, request.path) == ("POST", "/v3/mail/send")
        assert request.json == {
            "personalizations": [{"to": [{"email": "ada@example.com"}]}],
            "from": {"email": "news@shop.example.com", "name": "Shop Köln"},
            "reply_to": {"email": "help@example.com"},
            "subject": "Grüße aus Köln",
            "content": [
                {"type": "text/plain", "value": "Guten Tag, Ada"},
                {"type": "text/html", "value": "<p>Guten Tag, <b>Ada</b></p>"},
            ],
            "headers": {
                "List-Unsubscribe": "<https://example.com/u/abc>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
            "custom_args": {"command_id": "c-1"},
        }

    def test_repeat_has_the_same_bytes(self) -> None:
        with serving(fakes.SendGrid()) as fake:
            send(fake, mail("c-1"))
            send(fake, mail("c-1"))

        assert fake.requests[0].body == fake.requests[1].body

    def test_reset_of_the_rate_limit_says_how_long_to_wait(self) -> None:
        busy = Answer(429, b"{}", {"X-RateLimit-Reset": str(AT_S + 30)})
        with serving(Answers(busy)) as fake:
            reply = send(fake, mail(), now_ms=lambda: AT_S * 1000)

        assert (reply.fate, reply.retry_after_ms) == ("passing", 30_000)

    def test_bad_address_is_refused_without_asking(self) -> None:
        with serving(fakes.SendGrid()) as fake:
            reply = send(fake, mail(to="a@example.com,b@example.com"))

        assert (reply.fate, reply.detail, fake.requests) == ("refused", "address-invalid", [])

    def test_wait_is_never_negative(self) -> None:
        provider = fakes.sendgrid(client(), "http://x", now_ms=lambda: NOW_MS)
        late = Attempt("http-429", 429, headers={"x-ratelimit-reset": "5"})

        assert provider._reset_after_ms(late) == 0


class TestCallbacks:
    def test_signature_of_sendgrids_own_example_is_believed(self) -> None:
        stamp, signature, body = SENDGRID_SIGNED
        request = CallbackRequest(
            method="POST",
            url="",
            headers={TIMESTAMP: stamp, SIGNATURE: signature},
            body=body,
            at=int(stamp) * 1000,
        )

        assert list(SendGridCallbacks(SENDGRID_PUBLIC_KEY).read(request)) == []

    @pytest.mark.parametrize(
        ("told", "result", "kind", "detail"),
        [
            (event("delivered", response="250 OK"), "delivered", None, ""),
            (event("open"), "opened", None, ""),
            (event("bounce", type="bounce", status="5.1.1"), "bounced", "hard", "5.1.1"),
            (event("bounce", type="blocked", status="4.0.0"), "bounced", "soft", "4.0.0"),
            (event("bounce", reason="550 <ada@example.com>"), "bounced", "hard", ""),
            (event("dropped", reason="Bounced Address"), "failed", None, "bounced-address"),
            (event("dropped"), "failed", None, "dropped"),
            (event("spamreport"), "complained", None, ""),
            (event("unsubscribe"), "unsubscribed", None, ""),
            (event("group_unsubscribe", asm_group_id=10), "unsubscribed", None, "group"),
        ],
    )
    def test_event_is_told(
        self, told: dict[str, Any], result: Result, kind: Kind | None, detail: str
    ) -> None:
        assert read(posted([told])) == [
            Report(
                id=told["sg_event_id"],
                provider="sendgrid",
                result=result,
                at=AT_S * 1000,
                command_id="c-1",
                provider_id="14c5d75ce93.dfd.64b469",
                kind=kind,
                detail=detail,
            )
        ]

    def test_click_tells_its_address(self) -> None:
        [report] = read(posted([event("click", url="https://example.com/a?b=c")]))

        assert (report.result, report.url) == ("clicked", "https://example.com/a?b=c")

    def test_open_by_a_machine_is_marked(self) -> None:
        person, machine = read(
            posted([event("open"), event("open", sg_machine_open=True, sg_event_id="e-2")])
        )

        assert (person.machine, machine.machine) == (False, True)

    def test_what_only_goes_on_is_left_out_and_the_order_is_kept(self) -> None:
        names = ["open", "processed", "delivered", "deferred", "group_resubscribe", "account"]

        assert [each.result for each in read(posted([event(n) for n in names]))] == [
            "opened",
            "delivered",
        ]

    def test_repeat_has_the_same_ids(self) -> None:
        request = posted([event("delivered"), event("open")])
        without = posted([event("delivered", sg_event_id=None)])

        assert read(request) == read(request)
        assert read(without)[0].id == read(without)[0].id != ""

    def test_event_of_another_form_is_left_out(self) -> None:
        strange = [{}, {"event": 5}, {"event": "open"}, event("open", timestamp="soon")]
        odd = event("delivered", command_id={"a": 5}, sg_message_id=["a"])

        [report] = read(posted([*strange, odd]))
        assert (report.command_id, report.provider_id) == (None, None)

    @pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"a"'])
    def test_body_that_can_not_be_read_is_told(self, body: bytes) -> None:
        with pytest.raises(BadRecord):
            read(posted(body))

    def test_forged_posts_are_refused(self) -> None:
        good = posted([event("delivered")])
        other = posted([event("open")])
        forged = [
            changed(good, **{SIGNATURE: other.headers[SIGNATURE]}),
            changed(good, **{TIMESTAMP: str(AT_S + 1)}),
            changed(good, **{SIGNATURE: ""}),
            changed(good, **{SIGNATURE: "not base64!"}),
            changed(good, **{SIGNATURE: base64.b64encode(b"short").decode()}),
            changed(good, **{TIMESTAMP: ""}),
            changed(good, **{TIMESTAMP: "-1"}),
            changed(good, **{TIMESTAMP: "9" * 400}),
            CallbackRequest(method="POST", url="", body=good.body, at=NOW_MS),
        ]
        for request in forged:
            with pytest.raises(Forged):
                read(request)

    def test_body_that_was_changed_is_refused(self) -> None:
        good = posted([event("delivered")])
        with pytest.raises(Forged):
            read(
                CallbackRequest(method="POST", url="", headers=good.headers, body=b"[]", at=NOW_MS)
            )

    def test_old_signatures_are_refused(self) -> None:
        day_s = 24 * 3_600
        assert len(read(posted([event("open")], signed_at_s=AT_S - day_s))) == 1
        for stamp in (AT_S - day_s - 7_200, AT_S + 600):
            with pytest.raises(Forged):
                read(posted([event("open")], signed_at_s=stamp))

    @pytest.mark.parametrize(
        "key", ["", "hush", "aHVzaA==", der(rsa.generate_private_key(65_537, 2_048))]
    )
    def test_key_that_is_none_is_refused_without_showing_it(self, key: str) -> None:
        with pytest.raises(BadSetting, match=r"^the verification key must be ") as caught:
            SendGridCallbacks(key)
        assert "hush" not in str(caught.value)


def test_names() -> None:
    assert sendgrid.SendGridProvider.promise == "none"
    assert SendGridCallbacks.name == sendgrid.SendGridProvider.name
