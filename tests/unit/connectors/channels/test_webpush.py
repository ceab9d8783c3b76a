"""Push messages that only their browser can read, and what push services answer."""

import asyncio
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from connectors import http
from connectors.channels import webpush
from connectors.channels.webpush import Keys, WebPush
from connectors.errors import BadSetting
from schemas.messages import Message, Reply
from tests.providers.cases import client
from tests.providers.messengers import message
from tests.providers.pushers import VAPID, Browser
from tests.providers.scripted import Scripted, send
from tests.providers.servers import Answer, serving

PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"


def test_encryption_is_that_of_the_rfc() -> None:
    """Source: RFC 8291, appendix A."""
    keys = Keys(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    private = ec.derive_private_key(int.from_bytes(webpush.decode(PRIVATE), "big"), ec.SECP256R1())

    found = webpush.encrypt(
        b"When I grow up, I want to be a watermelon",
        keys,
        private=private,
        salt=webpush.decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert webpush.encode(found) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=webpush.MAX_PLAIN_BYTES))
def test_record_of_the_longest_message_is_short_enough(plain: bytes) -> None:
    keys = Keys(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )

    found = webpush.encrypt(plain, keys, private=VAPID.private, salt=bytes(16))

    assert len(found) == 86 + len(plain) + 1 + 16 <= 4_096


def push(browser: Browser, url: str, **changes: Any) -> Message:
    return message("push", "c-1", to=browser.subscription(url), **changes)


def ask(given: Answer, **changes: Any) -> tuple[Reply, dict[str, str]]:
    """Returns the reply to a message whose push service answers so, and what that was sent."""

    async def run(to: str) -> Reply:
        one = WebPush(client(), VAPID, now_ms=lambda: 1_700_000_000_000)
        try:
            return await one.send(message("push", "c-1", **{"to": to, **changes}))
        finally:
            await one.close()

    with serving(Scripted([given])) as fake:
        reply = asyncio.run(run(Browser().subscription(fake.url)))
        return reply, dict(fake.requests[0].headers) if fake.requests else {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (201, ("accepted", None)),
        (404, ("refused", "hard-bounce")),
        (410, ("refused", "hard-bounce")),
        (400, ("refused", None)),
        (403, ("refused", None)),
        (413, ("refused", None)),
        (429, ("passing", None)),
        (500, ("passing", None)),
        (502, ("unknown", None)),
    ],
)
def test_status_says_what_became_of_it(status: int, expected: tuple[str, str | None]) -> None:
    reply, _ = ask(Answer(status))

    assert (reply.fate, reply.suppresses) == expected


def test_headers_say_who_we_are_and_how_long_it_keeps() -> None:
    _, headers = ask(Answer(201))

    token, key = headers["authorization"].removeprefix("vapid t=").split(", k=")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == f"http://{headers['host']}"
    assert claims["sub"] == "mailto:a@example.com"
    assert 0 < claims["exp"] - 1_700_000_000 <= 86_400
    assert key == VAPID.public
    assert (headers["ttl"], headers["content-encoding"]) == ("86400", "aes128gcm")


KEYS = {"p256dh": VAPID.public, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}


@pytest.mark.parametrize(
    "to",
    [
        "",
        "token",
        "{}",
        json.dumps({"endpoint": "https://a.example/", "keys": {**KEYS, "auth": "AAAA"}}),
        json.dumps({"endpoint": "https://a.example/", "keys": {**KEYS, "p256dh": "AAAA"}}),
        json.dumps({"endpoint": "https://a.example/", "keys": {**KEYS, "p256dh": "ü"}}),
        json.dumps({"endpoint": "https://[::1", "keys": KEYS}),
    ],
)
def test_subscription_that_is_none_is_refused(to: str) -> None:
    reply, headers = ask(Answer(201), to=to)

    assert (reply.fate, reply.detail) == ("refused", "subscription-invalid")
    assert headers == {}


def test_address_inside_our_network_is_refused_by_the_guard() -> None:
    said = send(
        lambda _, __: WebPush(http.Client(http.Options()), VAPID, now_ms=lambda: 0),
        push(Browser(), "https://127.0.0.1"),
        push(Browser(), "http://push.example.com"),
        answers=[],
    )

    assert [reply.fate for reply in said.replies] == ["refused"] * 2
    assert [reply.detail for reply in said.replies] == ["address-refused", "scheme-refused"]


def test_message_is_measured_and_its_platform_looked_at() -> None:
    assert ask(Answer(201), text="ü" * 2_000)[0].detail == "payload-too-large"
    assert ask(Answer(201), headers={"platform": "fcm"})[0].detail == "platform-other"


def test_signature_is_made_once_for_each_push_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webpush, "MAX_ORIGINS", 2)
    now = [0]
    one = WebPush(http.Client(http.Options()), VAPID, now_ms=lambda: now[0])

    first = one._token("https://a")
    assert one._token("https://a") == first
    one._token("https://b")
    one._token("https://c")
    assert len(one._tokens) == 1
    third = one._token("https://c")
    now[0] = webpush.JWT_LIFE_MS // 2
    assert one._token("https://c") != third


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        (PRIVATE, "a@example.com"),
        ("AAAA", "mailto:a@b"),
        ("ü", "mailto:a@b"),
        ("A" * 43, "https://a"),
    ],
)
def test_key_and_subject_are_checked_and_not_shown(key: str, subject: str) -> None:
    with pytest.raises(BadSetting) as caught:
        webpush.read_vapid(key, subject)

    assert key not in f"{caught.value!r} {caught.value.__cause__!r}"
