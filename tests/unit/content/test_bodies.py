"""Messages of commands that say all by themselves."""

import msgspec
import pytest

from connectors.channels import webhook
from processors.content import bodies
from schemas.commands import Command
from schemas.errors import Unsendable
from tests.builders import command

COMMAND = msgspec.structs.replace(command(at=1), template=None, url=None)


def made(**changes: object) -> Command:
    return msgspec.structs.replace(COMMAND, **changes)


@pytest.mark.parametrize(
    ("channel", "to"),
    [("email", "ada@example.org"), ("sms", "+491701234567"), ("inbox", COMMAND.profile_id)],
)
def test_message_goes_to_the_address_of_its_channel(channel: str, to: str) -> None:
    traits = {"email": "ada@example.org", "phone": "+491701234567"}
    one = made(channel=channel, traits=traits, body={"title": "Hello", "text": "You", "n": 1})
    found = bodies.message(one)
    assert (found.id, found.to, found.subject, found.text) == (one.id, to, "Hello", "You")
    assert found.data == one.body


def test_webhook_goes_to_its_url() -> None:
    found = bodies.message(made(channel="webhook", url="https://example.org/hook"))
    assert found.to == found.url == "https://example.org/hook"


def test_webhook_posts_all_that_its_receivers_have_always_had() -> None:
    one = made(channel="webhook", url="https://example.org/hook", body={"n": 1}, traits={"a": 2})
    found = bodies.message(one)
    assert msgspec.json.decode(webhook.posted(found)) == {
        "id": one.id,
        "type": "command",
        "timestamp": "1970-01-01T00:00:00.001Z",
        "profile_id": one.profile_id,
        "definition_id": one.definition_id,
        "version": one.version,
        "step": one.step,
        "data": {"n": 1},
        "traits": {"a": 2},
    }


@pytest.mark.parametrize(
    ("changes", "reason", "is_held"),
    [
        ({"channel": "email", "traits": {}}, "address-missing", False),
        ({"channel": "email", "traits": {"email": 7}}, "address-missing", False),
        ({"channel": "webhook"}, "url-missing", False),
        ({"channel": "email", "template": "welcome"}, "template-unknown", True),
    ],
)
def test_what_can_not_be_sent_says_why(
    changes: dict[str, object], reason: str, is_held: bool
) -> None:
    with pytest.raises(Unsendable) as caught:
        bodies.message(made(**changes))
    assert (caught.value.reason, caught.value.is_held) == (reason, is_held)
