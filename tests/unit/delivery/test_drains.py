"""What waits in the database on its way to Kafka."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from connectors.stores.engines import Database
from connectors.stores.outbox import Outbox
from connectors.stores.postings import Postings
from processors.delivery import drains
from processors.delivery.drains import Post
from processors.metrics import Gauge, Metrics
from processors.runtime import clients
from schemas.postings import Posting, Row
from tests import sites
from tests.builders import T0
from tests.embedded import Broker
from tests.faults import Request

TOO_LARGE = 10
"""Kafka's number of an error after which its client does not try again by itself."""

Found = TypeVar("Found")


def posting(id: str, topic: str = "events", key: str = "ada") -> Posting:
    return Posting(
        source="s", id=id, rows=(Row(id=id, topic=topic, key=key, value=f'{{"n":"{id}"}}'),)
    )


def drained(
    folder: Path, broker: Broker, use: Callable[[Database, Post], Awaitable[Found]]
) -> Found:
    for name in ("events", "outcomes", "dead-letters"):
        broker.topic(name)
    database, post = sites.opened(folder), Post(broker.cluster, broker.prefix)
    try:
        return asyncio.run(use(database, post))  # type: ignore[arg-type]
    finally:
        post.close()
        database.close()


def values(broker: Broker, name: str) -> list[bytes]:
    return [one.value() or b"" for one in broker.records(f"{broker.prefix}{name}")]


async def left(database: Database) -> int:
    return (await Postings(database).waiting())[0]


def test_records_go_to_their_topics_under_their_keys(tmp_path: Path, broker: Broker) -> None:
    async def use(database: Database, post: Post) -> tuple[int, int]:
        store = Postings(database)
        await store.post([posting("1"), posting("2"), posting("3", "outcomes")], now_ms=T0)
        moved = await drains.move(Outbox(database), post, encoders={})
        return moved, await left(database)

    assert drained(tmp_path, broker, use) == (3, 0)
    events = broker.records(f"{broker.prefix}events")
    assert [(one.key(), one.value()) for one in events] == [
        (b"ada", b'{"n":"1"}'),
        (b"ada", b'{"n":"2"}'),
    ]
    assert values(broker, "outcomes") == [b'{"n":"3"}']


def test_values_are_written_as_their_topic_has_them(tmp_path: Path, broker: Broker) -> None:
    async def use(database: Database, post: Post) -> int:
        store = Postings(database)
        await store.post([posting("1"), posting("2", "outcomes")], now_ms=T0)
        encoders = {"outcomes": lambda text: b"\0" + text.encode()}
        return await drains.move(Outbox(database), post, encoders=encoders)

    drained(tmp_path, broker, use)
    assert values(broker, "events") == [b'{"n":"1"}']
    assert values(broker, "outcomes") == [b'\0{"n":"2"}']


def test_nothing_is_let_go_that_kafka_has_not(tmp_path: Path, broker: Broker) -> None:
    async def use(database: Database, post: Post) -> tuple[int, int]:
        await Postings(database).post([posting("1")], now_ms=T0)
        broker.mock.fail(Request.PRODUCE, *[TOO_LARGE] * 3)
        with pytest.raises(OSError, match="Kafka does not take records"):
            await drains.move(Outbox(database), post, encoders={})
        waiting = await left(database)
        broker.mock.heal()
        return waiting, await drains.move(Outbox(database), post, encoders={})

    assert drained(tmp_path, broker, use) == (1, 1)
    assert values(broker, "events")[-1] == b'{"n":"1"}'


def test_what_waits_is_taken_once_kafka_comes_back(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "AWAY_S", 0.01)

    async def use(database: Database, post: Post) -> tuple[int, int]:
        store, stop = Postings(database), asyncio.Event()
        await store.post([posting(str(number)) for number in range(1_200)], now_ms=T0)
        broker.mock.fail(Request.PRODUCE, *[TOO_LARGE] * 4)
        running = asyncio.ensure_future(drains.drain(Outbox(database), post, stop, encoders={}))
        async with asyncio.timeout(30):
            while await left(database):
                await asyncio.sleep(0.01)
        stop.set()
        await running
        return await left(database), 0

    assert drained(tmp_path, broker, use) == (0, 0)
    assert {f'{{"n":"{number}"}}'.encode() for number in range(1_200)} == set(
        values(broker, "events")
    )


def test_end_takes_what_is_there(tmp_path: Path, broker: Broker) -> None:
    async def use(database: Database, post: Post) -> int:
        stop = asyncio.Event()
        stop.set()
        await Postings(database).post([posting(str(n)) for n in range(1_001)], now_ms=T0)
        await drains.drain(Outbox(database), post, stop, encoders={})
        return await left(database)

    assert drained(tmp_path, broker, use) == 0
    assert len(values(broker, "events")) == 1_001


def test_end_does_not_wait_for_kafka(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "FLUSH_S", 0.2)
    gone = clients.Cluster(bootstrap="127.0.0.1:1")

    async def use(database: Database, _: Post) -> int:
        stop, post = asyncio.Event(), Post(gone, broker.prefix)
        stop.set()
        await Postings(database).post([posting("1")], now_ms=T0)
        await drains.drain(Outbox(database), post, stop, encoders={})
        post.close()
        return await left(database)

    assert drained(tmp_path, broker, use) == 1


def test_dead_letters_keep_their_headers(tmp_path: Path, broker: Broker) -> None:
    async def use(_: Database, post: Post) -> None:
        await post.write([("dead-letters", None, b"\x00", [("reason", b"empty")])])

    drained(tmp_path, broker, use)
    [letter] = broker.records(f"{broker.prefix}dead-letters")
    assert (letter.value(), letter.headers()) == (b"\x00", [("reason", b"empty")])


def test_size_and_age_are_shown() -> None:
    metrics = Metrics()
    drains.show(metrics, (7, T0), now_ms=T0 + 2_500)
    assert (metrics.read(Gauge.OUTBOX), metrics.read(Gauge.OUTBOX_AGE)) == (7, 2.5)
    drains.show(metrics, (0, None), now_ms=T0)
    assert (metrics.read(Gauge.OUTBOX), metrics.read(Gauge.OUTBOX_AGE)) == (0, 0)
