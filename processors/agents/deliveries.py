"""The agents of a sender with a ledger: `commands.<channel>` in, `outcomes` and `events` out.

A command is finished when Kafka has all that came of it, and only then is its offset committed.
While nobody can be asked, commands wait: the places fill up, and the stream with them. Beside it,
`consents` and `suppressions` go into the database that the last look before a send reads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from processors.agents import apps
from processors.agents.lanes import Lanes
from processors.delivery import intake, standings
from processors.delivery.books import Books
from processors.delivery.desk import Desk
from processors.delivery.grouping import Grouped
from processors.delivery.intake import Intake, Publish
from processors.metrics import Gauge, Metrics
from processors.ports import Clock, Ledger, Standing
from schemas import codec
from schemas.letters import Record
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

STANDINGS = ("consents", "suppressions")
STANDINGS_PLACES = 500
"""Records of these topics that go into the database together."""

LOOK_S = 15.0
"""How often the ledger is counted."""
EXPIRE_S = 60.0
EXPIRE_MOST = 5_000
"""How often the oldest messages are forgotten, and how many at a time."""
DAY_MS = 86_400_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a sender service sends, and how much at once."""

    prefix: str
    """Of all topics."""
    channel: str
    places: int = 400
    """Commands that are under way at once; those of one person go one after the other."""
    grace_ms: int = 10_000
    """How long stopping waits for what is in flight; the rest is taken up after the restart."""
    retention_ms: int = 90 * DAY_MS
    """How long the ledger remembers what was told."""
    schemas: codec.SchemaSource | None = None
    """For records in Avro."""


def topics(options: Options) -> tuple[str, ...]:
    """Returns the full names of the topics that must be there, that of commands first."""
    names = [f"commands.{options.channel}", *STANDINGS, "definitions"]
    names += ["outcomes", "events", "dead-letters"]
    return tuple(full_name(options.prefix, one) for one in names)


def into(app: "App", options: Options, name: str) -> Publish:
    """Returns what writes to a topic."""
    return partial(apps.publish, apps.raw_topic(app, full_name(options.prefix, name)))


class Service:
    """Runs the agents of one sender."""

    def __init__(
        self,
        desk: Desk,
        books: Books,
        ledger: Ledger,
        *,
        options: Options,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._books = books
        self._ledger = ledger
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._lanes: list[Lanes] = []

    def host(self, app: "App", standing: Standing, close: Callable[[], Awaitable[None]]) -> None:
        """Adds the agents to the app.

        Args:
            app: runs them; when it stops, what is in flight ends.
            standing: takes consents and suppressions.
            close: lets go of providers and database at the end.
        """
        options = self._options
        commands = apps.raw_topic(app, full_name(options.prefix, f"commands.{options.channel}"))
        app.agent(commands, name=f"sender-{options.channel}", concurrency=1)(
            self._agent(app, options.places, self._deliver)
        )
        taken = intake.Options(name=options.channel, channels=(), schemas=options.schemas)
        taker = _Taker(
            standing,
            Intake(taken, into(app, options, "dead-letters"), metrics=self._metrics),
            options=options,
        )
        said = apps.raw_topic(app, *(full_name(options.prefix, one) for one in STANDINGS))
        app.agent(said, name=f"standing-{options.channel}", concurrency=1)(
            self._agent(app, STANDINGS_PLACES, taker.take)
        )

        async def renew(*_: Any, **__: Any) -> None:
            self._books.renew()

        async def end(*_: Any, **__: Any) -> None:
            for lanes in self._lanes:
                if not await lanes.close(options.grace_ms):
                    logger.warning("commands in flight were given up; they are taken up again")
            await close()

        app.on_partitions_assigned.connect(renew, weak=False)
        app.on_before_shutdown.connect(end, weak=False)
        app.task(partial(self._every, app, LOOK_S, self._look))
        app.task(partial(self._every, app, EXPIRE_S, self._expire))

    def _agent(
        self, app: "App", places: int, work: Callable[[Any], Awaitable[None]]
    ) -> Callable[[Any], Awaitable[None]]:
        """Returns an agent that works on records side by side, those of a key in their order."""
        crashes: set[asyncio.Future[None]] = set()
        lanes = Lanes(places, lambda error: crashes.add(asyncio.ensure_future(app.crash(error))))
        self._lanes.append(lanes)
        app.unfinished.append(partial(lanes.drain, self._options.grace_ms))

        async def finish(event: Any) -> None:
            await work(event.message)
            event.ack()

        async def agent(stream: Any) -> None:
            async for event in stream.noack().events():
                await lanes.put(event.message.key, partial(finish, event))

        return agent

    async def _deliver(self, came: Any) -> None:
        self._metrics.set(Gauge.SENDING, len(self._lanes[0]), self._options.channel)
        await self._desk.handle(_record(came))

    async def _every(self, app: "App", wait_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while not app.should_stop:
            await asyncio.sleep(wait_s)
            try:
                await work()
            except OSError as error:
                logger.info("the ledger can not be looked at", extra={"error_type": repr(error)})

    async def _look(self) -> None:
        now = self._clock.now_ms()
        found = {(one.channel, one.state): one for one in await self._ledger.open()}
        for state in ("claimed", "dispatching"):
            one = found.get((self._options.channel, state))
            labels = (self._options.channel, state)
            self._metrics.set(Gauge.LEDGER_OPEN, one.messages if one else 0, *labels)
            oldest_s = (now - one.oldest) / 1000 if one else 0
            self._metrics.set(Gauge.LEDGER_OLDEST, oldest_s, *labels)

    async def _expire(self) -> None:
        before = self._clock.now_ms() - self._options.retention_ms
        await self._ledger.expire(before, most=EXPIRE_MOST)


class _Taker:
    """Takes consents and suppressions into the database."""

    def __init__(self, standing: Standing, taken: Intake, *, options: Options) -> None:
        self._standing = standing
        self._intake = taken
        self._options = options
        self._applied = Grouped(self._apply, most=STANDINGS_PLACES)

    async def take(self, came: Any) -> None:
        """Returns when the database has what the record says."""
        name = came.topic.removeprefix(self._options.prefix)
        read = partial(
            standings.read,
            name=name,
            at=round(came.timestamp * 1000),
            schemas=self._options.schemas,
        )
        said = await self._intake.take(_record(came), read)
        if said is not None:
            await self._applied.ask(said)

    async def _apply(self, records: Any) -> list[None]:
        await self._intake.until_it_works(partial(self._standing.apply, records))
        return [None] * len(records)


def _record(came: Any) -> Record:
    return Record(came.topic, came.partition, came.offset, came.key, came.value)
