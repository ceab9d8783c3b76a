"""A sender's insides in simulated time: a ledger in a file, providers that do as they are told."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from connectors.stores.engines import Database
from connectors.stores.ledger import Ledger
from connectors.stores.standing import Standing
from processors.delivery.books import Books
from processors.delivery.breakers import Limits
from processors.delivery.couriers import Courier, Errand, Policy
from processors.delivery.routes import Routes
from processors.metrics import Metrics
from processors.ports import Provider
from schemas.messages import Message, Promise, Reply
from tests import stores
from tests.stores import Time, intent

Found = TypeVar("Found")

SENT = Reply(fate="accepted", detail="http-200", provider_id="p-1")
REFUSED = Reply(fate="refused", detail="http-400")
PASSING = Reply(fate="passing", detail="http-503")
LATER = Reply(fate="passing", detail="http-429", retry_after_ms=7_000)
LOST = Reply(fate="unknown", detail="time-out")


class Scripted:
    """A `Provider` by shape: replies one after the other, the last one for ever."""

    channels = ("email",)

    def __init__(
        self,
        *replies: Reply | Exception,
        name: str = "ses",
        promise: Promise = "key",
        known: Sequence[Reply | Exception | None] = (),
    ) -> None:
        self.name = name
        self.promise: Promise = promise
        self.sent: list[str] = []
        self.looked_up: list[str] = []
        self.is_closed = False
        self.before: list[Coroutine[Any, Any, None]] = []
        """What happens while the provider is asked, once each."""
        self._replies: list[Reply | Exception] = list(replies) or [SENT]
        self._known = list(known)

    async def send(self, message: Message) -> Reply:
        self.sent.append(message.id)
        if self.before:
            await self.before.pop(0)
        return said(self._replies.pop(0) if len(self._replies) > 1 else self._replies[0])

    async def look_up(self, message: Message) -> Reply | None:
        self.looked_up.append(message.id)
        found = self._known.pop(0)
        return None if found is None else said(found)

    async def close(self) -> None:
        self.is_closed = True


def said(reply: Reply | Exception) -> Reply:
    if isinstance(reply, Exception):
        raise reply
    return reply


class Away(Ledger):
    """A ledger whose database is away for the first few questions."""

    failures = 0

    async def claim(self, *given: Any, **more: Any) -> Any:
        await self._ask()
        return await super().claim(*given, **more)

    async def dispatch(self, *given: Any, **more: Any) -> Any:
        await self._ask()
        return await super().dispatch(*given, **more)

    async def _ask(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError


class World:
    """A courier with all that it needs."""

    def __init__(
        self,
        database: Database,
        providers: Sequence[Provider],
        *,
        policy: Policy | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.database = database
        self.time = Time()
        self.metrics = Metrics()
        self.ledger = Away(database, owner="one")
        self.standing = Standing(database)
        self.books = self.another_process()
        self.routes = Routes(
            providers,
            {one.name: limits or Limits() for one in providers},
            metrics=self.metrics,
            clock=self.time,
            sleep=self.time.sleep,
        )
        self.policy = policy or Policy()
        self.courier = self.hired(self.books)

    def another_process(self) -> Books:
        return Books(
            self.ledger, most=100, metrics=self.metrics, clock=self.time, sleep=self.time.sleep
        )

    def hired(self, books: Books) -> Courier:
        return Courier(
            books,
            self.routes,
            policy=self.policy,
            metrics=self.metrics,
            clock=self.time,
            sleep=self.time.sleep,
        )

    def states(self) -> dict[str, str]:
        return stores.states(self.database)


@contextlib.contextmanager
def world(directory: Path, *providers: Provider, **more: Any) -> Iterator[World]:
    with stores.opened(f"sqlite:///{directory}/senders.db") as database:
        yield World(database, providers, **more)


def errand(
    one: str = "c-1", *, transactional: bool = False, expires_at: int | None = None
) -> Errand:
    message = Message(
        id=one, channel="email", profile_id="ada", to="ada@example.org", transactional=transactional
    )
    return Errand(
        intent=intent(one, transactional=transactional), message=message, expires_at=expires_at
    )


def run(work: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(work)
