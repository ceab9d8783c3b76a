"""Templates, commands and messages for tests of content: change only what matters."""

from collections.abc import Mapping
from typing import Any

import pytest

from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.links import Links
from processors.content.rendering import Renderer
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.builders import T0

ANN = {"email": "ann@example.com", "phone": "+4915112345678", "first_name": "Ann"}
NOTICE = {"title": "Hi {{ first_name }}", "body": "Look"}


def template(channel: str = "email", **keys: Any) -> dict[str, Any]:
    """Returns a template; of a mail, unless said otherwise. None leaves a key out."""
    mail = {"subject": "Hello", "html": "<p>Hello</p>"} if channel == "email" else {}
    said = {"kind": "template", "id": "hello", "name": "Hello", "channel": channel, **mail, **keys}
    return {key: value for key, value in said.items() if value is not None}


def partial(id: str, **keys: Any) -> dict[str, Any]:
    return {"kind": "partial", "id": id} | keys


def command(channel: str = "email", **keys: Any) -> Command:
    said: dict[str, Any] = {
        "id": "00000000-0000-5000-8000-000000000001",
        "channel": channel,
        "profile_id": "ann",
        "definition_id": "greet",
        "version": "v",
        "step": "0",
        "occurrence": "m",
        "at": T0,
        "template": "hello",
        "traits": ANN,
    }
    return Command(**(said | keys))


def compose(
    *written: Mapping[str, Any],
    order: Command | None = None,
    links: Links | None = None,
    options: Options | None = None,
) -> Message:
    """Returns the one message that templates make of a command; by default of the first's."""
    renderer = Renderer(Library(written), links=links, options=options)
    (made,) = renderer.compose(order or command(channel=written[0]["channel"]))
    return made


def refusal(*written: Mapping[str, Any], **keys: Any) -> tuple[str, str, bool]:
    """Returns why no message can be made: reason, detail, and whether it is held."""
    with pytest.raises(Unsendable) as caught:
        compose(*written, **keys)
    return caught.value.reason, caught.value.detail, caught.value.is_held


class Ours:
    """Links of ours, `Links` by shape."""

    def __init__(self, pixel: str | None = "https://b.example/o.gif") -> None:
        self._pixel = pixel

    def unsubscribe(self, command: Command) -> str:
        return f"https://b.example/u/{command.id}"

    def preferences(self, command: Command) -> str:
        return f"https://b.example/p/{command.id}"

    def confirm(self, command: Command) -> str:
        return f"https://b.example/k/{command.id}"

    def view(self, command: Command) -> str:
        return f"https://b.example/v/{command.id}"

    def click(self, command: Command, url: str) -> str:
        return f"https://b.example/c?u={url}"

    def pixel(self, command: Command) -> str | None:
        return self._pixel
