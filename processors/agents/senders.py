"""The agent that hands commands on as they are: `commands.*` in, `outcomes` out.

For those who want commands in files, and for the demo; `deliveries` carries them out. A command is
finished when its outcome is in Kafka, and only then is its offset committed. What can not be read
goes to the dead letters. While the disk is full, commands wait: none is dropped.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from processors.agents import apps
from processors.agents.lanes import Lanes
from processors.delivery import intake
from processors.delivery.intake import Intake, Publish
from processors.metrics import Counter, Gauge, Metrics
from processors.ports import Sender
from schemas import codec
from schemas.letters import Record
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

PLACES = 400
"""Commands that are under way at once; those of one person go one after the other."""
GRACE_MS = 10_000
"""How long stopping waits for what is in flight; the rest is taken up after the restart."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a sender service takes."""

    prefix: str
    """Of all topics."""
    channels: tuple[str, ...]
    """Whose commands it takes."""
    encode: Callable[[msgspec.Struct], bytes] = codec.encode
    """For outcomes; see `codec.encoder`."""
    schemas: codec.SchemaSource | None = None
    """For commands in Avro."""


def topics(options: Options) -> tuple[str, ...]:
    """Returns the full names of the topics that must be there, those of commands first."""
    names = [f"commands.{channel}" for channel in options.channels]
    return tuple(full_name(options.prefix, one) for one in (*names, "outcomes", "dead-letters"))


def build(app: "App", sender: Sender, *, options: Options, metrics: Metrics) -> None:
    """Adds the agent to the app. When the app stops, what is in flight ends and the sender closes.

    Raises:
        KeyError: a channel that there is not.
    """
    *commands, outcomes, dead = topics(options)
    taken = intake.Options(name=sender.channel, channels=options.channels, schemas=options.schemas)
    desk = Desk(
        sender,
        Intake(taken, partial(apps.publish, apps.raw_topic(app, dead)), metrics=metrics),
        partial(apps.publish, apps.raw_topic(app, outcomes)),
        encode=options.encode,
        metrics=metrics,
    )
    lanes = Lanes.of(app, PLACES, grace_ms=GRACE_MS)

    async def work(event: Any) -> None:
        metrics.set(Gauge.SENDING, len(lanes), sender.channel)
        await desk.handle(apps.record(event.message))
        event.ack()

    async def send(stream: Any) -> None:
        async for event in stream.noack().events():
            await lanes.put(event.message.key, partial(work, event))

    async def close(*_: Any, **__: Any) -> None:
        if not await lanes.close(GRACE_MS):
            logger.warning("commands in flight were given up; they are taken up again")
        await sender.close()

    app.agent(apps.raw_topic(app, *commands), name=f"sender-{sender.channel}", concurrency=1)(send)
    app.on_before_shutdown.connect(close)


class Desk:
    """Sees one record at a time to its end: taken and told, or laid with the dead letters."""

    def __init__(
        self,
        sender: Sender,
        taken: Intake,
        outcomes: Publish,
        *,
        encode: Callable[[msgspec.Struct], bytes],
        metrics: Metrics,
    ) -> None:
        self._sender = sender
        self._intake = taken
        self._outcomes = outcomes
        self._encode = encode
        self._metrics = metrics

    async def handle(self, record: Record) -> None:
        """Returns when Kafka has the command's outcome, or the dead letter."""
        command = await self._intake.read(record)
        if command is None:
            return
        until_it_works = self._intake.until_it_works
        outcome = await until_it_works(partial(self._sender.send, command))
        key, value = outcome.profile_id.encode(), self._encode(outcome)
        await until_it_works(partial(self._outcomes, key, value, []))
        self._metrics.add(Counter.OUTCOMES, 1, outcome.channel, outcome.result)
