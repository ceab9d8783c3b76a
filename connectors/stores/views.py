"""Mails that can be seen in a browser: the very HTML that was sent, for a while.

Written by senders before such a mail goes, read by the callbacks' server. Holds personal data.
"""

import zlib

from sqlalchemy import delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from connectors.stores.engines import Database
from connectors.stores.tables import VIEWS

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

    async def keep(self, message_id: str, profile_id: str, html: str, *, until: int) -> None:
        """Keeps a mail till then (ms since the epoch); one that is there already stays."""
        row = {
            "message_id": message_id,
            "profile_id": profile_id,
            "html": zlib.compress(html.encode()),
            "until": until,
        }

        def work(connection: Connection) -> None:
            insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
            connection.execute(insert(VIEWS).values(row).on_conflict_do_nothing())

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
