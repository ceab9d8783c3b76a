"""Mails that can be seen in a browser: the very HTML that was sent, for a while.

Written by senders before such a mail goes, read by the callbacks' server. Holds personal data.
"""

import zlib
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from connectors.stores.engines import Database
from connectors.stores.tables import VIEWS
from schemas.intents import View

_NOT_SENT = text("""
coalesce((select state from ledger where command_id = views.message_id), 'claimed') = 'claimed'
""")
_EXPIRE = text("""
delete from views where message_id in (
  select message_id from views where until <= :at order by until limit :most
)
""")


class Views:
    """Keeps them, a `processors.ports.Views` by shape.

    Every method raises `engines.Away` where the database does not answer, and may be called again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, views: Collection[View]) -> None:
        """Keeps mails; one that is there already stays if it may have been sent as it is."""
        insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert

        def work(connection: Connection) -> None:
            given = insert(VIEWS).values([_row(one) for one in views])
            connection.execute(
                given.on_conflict_do_update(
                    index_elements=["message_id"],
                    set_={"html": given.excluded.html},
                    where=_NOT_SENT,
                )
            )

        await self._database.run(work)

    async def drop(self, message_id: str) -> None:
        """Lets go of a mail that was not sent."""
        gone = delete(VIEWS).where(VIEWS.c.message_id == message_id)
        await self._database.run(lambda one: one.execute(gone).rowcount)

    async def find(self, message_id: str, *, at: int) -> str | None:
        """Returns a mail's HTML; None where there is none any more."""
        asked = select(VIEWS.c.html).where(VIEWS.c.message_id == message_id, VIEWS.c.until > at)
        found = await self._database.run(lambda one: one.execute(asked).scalar_one_or_none())
        return None if found is None else zlib.decompress(found).decode()

    async def expire(self, *, at: int, most: int) -> int:
        """Lets go of the oldest whose time is over; returns how many, at most `most`."""
        given = {"at": at, "most": most}
        return await self._database.run(lambda one: one.execute(_EXPIRE, given).rowcount)


def _row(one: View) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one), "html": zlib.compress(one.html.encode())}
