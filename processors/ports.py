"""What the shell needs from the world, as shapes: whoever fits one can be wired in by `app`.

Connectors satisfy these without knowing them; mypy proves it where they are wired.
"""

from typing import Any, Literal, Protocol

import msgspec

from schemas.commands import Command
from schemas.outcomes import Outcome


class Clock(Protocol):
    """The wall clock. It decides only how soon something is done, never what."""

    def now_ms(self) -> int:
        """Returns the time in ms since the epoch."""
        ...


class Sender(Protocol):
    """Carries out the commands of one channel.

    Guarantees:
        Sending a command again does no harm: its id travels as the idempotency key.
        Never blocks the event loop; calls may overlap.
    """

    @property
    def channel(self) -> str:
        """Name of the channel, as in the topic `commands.<channel>`."""
        ...

    async def send(self, command: Command) -> Outcome:
        """Returns what came of the command, after as many bounded attempts as it takes.

        A message that the other side refuses is an outcome, not an error.

        Raises:
            OSError: the channel as a whole does not work now (disk full, no network of our own):
                nothing was decided about this command, ask again later.
        """
        ...

    async def close(self) -> None:
        """Lets go of files and connections; nothing can be sent afterwards."""
        ...


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far a process is, for those who route work to it."""

    state: Literal["starting", "restoring", "running", "stopping"]
    progress: dict[str, Any] = {}
    """Numbers for people, such as records restored and records to restore."""

    @property
    def ready(self) -> bool:
        """Whether it does its work now."""
        return self.state == "running"
