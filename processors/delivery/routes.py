"""Which provider takes a message: the first in order that is not away, at the pace that it takes.

While all of them are away nobody is asked, but for one probe at a time; messages wait, and with
them the partition. None is dropped for it.
"""

import asyncio
import contextlib
import hashlib
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from processors.delivery.breakers import Breaker, Bucket, Limits
from processors.metrics import Counter, Gauge, Metrics
from processors.ports import Clock, Provider
from schemas.messages import Message, Reply

Found = TypeVar("Found")

BROKE = "provider-broke"
"""The detail of a request in which the provider raised: a bug of ours, not of the service."""

POLL_MS = 200
"""How often those look again who wait for the end of a probe, or for the rate."""

PLACES = 4
"""So many times the requests at once may have taken their last look. Not where nobody could tell
after a crash which of them were asked for: there it is one look for each request."""

Sleep = Callable[[float], Awaitable[None]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long to wait before the same message is tried again."""

    backoff_ms: int = 500
    """Before the second attempt; doubles from there."""
    backoff_max_ms: int = 30_000
    retry_after_max_ms: int = 60_000
    """As long as one receiver of many may ask to wait."""

    def wait_ms(self, attempt: int, key: str) -> int:
        """Returns the wait after the attempt (1 = the first).

        Between half and all of what doubles, by a hash of key and attempt: many that failed
        together do not come back together, and a repeat waits the same.
        """
        whole = min(self.backoff_ms << min(attempt - 1, 32), self.backoff_max_ms)
        digest = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
        return whole // 2 + (whole - whole // 2) * int.from_bytes(digest[:4], "big") // 2**32


class Route:
    """The way to one provider."""

    def __init__(self, provider: Provider, limits: Limits, now: int) -> None:
        self.provider = provider
        self.limits = limits
        self.breaker = Breaker(limits)
        rate = limits.rate_per_s
        self.bucket = None if rate is None else Bucket(rate, now)
        """None: it takes as many as there are."""
        self.turn = asyncio.Lock()
        """Of those that wait for the rate: one after the other, so that a share may change."""
        places = 1 if provider.promise == "none" else PLACES
        self.near = asyncio.Semaphore(places * limits.concurrency)
        self.free = asyncio.Semaphore(limits.concurrency)
        self.paused_until = 0
        """As the provider asked."""

    def wait_ms(self, now: int) -> int:
        """Returns in how many ms it is worth to look again; 0: it may be asked."""
        wait = self.breaker.wait_ms(now)
        return max(POLL_MS if wait is None else wait, self.paused_until - now)


class Routes:
    """The providers of one channel in their order."""

    def __init__(
        self,
        providers: Sequence[Provider],
        limits: Mapping[str, Limits],
        *,
        metrics: Metrics,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        now = clock.now_ms()
        self._routes = [Route(one, limits.get(one.name, Limits()), now) for one in providers]
        self._part = 1.0
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        for one in providers:
            metrics.set(Gauge.CIRCUIT_OPEN, 0, one.name)

    @property
    def has_share(self) -> bool:
        """Whether this process may ask at all, as far as rates go."""
        return self._part > 0

    def share(self, part: float) -> None:
        """Has providers asked at this part of their rates from now on, 0 to 1.

        The rest is for the other processes of the channel; those that wait already follow too.
        """
        self._part = part
        for one in self._routes:
            if one.bucket is not None:
                one.bucket.share(part, self._clock.now_ms())
                self._metrics.set(Gauge.RATE, one.bucket.rate_per_s, one.provider.name)

    def named(self, name: str | None) -> Route | None:
        """Returns the way to a provider; None where there is none of that name any more."""
        return next((one for one in self._routes if one.provider.name == name), None)

    def has_other(self, tried: Collection[str]) -> bool:
        """Returns whether somebody else may be asked now."""
        now = self._clock.now_ms()
        return any(one.provider.name not in tried and one.wait_ms(now) == 0 for one in self._routes)

    async def pick(self, tried: Collection[str], until: int | None) -> Route | None:
        """Returns the first that may be asked now, once there is one.

        Args:
            tried: names of those that failed this message a moment ago; they come last.
            until: ms since the epoch; None is returned where it passes.
        """
        order = sorted(self._routes, key=lambda one: one.provider.name in tried)
        return await self._wait(order, until)

    async def stay(self, route: Route, until: int | None) -> bool:
        """Returns whether the route may be asked, once it may, and before the instant passes."""
        return await self._wait([route], until) is not None

    async def _wait(self, routes: Sequence[Route], until: int | None) -> Route | None:
        while True:
            if self._is_over(until):
                return None
            now = self._clock.now_ms()
            waits = [one.wait_ms(now) for one in routes]
            if 0 in waits:
                return routes[waits.index(0)]
            wait = max(min(waits), 1)
            await self._sleep((wait if until is None else min(wait, until - now)) / 1000)

    @contextlib.asynccontextmanager
    async def place(self, route: Route, until: int | None) -> AsyncIterator["Place | None"]:
        """Gives a place before the provider, in its pace; None where it went away meanwhile.

        There are more places than requests at once: the last look of some is taken, for all of
        them together, while others are asking.

        Args:
            route: the way to it.
            until: ms since the epoch; None is given where it passes, and nothing of the rate used.
        """
        async with route.near:
            if route.wait_ms(self._clock.now_ms()) == 0:
                await self._pace(route, until)
            if self._is_over(until) or route.wait_ms(self._clock.now_ms()) > 0:
                yield None
                return
            place = Place(self, route, is_probe=route.breaker.begin())
            try:
                yield place
            finally:
                place.leave()

    async def _pace(self, route: Route, until: int | None) -> None:
        bucket = route.bucket
        if bucket is None:
            return
        waits = route.turn.locked()
        async with route.turn:
            while not self._is_over(until):
                wait_ms = bucket.take(self._clock.now_ms())
                if wait_ms == 0:
                    break
                waits = True
                await self._sleep(min(wait_ms, POLL_MS) / 1000)
        if waits:
            self._metrics.add(Counter.RATE_WAITS, 1, route.provider.name)

    def _is_over(self, until: int | None) -> bool:
        return until is not None and self._clock.now_ms() >= until

    async def look_up(self, route: Route, message: Message) -> Reply | None:
        """Returns what the provider says became of the message; None: it can not say."""
        reply = await self.guarded(route, route.provider.look_up(message))
        if reply is not None and reply.detail == BROKE:
            self.note(route, reply, is_probe=False)
        return reply

    async def guarded(self, route: Route, asked: Awaitable[Found]) -> Found | Reply:
        """Returns what a provider answers; where it raises, which it must not, a reply for that.

        What raised before it ever waited has written nothing; all else may have come.
        """
        turned: list[bool] = []
        turn = asyncio.get_running_loop().call_soon(turned.append, True)
        try:
            return await asked
        except Exception as error:  # or one command ends the sender at each start
            self._bug(route.provider.name, error)
            return Reply(fate="unknown" if turned else "passing", detail=BROKE)
        finally:
            turn.cancel()

    def _bug(self, name: str, error: Exception) -> None:
        """Tells of a bug, but not what the error says: that may name people."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        said = {"provider": name, "error_type": type(error).__name__, "where": where}
        logger.error("a provider raised: this is a bug", extra=said)
        self._metrics.add(Counter.PROVIDER_BUGS, 1, name)

    def note(self, route: Route, reply: Reply, *, is_probe: bool) -> None:
        """Learns of the provider from what it replied."""
        now, breaker, name = self._clock.now_ms(), route.breaker, route.provider.name
        was_open = breaker.is_open
        if reply.fate != "accepted":
            self._metrics.add(Counter.PROVIDER_ERRORS, 1, name, reply.detail)
        asks = reply.retry_after_ms if reply.fate == "passing" else None
        if asks is not None and route.limits.is_shared:
            asked = min(asks, route.limits.pause_max_ms)
            route.paused_until = max(route.paused_until, now + asked)
        if reply.fate in ("accepted", "refused") or asks is not None:
            breaker.succeed()
        else:
            breaker.fail(now, is_probe=is_probe)
        self._metrics.set(Gauge.CIRCUIT_OPEN, int(breaker.is_open), name)
        if breaker.is_open and not was_open:
            said = {"provider": name, "detail": reply.detail}
            logger.warning("a provider is away: messages wait for it", extra=said)
        elif was_open and not breaker.is_open:
            logger.warning("a provider is back", extra={"provider": name})

    async def close(self) -> None:
        """Closes the providers."""
        for one in self._routes:
            await one.provider.close()


class Place:
    """One place at a provider: at most one request is made from it."""

    def __init__(self, routes: Routes, route: Route, *, is_probe: bool) -> None:
        self._routes = routes
        self._route = route
        self._is_probe = is_probe

    async def ask(self, message: Message) -> Reply | None:
        """Returns what came of the request; None where the provider went away: none was made."""
        async with self._route.free:
            if self._route.breaker.is_open and not self._is_probe:
                return None
            asked = self._route.provider.send(message)
            reply = await self._routes.guarded(self._route, asked)
            self._routes.note(self._route, reply, is_probe=self._is_probe)
            self._is_probe = False
            return reply

    def leave(self) -> None:
        """Ends the place; where nobody was asked, the next one may be the probe."""
        if self._is_probe:
            self._route.breaker.abandon()
