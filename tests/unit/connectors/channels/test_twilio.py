"""What Twilio is asked, what its codes mean, and what it may report."""

import json
from urllib.parse import urlencode

import pytest

from connectors import http
from connectors.channels import twilio
from connectors.channels.twilio import Account, Twilio, TwilioCallbacks
from schemas.errors import Forged
from schemas.messages import CallbackRequest, Report
from tests.providers.messengers import message
from tests.providers.scripted import posted, send
from tests.providers.servers import answer

TOKEN = "12345"
HOOK = "https://b.example/callbacks/twilio?command_id=c-1"
TAKEN = answer(201, {"sid": "SM1", "status": "queued"})


def make(client: http.Client, url: str, sender: str = "+15005550006") -> Twilio:
    account = Account("AC1", "AC1", TOKEN)
    hook = "https://b.example/callbacks/twilio"
    return Twilio(client, account, sender=sender, callback_url=hook, now_ms=lambda: 0, url=url)


def test_text_message_is_a_form() -> None:
    said = send(make, message("sms", "c-1", text="Grüße & mehr"), answers=[TAKEN])

    assert said.request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert said.request.form == {
        "To": "+4915112345678",
        "From": "+15005550006",
        "Body": "Grüße & mehr",
        "StatusCallback": HOOK,
    }
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "SM1")


def test_whatsapp_template_is_a_content_with_its_variables() -> None:
    approved = message("whatsapp", "c-1", text=None, template="HX1", parameters=("Ada", "5 €"))

    form = send(make, approved, answers=[TAKEN]).request.form

    assert (form["To"], form["From"]) == ("whatsapp:+4915112345678", "whatsapp:+15005550006")
    assert form["ContentSid"] == "HX1"
    assert json.loads(form["ContentVariables"]) == {"1": "Ada", "2": "5 €"}
    assert "Body" not in form


def test_messaging_service_is_named_as_one() -> None:
    said = send(lambda one, url: make(one, url, "MG1"), message("sms", "c-1"), answers=[TAKEN])

    assert said.request.form["MessagingServiceSid"] == "MG1"
    assert "From" not in said.request.form


@pytest.mark.parametrize("text", ["", None, "x" * 1_601])
def test_text_that_twilio_would_not_take_is_not_sent(text: str | None) -> None:
    said = send(make, message("sms", "c-1", text=text), answers=[])

    assert (said.reply.fate, said.reply.detail) == ("refused", "text-length")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21610, ("refused", "unsubscribe")),
        (400, 21211, ("refused", "hard-bounce")),
        (400, 21614, ("refused", "hard-bounce")),
        (400, 21408, ("refused", None)),
        (404, 20404, ("refused", None)),
        (400, 99999, ("refused", None)),
        (400, 21611, ("passing", None)),
        (429, 20429, ("passing", None)),
        (401, 20003, ("passing", None)),
        (500, 20500, ("passing", None)),
    ],
)
def test_codes_say_what_is_for_good(
    status: int, code: int, expected: tuple[str, str | None]
) -> None:
    refusal = answer(status, {"code": code, "message": "no", "status": status})

    reply = send(make, message("sms", "c-1"), answers=[refusal]).reply

    assert (reply.fate, reply.suppresses) == expected
    assert reply.detail == str(code)


def report(signed_with: str = TOKEN, url: str = HOOK, **form: str) -> CallbackRequest:
    given = {"MessageSid": "SM1", "AccountSid": "AC1", "To": "+49 151", **form}
    signature = twilio.sign(signed_with.encode(), url, given)
    return posted(url, urlencode(given).encode(), x_twilio_signature=signature)


def read(request: CallbackRequest) -> list[Report]:
    return list(TwilioCallbacks(TOKEN).read(request))


def test_signature_is_that_of_the_documentation() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "From": "+12349013030",
        "To": "+18005551212",
        "Caller": "+12349013030",
        "Digits": "1234",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"

    assert twilio.sign(b"12345", url, form) == "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("sent", "", ("sent", None)),
        ("delivered", "", ("delivered", None)),
        ("read", "", ("opened", None)),
        ("undelivered", "30005", ("bounced", "hard")),
        ("failed", "30003", ("bounced", "soft")),
        ("failed", "21610", ("unsubscribed", None)),
        ("undelivered", "30007", ("failed", None)),
        ("failed", "", ("failed", None)),
    ],
)
def test_state_is_reported_for_the_command(
    status: str, code: str, expected: tuple[str, str | None]
) -> None:
    [found] = read(report(MessageStatus=status, ErrorCode=code))

    assert (found.result, found.kind) == expected
    assert (found.command_id, found.provider_id, found.at) == ("c-1", "SM1", 1_700_000_000_000)
    assert found.detail == (code or status)


def test_repeat_is_the_same_report_and_the_next_state_another() -> None:
    ids = [
        found.id
        for status in ("sent", "delivered", "sent")
        for found in read(report(MessageStatus=status))
    ]

    assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("status", ["queued", "sending", "accepted", "surprise"])
def test_state_that_says_nothing_new_is_left_out(status: str) -> None:
    assert read(report(MessageStatus=status)) == []


def test_forged_reports_are_refused() -> None:
    good = report(MessageStatus="delivered")
    other = CallbackRequest(
        method="POST",
        url=HOOK.replace("c-1", "c-2"),
        headers=good.headers,
        body=good.body,
        at=good.at,
    )
    for request in (
        report(signed_with="another", MessageStatus="delivered"),
        posted(HOOK, good.body),
        posted(HOOK, good.body + b"&x=1", **{"x_twilio_signature": "AAAA"}),
        posted(HOOK, b"\xff\xfe", **{"x_twilio_signature": "ü"}),
        other,
    ):
        with pytest.raises(Forged):
            read(request)
