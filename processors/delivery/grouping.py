"""Does for many at once what each asks for alone: one round trip a batch, not one a message."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

APART_S = 0.003
"""Batches begin no closer to each other: under load more go together, and who comes alone does not
wait."""

Given = TypeVar("Given")
Found = TypeVar("Found")


class Grouped(Generic[Given, Found]):
    """Collects what is asked while the batch before is under way.

    Guarantees:
        Batches begin in the order of the asking. What one raises, all of its batch are told.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Given]], Awaitable[Sequence[Found]]],
        *,
        most: int,
        at_once: int = 1,
    ) -> None:
        """Takes the work: it returns one answer for each that it is given, in their order.

        Args:
            work: see above.
            most: of one batch.
            at_once: batches under way; more than one where the work has a queue of its own.
        """
        self._work = work
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Given, asyncio.Future[Found]]] = []
        self._running: set[asyncio.Task[None] | None] = set()
        self._next_s = 0.0

    async def ask(self, given: Given) -> Found:
        """Returns the answer for one."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((given, future))
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._run()))
        found: Found = await future
        return found

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                # at least one turn of the loop: everything that is asked in it goes together
                await asyncio.sleep(max(0.0, self._next_s - loop.time()))
                self._next_s = loop.time() + APART_S
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                if batch:
                    await self._answer(batch)
        finally:
            self._running.discard(asyncio.current_task())

    async def _answer(self, batch: Sequence[tuple[Given, "asyncio.Future[Found]"]]) -> None:
        try:
            found = await self._work([given for given, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), one in zip(batch, found, strict=True):
            if not future.done():
                future.set_result(one)
