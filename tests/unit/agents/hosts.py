"""Apps that are not started: what agents ask of one, and a story told beside an agent."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

LIMIT_S = 40.0


class Hosting:
    """A Faust app, as far as tasks and its end go."""

    def __init__(self) -> None:
        self.should_stop = False
        self.tasks: list[Any] = []
        self.ends: list[Any] = []
        self.on_before_shutdown = self

    def task(self, work: Any) -> None:
        self.tasks.append(work)

    def connect(self, work: Any, *, weak: bool) -> None:
        self.ends.append(work)


async def beside(
    agent: Coroutine[Any, Any, None],
    feed: Coroutine[Any, Any, None],
    *,
    story: Awaitable[None],
    stop: Callable[[], Awaitable[None]],
) -> None:
    """Tells a story beside an agent and its feeder, which must end with it."""
    working, feeding = asyncio.create_task(agent), asyncio.create_task(feed)
    try:
        await asyncio.wait_for(story, LIMIT_S)
        await asyncio.wait_for(stop(), LIMIT_S)
        await asyncio.wait_for(feeding, LIMIT_S)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    while not holds():
        await asyncio.sleep(0.01)
