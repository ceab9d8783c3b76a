"""Who may be written to, as senders see it: the tables that the last gate before a send reads.

Two write here: a sender what the worker decided (topics `consents` and `suppressions`), and whoever
takes a withdrawal from a person or a provider, at once, with the record that tells the worker. A
later instant wins. A withdrawal that was committed before a message was dispatched always wins:
both take the same lock, dispatching shared, withdrawals alone.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.stores import outbox, rows
from connectors.stores.engines import Database
from connectors.stores.tables import HELD, INBOX, TASKS, VIEWS
from schemas.consents import ConsentRecord, Lifted, Reason, State, SuppressionRecord

LOCK = 0x6265636B
"""The advisory lock of the gate: `pg_advisory_xact_lock`. SQLite has one writer anyway."""

FORGOTTEN_MS = 3_600_000
"""A suppression of this age is lifted also where the worker never told of it."""

OF_PEOPLE = (HELD, VIEWS, INBOX, TASKS)
"""Tables of what people were or are to be told: of who is erased nothing stays in them."""


class Suppressed(NamedTuple):
    """One suppression, as it is written."""

    profile_id: str
    channel: str
    reason: str
    at: int
    lifted: bool = False
    told: bool = False


class Held(NamedTuple):
    """What stands of one person."""

    consents: list[ConsentRecord]
    suppressions: list[SuppressionRecord]
    """Those that were not lifted."""


_SUPPRESS = rows.statement(
    """
insert into suppressions (profile_id, channel, reason, at, lifted, told)
select v.profile_id, v.channel, v.reason, v.at, v.lifted, v.told from {rows} where true
on conflict (profile_id, channel) do update
set reason = excluded.reason, at = excluded.at, lifted = excluded.lifted, told = excluded.told
where case
  when suppressions.reason = 'sunset' and excluded.reason <> 'sunset' then true
  when suppressions.reason <> 'sunset' and excluded.reason = 'sunset' then suppressions.lifted
  else excluded.at >= suppressions.at
end
""",
    profile_id="text",
    channel="text",
    reason="text",
    at="bigint",
    lifted="boolean",
    told="boolean",
)
"""Of two the later one wins, but none is displaced by a sunset: that stops less."""
_LIFT = rows.statement(
    """
update suppressions set lifted = true
where exists (
  select 1 from {rows} where v.profile_id = suppressions.profile_id
  and v.channel = suppressions.channel
  and (suppressions.at <= v.at or suppressions.reason = 'sunset')
  and (suppressions.told or suppressions.at <= v.at - :forgotten)
)
""",
    profile_id="text",
    channel="text",
    at="bigint",
)
_CONSENT = rows.statement(
    """
insert into consents (profile_id, channel, topic, state, at)
select v.profile_id, v.channel, v.topic, v.state, v.at from {rows} where true
on conflict (profile_id, channel, topic) do update set state = excluded.state, at = excluded.at
where excluded.at >= consents.at
""",
    profile_id="text",
    channel="text",
    topic="text",
    state="text",
    at="bigint",
)
_DENY = text("""
update ledger set state = 'dropped', detail = 'consent-denied', updated_at = :at
where profile_id = :profile_id and channel = :channel and state = 'claimed'
and not transactional and (:topic = '*' or topic = :topic)
""")
_STOP = text("""
update ledger set state = 'dropped', detail = :detail, updated_at = :at
where profile_id = :profile_id and (:channel = '*' or channel = :channel) and state = 'claimed'
and not (transactional and (:reason = 'sunset' or channel = 'audience'))
""")
_CONSENTS_OF = text("""
select profile_id, channel, topic, state, at from consents
where profile_id = :profile_id order by channel, topic
""")
_SUPPRESSIONS_OF = text("""
select profile_id, channel, reason, at from suppressions
where profile_id = :profile_id and not lifted order by channel
""")


class Standing:
    """Consents and suppressions of everybody.

    Every method raises `engines.Away` where the database does not answer: nothing was taken then,
    and the same call may be made again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def withdraw(
        self,
        profile_id: str,
        channel: str,
        *,
        topic: str,
        at: int,
        records: Sequence[outbox.Record] = (),
    ) -> None:
        """Denies a topic (`*`: the channel), and cancels what was claimed and not dispatched.

        Args:
            profile_id: whose.
            channel: of the messages.
            topic: what is wanted no more.
            at: ms since the epoch, when it was said.
            records: what tells the worker, laid into the outbox in the same transaction.
        """
        await self.consent(profile_id, channel, topic=topic, state="denied", at=at, records=records)

    async def consent(
        self,
        profile_id: str,
        channel: str,
        *,
        topic: str,
        state: State,
        at: int,
        records: Sequence[outbox.Record] = (),
    ) -> None:
        """Takes what a person said to a topic; a denial does what `withdraw` does."""
        said = ConsentRecord(
            profile_id=profile_id, channel=channel, topic=topic, state=state, at=at
        )

        def work(connection: Connection) -> None:
            lock(connection)
            consent(connection, [said])
            if state == "denied":
                deny(connection, profile_id, channel, topic=topic, at=at)
            outbox.put(connection, records)

        await self._database.run(work)

    async def suppress(
        self,
        profile_id: str,
        channel: str,
        *,
        reason: Reason,
        at: int,
        records: Sequence[outbox.Record] = (),
    ) -> None:
        """Stops a channel (`*`: all of them), and cancels what was claimed. See `withdraw`."""

        def work(connection: Connection) -> None:
            lock(connection)
            suppress(connection, [Suppressed(profile_id, channel, reason, at)])
            stop(connection, profile_id, channel, reason=reason, at=at)
            outbox.put(connection, records)

        await self._database.run(work)

    async def apply(self, records: Iterable[ConsentRecord | SuppressionRecord | Lifted]) -> None:
        """Takes what the worker decided, in the order of the log; a repeat changes nothing."""
        consents, added, lifted = _latest(records)

        def work(connection: Connection) -> None:
            lock(connection)
            consent(connection, consents)
            _lift(connection, lifted)
            suppress(connection, added)

        if consents or added or lifted:
            await self._database.run(work)

    async def of(self, profile_id: str) -> Held:
        """Returns what stands of one person."""

        def work(connection: Connection) -> Held:
            whose = {"profile_id": profile_id}
            said = connection.execute(_CONSENTS_OF, whose).mappings()
            stopped = connection.execute(_SUPPRESSIONS_OF, whose).mappings()
            return Held(
                [ConsentRecord(**one) for one in said],
                [SuppressionRecord(**one) for one in stopped],
            )

        return await self._database.run(work)


def lock(connection: Connection, *, shared: bool = False) -> None:
    """Waits for the gate, and holds it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(text(f"select {name}(:lock)"), {"lock": LOCK})


def suppress(connection: Connection, added: Iterable[Suppressed]) -> None:
    """Writes suppressions, within the caller's transaction; at most one for each key."""
    given = [one._asdict() for one in added]
    if given:
        rows.run(connection, _SUPPRESS, given)
    for one in given:
        if one["reason"] == "erased" and not one["lifted"]:
            for table in OF_PEOPLE:
                gone = table.c.profile_id == one["profile_id"]
                connection.execute(table.delete().where(gone))


def consent(connection: Connection, said: Iterable[ConsentRecord]) -> None:
    """Writes consents, within the caller's transaction; at most one for each key."""
    given = [{name: getattr(one, name) for name, _ in _CONSENT.columns} for one in said]
    if given:
        rows.run(connection, _CONSENT, given)


def deny(connection: Connection, profile_id: str, channel: str, *, topic: str, at: int) -> None:
    """Cancels what was claimed of a topic (`*`: the channel) and not dispatched."""
    given = {"profile_id": profile_id, "channel": channel, "topic": topic, "at": at}
    connection.execute(_DENY, given)


def stop(connection: Connection, profile_id: str, channel: str, *, reason: Reason, at: int) -> None:
    """Cancels what was claimed of a channel (`*`: all of them) and not dispatched."""
    given = {"profile_id": profile_id, "channel": channel, "reason": reason, "at": at}
    connection.execute(_STOP, {**given, "detail": f"suppressed-{reason}"})


def _lift(connection: Connection, lifted: Iterable[Lifted]) -> None:
    given = [msgspec.structs.asdict(one) for one in lifted]
    if given:
        rows.run(connection, _LIFT, given, forgotten=FORGOTTEN_MS)


def _latest(
    records: Iterable[ConsentRecord | SuppressionRecord | Lifted],
) -> tuple[list[ConsentRecord], list[Suppressed], list[Lifted]]:
    """Returns what is left of many: one of each kind and key, as the last ones say."""
    consents: dict[tuple[str, str, str], ConsentRecord] = {}
    added: dict[tuple[str, str], Suppressed] = {}
    lifted: dict[tuple[str, str], Lifted] = {}
    for one in records:
        key = (one.profile_id, one.channel)
        if isinstance(one, ConsentRecord):
            before = consents.get((*key, one.topic))
            if before is None or before.at <= one.at:
                consents[*key, one.topic] = one
        elif isinstance(one, SuppressionRecord):
            added[key] = Suppressed(*key, one.reason, one.at, told=True)
        else:
            lifted[key] = one
            if key in added:
                added[key] = added[key]._replace(lifted=True)
    return list(consents.values()), list(added.values()), list(lifted.values())
