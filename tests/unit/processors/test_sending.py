"""What a sender makes messages by: only what is rendered waits for templates, and for a process."""

import asyncio
from typing import Any

import pytest

from processors import sending
from processors.settings import Settings
from tests.unit.content.builders import command


def test_webhook_without_values_is_made_before_any_template_is_read() -> None:
    async def made(**keys: Any) -> Any:
        contents = sending.contents_of(Settings())
        said = {"template": None, "url": "https://a.example", "body": {"a": "{{ plan }}"}}
        order = command("webhook", **(said | keys))
        task = asyncio.ensure_future(sending.composing(contents)(order))
        await asyncio.sleep(0)
        task.cancel()  # changes nothing where it is done
        [message] = await task
        return message.data

    assert asyncio.run(made()) == {"a": "{{ plan }}"}
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(made(has_values=True))
