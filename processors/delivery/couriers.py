"""Brings one message to a provider, and sees it to its end.

The order is what makes the promise: the intent is in the ledger before anybody is asked; the last
look at suppressions and consents is the statement that lets the message go; and whether a request
whose answer was lost is repeated depends on what the provider does against sending twice.
"""

import asyncio
from dataclasses import dataclass, field

import msgspec

from processors.delivery.books import Books, Fenced
from processors.delivery.routes import BROKE, Pace, Route, Routes, Sleep
from processors.metrics import Counter, Metrics
from processors.ports import Clock
from schemas.errors import Unsendable
from schemas.intents import OPEN, End, Entry, Gate, Intent, State
from schemas.messages import Message, Promise, Reply

FENCED_WAIT_MS = 1_000
"""How often one looks again at what another process has taken up."""

UNDER_WAY_MS = 16_000
"""As long as a request of a process that is gone, or was replaced, may be under way: longer than
one attempt of `connectors.http`. Before that, who is asked may not know of it yet."""

MAX_ID_CHARS = 512
MAX_DETAIL_CHARS = 200
"""As much as the ledger holds; it holds no NUL."""

HOUR_MS = 3_600_000
FOR_EVER_MS = 2**62
KNOWN_MS = {
    "brevo": 14 * 60_000,
    "infobip": 47 * HOUR_MS,
    "brevo_sms": 47 * HOUR_MS,
    **dict.fromkeys(("inbox", "task", "mailbox", "recorder"), FOR_EVER_MS),
    **dict.fromkeys(("audiences", "meta_audience", "google_audience"), FOR_EVER_MS),
}
"""How long a provider surely knows a message, by its key or where it is looked up, with a margin.

Sources: developers.brevo.com/changelog/email-api-now-supports-idempotency (15 minutes; the guide to
batches says 30); infobip.com/docs/api/channels/sms/logs-and-status-reports (logs of 48 hours); of
Brevo's text messages the events of two days are asked for. Rows and files of ours are kept, and
nobody can belong to an audience twice."""
DEFAULT_KNOWN_MS = 23 * HOUR_MS
"""Of others: Standard Webhooks does not say how long receivers keep ids; a day is usual."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is done where it can not be known."""

    attempts: int = 8
    """Failures of the message itself; those of a provider that is away do not count."""
    at_least_once: bool = False
    """Whether also messages that answer nothing are sent again where they may have been sent."""
    pace: Pace = field(default_factory=Pace)


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way."""

    intent: Intent
    message: Message | None
    """None: it could not be made."""
    problem: Unsendable | None = None
    """Why not."""
    expires_at: int | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    entry: Entry
    suppresses: str | None = None
    """Why the provider says that the recipient is to get nothing more."""


@dataclass(kw_only=True)
class _Trip:
    """How far one errand is."""

    errand: Errand
    message: Message
    epoch: int
    asked: int = 0
    """Requests whose failure counts."""
    tried: set[str] = field(default_factory=set)
    pinned: Route | None = None
    """Who may have it already: nobody else is asked."""
    lost: set[str | None] = field(default_factory=set)
    """Who may have taken it: while there is somebody, it can not be said that it was not sent."""
    open_since: int | None = None
    """When an answer was lost first, ms."""
    resolved: str | None = None
    """The detail of a message that was found in the middle of being sent."""

    @property
    def is_left_open(self) -> bool:
        """Whether it may have been sent."""
        return bool(self.lost)

    def may_have(self, name: str | None, since: int) -> None:
        """Remembers that a provider's answer was lost."""
        self.lost.add(name)
        self.open_since = self.open_since or since

    def surely_has_not(self, name: str) -> None:
        """Takes that back: the provider knows nothing of it."""
        self.lost.discard(name)
        self.pinned = None
        if not self.lost:
            self.open_since = None


class Courier:
    """Delivers messages, each to its end; many at a time."""

    def __init__(
        self,
        books: Books,
        routes: Routes,
        *,
        policy: Policy,
        metrics: Metrics,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._books = books
        self._routes = routes
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep

    def promise(self, promise: Promise | None, *, transactional: bool) -> str | None:
        """Returns what a send is done under; None where nobody was asked."""
        if promise is None:
            return None
        if promise != "none":
            return "exactly-once"
        return "at-least-once" if self._repeats(transactional) else "at-most-once"

    async def reopen(self, message_id: str) -> None:
        """Takes back that a message is held, if it is."""
        await self._books.reopen(message_id)

    async def told(self, message_id: str) -> None:
        """Remembers that Kafka has what came of the message."""
        await self._books.tell(message_id)

    async def deliver(self, errand: Errand) -> Done:
        """Returns what came of the message, however long it takes."""
        while True:
            try:
                return await self._deliver(errand)
            except Fenced:
                self._metrics.add(Counter.MESSAGES_FENCED, 1, errand.intent.channel)
                await self._sleep(FENCED_WAIT_MS / 1000)

    async def _deliver(self, errand: Errand) -> Done:
        entry = await self._books.claim(errand.intent)
        if entry.state not in OPEN:
            return Done(entry=entry)
        if errand.message is None:
            return await self._refuse(errand, entry)
        trip = _Trip(errand=errand, message=errand.message, epoch=entry.epoch)
        if entry.state == "dispatching":
            done = await self._resume(trip, entry)
            if done is not None:
                return done
        while True:
            done = await self._step(trip)
            if done is not None:
                return done

    async def _refuse(self, errand: Errand, entry: Entry) -> Done:
        """Ends what can not be made into a message."""
        problem = errand.problem
        assert problem is not None
        state: State = "held" if problem.is_held else "failed"
        if entry.state == "dispatching":
            state = "unknown"
        elif errand.expires_at is not None and self._clock.now_ms() >= errand.expires_at:
            state, problem = "dropped", Unsendable("expired")
        detail = f"{problem.reason}: {problem.detail}" if problem.detail else problem.reason
        detail = detail.replace("\0", "")[:MAX_DETAIL_CHARS]
        end = End(id=entry.id, epoch=entry.epoch, state=state, detail=detail)
        return Done(entry=await self._books.conclude(end))

    async def _resume(self, trip: _Trip, entry: Entry) -> Done | None:
        """Settles what was found in the middle of being sent; None: it is asked again."""
        route = self._routes.named(entry.provider)
        promise = route.provider.promise if route is not None else "none"
        trip.may_have(entry.provider, entry.updated_at)
        if route is not None and self._is_forgotten(trip, route):
            promise = "none"
        self._metrics.add(Counter.MESSAGES_RESOLVED, 1, trip.message.channel, promise)
        if promise == "look-up":
            wait_ms = entry.updated_at + UNDER_WAY_MS - self._clock.now_ms()
            await self._sleep(max(wait_ms, 0) / 1000)
        if promise != "none":
            trip.pinned, trip.resolved = route, "unknown-resolved-as-sent"
        elif self._repeats(trip.message.transactional):
            trip.resolved = "unknown-resolved-as-not-sent"
        else:
            return await self._end(trip, "unknown", "unknown-resolved-as-unknown")
        return None

    async def _step(self, trip: _Trip) -> Done | None:
        """Asks a provider once, as soon as one can be asked; None: the message goes on."""
        until = trip.errand.expires_at
        route: Route | None
        if trip.pinned is None:
            route = await self._routes.pick(trip.tried, until)
        else:
            route = trip.pinned if await self._routes.stay(trip.pinned, until) else None
        if route is None:
            return await self._end(trip, "unknown" if trip.is_left_open else "dropped", "expired")
        if trip.pinned is route and self._is_forgotten(trip, route):
            return await self._untold(trip)
        if trip.pinned is route and route.provider.promise == "look-up":
            return await self._look_up(trip, route)
        async with self._routes.place(route, until) as place:
            if place is None:
                return None
            gate = _gate(trip, route)
            entry = await self._books.dispatch(gate)
            if entry.state != "dispatching":
                return Done(entry=entry)
            reply = await place.ask(trip.message)
            if reply is None:
                if not trip.is_left_open:
                    await self._books.release(gate)
                return None
        return await self._after(trip, route, reply)

    async def _after(self, trip: _Trip, route: Route, reply: Reply) -> Done | None:
        match reply.fate:
            case "accepted":
                return await self._end(trip, "sent", trip.resolved or reply.detail, reply)
            case "refused":
                # whoever knows the key would have said what it said before, but for itself alone
                knows = route.provider.promise == "key" and trip.pinned is route
                knows = knows and trip.lost == {route.provider.name}
                state: State = "unknown" if trip.is_left_open and not knows else "failed"
                return await self._end(trip, state, reply.detail, reply)
            case "passing":
                if not trip.is_left_open:
                    await self._books.release(_gate(trip, route))
            case "unknown":
                trip.may_have(route.provider.name, self._clock.now_ms())
                if route.provider.promise != "none":
                    trip.pinned = route
                elif not self._repeats(trip.message.transactional):
                    return await self._end(trip, "unknown", reply.detail, reply)
        return await self._again(trip, route, reply)

    async def _again(self, trip: _Trip, route: Route, reply: Reply) -> Done | None:
        """Waits before the next request, where there may be one more."""
        is_providers = (
            route.limits.is_shared
            and reply.detail != BROKE  # a message that sets off a bug may be the only one that does
            and (route.breaker.is_open or reply.retry_after_ms is not None)
        )
        trip.asked += not is_providers
        if trip.asked >= self._policy.attempts:
            state: State = "unknown" if trip.is_left_open else "failed"
            return await self._end(trip, state, reply.detail, reply)
        trip.tried.add(route.provider.name)
        if trip.pinned is None and self._routes.has_other(trip.tried):
            return None
        trip.tried.clear()
        wait_ms = self._policy.pace.wait_ms(max(trip.asked, 1), trip.message.id)
        if not route.limits.is_shared:
            asked_ms = min(reply.retry_after_ms or 0, self._policy.pace.retry_after_max_ms)
            wait_ms = max(wait_ms, asked_ms)
        if trip.errand.expires_at is not None:
            wait_ms = min(wait_ms, max(0, trip.errand.expires_at - self._clock.now_ms()))
        await self._sleep(wait_ms / 1000)
        return None

    async def _look_up(self, trip: _Trip, route: Route) -> Done | None:
        """Asks the provider what became of the message; None: the message goes on."""
        reply = await self._routes.look_up(route, trip.message)
        if reply is None:
            return await self._untold(trip)
        if reply.fate == "accepted":
            return await self._end(trip, "sent", trip.resolved or reply.detail, reply)
        if reply.fate != "refused":
            return await self._again(trip, route, reply)
        trip.surely_has_not(route.provider.name)
        if trip.is_left_open:
            return None
        await self._books.release(_gate(trip, route))
        if trip.resolved is not None:
            trip.resolved = "unknown-resolved-as-not-sent"
        return None

    async def _untold(self, trip: _Trip) -> Done | None:
        """Does what is to be done where the provider can not tell; None: it is sent again."""
        trip.pinned = None
        if self._repeats(trip.message.transactional):
            return None
        return await self._end(trip, "unknown", "not-known-to-provider")

    def _is_forgotten(self, trip: _Trip, route: Route) -> bool:
        """Returns whether the provider may know nothing any more of what it may have taken."""
        known_ms = KNOWN_MS.get(route.provider.name, DEFAULT_KNOWN_MS)
        return trip.open_since is not None and self._clock.now_ms() - trip.open_since > known_ms

    async def _end(
        self, trip: _Trip, state: State, detail: str, reply: Reply | None = None
    ) -> Done:
        is_person = trip.message.channel != "push"  # one device that is gone says nothing of others
        suppresses = reply.suppresses if reply is not None and is_person else None
        end = End(
            id=trip.errand.intent.id,
            epoch=trip.epoch,
            state=state,
            detail=detail,
            provider_id=None if reply is None else _kept(reply.provider_id),
            answer=None if reply is None else reply.answer,
            suppresses=suppresses,
        )
        return Done(entry=await self._books.conclude(end), suppresses=suppresses)

    def _repeats(self, transactional: bool) -> bool:
        return transactional or self._policy.at_least_once


def _kept(provider_id: str | None) -> str | None:
    """Returns a provider's id of a message; None where it is none that can be held."""
    if provider_id is None or len(provider_id) > MAX_ID_CHARS or "\0" in provider_id:
        return None
    return provider_id


def _gate(trip: _Trip, route: Route) -> Gate:
    provider = route.provider
    return Gate(
        id=trip.errand.intent.id,
        epoch=trip.epoch,
        provider=provider.name,
        promise=provider.promise,
        topics=trip.errand.intent.topics,
    )
