"""What people do with items is in the database when a record is finished, and only once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.stores.recommendations import Recommendations
from connectors.stores.standing import Standing
from processors.agents import recommendations
from processors.agents.recommendations import Catalogues, Options, Taker
from processors.metrics import Counter, Gauge, Metrics
from schemas import codec
from schemas.consents import SuppressionRecord
from schemas.items import key
from schemas.letters import Headers, Record
from schemas.recommendations import HOUR_MS, Asked, Occurrence, Rank
from tests import stores
from tests.builders import T0, catalogue
from tests.stores import Time
from tests.unit.agents import hosts
from tests.unit.schemas.samples import event_bytes

ADA = Asked("shop", "ada")
VIEW = {
    "event": "Product Viewed",
    "userId": "ada",
    "timestamp": "2026-01-01T00:00:00Z",
    "sentAt": None,
    "receivedAt": None,
    "properties": {"product_id": "lamp"},
}


class Desk:
    """A taker on a database in a file, with all that it needs."""

    def __init__(self, store: "Held", standing: Standing) -> None:
        self.store = store
        self.standing = standing
        self.metrics = Metrics()
        self.catalogues = Catalogues()
        self.catalogues.take([catalogue()])
        self.dead: list[bytes | None] = []

        async def bury(key: bytes | None, value: bytes | None, headers: Headers) -> None:
            self.dead.append(key)

        options = Options(prefix="x.")
        self.taker = Taker(
            store,
            standing,
            self.catalogues,
            taken=recommendations.taken(options, bury, self.metrics),
            options=options,
            metrics=self.metrics,
        )

    def take(self, *work: Awaitable[None]) -> None:
        async def together() -> None:
            await asyncio.gather(*work)

        asyncio.run(together())

    def event(self, **fields: Any) -> Awaitable[None]:
        value = event_bytes(**VIEW | fields)
        return self.taker.event(Record("events", 0, 1, b"ada", value), T0)

    def item(self, record_key: bytes, value: bytes | None) -> Awaitable[None]:
        return self.taker.item(Record("items", 0, 1, record_key, value), T0)

    def suppression(self, reason: Any) -> Awaitable[None]:
        said = SuppressionRecord(profile_id="ada", channel="*", reason=reason, at=T0)
        record = Record("suppressions", 0, 1, b"ada/*", codec.encode(said))
        return self.taker.suppression(record, T0)

    def viewed(self) -> list[str]:
        found = asyncio.run(self.store.interests([ADA], since=0))
        return [each.item for each in found.get(ADA, [])]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with stores.opened(f"sqlite:///{tmp_path}/senders.db") as database:
        yield Desk(Held(database), Standing(database))


def test_views_are_taken_together_and_a_repeat_is_told_apart(desk: Desk) -> None:
    desk.take(desk.item(key("shop", "lamp"), b'{"title":"Lamp"}'))
    desk.take(desk.event(), desk.event(), desk.event(messageId="m-2"))
    until = T0 // HOUR_MS
    found = desk.store.trending("shop", "viewed", hours=(until - 1, until), most=9)
    assert asyncio.run(found) == [Rank("lamp", 2)]
    assert desk.viewed() == ["lamp"]
    assert desk.metrics.read(Counter.INTERESTS) == 3
    assert desk.metrics.read(Counter.INTERESTS_REPEATED) == 1


def test_what_is_no_event_of_the_catalogue_is_left_to_workers(desk: Desk) -> None:
    nothing = Record("events", 0, 1, b"ada", b'{"type":"clock","at":1}')
    empty = Record("events", 0, 1, b"ada", None)
    desk.take(desk.event(event="Other"), desk.taker.event(nothing, T0), desk.taker.event(empty, T0))
    assert desk.viewed() == []
    assert desk.dead == []


def test_items_come_and_go_and_what_is_none_is_a_dead_letter(desk: Desk) -> None:
    lamp, chair = key("shop", "lamp"), key("shop", "chair")
    desk.take(desk.item(lamp, b'{"title":"Old"}'), desk.item(lamp, b'{"title":"Lamp"}'))
    desk.take(desk.item(chair, b'{"title":"Chair"}'), desk.item(chair, None))
    desk.take(desk.item(b"bad", b"{}"), desk.item(chair, b"{}"))
    assert asyncio.run(desk.store.items([("shop", "lamp"), ("shop", "chair")])) == {
        ("shop", "lamp"): '{"title":"Lamp"}'
    }
    assert desk.dead == [b"bad", chair]
    asyncio.run(desk.taker.look())
    assert desk.metrics.read(Gauge.ITEMS, "shop") == 1


def test_erased_person_is_forgotten_and_others_are_not(desk: Desk) -> None:
    desk.take(desk.event())
    desk.take(desk.suppression("unsubscribe"))
    assert desk.viewed() == ["lamp"]
    desk.take(desk.suppression("erased"))
    desk.take(desk.event(messageId="later"))
    assert desk.viewed() == []
    lifted = Record("suppressions", 0, 2, b"ada/*", None)
    desk.take(desk.taker.suppression(lifted, T0 + 1))
    desk.take(desk.event(messageId="again"))
    assert desk.viewed() == ["lamp"]


def test_catalogues_are_those_published_last_and_broken_ones_are_told(desk: Desk) -> None:
    assert len(desk.catalogues.take([catalogue(last_viewed=0)])) == 1
    assert not desk.catalogues.shelf.catalogues
    desk.take(desk.event())
    assert desk.viewed() == []
    desk.catalogues.close()


class Hosting(hosts.Hosting):
    """A Faust app, as far as the service knows it."""

    def __init__(self, records: list[Any]) -> None:
        super().__init__()
        self.agents: dict[str, Any] = {}
        self.unfinished: list[Any] = []
        self.acked: list[int] = []
        self.records = records

    def topic(self, *names: str, **_: Any) -> str:
        return names[0]

    def agent(self, topic: str, *, name: str, concurrency: int) -> Callable[[Any], None]:
        return lambda work: self.agents.__setitem__(topic, work)

    def noack(self) -> "Hosting":
        return self

    async def events(self) -> Any:
        for offset, (record_key, value) in enumerate(self.records):
            yield Came(self, offset, record_key, value)


class Came:
    """One record on its way to an agent."""

    def __init__(self, hosting: Hosting, offset: int, record_key: bytes, value: bytes) -> None:
        self.message = self
        self.topic, self.partition, self.offset = "x.events", 0, offset
        self.key, self.value, self.timestamp = record_key, value, T0 / 1000
        self.headers: Headers = []
        self._hosting = hosting

    def ack(self) -> None:
        self._hosting.acked.append(self.offset)


class Following:
    """Catalogues that are read already, `Followed` by shape."""

    async def loaded(self) -> None:
        """Is so at once."""

    def host(self, app: Any) -> None:
        """Follows nothing."""


class Held(Recommendations):
    """A database that counts when it is let."""

    gate: asyncio.Event | None = None

    async def count(self, occurrences: Sequence[Occurrence]) -> int:
        if self.gate is not None:
            await self.gate.wait()
        return await super().count(occurrences)


class Service(recommendations.Service):
    """The service of a desk, on what looks like a Faust app."""

    def __init__(self, desk: Desk, *values: bytes) -> None:
        followed: Any = Following()
        super().__init__(desk.taker, followed, metrics=desk.metrics, clock=Time(T0 + 3_000))
        self.hosting = Hosting([(b"ada", value) for value in values])
        self.closed: list[str] = []
        app: Any = self.hosting
        self.host(app, "x.", self._expire, lambda: self.closed.append("closed"))

    async def _expire(self) -> None:
        self.closed.append("expired")

    async def read(self) -> None:
        await self.hosting.agents["x.events"](self.hosting)

    async def end(self) -> None:
        for end in self.hosting.ends:
            await end()


def views(count: int) -> list[bytes]:
    return [event_bytes(**VIEW | {"messageId": f"m-{n}"}) for n in range(count)]


def test_record_is_finished_when_the_database_has_it(desk: Desk) -> None:
    service = Service(desk, *views(5))
    assert list(service.hosting.agents) == ["x.events", "x.items", "x.suppressions"]

    async def live() -> None:
        await service.read()
        await service.end()
        service.hosting.should_stop = True
        for task in service.hosting.tasks:
            await task()

    asyncio.run(live())
    assert sorted(service.hosting.acked) == [0, 1, 2, 3, 4]
    assert desk.viewed() == ["lamp"]
    assert service.closed == ["closed"]
    assert recommendations.topics(Options(prefix="x."))[:3] == tuple(service.hosting.agents)


def test_how_far_behind_it_is_is_told_while_the_database_is_slow(desk: Desk) -> None:
    service = Service(desk, *views(2))
    behind = partial(desk.metrics.read, Gauge.INTERESTS_BEHIND)

    async def live() -> None:
        desk.store.gate = asyncio.Event()
        await service.read()
        await service.look()
        assert behind() == 3.0
        assert service.hosting.acked == []
        desk.store.gate.set()
        await service.end()
        await service.look()
        assert behind() == 0.0

    asyncio.run(live())


def test_work_goes_on_again_and_again_whatever_the_database_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOOK_S", "EXPIRE_S", "THIN_S"):
        monkeypatch.setattr(recommendations, name, 0.0)
    service = Service(desk)

    async def away() -> None:
        service.closed.append("away")
        service.hosting.should_stop = len(service.closed) > 2
        raise ConnectionError

    monkeypatch.setattr(desk.store, "known", away)

    async def live() -> None:
        await asyncio.gather(*(task() for task in service.hosting.tasks))

    asyncio.run(live())
    assert service.closed.count("away") > 1
    assert "expired" in service.closed


def test_suppressions_of_other_reasons_are_left_to_senders(desk: Desk) -> None:
    desk.take(desk.suppression("hard-bounce"))
    assert asyncio.run(desk.standing.of("ada")).suppressions == []
    desk.take(desk.suppression("erased"))
    assert [one.reason for one in asyncio.run(desk.standing.of("ada")).suppressions] == ["erased"]
