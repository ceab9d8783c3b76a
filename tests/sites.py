"""The server of callbacks and tracking on loopback, with a database of its own."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
import sqlalchemy
from sqlalchemy import select

from connectors.channels.inbox import Reader
from connectors.stores import migrating, tables
from connectors.stores.engines import Database
from connectors.stores.postings import Postings
from connectors.stores.views import Views
from processors.api import callbacks, inboxes, serving, tracking
from processors.api.access import Access
from processors.api.callbacks import Desk
from processors.api.serving import Http
from processors.delivery.links import Links
from processors.delivery.notes import Notebook
from processors.delivery.tokens import Keyring
from processors.delivery.topics import Topic
from processors.metrics import Metrics
from processors.ports import Callbacks
from schemas.letters import DeadLetter
from tests.builders import T0

SECRET = b"0123456789abcdef0123456789abcdef"
KEYS = "k1:" + base64.b64encode(SECRET).decode()
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

Found = TypeVar("Found")


@dataclass
class Clock:
    """The time, as a test sets it."""

    now: int = T0

    def now_ms(self) -> int:
        return self.now


@dataclass
class Site:
    """All that a test asks of it."""

    database: Database
    client: httpx2.AsyncClient
    notebook: Notebook
    links: Links
    clock: Clock
    metrics: Metrics
    dead: list[DeadLetter] = field(default_factory=list)
    is_kafka_away: bool = False

    def path(self, address: str) -> str:
        """Returns an address of ours as the client takes it."""
        return "/" + address.partition("://")[2].partition("/")[2]

    async def rows(self, table: sqlalchemy.Table) -> list[dict[str, Any]]:
        """Returns all rows of a table, in the order of its key."""
        asked = select(table).order_by(*table.primary_key)
        return await self.database.run(
            lambda connection: [dict(row._mapping) for row in connection.execute(asked)]
        )

    async def events(self) -> list[dict[str, Any]]:
        """Returns the events that wait for Kafka, by their time and id."""
        held = [row for row in await self.rows(tables.OUTBOX) if row["topic"] == "events"]
        return [
            msgspec.json.decode(row["value"])
            for row in sorted(held, key=lambda one: (one["at"], one["id"]))
        ]

    async def sent(self, command_id: str = "c-1", **columns: Any) -> None:
        """Has the ledger know of a message."""
        await self.database.run(
            lambda connection: connection.execute(
                tables.LEDGER.insert().values(**ledger_row(command_id, **columns))
            )
        )

    async def flush(self) -> None:
        """Has opens and clicks written."""
        await self.notebook.flush(None)


def ledger_row(command_id: str, **columns: Any) -> dict[str, Any]:
    """Returns a row of the ledger: a mail that was sent an hour ago."""
    found = {
        "command_id": command_id,
        "part_of": None,
        "profile_id": "ada",
        "channel": "email",
        "topic": "news",
        "transactional": False,
        "definition_id": "welcome",
        "step": "0",
        "state": "sent",
        "provider": "smtp",
        "provider_id": f"{command_id}@mail",
        "promise": "at-most-once",
        "attempts": 1,
        "detail": "accepted",
        "owner": "",
        "epoch": 1,
        "claimed_at": T0 - 3_600_000,
        "updated_at": T0 - 3_600_000,
    }
    return found | columns


@contextlib.asynccontextmanager
async def site(
    database: Database,
    *,
    known: Sequence[Callbacks] = (),
    topics: Sequence[Topic] = (),
    access: Access | None = None,
) -> AsyncIterator[Site]:
    """Runs the server; ends it cleanly."""
    clock, metrics, store = Clock(), Metrics(), Postings(database)
    keyring = Keyring([("k1", SECRET)], workspace="beckon.")
    notebook = Notebook(store, now_ms=clock.now_ms, metrics=metrics)
    public = "https://mail.shop.example"
    found: list[Site] = []

    async def bury(letter: DeadLetter) -> None:
        if found[0].is_kafka_away:
            raise OSError
        found[0].dead.append(letter)

    desk = Desk(
        {one.name: one for one in known}, store, bury=bury, now_ms=clock.now_ms, metrics=metrics
    )
    parts = tracking.Parts(
        keyring=keyring,
        register=store,
        notebook=notebook,
        topics=lambda: topics,
        public_url=public,
        now_ms=clock.now_ms,
        metrics=metrics,
        views=Views(database),
    )
    routers = [
        callbacks.router(desk, public_url=public, now_ms=clock.now_ms),
        tracking.router(parts),
    ]
    if access is not None:
        reader = Reader(database, now_ms=clock.now_ms)
        routers.append(inboxes.router(inboxes.Parts(access, reader, store, clock.now_ms, metrics)))
    async with (
        Http(routers, options=serving.Options(port=0)) as server,
        httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"User-Agent": BROWSER},
            trust_env=False,
            timeout=30,
        ) as client,
    ):
        found.append(Site(database, client, notebook, Links(keyring, public), clock, metrics))
        yield found[0]


def free() -> int:
    """Returns a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def opened(folder: Path) -> Database:
    """Returns a new database in a file."""
    database = Database(f"sqlite:///{folder}/senders.db")
    migrating.upgrade(database)
    return database


def run(folder: Path, use: Callable[[Site], Awaitable[Found]], **parts: Any) -> Found:
    """Returns what a test's visit to a new site returns."""

    async def visit() -> Found:
        async with site(database, **parts) as found:
            return await use(found)

    database = opened(folder)
    try:
        return asyncio.run(visit())
    finally:
        database.close()
