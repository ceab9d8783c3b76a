"""Takes commands from the log: what can not be read goes to the dead letters, and nothing is lost.

First in a sender's flow. Whatever does not work now is tried again until it does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from processors.delivery.routes import Sleep
from processors.metrics import Counter, Metrics
from schemas import codec
from schemas.commands import Command
from schemas.errors import BadRecord, SchemasUnavailable
from schemas.letters import DeadLetter, Headers, Record

Found = TypeVar("Found")
Publish = Callable[[bytes | None, bytes | None, Headers], Awaitable[None]]
"""Produces key, value and headers, and waits until Kafka has them; OSError where it has not."""

MOST_CHARS = {
    "id": 64,
    "profile_id": 512,
    "topic": 200,
    "topics": 200,
    "definition_id": 200,
    "step": 200,
    "template": 200,
}
"""As much of each field as the ledger holds, and what is kept beside it; of lists, of each."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is taken in, and how patiently."""

    name: str
    """Of the sender, for its metrics."""
    channels: Collection[str]
    """Whose commands it takes."""
    schemas: codec.SchemaSource | None = None
    """For commands in Avro."""
    retry_ms: int = 1_000
    """First wait where something does not work at all; doubles from there."""
    retry_max_ms: int = 60_000


class Intake:
    """Reads the commands of a sender."""

    def __init__(
        self,
        options: Options,
        dead: Publish,
        *,
        metrics: Metrics,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._options = options
        self._dead = dead
        self._metrics = metrics
        self._sleep = sleep

    async def read(self, record: Record) -> Command | None:
        """Returns the command; None once Kafka has it as a dead letter."""
        return await self.take(record, self._read)

    async def take(self, record: Record, read: Callable[[Record], Found]) -> Found | None:
        """Returns what is read of a record; None once Kafka has it as a dead letter."""

        async def ask() -> Found:
            return read(record)

        try:
            return await self.until_it_works(ask)
        except BadRecord as bad:
            await self._bury(record, bad)
            return None

    async def until_it_works(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        """Returns what is answered, however long it takes."""
        wait_ms = self._options.retry_ms
        while True:
            try:
                return await ask()
            except (OSError, SchemasUnavailable) as error:
                logger.warning("does not work, trying again", extra={"error_type": repr(error)})
            self._metrics.add(Counter.SEND_RETRIES, 1, self._options.name)
            await self._sleep(wait_ms / 1000)
            wait_ms = min(2 * wait_ms, self._options.retry_max_ms)

    def _read(self, record: Record) -> Command:
        command = codec.decode_command(record.value, schemas=self._options.schemas)
        if command.channel not in self._options.channels:
            raise BadRecord("channel-mismatch", "the command is for another channel")
        for name, most in MOST_CHARS.items():
            found = getattr(command, name)
            for value in found if isinstance(found, list) else [found]:
                if value is not None and (len(value) > most or "\0" in value):
                    said = f"{name} is longer than {most}, or holds a NUL"
                    raise BadRecord("field-invalid", said)
        return command

    async def _bury(self, record: Record, bad: BadRecord) -> None:
        letter = DeadLetter(record, bad.reason, str(bad))
        await self.until_it_works(partial(self._dead, record.key, letter.value(), letter.headers()))
        self._metrics.add(Counter.DEAD_LETTERS, 1, bad.reason)
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        logger.warning("a command can not be read", extra={"reason": bad.reason, **where})
