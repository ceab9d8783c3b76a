"""Records still to be written to Kafka, made in the transaction that they tell of.

`put` within a transaction; whoever drains takes the oldest, writes them to Kafka, and lets go of
them then: at least once, in their order.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.stores import rows
from connectors.stores.engines import Database

MOST = 500
"""As many as are taken at once."""

_PUT = rows.statement(
    """
insert into outbox (id, topic, key, value, at)
select v.id, v.topic, v.key, v.value, v.at from {rows} where true
on conflict (id) do nothing
""",
    id="text",
    topic="text",
    key="text",
    value="text",
    at="bigint",
)
_TAKE = text("select id, topic, key, value, at from outbox order by at, id limit :most")
_DONE = rows.statement("delete from outbox where id {is_asked}", id="text")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record to be written."""

    id: str
    """Derived from what it tells: a repeat is the same record."""
    topic: str
    """Without the prefix."""
    key: str
    value: str
    """As it is written, in JSON."""
    at: int
    """Ms since the epoch; the oldest go first."""


def put(connection: Connection, records: Sequence[Record]) -> None:
    """Lays records down, within the caller's transaction; one that is there already stays."""
    if records:
        rows.run(connection, _PUT, [msgspec.to_builtins(one) for one in records])


class Outbox:
    """What drains it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, most: int = MOST) -> list[Record]:
        """Returns the oldest records; they stay until they are `done`."""

        def work(connection: Connection) -> list[Record]:
            found = connection.execute(_TAKE, {"most": most})
            return [Record(**one) for one in found.mappings()]

        return await self._database.run(work)

    async def done(self, ids: Sequence[str]) -> None:
        """Lets go of records that Kafka has."""
        given = [{"id": one} for one in ids]
        await self._database.run(lambda one: rows.run(one, _DONE, given))
