"""The agent that decides: batches of `events` in, everything else out.

A Faust agent over a channel of batches. The records come through confluent-kafka, and each batch is
one transaction; Faust's own consumer, tables and commits take no part in it.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from processors.runtime.streams import Polled, Stream

if TYPE_CHECKING:
    from processors.agents.hosting import App

logger = logging.getLogger(__name__)


class Turn(msgspec.Struct):
    """One batch on its way to the agent."""

    records: list[Polled]
    done: "asyncio.Future[None]"


def build(app: "App", stream: Stream) -> None:
    """Adds the agent and its feeder to the app. The stream is opened and closed with the app.

    Polling and deciding take turns in one thread, so that partitions never move within a
    transaction; the event loop stays free for everything else.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
    batches = app.channel(maxsize=1)
    in_turn = asyncio.Lock()

    async def run(call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(thread, call, *arguments)

    async def decide(turns: Any) -> None:
        async for turn in turns:
            try:
                await run(stream.process, turn.records)
            except Exception as error:  # noqa: BLE001 - the agent's loop: the worker ends with it
                await _crash(app, error)
            finally:
                turn.done.set_result(None)

    async def feed() -> None:
        await run(stream.open)
        while not app.should_stop:
            async with in_turn:
                await turn_once()

    async def turn_once() -> None:
        try:
            records = await run(stream.poll)
        except Exception as error:  # noqa: BLE001 - as above
            await _crash(app, error)
            return
        if records or stream.has_work:
            turn = Turn(records, asyncio.get_running_loop().create_future())
            await batches.put(turn)
            await turn.done

    async def close(*_: Any, **__: Any) -> None:
        async with in_turn:
            await run(stream.close)
        thread.shutdown(wait=False)

    app.agent(batches, name="decide")(decide)
    app.task(feed)
    app.on_before_shutdown.connect(close)


async def _crash(app: "App", error: Exception) -> None:
    logger.critical("the stream stopped", extra={"why": str(error)})
    await app.crash(error)
