"""Mail goes through Mailgun as its documentation says, and its signed webhooks are believed."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest

from connectors.channels import mailgun
from connectors.channels.mailgun import MailgunCallbacks
from connectors.errors import BadSetting
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Message, Reply, Report
from schemas.outcomes import Kind, Result
from tests.providers import mail as fakes
from tests.providers.cases import client, mail
from tests.providers.servers import Fake, serving

NOW_MS = 1_714_566_896_789
AT_S = NOW_MS // 1000
KEY = "a-signing-key"
TOKEN = "e0b5477167110d68991efc6b9f89f0a11066af27834600e123"


def send(fake: Fake, message: Message) -> Reply:
    async def run() -> Reply:
        provider = fakes.mailgun(client(), fake.url)
        try:
            return await provider.send(message)
        finally:
            await provider.close()

    return asyncio.run(run())


def signed(*, at_s: int = AT_S, token: str = TOKEN, key: str = KEY) -> dict[str, str]:
    """Returns the signature of a post as documented: of the time and the token."""
    digest = hmac.new(key.encode(), f"{at_s}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": str(at_s), "token": token, "signature": digest}


def posted(event: object, signature: object = None) -> CallbackRequest:
    content = {"signature": signed() if signature is None else signature, "event-data": event}
    return raw(json.dumps(content).encode())


def raw(body: bytes) -> CallbackRequest:
    return CallbackRequest(
        method="POST", url="https://example.com/callbacks/mailgun", body=body, at=NOW_MS
    )


def read(request: CallbackRequest) -> list[Report]:
    return list(MailgunCallbacks(KEY).read(request))


def event(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "CPgfbmQMTCKtHW6uIWtuVe",
        "timestamp": AT_S + 0.25,
        "event": name,
        "recipient": "ada@example.com",
        "user-variables": {"command_id": "c-1"},
        "message": {"headers": {"message-id": "2021.1@mg.example.com", "to": "ada@example.com"}},
        **more,
    }


class TestSending:
    def test_request_is_as_documented(self) -> None:
        with serving(fakes.Mailgun()) as fake:
            reply = send(fake, mail("c-1", reply_to="Hilfe <help@example.com>"))

        [request] = fake.requests
        assert reply.fate == "accepted"
        assert reply.provider_id is not None
        assert reply.provider_id.endswith("@mg.example.com")
        assert request.path == "/v3/mg.example.com/messages"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.form == {
            "from": "=?utf-8?q?Shop_K=C3=B6ln?= <news@shop.example.com>",
            "to": "ada@example.com",
            "subject": "Grüße aus Köln",
            "v:command_id": "c-1",
            "text": "Guten Tag, Ada",
            "html": "<p>Guten Tag, <b>Ada</b></p>",
            "h:Reply-To": "Hilfe <help@example.com>",
            "h:List-Unsubscribe": "<https://example.com/u/abc>",
            "h:List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def test_text_can_not_add_a_field(self) -> None:
        with serving(fakes.Mailgun()) as fake:
            send(fake, mail(text="a&bcc=eve@example.com", subject="a&o:testmode=yes"))

        assert set(fake.requests[0].form) & {"bcc", "o:testmode"} == set()

    def test_bad_message_is_refused_without_asking(self) -> None:
        with serving(fakes.Mailgun()) as fake:
            reply = send(fake, mail(to="a@example.com, b@example.com"))

        assert (reply.fate, reply.detail, fake.requests) == ("refused", "address-invalid", [])

    def test_domain_can_not_lead_elsewhere(self) -> None:
        provider = mailgun.MailgunProvider(
            client(), key="k", domain="a/../b", sender="a@example.com", now_ms=lambda: 0
        )

        assert provider._url == "https://api.mailgun.net/v3/a%2F..%2Fb/messages"


class TestCallbacks:
    @pytest.mark.parametrize(
        ("told", "result", "kind", "detail"),
        [
            (event("delivered"), "delivered", None, ""),
            (event("opened"), "opened", None, ""),
            (event("failed", severity="permanent", reason="bounce"), "bounced", "hard", "bounce"),
            (event("failed", severity="permanent", reason="old"), "bounced", "soft", "old"),
            (
                event("failed", severity="permanent", reason="suppress-bounce"),
                "failed",
                None,
                "suppress-bounce",
            ),
            (event("rejected", reject={"reason": "Sandbox"}), "failed", None, "rejected"),
            (event("complained"), "complained", None, ""),
            (event("unsubscribed"), "unsubscribed", None, ""),
        ],
    )
    def test_event_is_told(
        self, told: dict[str, Any], result: Result, kind: Kind | None, detail: str
    ) -> None:
        assert read(posted(told)) == [
            Report(
                id=TOKEN,
                provider="mailgun",
                result=result,
                at=AT_S * 1000 + 250,
                command_id="c-1",
                provider_id="2021.1@mg.example.com",
                kind=kind,
                detail=detail,
            )
        ]

    def test_click_tells_its_address(self) -> None:
        [report] = read(posted(event("clicked", url="https://example.com/a")))

        assert (report.result, report.url) == ("clicked", "https://example.com/a")

    @pytest.mark.parametrize(
        ("bot", "machine"), [("apple", True), ("gmail", True), ("generic", True), ("", False)]
    )
    def test_open_by_a_machine_is_marked(self, bot: str, machine: bool) -> None:
        [report] = read(posted(event("opened", **{"client-info": {"bot": bot}})))

        assert report.machine is machine

    @pytest.mark.parametrize(
        "told",
        [
            event("accepted"),
            event("failed", severity="temporary", reason="generic"),
            event("delivered", timestamp="soon"),
            {},
            [],
            None,
        ],
    )
    def test_what_only_goes_on_or_is_of_another_form_is_left_out(self, told: object) -> None:
        assert read(posted(told)) == []

    def test_odd_parts_are_left_out(self) -> None:
        odd = event("delivered", message=[], **{"user-variables": []})

        [report] = read(posted(odd))
        assert (report.command_id, report.provider_id) == (None, None)

    def test_second_post_with_a_token_has_the_id_of_the_first(self) -> None:
        first, second = read(posted(event("delivered"))), read(posted(event("complained")))

        assert first[0].id == second[0].id

    @pytest.mark.parametrize(
        "signature",
        [
            {},
            [],
            "none",
            {**signed(), "signature": "0" * 64},
            {**signed(), "signature": ""},
            {**signed(), "signature": "ä"},
            {**signed(), "timestamp": str(AT_S + 1)},
            {**signed(), "timestamp": ""},
            {**signed(), "timestamp": "9" * 400},
            {**signed(), "token": TOKEN[::-1]},
            {**signed(), "token": ""},
            signed(key="another-key"),
            signed(token="short"),
            signed(token="x" * 101),
            signed(at_s=AT_S - 10 * 3_600),
            signed(at_s=AT_S + 600),
        ],
    )
    def test_forged_and_old_posts_are_refused(self, signature: object) -> None:
        with pytest.raises(Forged):
            read(posted(event("delivered"), signature))

    def test_post_of_some_hours_ago_is_believed(self) -> None:
        assert len(read(posted(event("opened"), signed(at_s=AT_S - 8 * 3_600)))) == 1

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
    def test_body_that_can_not_be_read_is_told(self, body: bytes) -> None:
        with pytest.raises(BadRecord):
            read(raw(body))

    def test_key_that_is_none_is_refused(self) -> None:
        with pytest.raises(BadSetting):
            MailgunCallbacks("")


def test_names() -> None:
    assert mailgun.MailgunProvider.promise == "none"
    assert MailgunCallbacks.name == mailgun.MailgunProvider.name
