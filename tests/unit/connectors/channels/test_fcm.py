"""What FCM is asked, and what its codes mean."""

import contextlib
from collections.abc import Iterator

import pytest

from connectors import http
from connectors.channels.fcm import SCOPE, Fcm
from tests.providers.messengers import message
from tests.providers.pushers import TokenService, tokens
from tests.providers.scripted import Said
from tests.providers.scripted import send as scripted
from tests.providers.servers import Answer, Fake, answer, serving

TAKEN = answer(200, {"name": "projects/shop/messages/1"})
PUSH = message(
    "push",
    "c-1",
    to="token-1",
    subject="Hallo",
    text="Ada",
    url="https://shop.example/",
    image="https://shop.example/a.png",
    data={"order": 7, "from_shop": "a"},
)


@pytest.fixture
def bank() -> Iterator[Fake]:
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(serving(TokenService(SCOPE)))


def send(bank: Fake, *answers: Answer, **changes: object) -> Said:
    def make(one: http.Client, url: str) -> Fcm:
        return Fcm(one, tokens(one, bank.url, SCOPE), "shop", now_ms=lambda: 0, url=url)

    fields = {name: getattr(PUSH, name) for name in PUSH.__struct_fields__} | changes
    return scripted(make, type(PUSH)(**fields), answers=list(answers))


def test_notification_and_data_go_together(bank: Fake) -> None:
    said = send(bank, TAKEN)

    assert said.request.json["message"] == {
        "token": "token-1",
        "notification": {"title": "Hallo", "body": "Ada", "image": "https://shop.example/a.png"},
        "data": {"order": "7", "from_shop": "a", "url": "https://shop.example/"},
        "android": {"notification": {"tag": "c-1"}},
        "apns": {"headers": {"apns-collapse-id": "c-1"}},
        "webpush": {"fcm_options": {"link": "https://shop.example/"}},
    }
    assert (said.reply.fate, said.reply.provider_id) == ("accepted", "projects/shop/messages/1")


def failed(status: int, code: str, **headers: str) -> Answer:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": "other"}, {"@type": kind, "errorCode": code}]
    return answer(status, {"error": {"status": "X", "details": details}}, **headers)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "UNREGISTERED", ("refused", "hard-bounce")),
        (403, "SENDER_ID_MISMATCH", ("refused", None)),
        (400, "INVALID_ARGUMENT", ("refused", None)),
        (429, "QUOTA_EXCEEDED", ("passing", None)),
        (503, "UNAVAILABLE", ("passing", None)),
        (500, "INTERNAL", ("passing", None)),
        (401, "THIRD_PARTY_AUTH_ERROR", ("passing", None)),
    ],
)
def test_codes_say_what_is_for_good(
    bank: Fake, status: int, code: str, expected: tuple[str, str | None]
) -> None:
    reply = send(bank, failed(status, code)).reply

    assert (reply.fate, reply.suppresses, reply.detail) == (*expected, code)


def test_quota_waits_a_minute_where_google_does_not_say(bank: Fake) -> None:
    assert send(bank, failed(429, "QUOTA_EXCEEDED")).reply.retry_after_ms == 60_000
    given = failed(429, "QUOTA_EXCEEDED", Retry_After="5")
    assert send(bank, given).reply.retry_after_ms == 5_000


def test_status_stands_in_for_the_code(bank: Fake) -> None:
    given = answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}})

    assert send(bank, given).reply.fate == "passing"


@pytest.mark.parametrize("key", ["from", "message_type", "gcm.x", "google_y"])
def test_key_that_google_keeps_for_itself_is_refused(bank: Fake, key: str) -> None:
    assert send(bank, data={key: 1}).reply.detail == "data-key-reserved"


def test_payload_is_measured_before_anything_is_asked(bank: Fake) -> None:
    said = send(bank, text="ü" * 2_048)

    assert (said.reply.fate, said.reply.detail) == ("refused", "payload-too-large")
    assert bank.requests == []


def test_device_of_another_platform_is_refused(bank: Fake) -> None:
    assert send(bank, headers={"platform": "apns"}).reply.detail == "platform-other"
    assert send(bank, TAKEN, headers={"platform": "fcm"}).reply.fate == "accepted"


def test_address_that_is_no_https_is_no_link(bank: Fake) -> None:
    sent = send(bank, TAKEN, url="shop://order/7").request.json["message"]

    assert "webpush" not in sent
    assert sent["data"]["url"] == "shop://order/7"


def test_without_a_token_nothing_is_sent(bank: Fake) -> None:
    bank.faults.append("refused")

    said = send(bank)

    assert (said.reply.fate, said.reply.detail) == ("passing", "token-http-400")
