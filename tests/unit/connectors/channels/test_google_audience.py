"""What Google is asked of its audiences."""

import hashlib
from typing import Any

import pytest

from connectors import http
from connectors.channels.google_audience import SCOPE, GoogleAudience
from schemas.messages import Message
from tests.providers.messengers import KEY, message
from tests.providers.pushers import TokenService, tokens
from tests.providers.scripted import Said
from tests.providers.scripted import send as scripted
from tests.providers.servers import Answer, answer, serving

TAKEN = answer(200, {"requestId": "r-1"})


def member(operation: str = "add", **changes: Any) -> Message:
    data = {"operation": operation, "audience": "77"}
    return message("audience", "c-1", **{"to": "Ada.L@Gmail.com", "data": data, **changes})


def send(*messages: Message, answers: list[Answer]) -> Said:
    with serving(TokenService(SCOPE)) as bank:

        def make(one: http.Client, url: str) -> GoogleAudience:
            given = tokens(one, bank.url, SCOPE)
            return GoogleAudience(one, given, "123", now_ms=lambda: 0, url=url)

        return scripted(make, *messages, answers=answers)


def test_person_is_added_as_a_hash() -> None:
    said = send(member(), answers=[TAKEN])

    person = hashlib.sha256(b"adal@gmail.com").hexdigest()
    assert said.request.path == "/v1/audienceMembers:ingest"
    assert said.request.headers["authorization"] == f"Bearer {KEY}"
    assert said.request.json == {
        "destinations": [
            {
                "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": "123"},
                "productDestinationId": "77",
            }
        ],
        "audienceMembers": [
            {"compositeData": {"userData": {"userIdentifiers": [{"emailAddress": person}]}}}
        ],
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "r-1")


def test_person_is_removed_without_words_on_terms() -> None:
    said = send(member("remove"), answers=[TAKEN])

    assert said.request.path == "/v1/audienceMembers:remove"
    assert "termsOfService" not in said.request.json


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "INVALID_ARGUMENT", "refused"),
        (404, "NOT_FOUND", "refused"),
        (401, "UNAUTHENTICATED", "passing"),
        (403, "PERMISSION_DENIED", "passing"),
        (429, "RESOURCE_EXHAUSTED", "passing"),
        (503, "UNAVAILABLE", "passing"),
    ],
)
def test_codes_say_what_is_for_good(status: int, code: str, expected: str) -> None:
    said = send(member(), answers=[answer(status, {"error": {"status": code}})])

    assert (said.reply.fate, said.reply.detail) == (expected, code)


def test_change_that_is_none_is_not_sent() -> None:
    said = send(member("toggle"), member(to="ada"), answers=[])

    assert [each.detail for each in said.replies] == ["operation-invalid", "address-invalid"]


def test_without_a_token_nothing_is_sent() -> None:
    with serving(TokenService("another")) as bank:

        def make(one: http.Client, url: str) -> GoogleAudience:
            given = tokens(one, bank.url, SCOPE)
            return GoogleAudience(one, given, "123", now_ms=lambda: 0, url=url)

        said = scripted(make, member(), answers=[])

    assert (said.reply.fate, said.reply.detail) == ("passing", "token-http-400")
