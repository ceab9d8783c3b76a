"""What Infobip is asked, what its states mean, and what it may report."""

import json
from typing import Any

import pytest

from connectors import http
from connectors.channels import proofs
from connectors.channels.infobip import Infobip, InfobipCallbacks
from schemas.errors import BadRecord, Forged
from schemas.messages import Report
from tests.providers.messengers import message
from tests.providers.scripted import look_up, posted, send
from tests.providers.servers import Answer, answer

SECRET = b"0123456789abcdef"
BASE = "https://b.example/callbacks/infobip"
PENDING = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
SMS = message("sms", "c-1", text="Hallo")
APPROVED = message(
    "whatsapp", "c-1", text=None, template="order", language="de", parameters=("Ada",)
)


def make(client: http.Client, url: str) -> Infobip:
    return Infobip(
        client, url + "/", key="k", sender="Shop", callbacks=(BASE, SECRET), now_ms=lambda: 0
    )


def told(status: dict[str, Any], code: int = 200) -> Answer:
    return answer(code, {"messages": [{"messageId": "c-1", "status": status}]})


def test_text_message_carries_our_id_and_a_proven_address() -> None:
    said = send(make, SMS, answers=[told(PENDING)])

    [sent] = said.request.json["messages"]
    assert said.request.path == "/sms/3/messages"
    assert said.request.headers["authorization"] == "App k"
    assert sent["destinations"] == [{"to": "4915112345678", "messageId": "c-1"}]
    assert (sent["sender"], sent["content"]) == ("Shop", {"text": "Hallo"})
    assert proofs.proven(posted(sent["webhooks"]["delivery"]["url"]), SECRET) == "c-1"
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "c-1")


def test_whatsapp_template_has_its_parameters_in_their_order() -> None:
    said = send(make, APPROVED, answers=[told(PENDING)])

    [sent] = said.request.json["messages"]
    assert said.request.path == "/whatsapp/1/message/template"
    assert sent["content"] == {
        "templateName": "order",
        "templateData": {"body": {"placeholders": ["Ada"]}},
        "language": "de",
    }
    assert proofs.proven(posted(sent["notifyUrl"]), SECRET) == "c-1"


def test_message_without_words_is_not_sent() -> None:
    empty = message("sms", "c-1", text=""), message("whatsapp", "c-1")

    said = send(make, *empty, answers=[])

    assert [reply.detail for reply in said.replies] == ["text-missing", "template-missing"]


def test_without_an_address_for_reports_none_are_asked_for() -> None:
    def silent(client: http.Client, url: str) -> Infobip:
        return Infobip(client, url, key="k", sender="S", callbacks=None, now_ms=lambda: 0)

    said = send(silent, SMS, APPROVED, answers=[told(PENDING)] * 2)

    assert "webhooks" not in said.requests[0].json["messages"][0]
    assert "notifyUrl" not in said.requests[1].json["messages"][0]


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        (3, "DELIVERED_TO_HANDSET", ("accepted", None)),
        (5, "REJECTED_DUPLICATE_MESSAGE_ID", ("accepted", None)),
        (5, "REJECTED_NOT_ENOUGH_CREDITS", ("passing", None)),
        (5, "REJECTED_SYSTEM_ERROR", ("passing", None)),
        (5, "REJECTED_DESTINATION", ("refused", None)),
        (5, "REJECTED_DESTINATION_NOT_REGISTERED", ("refused", "hard-bounce")),
        (2, "UNDELIVERABLE_NOT_DELIVERED", ("refused", None)),
    ],
)
def test_request_may_be_taken_and_its_message_rejected(
    group: int, name: str, expected: tuple[str, str | None]
) -> None:
    reply = send(make, SMS, answers=[told({"groupId": group, "name": name})]).reply

    assert (reply.fate, reply.suppresses) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, {"messages": []}), ("unknown", "answer-unreadable")),
        (Answer(200, b"<html>"), ("unknown", "answer-unreadable")),
        (
            answer(400, {"requestError": {"serviceException": {"messageId": "BAD_REQUEST"}}}),
            ("refused", "BAD_REQUEST"),
        ),
        (answer(400, {"errorCode": "E400"}), ("refused", "E400")),
        (answer(429, {"errorCode": "E429"}), ("passing", "E429")),
    ],
)
def test_errors_have_two_shapes(given: Answer, expected: tuple[str, str]) -> None:
    reply = send(make, SMS, answers=[given]).reply

    assert (reply.fate, reply.detail) == expected


def test_lost_message_is_looked_up_in_the_logs() -> None:
    found = look_up(make, SMS, answer(200, {"results": [{"messageId": "c-1", "status": PENDING}]}))
    never = look_up(make, SMS, answer(200, {"results": []}))

    assert found is not None
    assert (found.fate, found.provider_id) == ("accepted", "c-1")
    assert never is not None
    assert (never.fate, never.detail) == ("refused", "never-came")
    assert look_up(make, SMS, answer(500, {})) is None
    assert look_up(make, SMS, Answer(200, b"[]")) is None
    assert look_up(make, APPROVED, answer(200, {"results": []})) is None


def read(*results: dict[str, Any], url: str | None = None) -> list[Report]:
    address = proofs.address(BASE, "c-1", SECRET) if url is None else url
    body = json.dumps({"results": results}).encode()
    return list(InfobipCallbacks(SECRET).read(posted(address, body)))


DONE = "2019-04-09T16:01:56.494-0300"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"status": {"groupId": 3}, "doneAt": DONE}, ("delivered", None)),
        ({"seenAt": DONE}, ("opened", None)),
        ({"status": {"groupId": 5}, "doneAt": DONE, "error": {"permanent": True}},
         ("bounced", "hard")),
        ({"status": {"groupId": 4}, "doneAt": DONE, "error": {"permanent": False}},
         ("bounced", "soft")),
        ({"status": {"groupId": 2}, "doneAt": DONE}, ("bounced", "soft")),
    ],
)  # fmt: skip
def test_report_is_of_the_command(result: dict[str, Any], expected: tuple[str, str | None]) -> None:
    [found] = read({"messageId": "c-1", **result})

    assert (found.result, found.kind) == expected
    assert (found.command_id, found.at) == ("c-1", 1_554_836_516_494)


def test_states_in_between_and_other_messages_are_left_out() -> None:
    assert read({"messageId": "c-1", "status": PENDING}) == []
    assert read({"messageId": "c-2", "status": {"groupId": 3}}) == []


def test_time_that_is_none_is_when_the_report_came() -> None:
    [found] = read({"messageId": "c-1", "status": {"groupId": 3}, "doneAt": "soon"})

    assert found.at == 1_700_000_000_000


def test_repeats_have_one_id() -> None:
    first, again = (read({"messageId": "c-1", "status": {"groupId": 3}}) for _ in range(2))

    assert first == again


def test_forged_and_broken_reports_are_refused() -> None:
    with pytest.raises(Forged):
        read(url=proofs.address(BASE, "c-1", b"another secret.."))
    with pytest.raises(BadRecord):
        InfobipCallbacks(SECRET).read(posted(proofs.address(BASE, "c-1", SECRET), b"{"))
