"""Work side by side, but one after the other for each person: how an agent waits on the world.

Between a stream and slow calls: it takes as many as it has places, then makes the stream wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processors.agents.hosting import App

Work = Callable[[], Awaitable[None]]


class Lanes:
    """Runs at most `places` pieces of work at once; those of one key in their order.

    Work that raises stops its key for good, and tells `on_error`: whoever made the lanes decides
    what becomes of the process.
    """

    def __init__(self, places: int, on_error: Callable[[BaseException], None]) -> None:
        self._free = asyncio.Semaphore(places)
        self._on_error = on_error
        self._latest: dict[bytes | None, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    @classmethod
    def of(cls, app: "App", places: int, *, grace_ms: int) -> "Lanes":
        """Returns the lanes of an agent: work that raises crashes its app.

        Args:
            app: drains them before partitions leave and before it stops.
            places: how many there are.
            grace_ms: how long the app waits for that.
        """
        crashes: set[asyncio.Future[None]] = set()
        lanes = cls(places, lambda error: crashes.add(asyncio.ensure_future(app.crash(error))))
        app.unfinished.append(partial(lanes.drain, grace_ms))
        return lanes

    def __len__(self) -> int:
        """Returns how many pieces of work are taken and not finished."""
        return len(self._running)

    async def put(self, key: bytes | None, work: Work) -> None:
        """Takes the work as soon as a place is free, and returns without waiting for its end."""
        await self._free.acquire()
        task = asyncio.create_task(self._follow(self._latest.get(key), work))
        self._latest[key] = task
        self._running.add(task)
        task.add_done_callback(lambda done: self._finish(key, done))

    async def drain(self, timeout_ms: int) -> bool:
        """Waits for what was taken so far; returns whether all of it ended in time."""
        if not self._running:
            return True
        _, late = await asyncio.wait(set(self._running), timeout=timeout_ms / 1000)
        return not late

    async def close(self, timeout_ms: int) -> bool:
        """Drains, then gives up what is late; returns whether nothing was."""
        in_time = await self.drain(timeout_ms)
        left = set(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return in_time

    async def _follow(self, before: asyncio.Task[None] | None, work: Work) -> None:
        if before is not None:
            await asyncio.wait([before])
            if before.cancelled() or before.exception() is not None:
                raise asyncio.CancelledError
        await work()

    def _finish(self, key: bytes | None, done: asyncio.Task[None]) -> None:
        self._running.discard(done)
        self._free.release()
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._on_error(error)
        elif not done.cancelled() and self._latest.get(key) is done:
            del self._latest[key]  # what has failed stays, to stop its key
