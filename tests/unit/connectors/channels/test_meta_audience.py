"""What Meta is asked of its custom audiences."""

import hashlib
import json
from typing import Any

import pytest

from schemas.messages import Message
from tests.providers.keepers import meta_audience
from tests.providers.messengers import message
from tests.providers.scripted import send
from tests.providers.servers import Answer, answer

TAKEN = answer(200, {"session_id": "9", "num_received": 1, "num_invalid_entries": 0})


def member(operation: str = "add", **changes: Any) -> Message:
    data = {"operation": operation, "audience": "2385"}
    return message("audience", "c-1", **{"to": " Ada@Example.com", "data": data, **changes})


@pytest.mark.parametrize(("operation", "method"), [("add", "POST"), ("remove", "DELETE")])
def test_person_goes_as_a_hash(operation: str, method: str) -> None:
    said = send(meta_audience, member(operation), answers=[TAKEN])

    person = hashlib.sha256(b"ada@example.com").hexdigest()
    payload = json.loads(said.request.form["payload"])
    assert (said.request.method, said.request.path) == (method, "/v25.0/2385/users")
    assert payload == {"schema": ["EMAIL"], "data": [[person]]}
    assert b"example.com" not in said.request.body
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "9")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200, {"num_invalid_entries": 1}), ("refused", "invalid-entry")),
        (answer(400, {"error": {"code": 100}}), ("refused", "100")),
        (answer(400, {"error": {"code": 80003}}), ("passing", "80003")),
        (answer(400, {"error": {"code": 190}}), ("passing", "190")),
        (answer(500, {"error": {"code": 2}}), ("passing", "2")),
    ],
)
def test_codes_say_what_is_for_good(given: Answer, expected: tuple[str, str]) -> None:
    reply = send(meta_audience, member(), answers=[given]).reply

    assert (reply.fate, reply.detail) == expected


def test_change_that_is_none_is_not_sent() -> None:
    said = send(meta_audience, member("toggle"), member(to="ada"), answers=[])

    assert [each.detail for each in said.replies] == ["operation-invalid", "address-invalid"]
