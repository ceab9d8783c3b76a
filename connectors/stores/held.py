"""Commands of which no message could be made, kept until their templates are mended.

Beside the ledger, whose row says that the message is held; here is what it takes to try again. Who
takes one has it for a while, and longer as long as they say so: what was left by a process that is
gone is taken by another. Holds personal data: each has an end.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.stores import rows
from connectors.stores.engines import Database
from schemas import codec
from schemas.intents import HeldCommand, Holding, Published

_KEEP = rows.statement(
    """
insert into held (command_id, profile_id, channel, template, command, tried, tried_at, held_at,
  until)
select v.command_id, v.profile_id, v.channel, v.template, v.command, v.tried, v.tried_at, v.held_at,
  v.until
from {rows} where true
on conflict (command_id) do nothing
""",
    command_id="text",
    profile_id="text",
    channel="text",
    template="text",
    command="text",
    tried="text",
    tried_at="bigint",
    held_at="bigint",
    until="bigint",
)
_TAKE = rows.statement(
    """
update held set tried = asked.version, tried_at = :read, busy_until = :busy_until
from (
  select h.command_id as asked_id, coalesce(v.version, h.tried) as version
  from held h left join {rows} on v.template = h.template
  where h.channel = :channel and (
    (h.busy_until is null and h.until > :at and h.tried <> v.version and h.tried_at < :read)
    or h.busy_until < :at
  )
  order by h.held_at limit :most
) as asked
where command_id = asked.asked_id
  and ((busy_until is null and tried_at < :read) or busy_until < :at)
returning command, tried, tried_at, held_at, until
""",
    template="text",
    version="text",
)
_EXTEND = rows.statement(
    """
update held set busy_until = :busy_until
where busy_until is not null and command_id {is_asked}
""",
    id="text",
)
_PUT_BACK = rows.statement(
    "update held set busy_until = null where command_id {is_asked}", id="text"
)
_END = rows.statement("delete from held where command_id {is_asked}", id="text")
_REPLACED = rows.statement(
    "delete from ledger where state = 'held' and command_id {is_asked}",
    id="text",
)
_EXPIRE = text("""
delete from held where command_id in (
  select command_id from held where until <= :at and busy_until is null order by until limit :most
)
""")
_HOLDINGS = text("""
select h.channel, h.template, l.detail, count(*) as messages, min(h.held_at) as oldest
from held h left join ledger l on l.command_id = h.command_id
group by h.channel, h.template, l.detail order by h.channel, h.template, l.detail
""")


class HeldCommands:
    """Keeps them, a `processors.ports.HeldCommands` by shape.

    Every method raises `engines.Away` where the database does not answer, and may be called again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, held: HeldCommand) -> None:
        """Keeps a command; one that is there already stays as it is."""
        given = {
            "command_id": held.command.id,
            "profile_id": held.command.profile_id,
            "channel": held.command.channel,
            "template": held.command.template,
            "command": codec.encode(held.command).decode(),
            "tried": held.tried,
            "tried_at": held.tried_at,
            "held_at": held.held_at,
            "until": held.until,
        }
        await self._database.run(lambda one: rows.run(one, _KEEP, [given]))

    async def take(
        self, channel: str, published: Published, *, at: int, busy_until: int, most: int
    ) -> Sequence[HeldCommand]:
        """Returns the oldest that are to be tried under other versions; they are the caller's now.

        Args:
            channel: whose.
            published: templates as they are now.
            at: ms since the epoch.
            busy_until: till then nobody else takes them.
            most: at most so many.
        """
        given = [{"template": name, "version": each} for name, each in published.versions.items()]
        values = {
            "channel": channel,
            "read": published.read,
            "at": at,
            "busy_until": busy_until,
            "most": most,
        }

        def work(connection: Connection) -> Sequence[HeldCommand]:
            taken = [
                HeldCommand(
                    command=codec.decode_command(one.command.encode()),
                    tried=one.tried,
                    tried_at=one.tried_at,
                    held_at=one.held_at,
                    until=one.until,
                )
                for one in rows.run(connection, _TAKE, given, **values)
            ]
            return sorted(taken, key=lambda one: one.held_at)

        return await self._database.run(work)

    async def extend(self, ids: Collection[str], *, busy_until: int) -> None:
        """Says that these are still being tried."""
        await self._run_ids([_EXTEND], ids, busy_until=busy_until)

    async def put_back(self, ids: Collection[str]) -> None:
        """Gives back those of which still no message can be made."""
        await self._run_ids([_PUT_BACK], ids)

    async def end(self, ids: Collection[str]) -> None:
        """Lets go of those that came to an end; a row for each of their messages tells of it."""
        await self._run_ids([_END, _REPLACED], ids)

    async def expire(self, *, at: int, most: int) -> int:
        """Lets go of the oldest that nobody waits for any more; returns how many, at most `most`.

        Their messages stay held for good.
        """
        given = {"at": at, "most": most}
        return await self._database.run(lambda one: one.execute(_EXPIRE, given).rowcount)

    async def holdings(self) -> Sequence[Holding]:
        """Returns how many are kept, by channel, template and what it lacks."""
        return await self._database.run(
            lambda one: [Holding(**each) for each in one.execute(_HOLDINGS).mappings()]
        )

    async def _run_ids(
        self, statements: Iterable[rows.Statement], ids: Collection[str], **values: int
    ) -> None:
        given = [{"id": one} for one in ids]

        def work(connection: Connection) -> None:
            for each in statements:
                rows.run(connection, each, given, **values)

        await self._database.run(work)
