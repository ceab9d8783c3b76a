"""Senders with a ledger end to end: killed at random, without their database or their provider.

`BECKON_TEST_FULL=1` makes it the full size: 10,000 commands, and the database away for a minute.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from sqlalchemy import text

from connectors.stores.engines import Database
from schemas import codec
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests import postboxes, services
from tests.postboxes import Office

ROOT = Path(__file__).parent.parent.parent
TOPICS = (
    "commands.email",
    "consents",
    "suppressions",
    "definitions",
    "outcomes",
    "events",
    "dead-letters",
)
IS_FULL = os.environ.get("BECKON_TEST_FULL") == "1"
COMMANDS = 10_000 if IS_FULL else 600
AWAY_S = 60 if IS_FULL else 4
LIMIT_S = 1_800 if IS_FULL else 300
PEOPLE = 300


def command(number: int) -> Command:
    return Command(
        id=f"c-{number:05}",
        channel="email",
        profile_id=f"p-{number % PEOPLE}",
        definition_id="welcome",
        version="0123456789ab",
        step="0",
        occurrence="m-1",
        at=1_714_566_896_789,
        topic="news",
        body={"subject": "Hello"},
        traits={"email": f"p-{number % PEOPLE}@example.org"},
    )


@dataclass
class Sender:
    """A sender of mail, started again whenever it was killed."""

    bootstrap: str
    prefix: str
    database: str
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None

    def start(self, url: str, promise: str) -> None:
        """Returns once it has its partitions."""
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "BECKON_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "BECKON_KAFKA__CHECKSUMS": "false",
            "BECKON_TOPICS__PREFIX": self.prefix,
            "BECKON_DATABASE__URL": self.database,
            "BECKON_SENDERS__EMAIL": "postbox",
            "BECKON_HEALTH__PORT": "0",
            "BECKON_SLOT": "one",
            "BECKON_LOG__LEVEL": "warning",
            **self.settings,
        }
        given = [sys.executable, "-m", "tests.integration.delivery_process", url, promise]
        self.process = subprocess.Popen(given, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(how)
        code = self.process.wait(LIMIT_S)
        self.process.stdout.close()
        self.process = None
        return code

    def produce(self, count: int) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        for number in range(count):
            one = command(number)
            value = codec.encode(one)
            producer.produce(self.prefix + "commands.email", value, one.profile_id.encode())
        assert producer.flush(LIMIT_S) == 0

    def outcomes(self, count: int, limit_s: float = LIMIT_S) -> list[Outcome]:
        """Returns all outcomes, once there is one for each of so many commands."""
        given = {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}test"}
        consumer = Consumer({**given, "enable.auto.commit": False, "check.crcs": False})
        name = self.prefix + "outcomes"
        found: list[Outcome] = []
        with contextlib.closing(consumer):
            parts = consumer.list_topics(name, LIMIT_S).topics[name].partitions
            consumer.assign([TopicPartition(name, one, 0) for one in parts])
            until = time.monotonic() + limit_s
            while len({one.command_id for one in found}) < count and time.monotonic() < until:
                records = consumer.consume(1000, 0.2)
                found += [codec.decode_outcome(one.value()) for one in records]
        return found

    def ledger(self) -> dict[str, str]:
        """Returns the state of each message."""
        database = Database(self.database)
        ask = text("select command_id, state from ledger")
        try:
            return database.run_now(lambda one: {key: state for key, state in one.execute(ask)})
        finally:
            database.close()


@pytest.fixture(params=["key", "look-up", "none"])
def promise(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sender(
    kafka: str, create_topics: services.CreateTopics, topics_prefix: str, postgres: str
) -> Iterator[Sender]:
    create_topics(*(topics_prefix + one for one in TOPICS))
    found = Sender(kafka, topics_prefix, postgres)
    yield found
    if found.process is not None:
        found.stop(signal.SIGKILL)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with postboxes.office(tmp_path / "accepted") as found:
        yield found


def kill_at_random(sender: Sender, url: str, promise: str, is_over: Callable[[], bool]) -> int:
    """Kills the sender about once a second until it is over; returns how often."""
    chance, kills = random.Random(7), 0
    sender.start(url, promise)
    while not is_over():
        time.sleep(chance.uniform(0.2, 1.5))
        sender.stop(signal.SIGKILL)
        kills += 1
        sender.start(url, promise)
    return kills


@pytest.mark.slow
def test_killed_sender_keeps_the_promise_of_its_provider(
    sender: Sender, tmp_path: Path, promise: str
) -> None:
    started = time.monotonic()
    with postboxes.office(tmp_path / "accepted", percent=5) as office:
        sender.produce(COMMANDS)
        found: list[Outcome] = []
        watch = threading.Thread(target=lambda: found.extend(sender.outcomes(COMMANDS)))
        watch.start()
        kills = kill_at_random(sender, office.url, promise, lambda: not watch.is_alive())
        assert sender.stop() == 0
        accepted = office.accepted()

    results = {one.command_id: one.result for one in found}
    told = Counter(results.values())
    more = sum(1 for count in accepted.values() if count > 1)
    sys.stderr.write(
        f"\n{promise}: {COMMANDS} commands, {kills} kills, {time.monotonic() - started:.0f} s:"
        f" outcomes {dict(told)}, accepted {len(accepted)}, more than once {more}\n"
    )
    wanted = {command(one).id for one in range(COMMANDS)}
    assert results.keys() == wanted
    assert sender.ledger() == results
    assert more == 0
    assert accepted.keys() <= wanted
    assert {one for one, result in results.items() if result == "sent"} <= accepted.keys()
    if promise != "none":
        assert told == {"sent": COMMANDS}
        assert accepted.keys() == wanted
    else:
        assert set(told) <= {"sent", "unknown"}


def wait_for(is_so: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, f"not in time: {what}"
        time.sleep(0.05)


def metric(port: int, name: str) -> float:
    """Returns the present value of a metric of the sender."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name):
                return float(line.rpartition(" ")[2])
    return 0.0


def health_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.mark.slow
def test_without_its_database_nothing_is_sent_and_it_catches_up_alone(
    sender: Sender, tmp_path: Path
) -> None:
    count = COMMANDS // 3
    with contextlib.ExitStack() as stack:
        try:
            database = stack.enter_context(services.local_postgres())
        except services.Unavailable as error:
            services.refuse(error)
        office = stack.enter_context(postboxes.office(tmp_path / "accepted"))
        sender.database = database.url
        sender.settings["BECKON_SENDERS__RATES"] = '{"postbox": 100}'
        sender.produce(count)
        sender.start(office.url, "none")
        wait_for(lambda: len(office.accepted()) >= count // 5, "the first messages")
        database.stop()
        time.sleep(2)  # what had been let go before is on its way for no longer
        before = office.accepted()
        time.sleep(AWAY_S)
        assert office.accepted() == before
        database.start()
        outcomes = {one.command_id: one.result for one in sender.outcomes(count)}
        accepted, ledger = office.accepted(), sender.ledger()
        assert sender.stop() == 0
    assert outcomes == ledger
    assert outcomes == {command(one).id: "sent" for one in range(count)}
    assert set(accepted.values()) == {1}
    assert accepted.keys() == outcomes.keys()


@pytest.mark.slow
def test_while_the_provider_is_away_commands_wait_and_none_fails(
    sender: Sender, tmp_path: Path
) -> None:
    count, port = COMMANDS // 3, health_port()
    sender.settings["BECKON_HEALTH__PORT"] = str(port)
    sender.settings["BECKON_SENDERS__RATES"] = '{"postbox": 100}'
    sender.produce(count)
    with postboxes.office(tmp_path / "accepted") as office:
        sender.start(office.url, "key")
        wait_for(lambda: len(office.accepted()) >= count // 5, "the first messages")
    wait_for(lambda: metric(port, "beckon_circuit_open{") == 1, "the circuit opens")
    time.sleep(AWAY_S)
    assert metric(port, 'beckon_outcomes_total{channel="email",result="failed"}') == 0
    with postboxes.office(tmp_path / "accepted", port=office.port) as again:
        outcomes = {one.command_id: one.result for one in sender.outcomes(count)}
        wait_for(lambda: metric(port, "beckon_circuit_open{") == 0, "the circuit closes")
        accepted = again.accepted()
        assert sender.stop() == 0
    assert outcomes == {command(one).id: "sent" for one in range(count)}
    assert set(accepted.values()) == {1}
    assert accepted.keys() == outcomes.keys()
