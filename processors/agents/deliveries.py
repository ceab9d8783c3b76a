"""The agents of a sender with a ledger: `commands.<channel>` in, `outcomes` and `events` out.

A command is finished when Kafka has all that came of it, and only then is its offset committed.
While nobody can be asked, commands wait: the places fill up, and the stream with them. Beside it,
`consents` and `suppressions` go into the database that the last look before a send reads: an
ordinary Faust agent, as they are few.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from processors.agents import apps
from processors.agents import commands as feeding
from processors.agents.commands import Commands
from processors.agents.lanes import Lanes
from processors.delivery import intake, standings
from processors.delivery.books import Books
from processors.delivery.desk import Desk
from processors.delivery.grouping import Grouped
from processors.delivery.intake import Intake, Publish
from processors.metrics import Gauge, Metrics
from processors.ports import Clock, Ledger, Standing
from processors.runtime import feeds
from processors.runtime.clients import Cluster
from processors.runtime.publishing import Publisher
from schemas import codec
from schemas.letters import Headers, Written
from schemas.topics import DAY_MS, full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

STANDINGS = ("consents", "suppressions")
WRITES = 1_000
"""Commands whose records are written together."""
STANDINGS_PLACES = 500
"""Records of these topics that go into the database together."""

COUNT_S = 1.0
"""How often what is under way is counted."""
LOOK_S = 15.0
"""How often the ledger is counted."""
EXPIRE_S = 60.0
EXPIRE_MOST = 5_000
"""How often the oldest messages are forgotten, and how many at a time."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a sender service sends, and how much at once."""

    prefix: str
    """Of all topics."""
    cluster: Cluster
    slot: str
    """A name that only this process has, the same after a restart."""
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


class Writer:
    """Writes records of all that ask at once together."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._asked = Grouped(self._publish, most=WRITES)

    async def write(self, records: Sequence[Written]) -> None:
        """Returns when Kafka has the records.

        Raises:
            Undelivered: it has not all of them; they may be written again.
        """
        for problem in await self._asked.ask(records):
            if problem:
                raise apps.Undelivered(problem)

    def into(self, name: str) -> Publish:
        """Returns what writes to one topic."""

        async def publish(key: bytes | None, value: bytes | None, headers: Headers) -> None:
            await self.write([Written(name, key, value, headers)])

        return publish

    def close(self) -> None:
        """Ends the thread; everything that was asked has been answered."""
        self._thread.shutdown(wait=False)

    async def _publish(self, asked: Sequence[Sequence[Written]]) -> Sequence[Sequence[str]]:
        records = [one for each in asked for one in each]
        loop = asyncio.get_running_loop()
        found = iter(await loop.run_in_executor(self._thread, self._publisher.publish, records))
        return [list(islice(found, len(each))) for each in asked]


def group(prefix: str, channel: str) -> str:
    """Returns the consumer group of the commands."""
    return f"{prefix}sender-{channel}"


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
        self._commands: Commands | None = None

    @property
    def has_joined(self) -> bool:
        """Whether the group has given this process its share of the commands."""
        return self._commands is not None and self._commands.joined.is_set()

    def host(
        self,
        app: "App",
        standing: Standing,
        writer: Writer,
        *,
        share: Callable[[float], None],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        """Adds the agents to the app.

        Args:
            app: runs them; when it stops, what is in flight ends.
            standing: takes consents and suppressions.
            writer: takes what can not be read of them; closed at the end.
            share: is told which part of the channel's rates is this process's.
            close: lets go of providers and database at the end.
        """
        options = self._options
        name = f"commands.{options.channel}"
        commands = self._commands = Commands(
            app,
            _taken(options, full_name(options.prefix, name)),
            self._desk.handle,
            renew=self._books.renew,
            share=share,
        )
        commands.host(f"sender-{options.channel}")
        taken = intake.Options(name=options.channel, channels=(), schemas=options.schemas)
        dead = Intake(taken, writer.into("dead-letters"), metrics=self._metrics)
        said = self._standing(app, _Taker(standing, dead, options=options))

        async def end(*_: Any, **__: Any) -> None:
            await commands.close()
            await said.close(options.grace_ms)
            writer.close()
            await close()

        app.on_before_shutdown.connect(end, weak=False)
        app.task(partial(apps.every, app, COUNT_S, self._count))
        app.task(partial(apps.every, app, LOOK_S, self._look))
        app.task(partial(apps.every, app, EXPIRE_S, self._expire))

    def _standing(self, app: "App", taker: "_Taker") -> Lanes:
        """Adds the agent that works on consents and suppressions, those of a key in their order."""
        options = self._options
        lanes = Lanes.of(app, STANDINGS_PLACES, grace_ms=options.grace_ms)

        async def finish(event: Any) -> None:
            await taker.take(event.message)
            event.ack()

        async def take(stream: Any) -> None:
            async for event in stream.noack().events():
                await lanes.put(event.message.key, partial(finish, event))

        said = apps.raw_topic(app, *(full_name(options.prefix, one) for one in STANDINGS))
        app.agent(said, name=f"standing-{options.channel}", concurrency=1)(take)
        return lanes

    async def _count(self) -> None:
        assert self._commands is not None
        self._metrics.set(Gauge.SENDING, len(self._commands), self._options.channel)

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
            at=standings.lifted_at(came.headers, apps.written_at(came)),
            schemas=self._options.schemas,
        )
        said = await self._intake.take(apps.record(came), read)
        if said is not None:
            await self._applied.ask(said)

    async def _apply(self, records: Any) -> list[None]:
        await self._intake.until_it_works(partial(self._standing.apply, records))
        return [None] * len(records)


def _taken(options: Options, topic: str) -> feeding.Options:
    return feeding.Options(
        feed=feeds.Options(
            cluster=options.cluster,
            group=group(options.prefix, options.channel),
            topic=topic,
            slot=options.slot,
        ),
        places=options.places,
        grace_ms=options.grace_ms,
    )
