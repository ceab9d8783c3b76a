"""Faust, with what it gets wrong at its edge to Kafka put right, for every agent that it hosts.

Loaded by `apps` only, when an app is made: importing faust takes long and reads the command line.
Put right are: that it reads records of aborted transactions; that it commits past work which is not
finished (faust-streaming issues 606, 707) and stands still before gaps in a partition; that it
forgets, when partitions leave, what was finished since the last commit; that it never asks its
client what went wrong with the group, and so stands still for ever; that it empties all channels
when partitions move; that it makes directories.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.channels import Channel
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.transports import TransportT
from faust.types.tuples import ConsumerMessage
from mode.utils.queues import FlowControlEvent, ThrowableQueue

MAX_GROUP_ERRORS = 10
"""Errors of the consumer group in a row, before the app gives up."""
WATCH_S = 1.0
CALM_S = 60.0
"""After so long without an error they are no longer in a row."""
FETCH_WAIT_MS = 100
"""How long a fetch waits for records. As the client has one under way to a broker, those of a
partition that it does not name wait with it: up to 1.5 s by Faust's own setting."""

logger = logging.getLogger("faust.beckon")
"""Faust's own, for what Faust says: quiet like the rest of it."""


class App(faust.App):
    """A Faust app whose agents read committed records and finish what they took up."""

    logger = logger

    def __init__(self, *args: Any, makes_directories: bool, **options: Any) -> None:
        self.unfinished: list[Callable[[], Awaitable[object]]] = []
        """Called before partitions leave and before the app stops: finish what is in flight."""
        self._makes_directories = makes_directories
        super().__init__(*args, **options)

    def batches(self) -> "Batches":
        """Returns a channel that holds one batch, and loses none."""
        return Batches(self, maxsize=1)

    async def finish(self) -> None:
        """Waits for what the agents have in flight; each of them has its own bound."""
        for one in self.unfinished:
            await one()

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        if self._makes_directories:
            super()._create_directories()


class Batches(Channel[Any]):
    """A channel over which Faust's own consumer has no say.

    The queues of all others are shut and emptied when its partitions move and while the app stops:
    a batch would be lost there, and whoever waits for its end would wait for ever.
    """

    @property
    def queue(self) -> "ThrowableQueue[Any]":
        """The queue, always open."""
        if self._queue is None:
            always = FlowControlEvent(initially_suspended=False)
            self._queue = ThrowableQueue(maxsize=self.maxsize, flow_control=always)
        return self._queue


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads only what was committed: a command of an aborted batch was never decided.

    Asks after the group's errors, as the client waits to be asked before it tries again.
    """

    logger = logger
    _watcher: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Starts to watch the group with the consumer."""
        await super().on_start()
        self._watcher = asyncio.create_task(self._watch())

    async def on_thread_stop(self) -> None:
        """Stops to watch the group before the consumer leaves it."""
        if self._watcher is not None:
            self._watcher.cancel()
        await super().on_thread_stop()

    async def _watch(self) -> None:
        coordinator = self._ensure_consumer()._coordinator
        in_a_row, calm_at = 0, 0.0
        while True:
            await asyncio.sleep(WATCH_S)
            now = asyncio.get_running_loop().time()
            try:
                coordinator.check_errors()
            except Exception as error:
                in_a_row = 1 if now > calm_at else in_a_row + 1
                calm_at = now + CALM_S
                problem = {"error_type": repr(error), "in_a_row": in_a_row}
                logger.warning("the consumer group has an error", extra=problem)
                if in_a_row >= MAX_GROUP_ERRORS or coordinator._coordination_task.done():
                    asyncio.run_coroutine_threadsafe(self.app.crash(error), self.app.loop)
                    return

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        assert consumer._isolation_level == "read_uncommitted"  # read when the consumer starts
        consumer._isolation_level = "read_committed"
        assert consumer._fetch_max_wait_ms == 1500
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class Consumer(driver.Consumer):
    """Commits up to the first record that is not finished, whatever lies between the offsets."""

    app: App
    logger = logger

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._open: dict[TP, set[int]] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        self._open.setdefault(tp, set()).add(record.offset)
        return super()._to_message(tp, record)

    def ack(self, message: Message) -> bool:
        """Remembers that the agents are finished with the record.

        Not so with one that no agent saw: streams also ack what they leave out while partitions
        move and while the app stops.
        """
        return bool(message.tracked) and super().ack(message)

    def _new_offset(self, tp: TP) -> int | None:
        acked, index, committed = self._acked[tp], self._acked_index[tp], self._committed_offset[tp]
        if not acked:
            return None
        left = {one for one in self._open.get(tp, ()) if one >= (committed or 0)} - index
        self._open[tp] = left
        offset: int = min(left, default=max(acked) + 1)
        index.difference_update(one for one in acked if one < offset)
        acked[:] = [one for one in acked if one >= offset]
        return offset

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finishes and commits before the partitions leave: the next owner need not repeat it."""
        self.stop_flow()
        self.app.flow_control.suspend()
        await self.app.finish()
        await self.commit()
        for tp in revoked:
            self._open.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class Transport(driver.Transport):
    """Kafka, read by our consumer."""

    Consumer = Consumer
