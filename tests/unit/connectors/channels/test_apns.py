"""What Apple is asked over HTTP/2, when its token is renewed, and what its reasons mean."""

import asyncio
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.channels import apns
from connectors.channels.apns import Apns, Key
from connectors.errors import BadSetting
from connectors.http2 import Client
from schemas.messages import Message, Reply
from tests.providers import http2
from tests.providers.cases import bounds
from tests.providers.messengers import message
from tests.providers.pushers import APPLE_KEY, DEVICE

KEY = Key("KEY1234567", "TEAM123456", APPLE_KEY)
ID = "5b6e8c1d-6265-5636-8b6f-6e0000000001"
PUSH = message("push", ID, to=DEVICE, subject="Hallo", text="Ada", data={"order": 7})


class Clock:
    """A clock that is moved by hand."""

    now = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.now


def send(
    fake: http2.Apple, *messages: Message, clock: Clock | None = None, later_ms: int = 0
) -> list[Reply]:
    time = clock or Clock()

    async def run() -> list[Reply]:
        one = Apns(Client(bounds()), KEY, topic="com.example", now_ms=time.now_ms, url=fake.url)
        found = []
        for each in messages:
            found.append(await one.send(each))
            time.now += later_ms
        await one.close()
        return found

    return asyncio.run(run())


def test_notification_is_posted_over_http_2() -> None:
    with http2.serving(APPLE_KEY.public_key()) as fake:
        [reply] = send(fake, PUSH)

    [headers], [payload] = fake.headers, fake.payloads
    assert headers[":path"] == f"/3/device/{DEVICE}"
    assert (headers["apns-topic"], headers["apns-push-type"]) == ("com.example", "alert")
    assert (headers["apns-id"], headers["apns-collapse-id"]) == (ID, ID)
    alert = {"title": "Hallo", "body": "Ada"}
    assert payload == {"aps": {"alert": alert, "sound": "default"}, "order": 7}
    assert (reply.fate, reply.provider_id) == ("accepted", ID)


def test_picture_and_address_are_for_the_app() -> None:
    rich = message("push", ID, to=DEVICE, url="https://a.example", image="https://a.example/i.png")

    with http2.serving(APPLE_KEY.public_key()) as fake:
        send(fake, rich)

    [payload] = fake.payloads
    assert payload["aps"]["mutable-content"] == 1
    assert (payload["url"], payload["image"]) == ("https://a.example", "https://a.example/i.png")


def test_gone_device_is_suppressed() -> None:
    with http2.serving(APPLE_KEY.public_key()) as fake:
        fake.answers.append("gone")
        [reply] = send(fake, PUSH)

    assert (reply.fate, reply.detail) == ("refused", "Unregistered")
    assert reply.suppresses == "hard-bounce"


def test_token_is_kept_for_forty_minutes() -> None:
    with http2.serving(APPLE_KEY.public_key()) as fake:
        send(fake, *[PUSH] * 5, later_ms=15 * 60_000)

    made = [headers["authorization"] for headers in fake.headers]
    assert made[0] == made[1] == made[2] != made[3] == made[4]


def test_expired_token_is_made_anew_but_not_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(http2.ANSWERS, "expired", (403, {"reason": "ExpiredProviderToken"}, {}))
    with http2.serving(APPLE_KEY.public_key()) as fake:
        fake.answers += ["expired"] * 3
        replies = send(fake, *[PUSH] * 4, later_ms=12 * 60_000)

    assert [reply.fate for reply in replies] == ["passing"] * 3 + ["accepted"]
    made = [headers["authorization"] for headers in fake.headers]
    assert made[0] == made[1] == made[2] != made[3]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"to": "../../3/device/x"}, "token-invalid"),
        ({"to": ""}, "token-invalid"),
        ({"data": {"aps": {}}}, "data-key-reserved"),
        ({"text": "ü" * 2_048}, "payload-too-large"),
        ({"headers": {"platform": "fcm"}}, "platform-other"),
    ],
)
def test_message_that_apple_would_not_take_is_not_sent(
    changes: dict[str, object], detail: str
) -> None:
    with http2.serving(APPLE_KEY.public_key()) as fake:
        [reply] = send(fake, message("push", ID, **{"to": DEVICE, **changes}))

    assert (reply.fate, reply.detail) == ("refused", detail)
    assert fake.headers == []


def test_id_is_a_uuid_and_the_same_for_each_repeat() -> None:
    assert apns.apns_id(ID) == ID
    assert apns.apns_id("c-1") == apns.apns_id("c-1") != apns.apns_id("c-2")


def test_key_file_is_read_and_others_are_refused() -> None:
    pem = APPLE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert apns.read_key(pem, id_="k", team_id="t").id == "k"

    others = [
        each.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for each in (
            rsa.generate_private_key(65_537, 2_048),
            ec.generate_private_key(ec.SECP384R1()),
        )
    ]
    for text in (b"s3cret", json.dumps({}).encode(), *others):
        with pytest.raises(BadSetting) as caught:
            apns.read_key(text, id_="k", team_id="t")
        assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
