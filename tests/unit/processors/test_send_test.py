"""One message to an address of one's own, over real SMTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.relay import SENDER, Relay, relay
from tests.unit.processors.commands import beckon

MESSAGES = Path(__file__).parents[3] / "examples" / "messages"


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """A relay to which the settings lead."""
    with relay() as found:
        settings = {
            "SENDERS__EMAIL": "smtp",
            "SMTP__HOST": "127.0.0.1",
            "SMTP__PORT": str(found.port),
            "SMTP__SECURITY": "plain",
            "SMTP__ALLOW_PLAIN": "true",
            "SMTP__SENDER": SENDER,
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"BECKON_{name}", value)
        yield found


def test_mail_comes_marked_as_a_test(postbox: Relay) -> None:
    words = ("send-test", "welcome", "--definitions", MESSAGES, "--locale", "de")
    done = beckon(*words, "--to", "me@example.com")
    assert done.exit_code == 0, done.stderr
    assert "smtp has taken it for me@example.com" in done.stdout
    (mail,) = postbox.mails
    assert (mail["To"], mail["Subject"]) == ("me@example.com", "[Test] Willkommen!")
    parts = [each.get_content_type() for each in mail.walk() if not each.is_multipart()]
    assert parts == ["text/plain", "text/html"]


def test_mail_that_is_refused_says_so(postbox: Relay) -> None:
    postbox.refusals["rcpt"] = "550 5.1.1 no such user"
    words = ("send-test", "welcome", "--definitions", MESSAGES)
    done = beckon(*words, "--to", "me@example.com")
    assert done.exit_code == 1
    assert "smtp has not taken it: refused, " in done.stderr


@pytest.mark.parametrize(
    "to", ["me", "a@b.example, c@d.example", "a@b.example\r\nBcc: x@y.example"]
)
def test_what_is_no_address_gets_nothing(to: str, postbox: Relay) -> None:
    done = beckon("send-test", "welcome", "--definitions", MESSAGES, "--to", to)
    assert done.exit_code == 1
    assert "address-invalid: email" in done.stderr
    assert postbox.raw == []
