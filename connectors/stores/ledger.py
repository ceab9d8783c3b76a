"""The ledger of senders: each message's intent before a provider is asked, and what came of it.

    claimed -> dispatching -> sent | failed | unknown | held
    claimed -> dropped
    held -> claimed, where its template was mended

A row belongs to the epoch that took it up last. Whoever takes up partitions takes the next epoch;
a process that was replaced and does not know it finds its rows gone, and changes nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import CursorResult, text
from sqlalchemy.engine import Connection

from connectors.stores import rows, standing
from connectors.stores.engines import Database
from schemas.intents import End, Entry, Gate, Intent, Open

_ENTRY = (
    "command_id as id, state, epoch, detail, provider, provider_id, promise, attempts, answer,"
    " updated_at, variant, told_at"
)
_IS_OPEN = "state || '' in ('claimed', 'dispatching')"
"""Not in the words of the index of open messages: until a vacuum it holds those that ended, too."""
_EPOCH = text("""
insert into epochs (name, value) values ('senders', 1)
on conflict (name) do update set value = epochs.value + 1 returning value
""")
_CLAIM = rows.statement(
    f"""
insert into ledger (command_id, part_of, profile_id, channel, topic, transactional, definition_id,
  step, variant, domain, state, attempts, detail, owner, epoch, claimed_at, updated_at)
select v.id, v.part_of, v.profile_id, v.channel, v.topic, v.transactional, v.definition_id,
  v.step, v.variant, v.domain, 'claimed', 0, '', :owner, :epoch, :at, :at
from {{rows}} where true
on conflict (command_id) do update set owner = excluded.owner, epoch = excluded.epoch,
  variant = case when ledger.state = 'claimed' then excluded.variant else ledger.variant end,
  domain = coalesce(excluded.domain, ledger.domain)
where ledger.state in ('claimed', 'dispatching') and ledger.epoch <= excluded.epoch
returning {_ENTRY}
""",
    id="text",
    part_of="text",
    profile_id="text",
    channel="text",
    topic="text",
    transactional="boolean",
    definition_id="text",
    step="text",
    variant="text",
    domain="text",
)
_FIND = rows.statement(f"select {_ENTRY} from ledger where command_id {{is_asked}}", id="text")
_REFUSED = """
coalesce(
  (select min('suppressed-' || s.reason) from suppressions s
   where s.profile_id = k.profile_id and s.channel in (k.channel, '*') and not s.lifted
   and not (k.transactional and (s.reason = 'sunset' or k.channel = 'audience'))),
  (select min('consent-denied') from consents c
   where not k.transactional and c.profile_id = k.profile_id and c.channel = k.channel
   and c.state = 'denied' and (c.topic = coalesce(v.topic, k.topic) or c.topic = '*')
   and not exists (
     select 1 from consents g where c.topic = '*' and g.profile_id = c.profile_id
     and g.channel = c.channel and g.topic = coalesce(v.topic, k.topic)
     and g.state = 'granted' and g.at >= c.at
   ))
)
"""
_DISPATCH = rows.statement(
    f"""
with asked as materialized (
  select asked_id, by_epoch, by_provider, by_promise, min(of_topic) as refused
  from (
    select v.id as asked_id, v.epoch as by_epoch, v.provider as by_provider,
      v.promise as by_promise, {_REFUSED} as of_topic
    from {{rows}} join ledger k on k.command_id = v.id
    where k.command_id {{is_asked}}
  ) as looked
  group by asked_id, by_epoch, by_provider, by_promise
)
update ledger set
  state = case when asked.refused is null then 'dispatching'
               when state = 'claimed' then 'dropped' else 'unknown' end,
  detail = coalesce(asked.refused, ''),
  provider = case when asked.refused is null then asked.by_provider else provider end,
  promise = case when asked.refused is null then asked.by_promise else promise end,
  attempts = attempts + case when asked.refused is null then 1 else 0 end,
  updated_at = :at
from asked
where command_id {{is_asked}} and command_id = asked.asked_id and epoch = asked.by_epoch
  and {_IS_OPEN}
returning {_ENTRY}
""",
    id="text",
    epoch="bigint",
    provider="text",
    promise="text",
    topic="text",
)
_RELEASE = rows.statement(
    """
update ledger set state = 'claimed', updated_at = :at
where command_id {is_asked} and state || '' = 'dispatching'
  and exists (select 1 from {rows} where v.id = command_id and v.epoch = ledger.epoch)
""",
    id="text",
    epoch="bigint",
)
_REOPEN = rows.statement(
    """
update ledger set state = 'claimed', detail = '', told_at = null, epoch = 0, updated_at = :at
where state = 'held' and command_id {is_asked}
""",
    id="text",
)
_CONCLUDE = rows.statement(
    f"""
update ledger set state = ended.to_state, detail = ended.to_detail, updated_at = :at,
  answer = ended.to_answer, provider_id = coalesce(ended.to_id, provider_id)
from (
  select v.id as ended_id, v.epoch as by_epoch, v.state as to_state, v.detail as to_detail,
    v.provider_id as to_id, v.answer as to_answer
  from {{rows}}
) as ended
where command_id {{is_asked}} and command_id = ended.ended_id and epoch = ended.by_epoch
  and {_IS_OPEN}
returning {_ENTRY}
""",
    id="text",
    epoch="bigint",
    state="text",
    detail="text",
    provider_id="text",
    answer="text",
)
_WHO = rows.statement(
    "select command_id as id, profile_id, channel from ledger where command_id {is_asked}",
    id="text",
)
_TOLD = rows.statement(
    """
update ledger set told_at = :at, answer = null
where command_id {is_asked}
""",
    id="text",
)
_EXPIRE = text("""
delete from ledger where command_id in (
  select command_id from ledger where claimed_at < :before and told_at is not null
  order by claimed_at limit :most
)
""")
_OPEN = text("""
select channel, state, count(*) as messages, min(updated_at) as oldest from ledger
where state in ('claimed', 'dispatching') group by channel, state
""")


class Ledger:
    """Remembers messages, a `processors.ports.Ledger` by shape: one round trip a batch.

    Every method raises `engines.Away` where the database does not answer. Whether it was done is
    not known then, and the same call may be made again: it has the same effect and answer.
    """

    def __init__(self, database: Database, *, owner: str) -> None:
        self._database = database
        self._owner = owner

    async def epoch(self) -> int:
        """Returns the next epoch: higher than every one that was handed out before."""
        return await self._database.run(lambda one: int(one.execute(_EPOCH).scalar_one()))

    async def claim(
        self, intents: Collection[Intent], *, epoch: int, at: int
    ) -> Mapping[str, Entry]:
        """Returns what stands of each message: new ones, and open ones of before, are ours now.

        An entry that has a higher epoch and is open is somebody else's.
        """
        given = {one.id: _intent(one) for one in intents}
        values = {"owner": self._owner, "epoch": epoch, "at": at}

        def work(connection: Connection) -> dict[str, Entry]:
            return _entries(connection, _CLAIM, given.values(), **values)

        return await self._database.run(work)

    async def dispatch(self, gates: Collection[Gate], *, at: int) -> Mapping[str, Entry]:
        """Returns what stands after the last look before the provider is asked.

        What is `dispatching` with our epoch may go now. What may not, for a suppression or a
        denied consent, is `dropped`, or `unknown` where a provider may have had it before.
        """
        given = [row for one in {each.id: each for each in gates}.values() for row in _looks(one)]

        def work(connection: Connection) -> dict[str, Entry]:
            standing.lock(connection, shared=True)
            return _entries(connection, _DISPATCH, given, at=at)

        return await self._database.run(work)

    async def release(self, gates: Collection[Gate], *, at: int) -> None:
        """Takes back that a provider was asked: it surely did not take the message."""
        given = [{"id": one.id, "epoch": one.epoch} for one in gates]
        await self._database.run(lambda one: rows.run(one, _RELEASE, given, at=at))

    async def conclude(self, ends: Collection[End], *, at: int) -> Mapping[str, Entry]:
        """Returns what stands then; an entry with another epoch was not ours to end."""
        given = [msgspec.to_builtins(one) for one in ends]
        stops = {one.id: one.suppresses for one in ends if one.suppresses is not None}

        def work(connection: Connection) -> dict[str, Entry]:
            _suppress(connection, stops, at)
            return _entries(connection, _CONCLUDE, given, at=at)

        return await self._database.run(work)

    async def reopen(self, ids: Collection[str], *, at: int) -> None:
        """Takes back that messages are held: whoever claims them next may send them."""
        await self._database.run(lambda one: rows.run(one, _REOPEN, _ids(ids), at=at))

    async def told(self, ids: Collection[str], *, at: int) -> None:
        """Remembers that Kafka has what came of these messages."""
        await self._database.run(lambda one: rows.run(one, _TOLD, _ids(ids), at=at))

    async def open(self) -> Sequence[Open]:
        """Returns how many messages nothing came of yet."""
        return await self._database.run(
            lambda one: [Open(**each) for each in one.execute(_OPEN).mappings()]
        )

    async def expire(self, before: int, *, most: int) -> int:
        """Forgets the oldest messages that were told; returns how many, at most `most`."""
        given = {"before": before, "most": most}
        return await self._database.run(lambda one: one.execute(_EXPIRE, given).rowcount)


def _intent(one: Intent) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(one)
    command_id = row.pop("command_id")
    del row["topics"]  # the last look is told of them
    return {**row, "part_of": None if command_id == one.id else command_id}


def _looks(gate: Gate) -> Iterator[dict[str, Any]]:
    """Yields what is looked at: the topic of the message's intent, and each one beside it."""
    row: dict[str, Any] = msgspec.to_builtins(gate)
    for topic in (None, *row.pop("topics")):
        yield {**row, "topic": topic}


def _ids(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": one} for one in ids]


def _entries(
    connection: Connection,
    asked: rows.Statement,
    given: Collection[Mapping[str, object]],
    **values: object,
) -> dict[str, Entry]:
    """Returns what stands of these messages, also of those that were not ours to change."""
    found = _read(rows.run(connection, asked, given, **values))
    left = [str(one["id"]) for one in given if one["id"] not in found]
    if left:
        found |= _read(rows.run(connection, _FIND, _ids(left)))
    return found


def _read(found: CursorResult[Any]) -> dict[str, Entry]:
    names = tuple(found.keys())
    entries = [Entry(**dict(zip(names, one, strict=True))) for one in found.all()]
    return {one.id: one for one in entries}


def _suppress(connection: Connection, stops: Mapping[str, str], at: int) -> None:
    """Stops the channel for the recipients of these messages."""
    if stops:
        found = {
            (one["profile_id"], one["channel"]): stops[one["id"]]
            for one in rows.run(connection, _WHO, _ids(stops)).mappings()
        }
        added = [standing.Suppressed(*key, reason, at) for key, reason in found.items()]
        standing.suppress(connection, added)
