"""The sender that only remembers."""

import asyncio

from connectors.channels.memory import MemorySender
from schemas.commands import Command


def test_first_of_two_commands_with_one_id_is_kept() -> None:
    first, second = (
        Command(
            id="c-1",
            channel="email",
            profile_id=profile_id,
            definition_id="d",
            version="v",
            step="0",
            occurrence="m",
            at=1,
        )
        for profile_id in ("ada", "bob")
    )
    sender = MemorySender("email", now_ms=lambda: 5)

    async def run() -> None:
        await sender.send(first)
        await sender.send(second)

    asyncio.run(run())

    assert sender.sent == {"c-1": first}
    assert sender.channel == "email"
