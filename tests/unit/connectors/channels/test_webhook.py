"""What a webhook says, and which secrets sign it; how it is posted is in tests/contract."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from connectors import http
from connectors.channels.webhook import WebhookProvider
from connectors.errors import BadSetting
from schemas.messages import Reply
from tests.providers.cases import client
from tests.providers.messengers import message
from tests.providers.scripted import Said, Scripted
from tests.providers.servers import Answer, answer, serving

SECRET = "whsec_" + b64encode(b"0123456789abcdef01234567").decode()


def make(*secrets: str) -> WebhookProvider:
    return WebhookProvider(http.Client(http.Options()), secrets, now_ms=lambda: 0)


def test_secret_may_come_without_prefix_and_padding() -> None:
    make(
        SECRET, SECRET.removeprefix("whsec_"), "whsec_" + b64encode(b"x" * 25).decode().rstrip("=")
    )


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_not base64!",
        "whsec_" + b64encode(b"x" * 23).decode(),
        "whsec_" + b64encode(b"x" * 65).decode(),
        "whsec_ümlaut",
    ],
)
def test_weak_or_broken_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(BadSetting) as caught:
        make(secret)

    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert secret.removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in shown


def test_provider_needs_a_secret_and_takes_four_at_most() -> None:
    with pytest.raises(BadSetting):
        make()
    with pytest.raises(BadSetting):
        make(*[SECRET] * 5)


def test_secret_is_not_in_what_the_provider_shows_of_itself() -> None:
    one = make(SECRET)

    assert SECRET.removeprefix("whsec_") not in repr(one) + repr(vars(one))


def post(*answers: Answer) -> Said:
    async def run(url: str) -> list[Reply]:
        one = WebhookProvider(client(), [SECRET], now_ms=lambda: 1_700_000_000_000)
        given = message("webhook", "c-1", url=url, data={"b": 1, "a": "ü"})
        try:
            return [await one.send(given) for _ in answers]
        finally:
            await one.close()

    with serving(Scripted(list(answers))) as fake:
        return Said(asyncio.run(run(f"{fake.url}/hook")), fake.requests)


def test_provider_posts_the_data_signed_the_same_for_each_repeat() -> None:
    said = post(answer(500, {}), answer(200, {"next": "go"}))

    first, second = said.requests
    assert first.body == second.body
    assert first.json == {
        "id": "c-1",
        "type": "command",
        "profile_id": "ada",
        "definition_id": "welcome",
        "step": "0",
        "data": {"b": 1, "a": "ü"},
    }
    assert first.headers["webhook-id"] == first.headers["idempotency-key"] == "c-1"
    assert first.headers["webhook-timestamp"] == "1700000000"
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    signature = Webhook(SECRET).sign("c-1", at, first.body.decode())
    assert first.headers["webhook-signature"] == signature
    assert [reply.fate for reply in said.replies] == ["passing", "accepted"]
    assert said.replies[1].answer == '{"next":"go"}'


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "refused") for status in (302, 400, 401, 404, 410, 422)),
        *((status, "passing") for status in (408, 425, 429, 500, 502, 504)),
    ],
)
def test_provider_leaves_the_word_to_the_receiver(status: int, expected: str) -> None:
    assert post(Answer(status)).reply.fate == expected


def test_provider_tells_how_long_the_receiver_asks_to_wait() -> None:
    assert post(answer(429, {}, Retry_After="7")).reply.retry_after_ms == 7_000


def test_provider_refuses_addresses_that_are_none_or_inside() -> None:
    given = [message("webhook", "c-1"), message("webhook", "c-1", url="https://127.0.0.1/")]

    async def run() -> list[str]:
        one = WebhookProvider(http.Client(http.Options()), [SECRET], now_ms=lambda: 0)
        found = [await one.send(each) for each in given]
        assert await one.look_up(given[0]) is None
        await one.close()
        assert {reply.fate for reply in found} == {"refused"}
        return [reply.detail for reply in found]

    assert asyncio.run(run()) == ["url-missing", "address-refused"]
