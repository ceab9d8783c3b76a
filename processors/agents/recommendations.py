"""The agents that count what people do with items: `events`, `items` and `suppressions` in.

They count into the senders' database, which templates are told from. A record is finished when the
database has it, and only then is its offset committed; what is read twice changes nothing. While
the database is away, records wait.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from processors.agents import apps
from processors.agents.contents import Followed
from processors.agents.lanes import Lanes
from processors.definitions.errors import Problem
from processors.delivery import intake, standings
from processors.delivery.grouping import Grouped
from processors.delivery.intake import Intake, Publish
from processors.metrics import Counter, Gauge, Metrics
from processors.ports import Clock, Standing
from processors.recommendations import shelves
from processors.recommendations.shelves import Logged, Shelf
from schemas import codec, items
from schemas.consents import Lifted, SuppressionRecord
from schemas.errors import BadEvent
from schemas.items import Item
from schemas.letters import Record
from schemas.recommendations import Occurrence
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

READ = ("events", "items", "suppressions")
TOPICS = (*READ, "definitions", "dead-letters")
NAME = "recommendations"
ERASED = "erased"
PLACES = 1_000
"""Records of a topic that are under way at once, and go into the database together."""
GRACE_MS = 10_000
LOOK_S = 15.0
"""How often the items are counted."""
EXPIRE_S = 60.0
EXPIRE_MOST = 5_000
"""How often the oldest is forgotten, and how much of each kind at a time."""
THIN_S = 3_600.0
"""How often what is rare is forgotten, where there is too much."""

logger = logging.getLogger(__name__)


class Store(Protocol):
    """Counts: `connectors.stores.recommendations` by shape.

    Raises:
        OSError: it can not be asked now; ask again, which counts nothing twice.
    """

    async def stock(self, items: Sequence[Item]) -> None:
        """Takes items, in the order of the topic."""
        ...

    async def count(self, occurrences: Sequence[Occurrence]) -> int:
        """Takes what people did; returns how many changed no count."""
        ...

    async def forget(self, profile_ids: Sequence[str]) -> None:
        """Lets go of all that is known of some people."""
        ...

    async def thin(self) -> int:
        """Forgets what was seldom bought beside items with too much beside them."""
        ...

    async def known(self) -> Mapping[str, int]:
        """Returns how many items each catalogue has."""
        ...


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is read."""

    prefix: str
    """Of all topics."""
    schemas: codec.SchemaSource | None = None
    """For records in Avro."""


def topics(options: Options) -> tuple[str, ...]:
    """Returns the full names of the topics that must be there."""
    return tuple(full_name(options.prefix, one) for one in TOPICS)


class Catalogues:
    """The catalogues as they are published, `agents.contents.Documents` by shape."""

    def __init__(self) -> None:
        self.shelf = Shelf()

    def take(self, written: Iterable[Mapping[str, Any]]) -> Sequence[Problem]:
        """Takes documents in the place of all before; returns what is wrong with some."""
        self.shelf, problems = shelves.of(written)
        return problems

    def close(self) -> None:
        """Holds nothing."""


class Taker:
    """Takes the records of each topic into the database."""

    def __init__(
        self,
        store: Store,
        standing: Standing,
        catalogues: Catalogues,
        *,
        taken: Intake,
        options: Options,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._standing = standing
        self._catalogues = catalogues
        self._intake = taken
        self._options = options
        self._metrics = metrics
        self._counted = Grouped(self._count, most=PLACES)
        self._stocked = Grouped(self._stock, most=PLACES)
        self._applied = Grouped(self._apply, most=PLACES)

    async def event(self, record: Record, at: int) -> None:
        """Returns when what an event tells of items is counted."""
        found = await self._intake.take(record, partial(self._read, at=at))
        for one in found or ():
            await self._counted.ask(one)

    async def item(self, record: Record, at: int) -> None:
        """Returns when an item is as the record says."""
        found = await self._intake.take(record, lambda one: items.read(one.key, one.value))
        if found is not None:
            await self._stocked.ask(found)

    async def suppression(self, record: Record, at: int) -> None:
        """Returns when what is known of an erased person is gone."""
        schemas = self._options.schemas
        read = partial(standings.read, name="suppressions", at=at, schemas=schemas)
        found = await self._intake.take(record, read)
        if found is not None:
            await self._applied.ask(found)

    async def thin(self) -> None:
        """Forgets what is rare, where there is too much."""
        await self._store.thin()

    async def look(self) -> None:
        """Counts the items."""
        known = await self._store.known()
        for catalogue in self._catalogues.shelf.catalogues:
            self._metrics.set(Gauge.ITEMS, known.get(catalogue, 0), catalogue)

    def _read(self, record: Record, *, at: int) -> list[Occurrence]:
        """Returns what an event tells; nothing of what is none: workers bury that."""
        try:
            event = codec.decode_event(record.value, schemas=self._options.schemas)
            return self._catalogues.shelf.read(event, Logged(record.key, record.partition, at))
        except BadEvent:
            return []

    async def _count(self, found: Sequence[Occurrence]) -> list[None]:
        left = await self._intake.until_it_works(partial(self._store.count, found))
        self._metrics.add(Counter.INTERESTS, len(found))
        self._metrics.add(Counter.INTERESTS_REPEATED, left)
        return [None] * len(found)

    async def _stock(self, found: Sequence[Item]) -> list[None]:
        await self._intake.until_it_works(partial(self._store.stock, found))
        return [None] * len(found)

    async def _apply(self, found: Sequence[Any]) -> list[None]:
        erased = [
            one.profile_id
            for one in found
            if isinstance(one, SuppressionRecord) and one.reason == ERASED
        ]
        # senders take the others: to take them again would, for a moment, undo what was lifted
        said = [one for one in found if isinstance(one, Lifted) or one.profile_id in erased]
        await self._intake.until_it_works(partial(self._standing.apply, said))
        if erased:  # after that: from now on nothing more of them is counted
            await self._intake.until_it_works(partial(self._store.forget, erased))
        return [None] * len(found)


class Service:
    """Runs the agents."""

    def __init__(
        self, taker: Taker, catalogues: Followed, *, metrics: Metrics, clock: Clock
    ) -> None:
        self._taker = taker
        self._catalogues = catalogues
        self._metrics = metrics
        self._clock = clock
        self._lanes: list[Lanes] = []
        self._open: dict[tuple[str, int, int], int] = {}

    def host(
        self,
        app: "App",
        prefix: str,
        expire: Callable[[], Awaitable[object]],
        close: Callable[[], None],
    ) -> None:
        """Adds the agents to the app.

        Args:
            app: runs them; when it stops, what is in flight ends.
            prefix: of all topics.
            expire: forgets what is too old.
            close: lets go of the database at the end.
        """
        takes = (self._taker.event, self._taker.item, self._taker.suppression)
        for name, take in zip(READ, takes, strict=True):
            topic = apps.raw_topic(app, full_name(prefix, name))
            agent = self._agent(app, take, lane=_any if name == "events" else _of_key)
            app.agent(topic, name=f"{NAME}-{name}", concurrency=1)(agent)
        self._catalogues.host(app)

        async def end(*_: Any, **__: Any) -> None:
            for lanes in self._lanes:
                if not await lanes.close(GRACE_MS):
                    logger.warning("records in flight were given up; they are taken up again")
            close()

        app.on_before_shutdown.connect(end, weak=False)
        app.task(partial(apps.every, app, LOOK_S, self.look))
        app.task(partial(apps.every, app, THIN_S, self._taker.thin))
        app.task(partial(apps.every, app, EXPIRE_S, expire))

    def _agent(
        self,
        app: "App",
        take: Callable[[Record, int], Awaitable[None]],
        *,
        lane: Callable[[Any], bytes | None],
    ) -> Callable[[Any], Awaitable[None]]:
        """Returns an agent that works on records side by side, those of a lane in their order."""
        lanes = Lanes.of(app, PLACES, grace_ms=GRACE_MS)
        self._lanes.append(lanes)

        async def finish(event: Any) -> None:
            came = event.message
            at = standings.lifted_at(came.headers, apps.written_at(came))
            await take(apps.record(came), at)
            self._open.pop((came.topic, came.partition, came.offset), None)
            event.ack()

        async def agent(stream: Any) -> None:
            await self._catalogues.loaded()
            async for event in stream.noack().events():
                came = event.message
                self._open[came.topic, came.partition, came.offset] = apps.written_at(came)
                await lanes.put(lane(came), partial(finish, event))

        return agent

    async def look(self) -> None:
        """Tells how far behind the agents are, and how many items there are."""
        now_ms = self._clock.now_ms()
        oldest = min(self._open.values(), default=now_ms)
        self._metrics.set(Gauge.INTERESTS_BEHIND, max(0, now_ms - oldest) / 1000)
        await self._taker.look()


def _any(came: Any) -> bytes:
    """Returns a lane that no other record has: what people did is the same in any order."""
    return f"{came.partition}/{came.offset}".encode()


def _of_key(came: Any) -> bytes | None:
    key: bytes | None = came.key
    return key


def taken(options: Options, dead: Publish, metrics: Metrics) -> Intake:
    """Returns what reads the records, and tries again what does not work."""
    named = intake.Options(name=NAME, channels=(), schemas=options.schemas)
    return Intake(named, dead, metrics=metrics)
