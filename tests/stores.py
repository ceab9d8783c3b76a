"""A senders' database for one test, in simulated time: SQLite in a file, or a real Postgres."""

import asyncio
import contextlib
from collections.abc import Iterator

from sqlalchemy import text

from connectors.stores import migrating
from connectors.stores.engines import Database
from schemas.intents import Gate, Intent


class Time:
    """A clock, and what takes the place of sleeping: it moves the clock."""

    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1000)
        await asyncio.sleep(0)


@contextlib.contextmanager
def opened(url: str, *, connections: int = 4) -> Iterator[Database]:
    """Gives a database that is up to date."""
    database = Database(url, connections=connections)
    migrating.upgrade(database)
    try:
        yield database
    finally:
        database.close()


def intent(one: str = "c-1", profile_id: str = "ada", *, transactional: bool = False) -> Intent:
    return Intent(
        id=one,
        command_id=one,
        profile_id=profile_id,
        channel="email",
        topic="news",
        transactional=transactional,
        definition_id="welcome",
        step="0",
    )


def gate(one: str = "c-1", epoch: int = 1) -> Gate:
    return Gate(id=one, epoch=epoch, provider="ses", promise="key")


def states(database: Database) -> dict[str, str]:
    """Returns the state of each message in the ledger."""
    ask = text("select command_id, state from ledger")
    return database.run_now(lambda one: {key: state for key, state in one.execute(ask)})
