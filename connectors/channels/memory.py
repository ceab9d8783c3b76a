"""Keeps what it is told to send: for tests, and for those who try definitions out."""

from collections.abc import Callable

from connectors.outcomes import conclude
from schemas.commands import Command
from schemas.outcomes import Outcome


class MemorySender:
    """Remembers commands, a `Sender` by shape."""

    def __init__(self, channel: str, *, now_ms: Callable[[], int]) -> None:
        self.channel = channel
        self.sent: dict[str, Command] = {}
        """By id, in the order of their first sending."""
        self._now_ms = now_ms

    async def send(self, command: Command) -> Outcome:
        """Returns that it was sent; a repeat changes nothing."""
        self.sent.setdefault(command.id, command)
        return conclude(command, "sent", "kept", attempts=1, at=self._now_ms())

    async def close(self) -> None:
        """Does nothing."""
