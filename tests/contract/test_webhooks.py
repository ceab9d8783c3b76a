"""What becomes of a webhook whose receiver misbehaves: ledger, courier and a real receiver."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from connectors import http
from connectors.channels.webhook import WebhookProvider
from processors.clock import WallClock
from processors.delivery.breakers import Limits
from processors.delivery.couriers import Errand, Policy
from schemas.intents import Entry
from schemas.messages import Message
from tests.deliveries import World, errand, world
from tests.providers.cases import client
from tests.receivers import OLD_SECRET, SECRET, Receiver, inbox, receiver

__all__ = ["inbox"]

SCATTERED = Limits(is_shared=False)


def hook(url: str | None, one: str = "c-1", **changes: Any) -> Errand:
    message = Message(
        id=one,
        channel="webhook",
        profile_id="ada",
        to=url or "",
        definition_id="welcome",
        version="0123456789ab",
        step="0",
        at=1_714_566_896_789,
        url=url,
        data={"plan": "gold"},
        traits={"city": "Köln"},
    )
    return msgspec.structs.replace(errand(one), message=msgspec.structs.replace(message, **changes))


def delivered(
    folder: Path, *errands: Errand, secrets: tuple[str, ...] = (SECRET,), **bounds: Any
) -> tuple[list[Entry], World]:
    """Returns what the ledger says of each, one after the other."""
    one = WebhookProvider(
        client(2_000, **bounds), secrets, {"CRM": "a token"}, now_ms=WallClock().now_ms
    )

    async def run(found: World) -> list[Entry]:
        entries = [(await found.courier.deliver(each)).entry for each in errands]
        await found.routes.close()
        return entries

    with world(folder, one, policy=Policy(attempts=3), limits=SCATTERED) as found:
        return asyncio.run(run(found)), found


def post(folder: Path, url: str | None, **bounds: Any) -> tuple[tuple[str, str, int], list[float]]:
    """Returns state, detail and attempts of one webhook, and the waits between them, in s."""
    [entry], found = delivered(folder, hook(url), **bounds)
    return (entry.state, entry.detail, entry.attempts), found.time.slept


def test_post_is_signed_and_carries_the_command_id_as_key(tmp_path: Path, inbox: Receiver) -> None:
    post(tmp_path, inbox.url())
    assert inbox.refused == 0
    assert inbox.posts == [
        {
            "id": "c-1",
            "type": "command",
            "timestamp": "2024-05-01T12:34:56.789Z",
            "profile_id": "ada",
            "definition_id": "welcome",
            "version": "0123456789ab",
            "step": "0",
            "data": {"plan": "gold"},
            "traits": {"city": "Köln"},
        }
    ]
    [headers] = inbox.headers
    assert headers["idempotency-key"] == headers["webhook-id"] == "c-1"
    assert headers["content-type"] == "application/json"


def test_command_that_comes_twice_is_posted_once(tmp_path: Path, inbox: Receiver) -> None:
    first, again = delivered(tmp_path, hook(inbox.url()), hook(inbox.url()))[0]
    assert first == again
    assert inbox.ids == ["c-1"]


@pytest.mark.parametrize(
    ("secrets", "trusted"), [((OLD_SECRET, SECRET), 1), ((SECRET,), 1), ((OLD_SECRET,), 0)]
)
def test_receiver_trusts_where_any_of_the_secrets_is_its_own(
    tmp_path: Path, inbox: Receiver, secrets: tuple[str, ...], trusted: int
) -> None:
    delivered(tmp_path, hook(inbox.url()), secrets=secrets)
    assert (len(inbox.posts), inbox.refused) == (trusted, 1 - trusted)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_refusal_is_final_after_one_attempt(tmp_path: Path, inbox: Receiver, status: int) -> None:
    said, _ = post(tmp_path, inbox.url(f"/status/{status}"))
    assert said == ("failed", f"http-{status}", 1)
    assert len(inbox.bodies) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_failure_is_tried_again(tmp_path: Path, inbox: Receiver, status: int) -> None:
    said, _ = post(tmp_path, inbox.url(f"/first/{status}"))
    assert said == ("sent", "http-200", 2)
    assert inbox.bodies[0] == inbox.bodies[1]
    assert inbox.ids == ["c-1"] * 2


def test_attempts_are_bounded(tmp_path: Path, inbox: Receiver) -> None:
    said, waits = post(tmp_path, inbox.url("/status/503"))
    assert said == ("failed", "http-503", 3)
    assert len(inbox.bodies) == 3
    assert 0.25 <= waits[0] <= 0.5 <= waits[1] <= 1.0


def test_receiver_may_ask_to_wait_longer(tmp_path: Path, inbox: Receiver) -> None:
    assert post(tmp_path, inbox.url("/later/7")) == (("sent", "http-200", 2), [7.0])


@pytest.mark.parametrize("asked", ["1000000000", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_receiver_may_not_ask_to_wait_for_ever(tmp_path: Path, inbox: Receiver, asked: str) -> None:
    said = post(tmp_path, inbox.url("/later/" + quote(asked)))
    assert said == (("sent", "http-200", 2), [60.0])


@pytest.mark.parametrize("asked", ["-5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "0"])
def test_nonsense_in_retry_after_changes_nothing(
    tmp_path: Path, inbox: Receiver, asked: str
) -> None:
    said, [wait] = post(tmp_path, inbox.url("/later/" + quote(asked)))
    assert said == ("sent", "http-200", 2)
    assert 0.25 <= wait <= 0.5


def test_redirect_is_not_followed(tmp_path: Path, inbox: Receiver) -> None:
    assert post(tmp_path, inbox.url("/redirect"))[0] == ("failed", "http-302", 1)
    assert inbox.seen == {"/redirect": 1}


def test_answer_that_does_not_come_leaves_it_unknown(tmp_path: Path, inbox: Receiver) -> None:
    said, _ = post(tmp_path, inbox.url("/slow"), read_timeout_ms=50)
    assert said == ("unknown", "time-out", 3)
    assert inbox.ids == ["c-1"] * 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/drop", ("unknown", "connection-lost", 3)), ("/drop-first", ("sent", "http-200", 2))],
)
def test_connection_that_is_cut_after_the_post_is_settled_by_a_repeat(
    tmp_path: Path, inbox: Receiver, path: str, expected: tuple[str, str, int]
) -> None:
    assert post(tmp_path, inbox.url(path))[0] == expected


def test_endless_answer_is_read_to_a_bound(tmp_path: Path, inbox: Receiver) -> None:
    assert post(tmp_path, inbox.url("/huge"))[0] == ("sent", "http-200", 1)


def test_cookies_are_not_kept(tmp_path: Path, inbox: Receiver) -> None:
    delivered(tmp_path, hook(inbox.url()), hook(inbox.url(), "c-2"))
    assert len(inbox.headers) == 2
    assert not any("cookie" in headers for headers in inbox.headers)


def test_nobody_listening_is_a_failure_not_unknown(tmp_path: Path) -> None:
    with receiver() as gone:
        url = gone.url()
    assert post(tmp_path, url)[0] == ("failed", "connect-failed", 3)


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (None, "url-missing"),
        ("http://127.0.0.1/", "address-refused"),
        ("http://10.0.0.1:22/", "port-refused"),
        ("ftp://example.com/", "scheme-refused"),
    ],
)
def test_address_that_may_not_be_called_fails_at_once(
    tmp_path: Path, url: str | None, detail: str
) -> None:
    ports = http.Options().ports
    said, waits = post(tmp_path, url, allow_private=False, ports=ports)
    assert (said, waits) == (("failed", detail, 1), [])


OWN = {"Authorization": "Bearer {{ secrets.CRM }}", "X-Shop": "berlin"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_webhook_is_asked_and_signed_as_its_definition_says(
    tmp_path: Path, inbox: Receiver, method: str
) -> None:
    [entry], _ = delivered(tmp_path, hook(inbox.url(), method=method, headers=OWN))
    assert (entry.state, entry.detail) == ("sent", "http-200")
    assert (inbox.methods, inbox.refused) == ([method], 0)
    [headers], [body] = inbox.headers, inbox.bodies
    assert (headers["authorization"], headers["x-shop"]) == ("Bearer a token", "berlin")
    assert headers["idempotency-key"] == headers["webhook-id"] == "c-1"
    assert ("content-type" in headers, body == b"") == (method != "GET", method == "GET")


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"headers": {"A": "{{ secrets.OTHER }}"}}, "secret-unknown"),
        ({"headers": {"A": "b\r\nC: d"}}, "header-invalid"),
        ({"headers": {"Webhook-Signature": "v1,a"}}, "header-invalid"),
        ({"headers": {"A\nB": "c"}}, "header-invalid"),
        ({"method": "TRACE"}, "method-invalid"),
    ],
)
def test_command_that_asks_for_what_no_webhook_may_say_fails(
    tmp_path: Path, inbox: Receiver, changes: dict[str, Any], detail: str
) -> None:
    [entry], _ = delivered(tmp_path, hook(inbox.url(), **changes))
    assert (entry.state, entry.detail, inbox.bodies) == ("failed", detail, [])


def test_secret_is_in_no_log_and_no_answer(
    tmp_path: Path, inbox: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    [entry], _ = delivered(tmp_path, hook(inbox.url("/status/400"), headers=OWN))
    assert entry.state == "failed"
    assert "a token" not in caplog.text + repr(entry)
