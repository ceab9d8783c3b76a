"""What people did with items, counted into tables, and what is recommended by these.

Each event counts once: its id is stored in the transaction that counts it. What was viewed and
bought last is the same after any order and any repeat; sums are, as each event is added once.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.stores import rows, standing
from connectors.stores.engines import Database
from schemas.items import Item
from schemas.recommendations import HOUR_MS, Asked, Interest, Occurrence, Rank

MOST_TOGETHER = 50
"""Items of one order that count as bought together: the first ones."""
MOST_OTHERS = 100
"""Items that are remembered beside one: those that were bought with it most often."""
REPEATS_MS = 7 * 24 * HOUR_MS
"""So long after it, by the times of the log, a repeat of an event is known."""
FORGET_MOST = 5_000
"""As many ids of events are forgotten by one batch: more than it brings."""
CROWDED = 200
"""Items beside which there is too much, of which so many are tidied up at a time."""


class Ages(NamedTuple):
    """What is forgotten: all that was last before these instants, ms since the epoch."""

    interests: int
    pairs: int
    trends: int


_KINDS = {
    "profile_id": "text",
    "catalogue": "text",
    "what": "text",
    "item": "text",
    "other": "text",
    "partition": "integer",
    "id": "text",
    "value": "text",
    "at": "bigint",
    "hour": "bigint",
    "times": "bigint",
    "keeps": "bigint",
}
"""The type of each column in Postgres."""

_PUT_ITEMS = """
insert into items (catalogue, item, value)
select v.catalogue, v.item, v.value from {rows} where true
on conflict (catalogue, item) do update set value = excluded.value
"""
_END_ITEMS = """
delete from items where exists
(select 1 from {rows} where v.catalogue = items.catalogue and v.item = items.item)
"""
_ERASED = """
select distinct s.profile_id from suppressions s join {rows} on v.profile_id = s.profile_id
where s.reason = 'erased' and not s.lifted
"""
_COUNT_ONCE = """
insert into counted (partition, id, at)
select v.partition, v.id, v.at from {rows} where true
on conflict (partition, id) do nothing returning id
"""
_FORGET_COUNTED = """
delete from counted where (partition, id) in (
  select c.partition, c.id from counted c join {rows} on v.partition = c.partition
  where c.at < v.at limit :most
)
"""
_REMEMBER = """
insert into interests (profile_id, catalogue, what, item, at)
select v.profile_id, v.catalogue, v.what, v.item, v.at from {rows} where true
on conflict (profile_id, catalogue, what, item) do update set at = excluded.at
where excluded.at > interests.at
"""
_TRIM = """
delete from interests where (profile_id, catalogue, what, item) in (
  select profile_id, catalogue, what, item from (
    select i.profile_id, i.catalogue, i.what, i.item, v.keeps, row_number() over (
      partition by i.profile_id, i.catalogue, i.what order by i.at desc, i.item
    ) as place
    from {rows} join interests i
    on i.profile_id = v.profile_id and i.catalogue = v.catalogue and i.what = v.what
  ) as placed where place > keeps
)
"""
_PAIR = """
insert into pairs (catalogue, item, other, times, at)
select v.catalogue, v.item, v.other, v.times, v.at from {rows} where true
on conflict (catalogue, item, other) do update set times = pairs.times + excluded.times,
  at = case when excluded.at > pairs.at then excluded.at else pairs.at end
"""
_TREND = """
insert into trends (catalogue, what, hour, item, times)
select v.catalogue, v.what, v.hour, v.item, v.times from {rows} where true
on conflict (catalogue, what, hour, item) do update set times = trends.times + excluded.times
"""
_FORGET = "delete from interests where profile_id in (select v.profile_id from {rows})"
_INTERESTS = """
select i.profile_id, i.catalogue, i.what, i.item, i.at from interests i join {rows}
on i.profile_id = v.profile_id and i.catalogue = v.catalogue
where i.at >= :since order by i.at desc, i.item
"""
_BESIDE = """
select catalogue, item, other, times from (
  select p.catalogue, p.item, p.other, p.times, row_number() over (
    partition by p.catalogue, p.item order by p.times desc, p.other
  ) as place
  from {rows} join pairs p on p.catalogue = v.catalogue and p.item = v.item
  join items i on i.catalogue = p.catalogue and i.item = p.other
) as placed where place <= :most order by catalogue, item, place
"""
_FOUND = """
select i.catalogue, i.item, i.value from items i join {rows}
on i.catalogue = v.catalogue and i.item = v.item
"""
_TRENDING = text("""
select item, times from (
  select item, sum(times) as times from trends
  where catalogue = :catalogue and what = :what and hour > :after and hour <= :until group by item
) as summed
where exists (select 1 from items i where i.catalogue = :catalogue and i.item = summed.item)
order by times desc, item limit :most
""")
_KNOWN = text("select catalogue, count(*) as items from items group by catalogue")
_AGES = {
    "interests": ("profile_id, catalogue, what, item", "at"),
    "pairs": ("catalogue, item, other", "at"),
    "trends": ("catalogue, what, hour, item", "hour"),
}
_CROWDED = text("""
select catalogue, item from pairs group by catalogue, item having count(*) > :most limit :several
""")
_THIN = rows.statement(
    """
delete from pairs where (catalogue, item, other) in (
  select catalogue, item, other from (
    select p.catalogue, p.item, p.other, row_number() over (
      partition by p.catalogue, p.item order by p.times desc, p.other
    ) as place
    from {rows} join pairs p on p.catalogue = v.catalogue and p.item = v.item
  ) as placed where place > :most
)
""",
    catalogue="text",
    item="text",
)

Row = dict[str, object]


class Recommendations:
    """The tables of items and of what people did with them.

    Every method raises `engines.Away` where the database does not answer. Whether it was done is
    not known then, and the same call may be made again: it has the same effect.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stock(self, items: Sequence[Item]) -> None:
        """Takes items as the topic has them, in its order."""
        latest = {(one.catalogue, one.id): one for one in items}
        given = [
            {"catalogue": one.catalogue, "item": one.id, "value": one.value}
            for _, one in sorted(latest.items())
        ]

        def work(connection: Connection) -> None:
            _run(connection, _PUT_ITEMS, [one for one in given if one["value"] is not None])
            _run(connection, _END_ITEMS, [one for one in given if one["value"] is None])

        await self._database.run(work)

    async def count(self, occurrences: Sequence[Occurrence]) -> int:
        """Takes what people did; returns how many changed no count, being repeats or of erased."""
        return await self._database.run(lambda connection: _count(connection, occurrences))

    async def forget(self, profile_ids: Collection[str]) -> None:
        """Lets go of all that is known of some people."""
        given = [{"profile_id": one} for one in sorted(set(profile_ids))]
        await self._database.run(lambda connection: _run(connection, _FORGET, given))

    async def expire(self, ages: Ages, *, most: int) -> int:
        """Forgets the oldest, at most so many of each kind; returns how many those were."""

        def work(connection: Connection) -> int:
            gone = 0
            for (table, (key, column)), before in zip(_AGES.items(), ages, strict=True):
                at = before // HOUR_MS if column == "hour" else before
                gone += connection.execute(
                    text(
                        f"delete from {table} where ({key}) in (select {key} from {table}"
                        f" where {column} < :before order by {column} limit :most)"
                    ),
                    {"before": at, "most": most},
                ).rowcount
            return gone

        return await self._database.run(work)

    async def thin(self) -> int:
        """Forgets what was seldom bought beside items with too much beside them; returns how much.

        Reads all pairs once; takes a few of such items at a time.
        """
        return await self._database.run(_thin)

    async def known(self) -> Mapping[str, int]:
        """Returns how many items each catalogue has."""

        def work(connection: Connection) -> dict[str, int]:
            return {one.catalogue: one.items for one in connection.execute(_KNOWN)}

        return await self._database.run(work)

    async def interests(
        self, people: Collection[Asked], *, since: int
    ) -> Mapping[Asked, list[Interest]]:
        """Returns what people viewed and bought, the latest first, like ones by the item's id."""
        given = [one._asdict() for one in sorted(people)]

        def work(connection: Connection) -> dict[Asked, list[Interest]]:
            found: dict[Asked, list[Interest]] = {}
            for one in _run(connection, _INTERESTS, given, since=since):
                interest = Interest(one.what, one.item, one.at)
                found.setdefault(Asked(one.catalogue, one.profile_id), []).append(interest)
            return found

        return await self._database.run(work)

    async def beside(
        self, wanted: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], list[Rank]]:
        """Returns for items, by catalogue and id, what was bought with each in one order.

        Returns:
            The most often first, like ones by their ids, `MOST_OTHERS` at most; only what the
            catalogue has. Items with which nothing was bought are left out.
        """
        given: list[Row] = [{"catalogue": one, "item": item} for one, item in sorted(set(wanted))]

        def work(connection: Connection) -> dict[tuple[str, str], list[Rank]]:
            found: dict[tuple[str, str], list[Rank]] = {}
            for one in _run(connection, _BESIDE, given, most=MOST_OTHERS):
                found.setdefault((one.catalogue, one.item), []).append(Rank(one.other, one.times))
            return found

        return await self._database.run(work)

    async def trending(
        self, catalogue: str, what: str, *, hours: tuple[int, int], most: int
    ) -> list[Rank]:
        """Returns what was viewed or bought most often, like ones by their ids.

        Args:
            catalogue: whose items; only those that it has.
            what: viewed or bought.
            hours: since the epoch: after the first, up to the second with it.
            most: how many at most.
        """
        after, until = hours
        asked = {"catalogue": catalogue, "what": what, "after": after, "until": until, "most": most}

        def work(connection: Connection) -> list[Rank]:
            return [Rank(one.item, int(one.times)) for one in connection.execute(_TRENDING, asked)]

        return await self._database.run(work)

    async def items(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Returns the JSON of items by catalogue and id; those that there are not are left out."""
        given: list[Row] = [{"catalogue": one, "item": item} for one, item in sorted(set(wanted))]

        def work(connection: Connection) -> dict[tuple[str, str], str]:
            return {(one.catalogue, one.item): one.value for one in _run(connection, _FOUND, given)}

        return await self._database.run(work)


def _count(connection: Connection, occurrences: Sequence[Occurrence]) -> int:
    standing.lock(connection, shared=True)  # who is erased meanwhile is forgotten after this
    erased = {
        one.profile_id for one in _run(connection, _ERASED, _distinct(occurrences, "profile_id"))
    }
    alive = [one for one in occurrences if one.profile_id not in erased]
    _remember(connection, alive)
    counted = {one.id: one for one in reversed(alive) if one.is_counted}
    given: list[Row] = [
        {"partition": one.partition, "id": one.id, "at": one.logged_at}
        for one in sorted(counted.values(), key=lambda each: (each.partition, each.id))
    ]
    fresh = [counted[one.id] for one in _run(connection, _COUNT_ONCE, given)]
    # in one order, so that two transactions with the same items wait for each other, not both
    _run(connection, _PAIR, _pairs(fresh))
    _run(connection, _TREND, _trends(fresh))
    latest: dict[int, int] = {}
    for one in fresh:
        latest[one.partition] = max(latest.get(one.partition, 0), one.logged_at)
    old: list[Row] = [
        {"partition": one, "at": at - REPEATS_MS} for one, at in sorted(latest.items())
    ]
    _run(connection, _FORGET_COUNTED, old, most=FORGET_MOST)
    return sum(one.is_counted for one in occurrences) - len(fresh)


def _remember(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    latest: dict[tuple[str, str, str, str], int] = {}
    keeps: dict[tuple[str, str, str], int] = {}
    for one in occurrences:
        person = (one.profile_id, one.catalogue, one.what)
        keeps[person] = one.keeps
        for item in one.items:
            latest[*person, item] = max(latest.get((*person, item), one.at), one.at)
    names = ("profile_id", "catalogue", "what", "item")
    _run(
        connection,
        _REMEMBER,
        [dict(zip(names, key, strict=True)) | {"at": at} for key, at in sorted(latest.items())],
    )
    _run(
        connection,
        _TRIM,
        [dict(zip(names, key, strict=False)) | {"keeps": most} for key, most in keeps.items()],
    )


def _pairs(occurrences: Iterable[Occurrence]) -> list[Row]:
    times, latest = Counter[tuple[str, str, str]](), dict[tuple[str, str, str], int]()
    for one in occurrences:
        if one.what == "bought":
            for item, other in permutations(one.items[:MOST_TOGETHER], 2):
                key = (one.catalogue, item, other)
                times[key] += 1
                latest[key] = max(latest.get(key, one.at), one.at)
    names = ("catalogue", "item", "other")
    return [
        dict(zip(names, key, strict=True)) | {"times": times[key], "at": latest[key]}
        for key in sorted(times)
    ]


def _trends(occurrences: Iterable[Occurrence]) -> list[Row]:
    times = Counter[tuple[str, str, int, str]]()
    for one in occurrences:
        if one.is_trend:
            hour = one.at // HOUR_MS
            times.update((one.catalogue, one.what, hour, item) for item in one.items)
    names = ("catalogue", "what", "hour", "item")
    return [dict(zip(names, key, strict=True)) | {"times": times[key]} for key in sorted(times)]


def _thin(connection: Connection) -> int:
    asked = {"most": MOST_OTHERS, "several": CROWDED}
    crowded = [dict(one) for one in connection.execute(_CROWDED, asked).mappings()]
    if not crowded:
        return 0
    return rows.run(connection, _THIN, crowded, most=MOST_OTHERS).rowcount


def _distinct(occurrences: Iterable[Occurrence], name: str) -> list[Row]:
    return [{name: each} for each in sorted({getattr(one, name) for one in occurrences})]


def _run(
    connection: Connection, sql: str, given: Sequence[Mapping[str, object]], **values: object
) -> Iterator[Any]:
    """Yields what a statement over rows finds; nothing where there are none."""
    if not given:
        return iter(())
    asked = rows.statement(sql, **{name: _KINDS[name] for name in given[0]})
    found = rows.run(connection, asked, given, **values)
    return iter(found.all() if found.returns_rows else ())
