"""The agent that takes records in batches and has them worked on side by side, for senders.

A Faust agent over a channel of batches, as that which decides: the records come through
confluent-kafka, and an offset is committed when all before it are finished. Records of one key are
worked on one after the other. The work is told which part of all partitions is ours: so much of
a rate that all processes share it may use.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from processors.agents.events import spare_garbage_collection
from processors.agents.lanes import Lanes
from processors.delivery.progress import Partitions, Progress
from processors.runtime import feeds
from processors.runtime.clients import Polled
from processors.runtime.feeds import Feed, Hooks
from schemas.letters import Record

if TYPE_CHECKING:
    from processors.agents.hosting import App

POLL_S = 0.1
MOVE_S = 5.0
"""Longer than the grace: leaving partitions must not wait for an event loop that has ended."""
COMMIT_S = 0.5
COUNT_S = 10.0
"""How often the topic's partitions are counted, besides when some came."""
AGAIN_S = 1.0
"""Before they are counted again where some came and nobody said how many there are: while nobody
does, each question holds up the polls for seconds."""
PATIENCE_S = 2.0
"""How long a batch may wait for places before the brokers are to send nothing meanwhile."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is taken, and how much at once."""

    feed: feeds.Options
    places: int
    """Records that are worked on at once."""
    grace_ms: int
    """How long stopping, or a partition that leaves, waits for what is in flight."""


class Taken(NamedTuple):
    """A record, and the turn of ownership in which it was polled.

    In a later one it comes again, after those before it that were not finished.
    """

    record: Polled
    of: Progress | None


class Turn(msgspec.Struct):
    """One batch on its way to the agent."""

    records: Sequence[Taken]
    done: "asyncio.Future[None]"


class Commands:
    """Feeds one topic to the work, as fast as there are places."""

    def __init__(
        self,
        app: "App",
        options: Options,
        work: Callable[[Record], Awaitable[None]],
        *,
        renew: Callable[[], None],
        share: Callable[[float], None],
    ) -> None:
        """Makes the agent's parts; `host` adds them to the app.

        Args:
            app: becomes their host; work that raises crashes it.
            options: what is taken.
            work: returns when Kafka has all that came of a record.
            renew: called when partitions came, before their first record.
            share: called with the part of all partitions that is ours, 0 to 1, whenever it is
                another one. It falls before any of them leaves, and grows after some came: those
                of all processes are 1 together at most. 0 to begin with.
        """
        self._app = app
        self._options = options
        self._work = work
        self._renew = renew
        self._crashes: set[asyncio.Future[None]] = set()
        self._lanes = Lanes(options.places, self._crash)
        self._partitions = Partitions()
        self._feed = Feed(options.feed, Hooks(came=self._came, left=self._left))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commands")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_turn = asyncio.Lock()
        self._kept: list[Taken] = []
        """Came while a batch waited for places."""
        self._ends: dict[int, int] = {}
        """Reached by what was polled, but all of that may not have its place yet."""
        self._committed_s = 0.0
        self._share = share
        self._part = 0.0
        self._total = 0
        """Partitions of the topic, as far as we know."""
        self._is_counted = False
        """Whether it was told since some came."""
        self._count_at_s = 0.0
        share(self._part)
        self._is_closed = False
        self.joined = asyncio.Event()
        """Set once the group has given this process its share."""
        self.batches: Any = app.batches()

    def __len__(self) -> int:
        """Returns how many records are worked on."""
        return len(self._lanes)

    def host(self, name: str) -> None:
        """Adds the agent and what feeds it to the app."""
        self._app.agent(self.batches, name=name)(self.take)
        self._app.task(self.feed)

    async def take(self, turns: Any) -> None:
        """The agent: gives each record a place, as soon as there is one."""
        async for turn in turns:
            for one, of in turn.records:
                if of is not self._partitions.now(one.partition()):
                    continue
                if not self._is_closed and self._partitions.take(one.partition(), one.offset()):
                    await self._lanes.put(one.key(), partial(self._finish, one))
            turn.done.set_result(None)

    async def feed(self) -> None:
        """Hands over batch after batch, each when the one before has its places."""
        spare_garbage_collection()
        self._loop = asyncio.get_running_loop()
        try:
            async with self._in_turn:
                if not self._is_closed:
                    await self._run(self._feed.open)
            while not (self._app.should_stop or self._is_closed):
                async with self._in_turn:
                    await self._turn()
        except Exception as error:
            self._crash(error)

    async def close(self) -> None:
        """Takes no more, lets what is in flight end, commits and leaves the group."""
        self._is_closed = True
        ended = await self._lanes.close(self._options.grace_ms)
        if not ended:
            logger.warning("commands in flight were given up; they are taken up again")
        async with self._in_turn:
            await self._run(partial(self._feed.commit, self._partitions.due(), waits=True))
            await self._run(self._feed.close)
        self._thread.shutdown(wait=False)

    async def _turn(self) -> None:
        if self._is_closed:
            return
        records: Sequence[Taken] = self._kept
        self._kept = []
        if not records:
            records = await self._poll(POLL_S)
        if records:
            turn = Turn(records, asyncio.get_running_loop().create_future())
            await self.batches.put(turn)
            await self._placed(turn)
        if not (self._kept or self._is_closed):
            self._partitions.reach(self._ends)
            self._ends.clear()
        await self._commit()

    async def _placed(self, turn: Turn) -> None:
        """Waits until all of a batch have places; stays in the group if that takes long."""
        await asyncio.wait([turn.done], timeout=PATIENCE_S)
        if turn.done.done():
            return
        logger.info("all places are taken: partitions are paused")
        await self._run(self._feed.hold)
        while not (turn.done.done() or self._is_closed):
            found = await self._poll(POLL_S)
            if found:
                self._kept += found
                await self._run(self._feed.hold)
            await self._commit()
            await asyncio.wait([turn.done], timeout=POLL_S)
        await self._run(self._feed.go_on)
        logger.info("partitions go on")

    async def _poll(self, wait_s: float) -> Sequence[Taken]:
        found = await self._run(self._feed.poll, self._options.places, wait_s)
        self._ends.update(found.ends)
        await self._count()
        return [Taken(one, self._partitions.now(one.partition())) for one in found.records]

    async def _count(self) -> None:
        """Says how large our part is now, if partitions came or there may be more of them."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._count_at_s:
            return
        total = await self._run(self._feed.count)
        if total is not None:
            self._total, self._is_counted = total, True
            self._say(len(self._partitions) / total)
        self._count_at_s = loop.time() + (COUNT_S if self._is_counted else AGAIN_S)

    def _say(self, part: float) -> None:
        if part != self._part:
            self._part = part
            self._share(part)

    async def _finish(self, one: Polled) -> None:
        if self._is_closed:
            return
        partition, offset = one.partition(), one.offset()
        topic = self._options.feed.topic
        await self._work(Record(topic, partition, offset, one.key(), one.value()))
        self._partitions.finish(partition, offset)

    async def _commit(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._committed_s >= COMMIT_S:
            self._committed_s = now_s
            await self._run(self._feed.commit, self._partitions.due())

    def _came(self, partitions: Sequence[int]) -> None:
        """Is called in the polling thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._take_up, partitions)

    def _take_up(self, partitions: Sequence[int]) -> None:
        self._partitions.come(partitions)
        self._is_counted, self._count_at_s = False, 0.0
        self._renew()
        self.joined.set()

    def _left(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Is called in the polling thread."""
        assert self._loop is not None
        asked = asyncio.run_coroutine_threadsafe(self._give_up(partitions), self._loop)
        return asked.result(self._options.grace_ms / 1000 + MOVE_S)

    async def _give_up(self, partitions: Sequence[int]) -> Mapping[int, int]:
        self._partitions.shut(partitions)
        if self._total:
            self._say(min(self._part, len(self._partitions) / self._total))
        if not self._is_closed:
            await self._lanes.drain(self._options.grace_ms)
        for one in partitions:
            self._ends.pop(one, None)
        return self._partitions.leave(partitions)

    async def _run(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    def _crash(self, error: BaseException) -> None:
        logger.critical("the commands stopped", extra={"why": str(error)})
        self._crashes.add(asyncio.ensure_future(self._app.crash(error)))
