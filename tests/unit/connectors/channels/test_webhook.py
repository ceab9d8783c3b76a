"""What a webhook says, and which secrets sign it; how it is posted is in tests/contract."""

import json
from base64 import b64encode

import pytest

from connectors import http
from connectors.channels.webhook import WebhookSender, body
from connectors.errors import BadSetting
from tests.builders import command

SECRET = "whsec_" + b64encode(b"0123456789abcdef01234567").decode()
COMMAND = command(at=1_714_566_896_789, url="https://example.com/hook", traits={"city": "Köln"})


def make(*secrets: str) -> WebhookSender:
    return WebhookSender(http.Client(http.Options(), lambda: 0), secrets, now_ms=lambda: 0)


def test_body_is_the_same_every_time() -> None:
    assert body(COMMAND, with_traits=True) == body(COMMAND, with_traits=True)


def test_traits_stay_at_home_where_the_setting_says_so() -> None:
    assert "traits" in json.loads(body(COMMAND, with_traits=True))
    assert "traits" not in json.loads(body(COMMAND, with_traits=False))
    assert "Köln" not in body(COMMAND, with_traits=False).decode()


def test_command_without_a_body_has_empty_data() -> None:
    assert json.loads(body(COMMAND, with_traits=False))["data"] == {}


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


def test_sender_needs_a_secret_and_takes_four_at_most() -> None:
    with pytest.raises(BadSetting):
        make()
    with pytest.raises(BadSetting):
        make(*[SECRET] * 5)


def test_secret_is_not_in_what_the_sender_shows_of_itself() -> None:
    sender = make(SECRET)

    assert SECRET.removeprefix("whsec_") not in repr(sender) + repr(vars(sender))
