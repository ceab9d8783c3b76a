"""The agent that has commands carried out: `commands.<channel>` in, `outcomes` out.

At least once towards the world: a command is finished when its outcome is in Kafka, and only then
is its offset committed. What can not be read goes to the dead letters. Where the channel as a whole
does not work, commands wait: the places fill up, and the stream with them; none is dropped.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from processors.agents import apps
from processors.agents.lanes import Lanes
from processors.delivery import intake, telling
from processors.delivery.intake import Publish
from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.ports import Clock, Sender
from schemas import codec
from schemas.letters import Record
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a sender service sends, and how much at once."""

    prefix: str
    """Of all topics."""
    channels: tuple[str, ...]
    """Whose commands it takes."""
    places: int = 16
    """Commands that are sent at once; those of one person go one after the other."""
    grace_ms: int = 10_000
    """How long stopping waits for what is in flight; the rest is sent again after the restart."""
    retry_ms: int = 1_000
    """First wait where the channel does not work; doubles from there."""
    retry_max_ms: int = 60_000
    encode: Callable[[msgspec.Struct], bytes] = codec.encode
    """For outcomes; see `codec.encoder`."""
    tells: bool = False
    """Whether what comes of a command is an event of the person too."""
    schemas: codec.SchemaSource | None = None
    """For commands in Avro."""


def topics(options: Options) -> tuple[str, ...]:
    """Returns the full names of the topics that must be there, those of commands first."""
    names = [f"commands.{channel}" for channel in options.channels]
    names += ["outcomes", "dead-letters"]
    if options.tells:
        names.append("events")
    return tuple(full_name(options.prefix, one) for one in names)


def build(app: "App", sender: Sender, *, options: Options, metrics: Metrics, clock: Clock) -> None:
    """Adds the agent to the app. When the app stops, what is in flight ends and the sender closes.

    Raises:
        KeyError: a channel that there is not.
    """

    def into(name: str) -> Publish:
        return partial(apps.publish, apps.raw_topic(app, full_name(options.prefix, name)))

    commands = topics(options)[: len(options.channels)]
    desk = Desk(
        sender,
        options,
        outlets=Outlets(
            outcomes=into("outcomes"), events=into("events"), dead=into("dead-letters")
        ),
        metrics=metrics,
        clock=clock,
    )
    crashes: set[asyncio.Future[None]] = set()
    lanes = Lanes(
        options.places, lambda error: crashes.add(asyncio.ensure_future(app.crash(error)))
    )

    async def work(event: Any) -> None:
        metrics.set(Gauge.SENDING, len(lanes), sender.channel)
        came = event.message
        await desk.handle(Record(came.topic, came.partition, came.offset, came.key, came.value))
        event.ack()

    async def send(stream: Any) -> None:
        async for event in stream.noack().events():
            await lanes.put(event.message.key, partial(work, event))

    async def close(*_: Any, **__: Any) -> None:
        if not await lanes.close(options.grace_ms):
            logger.warning("commands in flight were given up; they are sent again")
        await sender.close()

    app.agent(apps.raw_topic(app, *commands), name=f"sender-{sender.channel}", concurrency=1)(send)
    app.unfinished.append(partial(lanes.drain, options.grace_ms))
    app.on_before_shutdown.connect(close)


@dataclass(frozen=True, kw_only=True)
class Outlets:
    """Where a desk writes."""

    outcomes: Publish
    events: Publish
    dead: Publish


class Desk:
    """Sees one record at a time to its end: sent and known, or laid with the dead letters."""

    def __init__(
        self,
        sender: Sender,
        options: Options,
        *,
        outlets: Outlets,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._sender = sender
        self._options = options
        self._outlets = outlets
        taken = intake.Options(
            name=sender.channel,
            channels=options.channels,
            schemas=options.schemas,
            retry_ms=options.retry_ms,
            retry_max_ms=options.retry_max_ms,
        )
        self._intake = intake.Intake(taken, outlets.dead, metrics=metrics)
        self._metrics = metrics
        self._clock = clock

    async def handle(self, record: Record) -> None:
        """Returns when Kafka has the command's outcome, or the dead letter."""
        command = await self._intake.read(record)
        if command is None:
            return
        until_it_works = self._intake.until_it_works
        started_ms = self._clock.now_ms()
        outcome = await until_it_works(partial(self._sender.send, command))
        taken_s = (self._clock.now_ms() - started_ms) / 1000
        self._metrics.observe(Histogram.SEND_SECONDS, taken_s, command.channel)
        key, value = outcome.profile_id.encode(), self._options.encode(outcome)
        await until_it_works(partial(self._outlets.outcomes, key, value, []))
        if self._options.tells:
            told = codec.encode(telling.event(command, outcome))
            await until_it_works(partial(self._outlets.events, key, told, []))
        self._metrics.add(Counter.OUTCOMES, 1, outcome.channel, outcome.result)
