"""Senders with a ledger end to end: killed at random, without their database or their provider.

`BECKON_TEST_FULL=1` makes it the full size: 10,000 commands, the database away for a minute, and
the provider for ten.
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
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from connectors.stores.engines import Database
from processors.agents import deliveries
from schemas import codec
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests import postboxes, services
from tests.postboxes import Office

ROOT = Path(__file__).parent.parent.parent
TOPICS = (
    "commands.email",
    "commands.webhook",
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
PROVIDER_AWAY_S = 600 if IS_FULL else 6
"""Longer than the brokers wait for a member that does not poll (`max.poll.interval.ms`: 300 s)."""
UNAFFECTED_S = 5.0
LIMIT_S = 1_800 if IS_FULL else 300
PEOPLE = 300
PARTITIONS = 4


def command(number: int, channel: str = "email") -> Command:
    return Command(
        id=f"{channel[0]}-{number:05}",
        channel=channel,
        profile_id=f"p-{number % PEOPLE}",
        definition_id="welcome",
        version="0123456789ab",
        step="0",
        occurrence="m-1",
        at=1_714_566_896_789,
        topic="news",
        body={"subject": "Hello"},
        url="https://example.org/hello" if channel == "webhook" else None,
        traits={"email": f"p-{number % PEOPLE}@example.org"},
    )


@dataclass
class Sender:
    """A sender, started again whenever it was killed."""

    bootstrap: str
    prefix: str
    database: str
    settings: dict[str, str] = field(default_factory=dict)
    channel: str = "email"
    log: Path | None = None
    """Where it is to write what it logs; None: beside that of the tests."""
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
            f"BECKON_SENDERS__{self.channel.upper()}": "postbox",
            "BECKON_HEALTH__PORT": "0",
            "BECKON_SLOT": "one",
            "BECKON_LOG__LEVEL": "warning",
            **self.settings,
        }
        given = [sys.executable, "-m", "tests.integration.delivery_process"]
        given += [url, promise, self.channel]
        with contextlib.ExitStack() as stack:
            log = None if self.log is None else stack.enter_context(self.log.open("a"))
            self.process = subprocess.Popen(
                given, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log, text=True
            )
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

    def produce(self, count: int, *, first: int = 0) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        topic = f"{self.prefix}commands.{self.channel}"
        for number in range(first, first + count):
            one = command(number, self.channel)
            producer.produce(topic, codec.encode(one), one.profile_id.encode())
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
                told = (codec.decode_outcome(one.value()) for one in consumer.consume(1000, 0.2))
                found += [one for one in told if one.channel == self.channel]
        return found

    def members(self) -> tuple[str, set[tuple[str, int]]]:
        """Returns the state of its group, and of each member its id and count of partitions.

        Whoever is thrown out of the group comes back under another id.
        """
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        name = deliveries.group(self.prefix, self.channel)
        found = admin.describe_consumer_groups([name])[name].result(LIMIT_S)
        ours = {(one.member_id, len(one.assignment.topic_partitions)) for one in found.members}
        return found.state.name, ours

    def logged(self, words: str) -> int:
        """Returns how often it logged something."""
        assert self.log is not None
        return self.log.read_text().count(words)

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
        back_s = time.monotonic()
        outcomes = {one.command_id: one.result for one in sender.outcomes(count)}
        accepted, ledger = office.accepted(), sender.ledger()
        assert sender.stop() == 0
    sys.stderr.write(
        f"\ndatabase away for {AWAY_S} s: {len(before)} of {count} messages before, none"
        f" meanwhile, all {time.monotonic() - back_s:.0f} s after\n"
    )
    assert outcomes == ledger
    assert outcomes == {command(one).id: "sent" for one in range(count)}
    assert set(accepted.values()) == {1}
    assert accepted.keys() == outcomes.keys()


@pytest.mark.slow
def test_two_senders_keep_to_one_rate_while_partitions_move(sender: Sender, office: Office) -> None:
    rate, count = 40, 480
    sender.settings["BECKON_SENDERS__RATES"] = f'{{"postbox": {rate}}}'
    second = Sender(sender.bootstrap, sender.prefix, sender.database, sender.settings | {})
    second.settings["BECKON_SLOT"] = "two"
    sender.produce(count)
    seen: list[tuple[float, int]] = []

    def are_accepted(wanted: int) -> bool:
        asked_s = time.monotonic()
        seen.append((asked_s, office.accepted().total()))
        return seen[-1][1] >= wanted

    sender.start(office.url, "key")
    wait_for(partial(are_accepted, count // 4), "the first messages")
    second.start(office.url, "key")
    wait_for(lambda: len(sender.members()[1]) == 2, "both have partitions")
    wait_for(partial(are_accepted, count * 3 // 4), "those of both")
    assert second.stop() == 0
    wait_for(partial(are_accepted, count), "all messages")
    assert sender.stop() == 0
    assert set(office.accepted().values()) == {1}
    saved = rate / 10 + 2
    late = rate  # of those that were let go before, and accepted since
    for place, (began_s, before) in enumerate(seen):
        for ended_s, after in seen[place:]:
            assert after - before <= rate * (ended_s - began_s) + saved + late


@pytest.fixture
def other(sender: Sender) -> Iterator[Sender]:
    """The sender of another channel, with the same database."""
    found = Sender(sender.bootstrap, sender.prefix, sender.database, channel="webhook")
    yield found
    if found.process is not None:
        found.stop(signal.SIGKILL)


def is_accepted(office: Office, id: str) -> bool:
    return id in office.accepted()


def send_meanwhile(other: Sender, office: Office, until_s: float) -> list[float]:
    """Has the other sender send one message after the other; returns how long each took, s."""
    took: list[float] = []
    while time.monotonic() < until_s:
        began_s = time.monotonic()
        other.produce(1, first=len(took))
        id = command(len(took), other.channel).id
        wait_for(partial(is_accepted, office, id), "another channel sends", UNAFFECTED_S)
        took.append(time.monotonic() - began_s)
        time.sleep(1)
    return took


@pytest.mark.slow
def test_while_the_provider_is_away_commands_wait_and_none_fails(
    sender: Sender, other: Sender, tmp_path: Path
) -> None:
    count, port = max(COMMANDS // 3, 1_000), health_port()
    sender.log = tmp_path / "log"
    sender.settings |= {
        "BECKON_HEALTH__PORT": str(port),
        "BECKON_SENDERS__RATES": '{"postbox": 200}',
        "BECKON_SENDERS__PLACES": "100",
        "BECKON_LOG__LEVEL": "info",
    }
    sender.produce(count)
    with postboxes.office(tmp_path / "others") as others:
        other.start(others.url, "none")
        with postboxes.office(tmp_path / "accepted") as office:
            sender.start(office.url, "key")
            wait_for(lambda: len(office.accepted()) >= count // 5, "the first messages")
        began_s = time.monotonic()
        wait_for(lambda: metric(port, "beckon_circuit_open{") == 1, "the circuit opens")
        wait_for(lambda: sender.logged("partitions are paused") > 0, "the partitions are paused")
        group, came = sender.members(), sender.logged("partitions came")
        took = send_meanwhile(other, others, began_s + PROVIDER_AWAY_S)
        assert other.stop() == 0
    assert (sender.members(), sender.logged("partitions came")) == (group, came)
    assert group[0] == "STABLE"
    assert sum(partitions for _, partitions in group[1]) == PARTITIONS
    assert sender.logged("partitions left") == 0
    assert sender.logged("a provider is away") == 1
    assert sender.logged("partitions go on") < sender.logged("partitions are paused")
    assert metric(port, 'beckon_outcomes_total{channel="email",result="failed"}') == 0
    with postboxes.office(tmp_path / "accepted", port=office.port) as again:
        back_s = time.monotonic()
        outcomes = {one.command_id: one.result for one in sender.outcomes(count)}
        caught_up_s = time.monotonic() - back_s
        wait_for(lambda: metric(port, "beckon_circuit_open{") == 0, "the circuit closes")
        accepted = again.accepted()
        assert sender.stop() == 0
    sys.stderr.write(
        f"\nprovider away for {back_s - began_s:.0f} s: {count} commands, caught up in"
        f" {caught_up_s:.0f} s; meanwhile another channel sent {len(took)} messages, each"
        f" within {max(took):.2f} s\n"
    )
    assert sender.logged("a provider is back") == 1
    assert outcomes == {command(one).id: "sent" for one in range(count)}
    assert set(accepted.values()) == {1}
    assert accepted.keys() == outcomes.keys()
