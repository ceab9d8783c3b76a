"""The ledger, asked for one message at a time and in batches: it waits until the database answers.

Fails closed: where the ledger can not be asked, nothing is sent; commands wait, and go on when it
answers again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from processors.delivery.grouping import Grouped
from processors.delivery.routes import Pace, Sleep
from processors.metrics import Counter, Metrics
from processors.ports import Clock, Ledger
from schemas.intents import OPEN, End, Entry, Gate, Intent

Found = TypeVar("Found")

logger = logging.getLogger(__name__)


class Fenced(Exception):
    """Another process has taken up the message: this one leaves it alone."""


class Books:
    """Keeps the ledger for all messages of a process.

    Guarantees:
        Never raises for the database. Batches of different kinds run side by side.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        most: int,
        metrics: Metrics,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Takes the ledger; at most `most` messages go in one batch."""
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._epoch: int | None = None
        self._assignments = 0
        self._claims = Grouped(self._claim, most=most)
        self._gates = Grouped(self._dispatch, most=most)
        self._releases = Grouped(self._release, most=most)
        self._ends = Grouped(self._conclude, most=most)
        self._told = Grouped(self._tell, most=most)

    def renew(self) -> None:
        """Takes the next epoch before the next claim: partitions came to this process."""
        self._epoch = None
        self._assignments += 1

    async def claim(self, intent: Intent) -> Entry:
        """Returns what stands of the message; it is ours now, or nothing more can come of it.

        Raises:
            Fenced: it is another's, who took it up later.
        """
        entry, epoch = await self._claims.ask(intent)
        return _ours(entry, epoch)

    async def dispatch(self, gate: Gate) -> Entry:
        """Returns what stands after the last look; only what is `dispatching` may go.

        Raises:
            Fenced: it is another's now.
        """
        return _ours(await self._gates.ask(gate), gate.epoch)

    async def release(self, gate: Gate) -> None:
        """Takes a dispatch back."""
        await self._releases.ask(gate)

    async def conclude(self, end: End) -> Entry:
        """Returns what stands then.

        Raises:
            Fenced: it is another's now.
        """
        return _ours(await self._ends.ask(end), end.epoch)

    async def reopen(self, message_id: str) -> None:
        """Takes back that a message is held, if it is."""
        await self._ask(lambda now: self._ledger.reopen([message_id], at=now))

    async def tell(self, message_id: str) -> None:
        """Remembers that Kafka has what came of the message."""
        await self._told.ask(message_id)

    async def until_it_works(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        """Returns what the database answers, however long it takes."""
        attempt = 0
        while True:
            try:
                return await ask()
            except OSError as error:
                attempt += 1
                problem = {"error_type": repr(error), "attempt": attempt}
                logger.warning(
                    "the senders' database does not answer; nothing is sent", extra=problem
                )
            self._metrics.add(Counter.LEDGER_RETRIES)
            await self._sleep(_PACE.wait_ms(attempt, "ledger") / 1000)

    async def _claim(self, intents: Sequence[Intent]) -> Sequence[tuple[Entry, int]]:
        epoch = self._epoch
        while epoch is None:
            before = self._assignments
            taken = await self.until_it_works(self._ledger.epoch)
            if before == self._assignments:
                epoch = self._epoch = taken
        found = await self._ask(lambda now: self._ledger.claim(intents, epoch=epoch, at=now))
        return [(found[one.id], epoch) for one in intents]

    async def _dispatch(self, gates: Sequence[Gate]) -> Sequence[Entry]:
        found = await self._ask(lambda now: self._ledger.dispatch(gates, at=now))
        return [found[one.id] for one in gates]

    async def _release(self, gates: Sequence[Gate]) -> Sequence[None]:
        await self._ask(lambda now: self._ledger.release(gates, at=now))
        return [None] * len(gates)

    async def _conclude(self, ends: Sequence[End]) -> Sequence[Entry]:
        found = await self._ask(lambda now: self._ledger.conclude(ends, at=now))
        return [found[one.id] for one in ends]

    async def _tell(self, ids: Sequence[str]) -> Sequence[None]:
        await self._ask(lambda now: self._ledger.told(ids, at=now))
        return [None] * len(ids)

    async def _ask(self, work: Callable[[int], Awaitable[Found]]) -> Found:
        return await self.until_it_works(lambda: work(self._clock.now_ms()))


_PACE = Pace(backoff_ms=200, backoff_max_ms=5_000)


def _ours(entry: Entry, epoch: int) -> Entry:
    if entry.state in OPEN and entry.epoch != epoch:
        raise Fenced
    return entry
