"""Sees one record of `commands.<channel>` at a time to its end: message, ledger, provider, Kafka.

    read -> compose -> claim -> dispatch -> provider -> conclude -> outcome and event -> told

Many are under way at once, those of one person one after the other; each step of the ledger is
taken for all that wait for it together. The record is finished when Kafka has all that came of it.
"""

import hashlib
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from processors.delivery import deliverability, intake, telling
from processors.delivery.couriers import Courier, Done, Errand
from processors.delivery.galleries import Gallery
from processors.delivery.mending import UNKNOWN, Keeper
from processors.metrics import Counter, Histogram, Metrics
from processors.ports import Clock
from schemas import codec
from schemas.commands import NAMESPACE, Command
from schemas.errors import Unsendable
from schemas.intents import Intent, Published
from schemas.letters import Record, Written
from schemas.messages import Message
from schemas.outcomes import Outcome

Write = Callable[[Sequence[Written]], Awaitable[None]]
"""Writes records and waits until Kafka has them; OSError where it has not."""
Compose = Callable[[Command], Awaitable[Sequence[Message]]]
"""What a `Composer` does, without holding up the event loop."""


SEEN = ("sent", "unknown")
"""States of messages that a person may have."""


@dataclass(frozen=True, kw_only=True)
class Outlets:
    """Where a desk writes."""

    write: Write
    encode: Callable[[msgspec.Struct], bytes] = codec.encode
    """For outcomes; see `codec.encoder`."""
    keeper: Keeper | None = None
    """Keeps what is held until its template is mended; None: nobody does."""
    gallery: Gallery | None = None
    """Keeps mails that can be seen in a browser; None: nobody does."""


class Desk:
    """Delivers commands."""

    def __init__(
        self,
        compose: Compose,
        courier: Courier,
        *,
        taken: intake.Intake,
        outlets: Outlets,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._compose = compose
        self._courier = courier
        self._intake = taken
        self._outlets = outlets
        self._metrics = metrics
        self._clock = clock

    async def handle(self, record: Record) -> None:
        """Returns when Kafka has all that came of the command, or the dead letter."""
        command = await self._intake.read(record)
        if command is None:
            return
        started_ms = self._clock.now_ms()
        before = await self._before(command)
        await self._deliver(command, await self._errands(command), before)
        taken_s = (self._clock.now_ms() - started_ms) / 1000
        self._metrics.observe(Histogram.SEND_SECONDS, taken_s, command.channel)

    async def again(self, command: Command) -> bool:
        """Delivers a command that is held, under the same id; returns whether it is held still."""
        before, errands = await self._before(command), await self._errands(command)
        if errands[0].intent.id == command.id:
            await self._courier.reopen(command.id)
        return await self._deliver(command, errands, before)

    async def _before(self, command: Command) -> Published:
        keeper = self._outlets.keeper
        return UNKNOWN if keeper is None else await keeper.before(command)

    async def _deliver(
        self, command: Command, errands: Sequence[Errand], before: Published
    ) -> bool:
        """Delivers the messages of a command; returns whether one of them is held.

        Args:
            command: what they are for.
            errands: the messages.
            before: what templates were before they were made.
        """
        is_held = False
        for errand in errands:
            done = await self._shown(errand)
            is_held |= done.entry.state == "held"
            if done.entry.told_at is None:
                if done.entry.state == "held" and self._outlets.keeper is not None:
                    tried = before if errand.message is None else UNKNOWN
                    await self._outlets.keeper.keep(command, tried)
                await self._tell(command, done)
                arrival = deliverability.sent(done.entry, done.suppresses)
                domain = errand.intent.domain
                deliverability.count(self._metrics, done.entry.provider, domain, arrival)
        return is_held

    async def _shown(self, errand: Errand) -> Done:
        """Delivers a message that can be seen in a browser from before it goes, if it says so."""
        gallery, message = self._outlets.gallery, errand.message
        if gallery is None or message is None or not message.is_viewable:
            return await self._courier.deliver(errand)
        await gallery.keep(message)
        done = await self._courier.deliver(errand)
        if done.entry.state not in SEEN:
            await gallery.drop(message)
        return done

    async def _errands(self, command: Command) -> Sequence[Errand]:
        """Returns what is to be delivered: one for each address, at least one."""
        until = command.expires_at
        try:
            messages = distinct(command, await self._compose(command))
        except Unsendable as problem:
            intent = _intent(command, command.id)
            return [Errand(intent=intent, message=None, problem=problem, expires_at=until)]
        return [
            Errand(intent=_intent(command, one.id, one), message=one, expires_at=until)
            for one in messages
        ]

    async def _tell(self, command: Command, done: Done) -> None:
        entry = done.entry
        promise = self._courier.promise(entry.promise, transactional=command.transactional)
        told = telling.outcome(command, entry, promise)
        records = self._records(command, told)
        if done.suppresses is not None:
            records += self._records(command, telling.stop(entry.id, told, done.suppresses))
        await self._intake.until_it_works(partial(self._outlets.write, records))
        await self._courier.told(entry.id)
        self._metrics.add(Counter.OUTCOMES, 1, told.channel, told.result)

    def _records(self, command: Command, told: Outcome) -> list[Written]:
        key, event = told.profile_id.encode(), telling.event(command, told)
        return [
            Written("outcomes", key, self._outlets.encode(told)),
            Written("events", key, codec.encode(event)),
        ]


def distinct(command: Command, messages: Sequence[Message]) -> Sequence[Message]:
    """Returns the messages of a command, each with an id of its own.

    The id of a single message is the command's. Where there are several, each has one that is
    derived from the command's and its address, so that a repeat finds the same rows.
    """
    if len({one.id for one in messages}) == len(messages):
        return messages
    return [msgspec.structs.replace(one, id=message_id(command.id, one.to)) for one in messages]


def message_id(command_id: str, to: str) -> str:
    """Returns the id of one of several messages of a command.

    >>> message_id("c-1", "ada@example.org") == message_id("c-1", "ada@example.org")
    True
    """
    address = hashlib.sha256(to.encode()).hexdigest()
    return str(uuid.uuid5(NAMESPACE, f"{command_id} {address}"))


def _intent(command: Command, of: str, message: Message | None = None) -> Intent:
    return Intent(
        id=of,
        command_id=command.id,
        profile_id=command.profile_id,
        channel=command.channel,
        topic=command.topic,
        topics=command.topics,
        transactional=command.transactional,
        definition_id=command.definition_id,
        step=command.step,
        variant=None if message is None else message.variant,
        domain=None if message is None else deliverability.domain(message.channel, message.to),
    )
