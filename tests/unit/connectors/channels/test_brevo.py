"""Mail goes through Brevo once by its key, and its webhooks are believed by their token."""

import asyncio
import base64
import json
import uuid
from typing import Any

import pytest

from connectors.channels import brevo
from connectors.channels.brevo import BrevoCallbacks
from connectors.errors import BadSetting
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Fate, Message, Reply, Report
from schemas.outcomes import Kind, Result
from tests.providers import mail as fakes
from tests.providers.cases import client, mail
from tests.providers.servers import Answer, Fake, Request, answer, serving

NOW_MS = 1_714_566_896_789
TOKEN = "a-token-of-ours"


def send(fake: Fake, *messages: Message) -> list[Reply]:
    async def run() -> list[Reply]:
        provider = fakes.brevo(client(), fake.url)
        try:
            return [await provider.send(message) for message in messages]
        finally:
            await provider.close()

    return asyncio.run(run())


class Answers(fakes.Brevo):
    """Always the same answer."""

    def __init__(self, found: Answer) -> None:
        self.found = found

    def accept(self, request: Request, known: bool) -> Answer:
        return self.found


def posted(content: object, authorization: str = f"Bearer {TOKEN}") -> CallbackRequest:
    return CallbackRequest(
        method="POST",
        url="https://example.com/callbacks/brevo",
        headers={"authorization": authorization},
        body=content if isinstance(content, bytes) else json.dumps(content).encode(),
        at=NOW_MS,
    )


def read(request: CallbackRequest) -> list[Report]:
    return list(BrevoCallbacks(TOKEN).read(request))


def event(name: str, **more: Any) -> dict[str, Any]:
    return {
        "event": name,
        "email": "ada@example.com",
        "id": 26_570,
        "date": "2024-05-01 14:34:56",
        "ts": NOW_MS // 1000,
        "message-id": "<201798300811.5787683@relay.domain.com>",
        "ts_event": NOW_MS // 1000,
        "subject": "Grüße",
        "X-Mailin-custom": "command_id=c-1",
        "ts_epoch": NOW_MS,
        **more,
    }


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


class TestSending:
    def test_request_is_as_documented(self) -> None:
        with serving(fakes.Brevo(), has_keys=True) as fake:
            [reply] = send(fake, mail("c-1", reply_to="Hilfe <help@example.com>"))

        content = fake.requests[0].json
        key = content["headers"].pop("idempotencyKey")
        assert (reply.fate, reply.detail) == ("accepted", "http-201")
        assert reply.provider_id is not None
        assert reply.provider_id.endswith("@smtp-relay.example.com")
        assert uuid.UUID(key).version == 5
        assert content == {
            "sender": {"email": "news@shop.example.com", "name": "Shop Köln"},
            "to": [{"email": "ada@example.com"}],
            "replyTo": {"email": "help@example.com", "name": "Hilfe"},
            "subject": "Grüße aus Köln",
            "htmlContent": "<p>Guten Tag, <b>Ada</b></p>",
            "textContent": "Guten Tag, Ada",
            "headers": {
                "List-Unsubscribe": "<https://example.com/u/abc>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "X-Mailin-custom": "command_id=c-1",
            },
        }

    def test_repeat_is_taken_as_accepted_and_not_sent_again(self) -> None:
        with serving(fakes.Brevo(), has_keys=True) as fake:
            first, second = send(fake, mail("c-1"), mail("c-1"))

        assert fake.requests[0].body == fake.requests[1].body
        assert fake.effects == ["c-1"]
        assert (first.fate, second.fate) == ("accepted", "accepted")
        assert (second.detail, second.provider_id) == ("duplicate_parameter", None)

    def test_each_message_has_a_key_of_its_own(self) -> None:
        with serving(fakes.Brevo(), has_keys=True) as fake:
            send(fake, mail("c-1"), mail("c-2"))

        keys = {request.json["headers"]["idempotencyKey"] for request in fake.requests}
        assert len(keys) == 2

    @pytest.mark.parametrize(
        ("status", "code", "fate"),
        [
            (400, "invalid_parameter", "refused"),
            (400, "missing_parameter", "refused"),
            (400, "not_enough_credits", "passing"),
            (402, "not_enough_credits", "passing"),
            (403, "account_under_validation", "passing"),
            (401, "unauthorized", "passing"),
            (404, "document_not_found", "passing"),
        ],
    )
    def test_fate_by_the_word_of_the_api(self, status: int, code: str, fate: Fate) -> None:
        found = Answers(answer(status, {"code": code, "message": "the key is xkeysib-1"}))
        with serving(found) as fake:
            [reply] = send(fake, mail())

        assert (reply.fate, reply.detail) == (fate, code)

    def test_reset_of_the_rate_limit_says_how_long_to_wait(self) -> None:
        busy = Answer(429, b"{}", {"x-sib-ratelimit-reset": "45"})
        with serving(Answers(busy)) as fake:
            [reply] = send(fake, mail())

        assert (reply.fate, reply.retry_after_ms) == ("passing", 45_000)

    def test_bad_message_is_refused_without_asking(self) -> None:
        with serving(fakes.Brevo()) as fake:
            [reply] = send(fake, mail(headers={"X-A": "a\r\nBcc: eve@example.com"}))

        assert (reply.fate, reply.detail, fake.requests) == ("refused", "header-invalid", [])


class TestCallbacks:
    @pytest.mark.parametrize(
        ("name", "result", "kind", "detail", "machine"),
        [
            ("delivered", "delivered", None, "", False),
            ("opened", "opened", None, "", False),
            ("unique_opened", "opened", None, "", False),
            ("proxy_open", "opened", None, "", True),
            ("unique_proxy_open", "opened", None, "", True),
            ("hard_bounce", "bounced", "hard", "hard-bounce", False),
            ("invalid_email", "bounced", "hard", "invalid-email", False),
            ("soft_bounce", "bounced", "soft", "soft-bounce", False),
            ("blocked", "failed", None, "blocked", False),
            ("error", "failed", None, "error", False),
            ("spam", "complained", None, "", False),
            ("unsubscribed", "unsubscribed", None, "", False),
            ("unsubscribe", "unsubscribed", None, "", False),
        ],
    )
    def test_event_is_told(
        self, name: str, result: Result, kind: Kind | None, detail: str, machine: bool
    ) -> None:
        [report] = read(posted(event(name)))

        assert report == Report(
            id=report.id,
            provider="brevo",
            result=result,
            at=NOW_MS,
            command_id="c-1",
            provider_id="201798300811.5787683@relay.domain.com",
            kind=kind,
            detail=detail,
            machine=machine,
        )

    def test_click_tells_its_address(self) -> None:
        [report] = read(posted(event("click", link="https://example.com/a")))

        assert (report.result, report.url) == ("clicked", "https://example.com/a")

    @pytest.mark.parametrize("name", ["request", "deferred", "list_addition", "", None])
    def test_what_only_goes_on_is_left_out(self, name: str | None) -> None:
        assert read(posted({**event("x"), "event": name})) == []

    def test_several_come_in_their_order(self) -> None:
        several = [event("opened"), event("request"), event("delivered")]

        assert [each.result for each in read(posted(several))] == ["opened", "delivered"]

    def test_repeat_is_known_by_its_id_and_so_is_the_first_opening(self) -> None:
        several: list[tuple[str, dict[str, Any]]] = [
            ("opened", {}),
            ("unique_opened", {}),
            ("opened", {"ts_epoch": NOW_MS + 1}),
            ("proxy_open", {}),
            ("opened", {"X-Mailin-custom": "command_id=c-2"}),
        ]
        ids = [read(posted(event(name, **more)))[0].id for name, more in several]

        assert ids[0] == ids[1]
        assert len(set(ids)) == 4

    def test_time_in_seconds_is_understood(self) -> None:
        [by_epoch] = read(posted(event("opened", ts_epoch=1_604_933_654)))
        [by_event] = read(posted(event("opened", ts_epoch=None)))

        assert (by_epoch.at, by_event.at) == (1_604_933_654_000, NOW_MS // 1000 * 1000)
        assert read(posted(event("opened", ts_epoch=None, ts_event=None))) == []

    def test_what_others_sent_along_is_no_command(self) -> None:
        [report] = read(posted(event("opened", **{"X-Mailin-custom": "their own"})))

        assert report.command_id is None

    @pytest.mark.parametrize(
        "authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(f"beckon:{TOKEN}")]
    )
    def test_token_comes_as_a_bearer_or_a_password(self, authorization: str) -> None:
        assert len(read(posted(event("opened"), authorization))) == 1

    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            TOKEN,
            "Bearer",
            "Bearer a-token-of-theirs",
            f"Bearer {TOKEN}x",
            "Bearer töken",
            basic(f"{TOKEN}:"),
            basic(TOKEN),
            "Basic !",
            "Basic \xff",
            "Basic /w==",
            f"Digest {TOKEN}",
        ],
    )
    def test_forged_posts_are_refused(self, authorization: str) -> None:
        with pytest.raises(Forged):
            read(posted(event("opened"), authorization))

    @pytest.mark.parametrize("body", [b"", b"{", b"[1]"])
    def test_body_that_can_not_be_read_is_told(self, body: bytes) -> None:
        with pytest.raises(BadRecord):
            read(posted(body))

    @pytest.mark.parametrize("token", ["", "a b", "tökén"])
    def test_token_that_is_none_is_refused(self, token: str) -> None:
        with pytest.raises(BadSetting):
            BrevoCallbacks(token)


def test_names() -> None:
    assert brevo.BrevoProvider.promise == "key"
    assert BrevoCallbacks.name == brevo.BrevoProvider.name
