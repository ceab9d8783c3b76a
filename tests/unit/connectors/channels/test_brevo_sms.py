"""What Brevo is asked of text messages, what its codes mean, and what it may report."""

import json

import pytest

from connectors import http
from connectors.channels import proofs
from connectors.channels.brevo_sms import BrevoSms, BrevoSmsCallbacks
from schemas.errors import BadRecord, Forged
from schemas.messages import Report
from tests.providers.messengers import message
from tests.providers.scripted import look_up, posted, send
from tests.providers.servers import Answer, answer

SECRET = b"0123456789abcdef"
BASE = "https://b.example/callbacks/brevo_sms"
TAKEN = answer(201, {"reference": "r", "messageId": 1511882900176220})
SMS = message("sms", "c-1", text="Grüße")


def make(client: http.Client, url: str) -> BrevoSms:
    callbacks = BASE, SECRET
    return BrevoSms(client, "k", sender="Shop", callbacks=callbacks, now_ms=lambda: 0, url=url)


def test_message_is_tagged_with_the_command() -> None:
    said = send(make, SMS, answers=[TAKEN])

    sent = said.request.json
    assert said.request.path == "/v3/transactionalSMS/send"
    assert proofs.proven(posted(sent.pop("webUrl")), SECRET) == "c-1"
    assert sent == {
        "sender": "Shop",
        "recipient": "4915112345678",
        "content": "Grüße",
        "type": "marketing",
        "tag": "c-1",
        "unicodeEnabled": True,
    }
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "1511882900176220")


def test_receipt_is_transactional() -> None:
    receipt = message("sms", "c-1", text="ok", transactional=True)

    sent = send(make, receipt, answers=[TAKEN]).request.json

    assert (sent["type"], sent["unicodeEnabled"]) == ("transactional", False)


def test_message_without_words_is_not_sent() -> None:
    assert send(make, message("sms", "c", text=None), answers=[]).reply.detail == "text-missing"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_parameter", "refused"),
        (402, "not_enough_credits", "passing"),
        (401, "unauthorized", "passing"),
        (403, "permission_denied", "passing"),
        (429, "too_many_requests", "passing"),
    ],
)
def test_codes_say_what_is_for_good(status: int, code: str, expected: str) -> None:
    reply = send(make, SMS, answers=[answer(status, {"code": code, "message": "no"})]).reply

    assert (reply.fate, reply.detail) == (expected, code)


def test_lost_message_is_known_by_an_event_of_its_tag_only() -> None:
    event = {"messageId": "15", "event": "sent", "tag": "c-1"}

    found = look_up(make, SMS, answer(200, {"events": [event]}))

    assert found is not None
    assert (found.fate, found.provider_id) == ("accepted", "15")
    assert look_up(make, SMS, answer(200, {"events": []})) is None
    assert look_up(make, SMS, answer(500, {"events": [event]})) is None


def read(body: object, url: str | None = None) -> list[Report]:
    address = proofs.address(BASE, "c-1", SECRET) if url is None else url
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(BrevoSmsCallbacks(SECRET).read(posted(address, raw)))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("delivered", ("delivered", None)),
        ("hard_bounce", ("bounced", "hard")),
        ("soft_bounce", ("bounced", "soft")),
        ("unsubscribe", ("unsubscribed", None)),
        ("blacklisted", ("unsubscribed", None)),
        ("rejected", ("failed", None)),
    ],
)
def test_state_is_reported_for_the_command(status: str, expected: tuple[str, str | None]) -> None:
    [found] = read({"msg_status": status, "messageId": 123, "ts_event": 1_700_000_001})

    assert (found.result, found.kind) == expected
    assert (found.command_id, found.provider_id, found.at) == ("c-1", "123", 1_700_000_001_000)


@pytest.mark.parametrize("status", ["sent", "accepted", "replied", "skip"])
def test_state_that_says_nothing_new_is_left_out(status: str) -> None:
    assert read({"msg_status": status}) == []


def test_time_that_is_none_is_when_the_report_came() -> None:
    [found] = read({"msg_status": "delivered", "ts_event": "now"})

    assert found.at == 1_700_000_000_000


def test_forged_and_broken_reports_are_refused() -> None:
    with pytest.raises(Forged):
        read({"msg_status": "delivered"}, url=f"{BASE}?command_id=c-1&proof=00")
    with pytest.raises(BadRecord):
        read(b"{")


def test_without_an_address_for_reports_none_are_asked_for() -> None:
    def silent(client: http.Client, url: str) -> BrevoSms:
        return BrevoSms(client, "k", sender="S", callbacks=None, now_ms=lambda: 0, url=url)

    assert "webUrl" not in send(silent, SMS, answers=[Answer(201, b"{}")]).request.json
