"""What Meta is asked, what its codes mean, and what it may report."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from connectors import http
from connectors.channels.meta import Meta, MetaCallbacks
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Report
from tests.providers.messengers import message
from tests.providers.scripted import posted, send
from tests.providers.servers import answer

SECRET = "app-secret"
CALLBACKS = MetaCallbacks(SECRET, verify_token="the-word")
TAKEN = answer(200, {"messages": [{"id": "wamid.1", "message_status": "accepted"}]})
APPROVED = message(
    "whatsapp", "c-1", text=None, template="order", language="de", parameters=("Ada", "5 €")
)


def make(client: http.Client, url: str) -> Meta:
    return Meta(client, "1065", token="t", now_ms=lambda: 0, url=url)


def test_template_has_its_parameters_in_their_order() -> None:
    said = send(make, APPROVED, answers=[TAKEN])

    assert said.request.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+4915112345678",
        "biz_opaque_callback_data": "c-1",
        "type": "template",
        "template": {
            "name": "order",
            "language": {"code": "de"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Ada"},
                        {"type": "text", "text": "5 €"},
                    ],
                }
            ],
        },
    }
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "wamid.1")


def test_template_without_parameters_has_no_components() -> None:
    plain = message("whatsapp", "c-1", text=None, template="hello")

    template = send(make, plain, answers=[TAKEN]).request.json["template"]

    assert template == {"name": "hello", "language": {"code": "en"}}


@pytest.mark.parametrize("text", ["", None, "x" * 4_097])
def test_text_that_meta_would_not_take_is_not_sent(text: str | None) -> None:
    said = send(make, message("whatsapp", "c-1", text=text), answers=[])

    assert (said.reply.fate, said.reply.detail) == ("refused", "text-length")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 131050, ("refused", "unsubscribe")),
        (400, 131026, ("refused", None)),
        (404, 132001, ("refused", None)),
        (400, 130429, ("passing", None)),
        (400, 131056, ("passing", None)),
        (401, 190, ("passing", None)),
        (400, 131042, ("passing", None)),
        (500, 131000, ("passing", None)),
        (400, 100, ("refused", None)),
    ],
)
def test_codes_say_what_is_for_good(
    status: int, code: int, expected: tuple[str, str | None]
) -> None:
    refusal = answer(status, {"error": {"code": code, "message": "no"}})

    reply = send(make, APPROVED, answers=[refusal]).reply

    assert (reply.fate, reply.suppresses, reply.detail) == (*expected, str(code))


def report(*, secret: str = SECRET, **value: Any) -> CallbackRequest:
    found = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }
    body = json.dumps(found).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return posted("https://b.example/", body, x_hub_signature_256=f"sha256={digest}")


def read(**value: Any) -> list[Report]:
    return list(CALLBACKS.read(report(**value)))


def status(state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "wamid.1",
        "status": state,
        "timestamp": "1700000001",
        "recipient_id": "49151",
        "biz_opaque_callback_data": "c-1",
        **more,
    }


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("sent", None, ("sent", None)),
        ("delivered", None, ("delivered", None)),
        ("read", None, ("opened", None)),
        ("failed", 131026, ("bounced", "soft")),
        ("failed", 131050, ("unsubscribed", None)),
        ("failed", 131053, ("failed", None)),
    ],
)
def test_state_is_reported_for_the_command(
    state: str, code: int | None, expected: tuple[str, str | None]
) -> None:
    errors = {} if code is None else {"errors": [{"code": code, "title": "no"}]}

    [found] = read(statuses=[status(state, **errors)])

    assert (found.result, found.kind) == expected
    assert (found.command_id, found.provider_id, found.at) == ("c-1", "wamid.1", 1_700_000_001_000)


def test_reports_keep_their_order_and_strange_ones_are_left_out() -> None:
    given = [status("read"), {"status": "sent"}, status("deleted"), status("sent"), "x"]

    assert [found.result for found in read(statuses=given)] == ["opened", "sent"]


@pytest.mark.parametrize(
    "said",
    [
        {"type": "text", "text": {"body": " STOP! "}},
        {"type": "button", "button": {"text": "Stop promotions"}},
    ],
)
def test_answer_that_says_stop_unsubscribes_from_the_message_it_answers(
    said: dict[str, Any],
) -> None:
    given = {"id": "wamid.9", "from": "49151", "context": {"id": "wamid.1"}, **said}

    [found] = read(messages=[given])

    assert (found.result, found.provider_id) == ("unsubscribed", "wamid.1")


def test_other_answers_are_nobody_s_concern() -> None:
    context = {"context": {"id": "wamid.1"}}

    assert read(messages=[{"text": {"body": "stop"}}]) == []
    assert read(messages=[{"text": {"body": "please do not stop"}, **context}]) == []
    assert read(messages=[{"type": "image", **context}]) == []


def test_time_that_is_none_is_when_the_report_came() -> None:
    [found] = read(statuses=[status("sent", timestamp="soon")])

    assert found.at == 1_700_000_000_000


def test_forged_and_broken_reports_are_refused() -> None:
    good = report(statuses=[status("sent")])
    for request in (
        report(secret="another", statuses=[]),
        posted("https://b.example/", good.body),
        posted("https://b.example/", good.body, x_hub_signature_256="sha1=00"),
    ):
        with pytest.raises(Forged):
            CALLBACKS.read(request)
    digest = hmac.new(SECRET.encode(), b"[]", hashlib.sha256).hexdigest()
    with pytest.raises(BadRecord):
        CALLBACKS.read(posted("https://b", b"[]", x_hub_signature_256=f"sha256={digest}"))


def test_challenge_is_answered_to_who_knows_the_word() -> None:
    url = "https://b.example/?hub.mode=subscribe&hub.challenge=158&hub.verify_token="

    assert CALLBACKS.challenge(posted(f"{url}the-word")) == "158"
    for wrong in (f"{url}another", f"{url}the-word".replace("subscribe", "x"), "https://b/"):
        with pytest.raises(Forged):
            CALLBACKS.challenge(posted(wrong))
