"""The agent that decides: batches of `events` in, everything else out.

A Faust agent over a channel of batches. The records come through confluent-kafka, and each batch is
one transaction; Faust's own consumer, tables and commits take no part in it.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from processors.runtime.clients import Polled
from processors.runtime.streams import Stream

if TYPE_CHECKING:
    from processors.agents.hosting import App

logger = logging.getLogger(__name__)


def spare_garbage_collection() -> None:
    """Has the collector of cycles look seldom: a batch makes none, and looking costs a fifth."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


class Turn(msgspec.Struct):
    """One batch on its way to the agent."""

    records: list[Polled]
    done: "asyncio.Future[None]"


def build(app: "App", stream: Stream, *, first: Callable[[], Awaitable[None]]) -> None:
    """Adds the agent and its feeder to the app. The stream is opened and closed with the app.

    Args:
        app: becomes their host.
        stream: not open yet.
        first: awaited before the stream is opened.
    """
    feeder = Feeder(app, stream, first)
    app.agent(feeder.batches, name="decide")(feeder.decide)
    app.task(feeder.feed)
    app.on_before_shutdown.connect(feeder.close, weak=False)


class Feeder:
    """Polling and deciding take turns in one thread, so partitions never move in a transaction.

    The event loop stays free for everything else.
    """

    def __init__(self, app: "App", stream: Stream, first: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._stream = stream
        self._first = first
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._in_turn = asyncio.Lock()
        self._is_closed = False
        self.batches: Any = app.batches()

    async def decide(self, turns: Any) -> None:
        """The agent: one batch, one transaction."""
        async for turn in turns:
            try:
                await self._run(self._stream.process, turn.records)
            except Exception as error:
                await self._crash(error)
            finally:
                turn.done.set_result(None)

    async def feed(self) -> None:
        """Hands over batch after batch, each when the one before is committed."""
        spare_garbage_collection()
        try:
            await self._first()
            async with self._in_turn:
                if not self._is_closed:  # told to stop while what comes first was under way
                    await self._run(self._stream.open)
            while not (self._app.should_stop or self._is_closed):
                async with self._in_turn:
                    await self._turn()
        except Exception as error:
            await self._crash(error)

    async def close(self, *_: Any, **__: Any) -> None:
        """Lets the batch at hand be committed, then leaves the group."""
        async with self._in_turn:
            self._is_closed = True
            await self._run(self._stream.close)
        self._thread.shutdown(wait=False)

    async def _turn(self) -> None:
        if self._is_closed:
            return
        records = await self._run(self._stream.poll)
        if records or await self._run(self._stream.has_work):
            turn = Turn(records, asyncio.get_running_loop().create_future())
            await self.batches.put(turn)
            await turn.done

    async def _run(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    async def _crash(self, error: Exception) -> None:
        logger.critical("the stream stopped", extra={"why": str(error)})
        await self._app.crash(error)
