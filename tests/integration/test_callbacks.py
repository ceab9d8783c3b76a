"""`beckon callbacks` as a process of its own: killed again and again, and its database away."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from connectors.stores.engines import Database
from processors.delivery.links import Links
from processors.delivery.tokens import Keyring
from tests import services, sites, stores
from tests.builders import T0, command
from tests.embedded import Broker
from tests.faults import Mock

PEOPLE = 120
READY_S = 30
SEED = 11


@pytest.fixture
def broker() -> Broker:
    found = Broker(Mock())
    for name in ("events", "outcomes", "dead-letters", "definitions"):
        found.topic(name)
    return found


class Process:
    """The server, on ports that it keeps over its restarts."""

    def __init__(self, url: str, broker: Broker) -> None:
        self.port, self.health = sites.free(), sites.free()
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BECKON")},
            "BECKON_KAFKA__BOOTSTRAP_SERVERS": broker.mock.bootstrap,
            "BECKON_KAFKA__CHECKSUMS": "false",
            "BECKON_TOPICS__PREFIX": broker.prefix,
            "BECKON_HEALTH__PORT": str(self.health),
            "BECKON_CALLBACKS__PORT": str(self.port),
            "BECKON_CALLBACKS__SIGNING_KEYS": sites.KEYS,
            "BECKON_DATABASE__URL": url,
        }
        self._running: subprocess.Popen[bytes] | None = None
        self.links = Links(
            Keyring([("k1", sites.SECRET)], workspace=broker.prefix), "http://localhost:8090"
        )

    def start(self) -> None:
        given = [sys.executable, "-m", "processors", "callbacks"]
        self._running = subprocess.Popen(given, env=self._env, stderr=subprocess.DEVNULL)

    def end(self, how: signal.Signals) -> int:
        assert self._running is not None
        self._running.send_signal(how)
        return self._running.wait(READY_S)

    async def is_ready(self, client: httpx2.AsyncClient) -> None:
        async with asyncio.timeout(READY_S):
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    url = f"http://127.0.0.1:{self.health}/ready"
                    if (await client.get(url)).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def unsubscribe(self, client: httpx2.AsyncClient, person: str) -> int:
        """Returns the status of one attempt; 0: no answer."""
        mail = command(id=f"c-{person}", channel="email", topic=None, profile_id=person, at=T0)
        path = self.links.unsubscribe(mail).removeprefix("http://localhost:8090")
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            return (await client.post(url)).status_code
        except httpx2.TransportError:
            return 0


@contextlib.asynccontextmanager
async def running(process: Process) -> AsyncIterator[httpx2.AsyncClient]:
    process.start()
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
        try:
            await process.is_ready(client)
            yield client
        finally:
            assert process.end(signal.SIGTERM) == 0


def told(broker: Broker) -> list[str]:
    """Returns whose unsubscribing is in Kafka, repeats left out by their messageId."""
    records = broker.records(f"{broker.prefix}events")
    events = [json.loads(one.value() or b"") for one in records]
    return sorted({one["messageId"]: one["userId"] for one in events}.values())


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_by_kills(tmp_path: Path, broker: Broker) -> None:
    process = Process(f"sqlite:///{tmp_path}/senders.db", broker)
    people = [f"p-{number:03}" for number in range(PEOPLE)]
    answered: set[str] = set()

    async def work() -> int:
        kills, dice = 0, random.Random(SEED)
        async with running(process) as client:
            killing = asyncio.ensure_future(asyncio.sleep(dice.random()))
            for person in people:
                while True:
                    if killing.done() and kills < 5:
                        await asyncio.to_thread(process.end, signal.SIGKILL)
                        kills += 1
                        process.start()
                        killing = asyncio.ensure_future(asyncio.sleep(1 + dice.random()))
                    if await process.unsubscribe(client, person) == 200:
                        answered.add(person)
                        break
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.04)
            await process.is_ready(client)
        return kills

    kills = asyncio.run(work())
    assert kills >= 3
    assert answered == set(people)
    assert sorted(set(told(broker))) == people
    with stores.opened(f"sqlite:///{tmp_path}/senders.db") as database:
        assert stopped(database) == people


def stopped(database: Database) -> list[str]:
    ask = "select profile_id from suppressions order by profile_id"
    return database.run_now(lambda one: list(one.exec_driver_sql(ask).scalars()))


@pytest.mark.slow
def test_database_away_is_said_and_its_return_is_noticed(broker: Broker) -> None:
    try:
        with services.local_postgres() as postgres:
            statuses, after = asyncio.run(outage(postgres, broker))
    except services.Unavailable as error:
        services.refuse(error)
    assert statuses[0] == 200
    assert set(statuses[1:]) == {503}
    assert after == 200
    assert told(broker) == ["ada", "bob"]


async def outage(postgres: services.LocalPostgres, broker: Broker) -> tuple[list[int], int]:
    process = Process(postgres.url, broker)
    async with running(process) as client:
        statuses = [await process.unsubscribe(client, "ada")]
        await asyncio.to_thread(postgres.stop)
        statuses += [await process.unsubscribe(client, "bob") for _ in range(3)]
        await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(READY_S):
            while (after := await process.unsubscribe(client, "bob")) != 200:
                await asyncio.sleep(0.1)
        await process.is_ready(client)
    return statuses, after
