"""The senders' database as the callbacks' server needs it: postings in, whole or not at all.

A posting is known by its source and id; its rows for Kafka, the change of who may be written to and
the end of what was claimed for them are one transaction, under the lock of the gate.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row, func, select, text
from sqlalchemy.engine import Connection

from connectors.stores import outbox, rows, standing
from connectors.stores.engines import Database
from connectors.stores.tables import CONSENTS, LEDGER, OUTBOX, SUPPRESSIONS
from schemas.consents import ConsentRecord, SuppressionRecord
from schemas.messages import Report
from schemas.postings import Posting, Sent, Standing
from schemas.topics import DAY_MS

CHUNK = 500
"""Ids of one question."""
RETENTION_MS = 30 * DAY_MS
"""How long a report is known: providers repeat for some days at most."""
FORGET_MOST = 5_000
"""Reports that are forgotten at once."""

_TAKE = rows.statement(
    """
insert into reports (provider, id, at)
select v.provider, v.id, v.at from {rows} where true
on conflict (provider, id) do nothing returning provider, id
""",
    provider="text",
    id="text",
    at="bigint",
)
_FORGET = text("""
delete from reports where (provider, id) in
(select provider, id from reports where at < :before order by at limit :most)
""")

_COLUMNS = (
    func.coalesce(LEDGER.c.part_of, LEDGER.c.command_id).label("command_id"),
    LEDGER.c.command_id.label("message_id"),
    *(LEDGER.c[name] for name in Sent.__struct_fields__[2:]),
)


class Postings:
    """Takes postings, and says what was sent.

    Every method raises `engines.Away` where the database does not answer: nothing was taken then,
    or all of it, and the same call may be made again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, reports: Sequence[Report]) -> list[Sent | None]:
        """Returns for each report the message that it is of; None where there is none yet."""
        return await self._database.run(lambda connection: _find(connection, reports))

    async def post(self, postings: Sequence[Posting], *, now_ms: int) -> list[Posting]:
        """Takes postings in one transaction; returns those that had not been taken before."""
        if not postings:
            return []
        return await self._database.run(lambda connection: _post(connection, postings, now_ms))

    async def standing(self, profile_id: str) -> Standing:
        """Returns how a person stands."""
        return await self._database.run(lambda connection: _standing(connection, profile_id))

    async def waiting(self) -> tuple[int, int | None]:
        """Returns how many records wait for Kafka, and since when the oldest does."""

        def work(connection: Connection) -> tuple[int, int | None]:
            count, oldest = connection.execute(
                select(func.count(), func.min(OUTBOX.c.at)).select_from(OUTBOX)
            ).one()
            return count, oldest

        return await self._database.run(work)

    async def forget(self, *, now_ms: int) -> int:
        """Lets go of reports that nobody repeats any more; returns how many those were."""
        given = {"before": now_ms - RETENTION_MS, "most": FORGET_MOST}
        return await self._database.run(
            lambda connection: connection.execute(_FORGET, given).rowcount
        )


def _find(connection: Connection, reports: Sequence[Report]) -> list[Sent | None]:
    ids = sorted({one.command_id for one in reports if one.command_id is not None})
    by_id = {
        row.message_id: row
        for some in _chunks(ids)
        for row in connection.execute(select(*_COLUMNS).where(LEDGER.c.command_id.in_(some)))
    }
    theirs = {(one.provider, one.provider_id or "") for one in reports if one.provider_id}
    by_theirs = {
        (row.provider, row.provider_id): row
        for provider in sorted({provider for provider, _ in theirs})
        for some in _chunks(sorted(id_ for other, id_ in theirs if other == provider))
        for row in connection.execute(
            select(*_COLUMNS).where(LEDGER.c.provider == provider, LEDGER.c.provider_id.in_(some))
        )
    }
    return [
        _sent(by_id.get(one.command_id or "") or by_theirs.get((one.provider, one.provider_id)))
        for one in reports
    ]


def _sent(row: Row[Any] | None) -> Sent | None:
    if row is None:
        return None
    return Sent(**{name: getattr(row, name) for name in Sent.__struct_fields__})


def _post(connection: Connection, postings: Sequence[Posting], now_ms: int) -> list[Posting]:
    if any(one.suppressions or one.denials for one in postings):
        standing.lock(connection)
    unique: dict[tuple[str, str], Posting] = {}
    for one in postings:
        unique.setdefault((one.source, one.id), one)
    # in one order, so that two transactions with the same reports wait for each other, not both
    given = [{"provider": source, "id": id_, "at": now_ms} for source, id_ in sorted(unique)]
    taken = {(row.provider, row.id) for row in rows.run(connection, _TAKE, given)}
    fresh = [one for key, one in unique.items() if key in taken]
    _suppress(connection, [each for one in fresh for each in one.suppressions], now_ms)
    _deny(connection, [each for one in fresh for each in one.denials], now_ms)
    outbox.put(
        connection,
        [
            outbox.Record(id=row.id, topic=row.topic, key=row.key, value=row.value, at=now_ms)
            for row in {row.id: row for one in fresh for row in one.rows}.values()
        ],
    )
    return fresh


def _suppress(connection: Connection, found: Sequence[SuppressionRecord], now_ms: int) -> None:
    latest = {(one.profile_id, one.channel): one for one in sorted(found, key=lambda each: each.at)}
    standing.suppress(
        connection,
        [
            standing.Suppressed(one.profile_id, one.channel, one.reason, one.at)
            for one in latest.values()
        ],
    )
    for one in latest.values():
        standing.stop(connection, one.profile_id, one.channel, reason=one.reason, at=now_ms)


def _deny(connection: Connection, found: Sequence[ConsentRecord], now_ms: int) -> None:
    latest = {
        (one.profile_id, one.channel, one.topic): one
        for one in sorted(found, key=lambda each: each.at)
    }
    standing.consent(connection, latest.values())
    for one in latest.values():
        standing.deny(connection, one.profile_id, one.channel, topic=one.topic, at=now_ms)


def _standing(connection: Connection, profile_id: str) -> Standing:
    suppressed = select(SUPPRESSIONS).where(
        SUPPRESSIONS.c.profile_id == profile_id, sa.not_(SUPPRESSIONS.c.lifted)
    )
    agreed = select(CONSENTS).where(CONSENTS.c.profile_id == profile_id)
    return Standing(
        suppressions=tuple(
            SuppressionRecord(
                profile_id=row.profile_id, channel=row.channel, reason=row.reason, at=row.at
            )
            for row in connection.execute(suppressed)
        ),
        consents=tuple(
            ConsentRecord(
                profile_id=row.profile_id,
                channel=row.channel,
                topic=row.topic,
                state=row.state,
                at=row.at,
            )
            for row in connection.execute(agreed)
        ),
    )


def _chunks(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
