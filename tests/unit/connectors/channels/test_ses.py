"""Mail goes through Amazon SES, signed, and its events are understood."""

import asyncio
import json
from typing import Any

import pytest

from connectors.channels import ses, sigv4
from connectors.channels.ses import SesCallbacks, SesProvider
from connectors.errors import BadSetting
from connectors.http import Attempt
from schemas.errors import BadRecord
from schemas.messages import Fate, Message, Reply, Report
from schemas.outcomes import Kind, Result
from tests.certificates import Authority
from tests.providers import mail as fakes
from tests.providers.cases import client, mail
from tests.providers.notifications import (
    CERTIFICATE,
    PRIVATE,
    TOPIC,
    Web,
    message,
    signed,
)
from tests.providers.servers import Answer, Fake, Request, answer, serving

AT = "2017-08-05T00:41:02.669Z"
AT_MS = 1_501_893_662_669


def send(fake: Fake, one: Message, **changes: Any) -> Reply:
    async def run() -> Reply:
        provider = fakes.ses(client(), fake.url, **changes)
        try:
            return await provider.send(one)
        finally:
            await provider.close()

    return asyncio.run(run())


class Answers(fakes.Ses):
    """Always the same answer."""

    def __init__(self, found: Answer) -> None:
        self.found = found

    def accept(self, request: Request, known: bool) -> Answer:
        return self.found


def credentials(**changes: Any) -> sigv4.Credentials:
    given = {"key_id": "AKIDEXAMPLE", "secret": "s", "region": "eu-west-1", "service": "ses"}
    return sigv4.Credentials(**{**given, **changes})


def read(event: object, authority: Authority) -> list[Report]:
    web = Web({CERTIFICATE: Attempt("http-200", 200, authority.for_signing(PRIVATE))})
    request = signed(message(Message=event if isinstance(event, str) else json.dumps(event)))

    async def run() -> list[Report]:
        callbacks = SesCallbacks(web, [TOPIC])
        await callbacks.prepare(request)
        return list(callbacks.read(request))

    return asyncio.run(run())


def event(name: str, part: object, **more: Any) -> dict[str, Any]:
    key = {"Rendering Failure": "failure"}.get(name, name.lower())
    mailed = {
        "timestamp": "2017-08-05T00:40:02.012Z",
        "messageId": "EXAMPLE7c191be45-000000",
        "destination": ["ada@example.com"],
        "tags": {"command_id": ["c-1"], "ses:source-ip": ["192.0.2.0"]},
    }
    return {"eventType": name, "mail": mailed, key: part, **more}


def bounce(kind: str, sub: str) -> dict[str, Any]:
    return {
        "bounceType": kind,
        "bounceSubType": sub,
        "bouncedRecipients": [{"emailAddress": "ada@example.com", "status": "5.1.1"}],
        "timestamp": AT,
    }


class TestSending:
    def test_request_is_as_documented_and_signed(self) -> None:
        with serving(fakes.Ses()) as fake:
            reply = send(fake, mail("c-1", reply_to="help@example.com"), configuration_set="events")

        [request] = fake.requests
        assert reply.fate == "accepted"
        assert reply.provider_id is not None
        assert request.path == "/v2/email/outbound-emails"
        assert request.json == {
            "FromEmailAddress": "=?utf-8?q?Shop_K=C3=B6ln?= <news@shop.example.com>",
            "Destination": {"ToAddresses": ["ada@example.com"]},
            "ReplyToAddresses": ["help@example.com"],
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Grüße aus Köln", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "Guten Tag, Ada", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>Guten Tag, <b>Ada</b></p>", "Charset": "UTF-8"},
                    },
                    "Headers": [
                        {"Name": "List-Unsubscribe", "Value": "<https://example.com/u/abc>"},
                        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                    ],
                }
            },
            "ConfigurationSetName": "events",
            "EmailTags": [{"Name": "command_id", "Value": "c-1"}],
        }

    def test_session_token_is_signed_too(self) -> None:
        class Lent(fakes.Ses):
            credentials = credentials(secret=fakes.KEY, token="lent")

        async def run(fake: Fake) -> Reply:
            provider = SesProvider(
                client(),
                Lent.credentials,
                sender=fakes.SENDER,
                now_ms=lambda: AT_MS,
                base_url=fake.url,
            )
            try:
                return await provider.send(mail())
            finally:
                await provider.close()

        with serving(Lent()) as fake:
            reply = asyncio.run(run(fake))

        assert reply.fate == "accepted"
        assert fake.requests[0].headers["x-amz-security-token"] == "lent"
        assert "x-amz-security-token" in fake.requests[0].headers["authorization"]

    def test_id_that_can_be_no_tag_is_left_out(self) -> None:
        with serving(Answers(answer(200, {"MessageId": "m"}))) as fake:
            fake.service.taken = lambda request: "x"  # type: ignore[method-assign]
            assert send(fake, mail("c 1")).fate == "accepted"

        assert "EmailTags" not in fake.requests[0].json

    @pytest.mark.parametrize(
        ("status", "code", "fate"),
        [
            (429, "TooManyRequestsException", "passing"),
            (400, "LimitExceededException", "passing"),
            (400, "ThrottlingException", "passing"),
            (400, "SendingPausedException", "passing"),
            (400, "AccountSuspendedException", "passing"),
            (400, "MailFromDomainNotVerifiedException", "passing"),
            (400, "MessageRejected", "refused"),
            (400, "BadRequestException", "refused"),
            (403, "ExpiredTokenException", "passing"),
            (403, "SignatureDoesNotMatchException", "passing"),
            (404, "NotFoundException", "passing"),
            (500, "InternalFailure", "passing"),
            (503, "ServiceUnavailable", "passing"),
        ],
    )
    @pytest.mark.parametrize("is_header", [True, False])
    def test_fate_by_the_name_of_the_error(
        self, status: int, code: str, fate: Fate, is_header: bool
    ) -> None:
        body = {"__type": f"com.amazonaws.sesv2#{code}", "message": "AKIDEXAMPLE may not"}
        found = fakes.error(status, code) if is_header else answer(status, body)
        with serving(Answers(found)) as fake:
            reply = send(fake, mail())

        assert (reply.fate, reply.detail) == (fate, code)

    def test_bad_message_is_refused_without_asking(self) -> None:
        with serving(fakes.Ses()) as fake:
            reply = send(fake, mail(to="nobody"))

        assert (reply.fate, reply.detail, fake.requests) == ("refused", "address-invalid", [])

    @pytest.mark.parametrize(
        "changes", [{"region": "evil.example/"}, {"key_id": ""}, {"secret": "a\nb"}]
    )
    def test_credentials_that_are_none_are_refused(self, changes: dict[str, str]) -> None:
        with pytest.raises(BadSetting):
            SesProvider(client(), credentials(**changes), sender="", now_ms=lambda: 0)

    def test_address_is_that_of_the_region(self) -> None:
        provider = SesProvider(client(), credentials(), sender="", now_ms=lambda: 0)

        assert provider._url == ("https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails")


class TestCallbacks:
    @pytest.mark.parametrize(
        ("name", "part", "result", "kind", "detail"),
        [
            ("Delivery", {"timestamp": AT}, "delivered", None, ""),
            ("Bounce", bounce("Permanent", "General"), "bounced", "hard", "general"),
            ("Bounce", bounce("Transient", "MailboxFull"), "bounced", "soft", "mailboxfull"),
            ("Bounce", bounce("Undetermined", "Undetermined"), "bounced", "soft", "undetermined"),
            (
                "Complaint",
                {"timestamp": AT, "complaintFeedbackType": "abuse"},
                "complained",
                None,
                "abuse",
            ),
            ("Open", {"timestamp": AT, "userAgent": "Mozilla/5.0 (X11)"}, "opened", None, ""),
            ("Reject", {"timestamp": AT, "reason": "Bad content"}, "failed", None, "bad-content"),
            ("Rendering Failure", {"timestamp": AT}, "failed", None, ""),
        ],
    )
    def test_event_is_told(
        self,
        name: str,
        part: dict[str, Any],
        result: Result,
        kind: Kind | None,
        detail: str,
        authority: Authority,
    ) -> None:
        assert read(event(name, part), authority) == [
            Report(
                id="da41e39f-ea4d-435a-b922-c6aae3915ebe",
                provider="ses",
                result=result,
                at=AT_MS,
                command_id="c-1",
                provider_id="EXAMPLE7c191be45-000000",
                kind=kind,
                detail=detail,
            )
        ]

    def test_click_tells_its_address(self, authority: Authority) -> None:
        [report] = read(event("Click", {"timestamp": AT, "link": "https://e.com/a"}), authority)

        assert (report.result, report.url) == ("clicked", "https://e.com/a")

    def test_open_by_apples_proxy_is_marked(self, authority: Authority) -> None:
        [report] = read(event("Open", {"timestamp": AT, "userAgent": "Mozilla/5.0"}), authority)

        assert report.machine is True

    def test_time_of_the_mail_stands_in_for_that_of_the_event(self, authority: Authority) -> None:
        [report] = read(event("Reject", {"reason": "Bad content"}), authority)

        assert report.at == AT_MS - 60_657

    def test_notification_of_an_identity_is_understood_too(self, authority: Authority) -> None:
        told = event("Bounce", bounce("Permanent", "General"))
        told["notificationType"] = told.pop("eventType")
        del told["mail"]["tags"]

        [report] = read(told, authority)
        assert (report.result, report.command_id) == ("bounced", None)

    def test_leaving_everything_is_told(self, authority: Authority) -> None:
        part = {"timestamp": AT, "newTopicPreferences": {"unsubscribeAll": True}}

        [report] = read(event("Subscription", part), authority)
        assert (report.result, report.topic) == ("unsubscribed", None)

    def test_leaving_topics_is_told_of_each(self, authority: Authority) -> None:
        def preferences(**topics: str) -> dict[str, Any]:
            several = [{"topicName": n, "subscriptionStatus": s} for n, s in topics.items()]
            return {"unsubscribeAll": False, "topicSubscriptionStatus": several}

        part = {
            "timestamp": AT,
            "oldTopicPreferences": preferences(news="OptIn", tips="OptOut", sale="OptIn"),
            "newTopicPreferences": preferences(news="OptOut", tips="OptOut", sale="OptIn"),
        }

        [report] = read(event("Subscription", part), authority)
        assert (report.result, report.topic) == ("unsubscribed", "news")

    @pytest.mark.parametrize(
        "told",
        [
            event("Send", {}),
            event("DeliveryDelay", {"timestamp": AT}),
            event("Delivery", "none"),
            {"eventType": "Delivery"},
            {"eventType": "Delivery", "mail": {}, "delivery": {}},
            event("Subscription", {"timestamp": AT, "newTopicPreferences": {}}),
        ],
    )
    def test_what_only_goes_on_or_is_of_another_form_is_left_out(
        self, told: dict[str, Any], authority: Authority
    ) -> None:
        assert read(told, authority) == []

    @pytest.mark.parametrize("body", ["", "Successfully validated SNS topic", "[]"])
    def test_message_that_is_no_event_is_told(self, body: str, authority: Authority) -> None:
        with pytest.raises(BadRecord):
            read(body, authority)

    def test_topic_is_needed(self) -> None:
        with pytest.raises(BadSetting):
            SesCallbacks(client(), [])


def test_names() -> None:
    assert ses.SesProvider.promise == "none"
    assert SesCallbacks.name == ses.SesProvider.name
