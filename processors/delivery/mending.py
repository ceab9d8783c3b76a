"""Held messages, tried again: once under each new version of what they are made by.

A command of which no message could be made is kept with the version of its template (and of all
that this takes in) that it was tried under. As soon as there is another version it goes the way of
all commands once more, under the same id: ledger, last look, provider, outcome.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from processors.delivery.books import Books
from processors.metrics import Counter, Gauge, Metrics
from processors.ports import Clock, HeldCommands
from schemas import codec
from schemas.commands import Command
from schemas.intents import HeldCommand, Published

MAX_COMMAND_BYTES = 256 * 1024
"""Of a command that is kept; a larger one stays held for good."""
LEASE_MS = 60_000
"""For so long nobody else tries what a process is trying, and again as long as it goes on."""
EXPIRE_MOST = 5_000

Again = Callable[[Command], Awaitable[bool]]
"""Delivers a held command once more; returns whether it is held still."""
Ask = Callable[[], Awaitable[Published]]
"""Returns what is known of templates, once that is all of them."""
UNKNOWN = Published(read=-1, versions={})
"""What a message was made by that was held by somebody who did not come to keep it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is kept, and how much is tried at once."""

    channel: str
    retention_ms: int
    """How long a command is kept, at most; no longer than it may be sent."""
    most: int = 100
    """Commands that are tried at once; those of one person go one after the other."""


class Keeper:
    """Keeps what could not be made into a message."""

    def __init__(
        self,
        held: HeldCommands,
        published: Ask,
        books: Books,
        *,
        options: Options,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.held = held
        self.published = published
        self.options = options
        self.metrics = metrics
        self.clock = clock
        self._books = books

    async def before(self, command: Command) -> Published:
        """Returns what templates are; asked before a message is made by one."""
        return UNKNOWN if command.template is None else await self.published()

    async def keep(self, command: Command, tried: Published) -> None:
        """Keeps a command until its template is another one, however long the database takes.

        Args:
            command: of which no message could be made.
            tried: what templates were before that.
        """
        now_ms, size = self.clock.now_ms(), len(codec.encode(command))
        until = now_ms + self.options.retention_ms
        if command.expires_at is not None:
            until = min(until, command.expires_at)
        if command.template is None or until <= now_ms:
            return
        if size > MAX_COMMAND_BYTES:
            logger.warning("a held command is too large to be kept", extra={"bytes": size})
            return
        kept = HeldCommand(
            command=command,
            tried=tried.of(command.template),
            tried_at=tried.read,
            held_at=now_ms,
            until=until,
        )
        await self._books.until_it_works(lambda: self.held.keep(kept))

    def renew(self) -> None:
        """Has what is taken up next be ours, whoever had it before."""
        self._books.renew()

    async def settle(self, command_id: str, *, is_held: bool) -> None:
        """Gives a command back that is held still, or lets go of it; however long that takes."""
        work = self.held.put_back if is_held else self.held.end
        await self._books.until_it_works(lambda: work([command_id]))


class Mender:
    """Tries again what was held."""

    def __init__(
        self,
        keeper: Keeper,
        again: Again,
        *,
        has_share: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Makes one.

        Args:
            keeper: of what was held.
            again: delivers it, at the pace of all that is sent.
            has_share: whether this process may send now. While it may not, what is held is left
                to others, also what it has begun.
            sleep: waits for so many seconds.
        """
        self._keeper = keeper
        self._again = again
        self._has_share = has_share
        self._sleep = sleep

    async def look(self) -> int:
        """Tries what has another template now; returns how many commands that were.

        Raises:
            OSError: the database does not answer; what was under way is taken up later.
        """
        keeper = self._keeper
        if not self._has_share():
            return 0
        channel, now_ms = keeper.options.channel, keeper.clock.now_ms()
        await keeper.held.expire(at=now_ms, most=EXPIRE_MOST)
        taken = await keeper.held.take(
            channel,
            await keeper.published(),
            at=now_ms,
            busy_until=now_ms + LEASE_MS,
            most=keeper.options.most,
        )
        if not taken:
            return 0
        keeper.renew()
        of_one: dict[str, list[HeldCommand]] = {}
        for each in taken:
            of_one.setdefault(each.command.profile_id, []).append(each)
        async with self._leased([each.command.id for each in taken]):
            await asyncio.gather(*(self._try(several) for several in of_one.values()))
        keeper.metrics.add(Counter.MENDED, len(taken), channel)
        return len(taken)

    async def _try(self, several: Sequence[HeldCommand]) -> None:
        for each in several:
            is_held = await self._again(each.command)
            await self._keeper.settle(each.command.id, is_held=is_held)

    async def count(self) -> None:
        """Shows how many wait.

        Raises:
            OSError: the database does not answer.
        """
        channel = self._keeper.options.channel
        found = await self._keeper.held.holdings()
        waiting = sum(each.messages for each in found if each.channel == channel)
        self._keeper.metrics.set(Gauge.HELD, waiting, channel)

    @contextlib.asynccontextmanager
    async def _leased(self, ids: Sequence[str]) -> AsyncIterator[None]:
        """Says again and again that these are being tried, as long as they are."""

        async def extend() -> None:
            while True:
                await self._sleep(LEASE_MS / 3_000)
                if not self._has_share():
                    continue
                until_ms = self._keeper.clock.now_ms() + LEASE_MS
                with contextlib.suppress(OSError):
                    await self._keeper.held.extend(ids, busy_until=until_ms)

        extending = asyncio.ensure_future(extend())
        try:
            yield
        finally:
            extending.cancel()
            await asyncio.wait([extending])
