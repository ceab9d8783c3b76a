"""The inbox: messages that a product shows to its people, kept in the senders' database.

Last in the flow, and read by the API: listed, counted, marked. Promise: key. The message's id is
that of its row, so that a repeat finds it there.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import msgspec
from sqlalchemy import RowMapping, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from connectors.channels import replies
from connectors.stores.engines import Away, Database
from connectors.stores.tables import INBOX
from schemas.messages import Message, Promise, Reply

MAX_CONTENT_BYTES = 65_536
MAX_LISTED = 200


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a person, as a product shows it."""

    id: str
    title: str
    body: str
    url: str | None
    image: str | None
    data: dict[str, Any]
    at: int
    """Ms since the epoch, when it came."""
    read_at: int | None
    """None: unread."""


class Inbox:
    """Lays messages down, a `Provider` by shape.

    Guarantees:
        A message that is called accepted is committed, once.
    """

    name = "inbox"
    channels = ("inbox",)
    promise: Promise = "key"

    def __init__(self, database: Database, *, now_ms: Callable[[], int]) -> None:
        """Takes where to keep them; the database is closed with the provider."""
        self._database = database
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns that it is there, or that the database is not."""
        row = _row(message, self._now_ms())
        if len(msgspec.json.encode(row)) > MAX_CONTENT_BYTES:
            return replies.refused("content-too-large")
        has_null = any("\0" in each for each in row.values() if isinstance(each, str))
        if has_null or not (message.subject or message.text):
            return replies.refused("content-invalid")
        try:
            await self._database.run(lambda connection: put(connection, INBOX, row))
        except Away:
            return Reply(fate="passing", detail="store-away")
        return Reply(fate="accepted", detail="kept", provider_id=message.id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """Closes the database."""
        await asyncio.to_thread(self._database.close)


class Reader:
    """Shows what was laid down, as the API asks for it.

    Raises:
        Away: the database does not answer.
    """

    def __init__(self, database: Database, *, now_ms: Callable[[], int]) -> None:
        """Takes where it is kept; whoever gives the database closes it."""
        self._database = database
        self._now_ms = now_ms

    async def listed(
        self, person: str, *, limit: int, before: tuple[int, str] | None
    ) -> list[Entry]:
        """Returns a person's messages from a place on, the latest first."""
        now_ms = self._now_ms()
        return await self._database.run(
            lambda one: listed(one, person, now_ms=now_ms, limit=limit, before=before)
        )

    async def unread(self, person: str) -> int:
        """Returns how many a person has not read."""
        now_ms = self._now_ms()
        return await self._database.run(lambda one: count_unread(one, person, now_ms=now_ms))

    async def read(self, person: str, id: str) -> bool:
        """Marks one as read; returns whether there is one."""
        now_ms = self._now_ms()

        def mark(connection: Connection) -> bool:
            mark_read(connection, person, [id], at=now_ms)
            return _is_there(connection, person, id, now_ms=now_ms)

        return await self._database.run(mark)

    async def unread_ids(self, person: str, id: str | None = None) -> list[str]:
        """Returns what a person has not read, 200 at most; of one id, if it is given."""
        now_ms = self._now_ms()
        return await self._database.run(lambda one: unread_ids(one, person, now_ms=now_ms, only=id))

    async def mark(self, person: str, ids: Collection[str]) -> int:
        """Marks these as read; returns how many were not."""
        now_ms = self._now_ms()
        return await self._database.run(lambda one: mark_read(one, person, ids, at=now_ms))

    async def delete(self, person: str, id: str) -> bool:
        """Takes one off for good; returns whether there was one."""
        now_ms = self._now_ms()
        return await self._database.run(lambda one: archive(one, person, [id], at=now_ms) > 0)


def listed(
    connection: Connection,
    profile_id: str,
    *,
    now_ms: int,
    limit: int = 50,
    before: tuple[int, str] | None = None,
) -> list[Entry]:
    """Returns the messages of a person, the latest first, without archived and expired ones.

    Args:
        connection: to the senders' database.
        profile_id: whose.
        now_ms: decides what has expired.
        limit: how many at most, up to 200.
        before: `at` and `id` of the last one seen; None: from the latest on.
    """
    chosen = and_(_shown(now_ms), INBOX.c.profile_id == profile_id)
    if before is not None:
        at, id_ = before
        older = or_(INBOX.c.at < at, and_(INBOX.c.at == at, INBOX.c.id < id_))
        chosen = and_(chosen, older)
    asked = select(INBOX).where(chosen).order_by(INBOX.c.at.desc(), INBOX.c.id.desc())
    rows = connection.execute(asked.limit(max(1, min(limit, MAX_LISTED)))).mappings()
    return [_entry(row) for row in rows]


def count_unread(connection: Connection, profile_id: str, *, now_ms: int) -> int:
    """Returns how many messages of a person have not been read."""
    chosen = and_(_shown(now_ms), INBOX.c.profile_id == profile_id, INBOX.c.read_at.is_(None))
    return int(connection.execute(select(func.count()).where(chosen)).scalar_one())


def unread_ids(
    connection: Connection, profile_id: str, *, now_ms: int, only: str | None = None
) -> list[str]:
    """Returns the ids of a person's messages that have not been read, 200 at most."""
    chosen = and_(_shown(now_ms), INBOX.c.profile_id == profile_id, INBOX.c.read_at.is_(None))
    if only is not None:
        chosen = and_(chosen, INBOX.c.id == only)
    asked = select(INBOX.c.id).where(chosen).order_by(INBOX.c.at, INBOX.c.id)
    return list(connection.execute(asked.limit(MAX_LISTED)).scalars())


def mark_read(connection: Connection, profile_id: str, ids: Collection[str], *, at: int) -> int:
    """Marks messages of a person as read, 200 at most.

    Returns:
        How many were unread; those of other people are left alone.
    """
    return _mark(connection, profile_id, ids, read_at=at)


def archive(connection: Connection, profile_id: str, ids: Collection[str], *, at: int) -> int:
    """Takes messages of a person off the list for good; returns how many were on it."""
    return _mark(connection, profile_id, ids, archived_at=at)


def put(connection: Connection, table: Any, row: dict[str, Any]) -> None:
    """Lays a row down, unless one of its id is there."""
    is_postgres = connection.dialect.name == "postgresql"
    insert: Any = postgresql.insert(table) if is_postgres else sqlite.insert(table)
    connection.execute(insert.values(row).on_conflict_do_nothing(index_elements=["id"]))


def _is_there(connection: Connection, profile_id: str, id_: str, *, now_ms: int) -> bool:
    chosen = and_(_shown(now_ms), INBOX.c.profile_id == profile_id, INBOX.c.id == id_)
    return connection.execute(select(INBOX.c.id).where(chosen)).first() is not None


def _mark(connection: Connection, profile_id: str, ids: Collection[str], **marks: int) -> int:
    """Marks what is shown to a person, and returns how many of it had no such mark."""
    [(name, at)] = marks.items()
    chosen = and_(
        _shown(at),
        INBOX.c.profile_id == profile_id,
        INBOX.c[name].is_(None),
        INBOX.c.id.in_(list(ids)[:MAX_LISTED]),
    )
    return connection.execute(update(INBOX).where(chosen).values(marks)).rowcount


def _shown(now_ms: int) -> Any:
    lasts = or_(INBOX.c.expires_at.is_(None), INBOX.c.expires_at > now_ms)
    return and_(INBOX.c.archived_at.is_(None), lasts)


def _row(message: Message, now_ms: int) -> dict[str, Any]:
    data = dict(message.data)
    expires_at = data.pop("expires_at", None)
    return {
        "id": message.id,
        "profile_id": message.profile_id,
        "title": message.subject or "",
        "body": message.text or "",
        "url": message.url,
        "image": message.image,
        "data": msgspec.json.encode(data).decode(),
        "at": now_ms,
        "expires_at": expires_at if isinstance(expires_at, int) else None,
    }


def _entry(row: RowMapping) -> Entry:
    return Entry(
        id=row["id"],
        title=row["title"],
        body=row["body"],
        url=row["url"],
        image=row["image"],
        data=msgspec.json.decode(row["data"]),
        at=row["at"],
        read_at=row["read_at"],
    )
