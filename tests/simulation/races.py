"""Withdrawals racing sends, from a number: see `withdrawals` for what must hold.

People agree, withdraw and are written to; the worker's engine decides, and the real sender carries
it out, on SQLite and in a time that is not waited for. What comes between any two steps is the
number's to say: delays, records that come late or again, crashes, a database or a provider that
fails, a process that is replaced and does not know it.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.stores.engines import Away, Database
from connectors.stores.ledger import Ledger
from connectors.stores.outbox import Outbox
from connectors.stores.postings import Postings
from connectors.stores.standing import Standing
from connectors.stores.tables import METADATA
from processors.agents.lanes import Lanes
from processors.delivery import intake, postings, standings
from processors.delivery.books import Books
from processors.delivery.breakers import Limits
from processors.delivery.couriers import Courier, Policy
from processors.delivery.desk import Desk, Outlets
from processors.delivery.grouping import Grouped
from processors.delivery.intake import Intake
from processors.delivery.progress import Progress
from processors.delivery.routes import Routes
from processors.metrics import Metrics
from schemas import codec
from schemas.commands import Command
from schemas.consents import ConsentChange, ConsentRecord, Lifted, SuppressionRecord
from schemas.intents import Entry
from schemas.letters import Record, Written
from schemas.messages import Message, Promise, Reply, Report
from schemas.outcomes import Outcome
from schemas.postings import OWN
from tests.builders import Document, Json, Partition, identify, track
from tests.simulation.fates import DAY_S, Fates, Turn
from tests.simulation.passing import Clock, Loop, Position, Topic

Found = TypeVar("Found")

PLACES = 20
REST_S = 10 * DAY_S
"""After the last turn, for what waits at the gate: nothing fails then."""
END_S = 2 * DAY_S
"""After that, for senders to end what they have."""


class Given(NamedTuple):
    """Somebody said something by which they may be written to again."""

    person: str
    channel: str
    topic: str
    what: str
    at: int


class Withdrawn(NamedTuple):
    """The senders' database has answered that it has a withdrawal."""

    person: str
    channel: str
    topic: str
    """Empty: all of the channel is suppressed."""
    reason: str
    at: int


class Looked(NamedTuple):
    """The last look before a send let a message go."""

    process: int
    message: str
    provider: str


class Asked(NamedTuple):
    """A provider was asked to send."""

    process: int
    message: str
    provider: str


Step = Given | Withdrawn | Looked | Asked


class Provider:
    """Takes messages as its fates are; never forgets a key, or what it said to it."""

    channels = ("email", "sms")

    def __init__(self, race: "Race", name: str, promise: Promise) -> None:
        self.name = name
        self.promise: Promise = promise
        self.accepted: Counter[str] = Counter()
        self._refused: dict[str, str] = {}
        self._race = race

    async def serve(self, process: "Process", message: Message) -> Reply:
        """Answers one request of a process."""
        race = self._race
        race.see(Asked(process.number, message.id, self.name))
        await process.step()
        fate = race.fates.reply()
        if self.promise == "key" and message.id in self.accepted:
            fate = fate if fate == "lost" else "accepted"
        elif self.promise == "key" and message.id in self._refused:
            fate = fate if fate == "lost" else self._refused[message.id]
        elif fate in ("accepted", "lost-after"):
            self.accepted[message.id] += 1
            race.sent.append(message)
        elif fate in ("refused", "bounce"):
            self._refused[message.id] = fate
        await process.step()
        if fate in ("lost", "lost-after"):
            return Reply(fate="unknown", detail="time-out")
        if fate == "bounce":
            race.bounced.add(message.id)
            return Reply(fate="refused", detail="http-422", suppresses="hard-bounce")
        if fate == "429":
            return Reply(fate="passing", detail="http-429", retry_after_ms=2_000)
        known = {"503": "passing", "accepted": "accepted", "refused": "refused"}
        return Reply(fate=known[fate], detail=fate, provider_id="p-1")  # type: ignore[arg-type]

    async def tell(self, process: "Process", message: Message) -> Reply:
        """Says what became of a message."""
        await process.step()
        if self._race.fates.reply() in ("lost", "503"):
            return Reply(fate="passing", detail="http-503")
        is_taken = message.id in self.accepted
        return Reply(fate="accepted" if is_taken else "refused", detail="looked-up")


class Line(Database):
    """The database as one process has it: answers late, or not, or after the process is gone."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def run(self, work: Callable[[Connection], Found]) -> Found:
        """Does the work in the event loop, so that one seed has one order."""
        race = self._process.race
        await self._process.step()
        if race.fates.is_away():
            raise Away("before")
        found = race.database.run_now(work)
        if isinstance(found, Mapping):
            race.note(self._process, found)
        await self._process.step()
        if race.fates.is_away():
            raise Away("after")
        return found


class Way:
    """One provider as one process has it: a `processors.ports.Provider` by shape."""

    def __init__(self, process: "Process", provider: Provider) -> None:
        self.name, self.promise = provider.name, provider.promise
        self.channels = provider.channels
        self._process, self._provider = process, provider

    async def send(self, message: Message) -> Reply:
        """Asks the provider."""
        return await self._provider.serve(self._process, message)

    async def look_up(self, message: Message) -> Reply | None:
        """Asks what became of it."""
        return await self._provider.tell(self._process, message)

    async def close(self) -> None:
        """Holds nothing."""


class Process:
    """One process of a sender: killed, it does nothing more, and nothing of it is undone."""

    def __init__(self, race: "Race", service: "Service") -> None:
        self.race, self.service = race, service
        race.processes += 1
        self.number = race.processes
        self.is_dead = False
        self.is_shut = False
        """Whether its partitions are another's: it ends what it has, and takes no more."""
        self.died = asyncio.Event()
        line, clock, metrics = Line(self), Clock(), Metrics()
        ways = [Way(self, one) for one in race.providers[service.channel]]
        limits = {one.name: Limits(concurrency=3) for one in ways}
        routes = Routes(ways, limits, metrics=metrics, clock=clock)
        ledger = Ledger(line, owner=service.channel)
        books = Books(ledger, most=5, metrics=metrics, clock=clock)
        courier = Courier(books, routes, policy=Policy(attempts=4), metrics=metrics, clock=clock)
        self._standing = Standing(line)
        options = intake.Options(name=service.channel, channels=(service.channel,))
        self.intake = Intake(options, self._bury, metrics=metrics)
        self._desk = Desk(
            compose,
            courier,
            taken=self.intake,
            outlets=Outlets(write=self._write),
            metrics=metrics,
            clock=clock,
        )
        self._applied = Grouped(self._apply, most=5)
        self._raised = race.errors.append

    def start(self) -> None:
        """Takes up commands, and what is said of who may be written to."""
        race, service = self.race, self.service
        take = partial(self._take, race.commands[service.channel], service.commands)
        race.begin(take(self._desk.handle))
        race.begin(self._take(race.standing, service.standing, self._stand))

    def kill(self) -> None:
        """Ends it at once."""
        self.is_dead = True
        self.died.set()

    async def step(self) -> None:
        """Lets time pass, or the process end, between two steps."""
        await self._alive()
        if self.race.fates.is_killed():
            self.kill()
        elif self.race.fates.is_replaced():
            self.is_shut = True
            self.died.set()
        await self._alive()
        await asyncio.sleep(self.race.fates.delay_s())
        await self._alive()

    async def _alive(self) -> None:
        if self.is_dead:
            await asyncio.sleep(1_000 * DAY_S)  # beyond the end of everything

    async def _take(
        self,
        topic: Topic,
        committed: Position,
        work: Callable[[Record], Coroutine[Any, Any, None]],
    ) -> None:
        """Works on records side by side, those of a key in their order, and commits in order."""
        lanes, progress, offset = Lanes(PLACES, self._raised), Progress(), committed.offset

        async def finish(record: Record) -> None:
            await work(record)
            progress.finish(record.offset)
            if not (self.is_dead or self.is_shut) and self.race.fates.is_committed():
                committed.offset = max(committed.offset, progress.position or 0)

        while not (self.is_dead or self.is_shut):
            if offset == len(topic.records):
                await topic.more.wait()
            await asyncio.sleep(self.race.fates.delay_s())
            name, at, key, value = topic.records[offset]
            record = Record(f"{name} {at}", 0, offset, key, value)
            progress.take(offset)
            await lanes.put(key, partial(finish, record))
            offset += 1

    async def _stand(self, record: Record) -> None:
        name, _, at = record.topic.partition(" ")
        said = standings.read(record, name, at=int(at))
        if said is not None:
            await self._applied.ask(said)

    async def _apply(
        self, said: Sequence[ConsentRecord | SuppressionRecord | Lifted]
    ) -> Sequence[None]:
        await self.intake.until_it_works(partial(self._standing.apply, said))
        last = {(type(one), one.profile_id, one.channel, _topic(one)): one for one in said}
        for one in last.values():
            self.race.see(*withdrawals(one))
        return [None] * len(said)

    async def _write(self, records: Sequence[Written]) -> None:
        await self.step()
        if self.race.fates.is_away():
            raise ConnectionError
        for one in records:
            self.race.take(one.topic, one.value or b"")
        await self.step()
        if self.race.fates.is_away():
            raise ConnectionError

    async def _bury(self, key: bytes | None, *_: Any) -> None:
        raise AssertionError("every record can be read")


class Service:
    """The sender of one channel: one process after the other, or two where one does not know."""

    def __init__(self, race: "Race", channel: str) -> None:
        self.race, self.channel = race, channel
        self.commands, self.standing = Position(), Position()

    async def run(self) -> None:
        """Starts a process anew whenever it was killed."""
        while True:
            process = Process(self.race, self)
            process.start()
            await process.died.wait()
            await asyncio.sleep(self.race.fates.down_s())


class Person:
    """Somebody's partition at the worker."""

    def __init__(self, race: "Race", name: str, documents: Sequence[Document]) -> None:
        self.name = name
        self.made = Partition(*documents)
        self.heard: list[Json | int] = []
        """Events in the order in which they were decided on, and instants to which time passed."""
        self._race = race
        self._coming: asyncio.Queue[Json] = asyncio.Queue()

    def hears(self, data: Json) -> None:
        """Puts an event in the log."""
        self._coming.put_nowait(data)

    async def decide(self) -> None:
        """Decides on event after event, and on what is due where nothing comes."""
        while True:
            now = Clock().now_ms()
            wake_s = min((self.made.driver.table.next_wake() - now) / 1000, DAY_S)
            try:
                async with asyncio.timeout(max(wake_s, 0.001)):
                    data = await self._coming.get()
            except TimeoutError:
                self.advance()
            else:
                await asyncio.sleep(self._race.fates.lag_s())
                self.heard.append(data)
                self.made.feed(data)
                self._tell()

    def advance(self) -> None:
        """Lets time pass for who is up to date."""
        now = Clock().now_ms()
        self.heard.append(now)
        self.made.driver.advance(now)
        self._tell()

    def _tell(self) -> None:
        now, out = Clock().now_ms(), self.made.out.records
        for topic, key, value in out[self._race.told[self.name] :]:
            if isinstance(value, Command) and value.channel in self._race.commands:
                self._race.ordered[value.id] = value
                self._race.commands[value.channel].write(topic, now, value.profile_id, value)
            elif topic in ("consents", "suppressions"):
                at = now if value is not None else self._lifted_at(key)
                self._race.standing.write(topic, at, key, value)
        self._race.told[self.name] = len(out)

    def _lifted_at(self, key: str) -> int:
        """What the worker writes into the header of a tombstone."""
        told: Sequence[ConsentChange] = [each for _, each in self.made.out.of("consent-changes")]
        lifted = (each for each in reversed(told) if each.new is None)
        return next(each.at for each in lifted if f"{each.profile_id}/{each.channel}" == key)


class Race:
    """A life of everything together, and what was seen of it."""

    def __init__(self, database: Database, fates: Fates) -> None:
        self.database, self.fates = database, fates
        self.log: list[tuple[int, Step]] = []
        """What was seen, in its order, with its time."""
        self.until = 0
        """How long the worker went on, ms since the epoch."""
        self.sent: list[Message] = []
        self.bounced: set[str] = set()
        self.ordered: dict[str, Command] = {}
        self.outcomes: list[Outcome] = []
        self.told: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self.processes = 0
        self.standing = Topic()
        self.commands = {"email": Topic(), "sms": Topic()}
        self.people = [Person(self, name, fates.documents) for name in fates.people]
        self.providers = {
            channel: [Provider(self, name, promise) for name, promise in fates.providers(channel)]
            for channel in self.commands
        }
        self._attempts: Counter[str] = Counter()
        self._complained: set[str] = set()
        self._posted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs something to the end of the life; what it raises is kept."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def run(self) -> None:
        """Lives: all turns, and then what is left of them."""
        deciding = [self.begin(one.decide()) for one in self.people]
        for channel in self.commands:
            self.begin(Service(self, channel).run())
        self.begin(self._drain())
        for turn in self.fates.turns:
            await asyncio.sleep(turn.gap_s)
            await self._turn(turn)
        self.fates.rest()
        await asyncio.sleep(REST_S)
        for each in deciding:
            each.cancel()
        self.until = Clock().now_ms()
        for one in self.people:
            one.advance()
        await asyncio.sleep(END_S)
        for each in self._tasks:
            each.cancel()

    def see(self, *steps: Step) -> None:
        """Remembers what happens now."""
        self.log += [(Clock().now_ms(), one) for one in steps]

    def note(self, process: Process, found: Mapping[str, Entry]) -> None:
        """Sees from what the ledger says which messages were let go, and which bounced."""
        for one in found.values():
            if one.state == "dispatching" and one.attempts > self._attempts[one.id]:
                self.see(Looked(process.number, one.id, one.provider or ""))
            self._attempts[one.id] = one.attempts
            if one.state == "failed" and one.id in self.bounced:
                sent = self.ordered[one.id]
                bounce = ("", "hard-bounce", one.updated_at)
                self.see(Withdrawn(sent.profile_id, sent.channel, *bounce))

    def take(self, topic: str, value: bytes) -> None:
        """Takes what a sender or the outbox writes."""
        if topic == "outcomes":
            self.outcomes.append(codec.decode_outcome(value))
        else:
            data: Json = msgspec.json.decode(value)
            self._of(data["userId"]).hears(data)

    def states(self) -> dict[str, tuple[str, int | None]]:
        """Returns of each message its state in the ledger, and when that was told."""
        ask = text("select command_id, state, told_at from ledger")
        return self.database.run_now(
            lambda one: {key: (state, told) for key, state, told in one.execute(ask)}
        )

    def _of(self, person: str) -> Person:
        return next(one for one in self.people if one.name == person)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.errors.append(task.exception() or AssertionError())

    async def _turn(self, turn: Turn) -> None:
        now = Clock().now_ms()
        if turn.is_callback:
            await self._report(turn, now)
            return
        at, person = now - turn.late_ms, turn.person
        self.see(*givens(turn, at))
        if turn.name == "timezone":
            data = identify(at, id=turn.id, person=person, **turn.properties)
        else:
            data = track(turn.name, at, id=turn.id, person=person, **turn.properties)
        self._of(person).hears(data)

    async def _report(self, turn: Turn, now: int) -> None:
        """Has a provider, or a link in a message, say something of one that was sent."""
        theirs = [one for one in self.sent if one.profile_id == turn.person]
        if not theirs:
            return
        message = theirs[turn.pick % len(theirs)]
        if turn.name == "complained":
            if message.id in self._complained:
                return
            self._complained.add(message.id)
        topic = self.ordered[message.id].topic if turn.name == "unsubscribed" else None
        report = Report(
            id=turn.id,
            provider=OWN,
            result=turn.name,  # type: ignore[arg-type]
            at=now,
            command_id=message.id,
            kind="hard" if turn.name == "bounced" else None,
            topic=topic,
        )

        register = Postings(Inline(self.database))
        [sent] = await register.find([report])
        assert sent is not None, "what was sent is in the ledger"
        posting = postings.tell(report, sent, now_ms=now)
        await register.post([posting], now_ms=now)
        self._posted.set()
        for denial in posting.denials:
            self.see(*withdrawals(denial))
        for suppression in posting.suppressions:
            self.see(*withdrawals(suppression))

    async def _drain(self) -> None:
        """Has the worker hear what callbacks have taken."""
        outbox = Outbox(Inline(self.database))
        while True:
            await self._posted.wait()
            await asyncio.sleep(self.fates.lag_s() + 0.5)
            taken = await outbox.take(2)
            if not taken:
                self._posted.clear()
            for one in taken:
                self.take(one.topic, one.value.encode())
            if not self.fates.is_away():
                await outbox.done([one.id for one in taken])


class Inline(Database):
    """The database of whoever is not killed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, work: Callable[[Connection], Found]) -> Found:
        """Does the work in the event loop."""
        return self._database.run_now(work)


async def compose(command: Command) -> Sequence[Message]:
    """Returns the one message of a command."""
    return [
        Message(
            id=command.id,
            channel=command.channel,
            profile_id=command.profile_id,
            to=command.profile_id,
            transactional=command.transactional,
        )
    ]


def _topic(said: ConsentRecord | SuppressionRecord | Lifted) -> str:
    return said.topic if isinstance(said, ConsentRecord) else ""


def withdrawals(said: ConsentRecord | SuppressionRecord | Lifted) -> Iterator[Withdrawn]:
    """Yields what a record takes away."""
    if isinstance(said, SuppressionRecord):
        yield Withdrawn(said.profile_id, said.channel, "", said.reason, said.at)
    elif isinstance(said, ConsentRecord) and said.state == "denied":
        yield Withdrawn(said.profile_id, said.channel, said.topic, "denied", said.at)


def givens(turn: Turn, at: int) -> Iterator[Given]:
    """Yields what an event gives back."""
    about, _, what = turn.name.partition(".")
    if what in ("granted", "confirmed", "removed", "opened"):
        channel = turn.properties.get("channel", "*") if what != "opened" else about
        yield Given(turn.person, channel, turn.properties.get("topic", "*"), what, at)


def emptied(database: Database) -> None:
    """Forgets the life before."""

    def work(connection: Connection) -> None:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())

    database.run_now(work)


def raced(database: Database, seed: int) -> Race:
    """Returns a life, as it was lived."""
    emptied(database)
    race = Race(database, Fates(random.Random(seed)))
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(race.run())
    return race
