"""Workers as processes of their own on a real Kafka, and what they have written, for tests.

A `Place` is one prefix on one cluster: topics, definitions, workers, and readers that see only what
was committed. Every wait is for a condition and ends by a deadline.
"""

import contextlib
import functools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.operations import administration, publishing
from processors.operations.administration import Layout
from processors.operations.producing import Writer
from processors.runtime.batches import tick
from processors.runtime.clients import Cluster
from processors.runtime.memory import Driver
from processors.runtime.rereading import EMITTED
from schemas import topics
from tests import services

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 90.0
"""How long a test waits for what should take seconds: other work may hold the processors."""
PAUSE_S = 0.02

Row = dict[str, Any]
Document = dict[str, Any]
Pair = tuple[bytes | None, bytes | None]
Written = dict[str, dict[str, list[Row]]]
"""By topic and person, what was written, in order; of a table, by key, the latest."""

STREAMS = (
    "segment-changes",
    "score-changes",
    "decisions",
    *(f"commands.{channel}" for channel in topics.CHANNELS),
)
TABLES = ("scores", "segments")


def until(
    holds: Callable[[], bool], what: str, *, limit_s: float = LIMIT_S, pause_s: float = PAUSE_S
) -> None:
    """Waits for a condition; fails with what was waited for."""
    end_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end_s, f"in {limit_s:.0f} s it did not come about: {what}"
        time.sleep(pause_s)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return str(held.getsockname()[1])


def prefix_of(name: str) -> str:
    """Returns a prefix that no other test has, in this run or another on the same broker."""
    return f"{name}-{secrets.token_hex(4)}."


class Worker:
    """A worker process, or another command of ours that runs until it is told to stop."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self.port = environment["BECKON_HEALTH__PORT"]
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, env=dict(environment), cwd=ROOT
            )

    def lines(self, message: str) -> list[Row]:
        """Returns what the process has logged under a message."""
        found = []
        for line in self.log.read_text().splitlines():
            if line.startswith("{") and (row := json.loads(line))["message"] == message:
                found.append(row)
        return found

    @property
    def text(self) -> str:
        """All that it has said, for people."""
        return self.log.read_text()

    @property
    def address(self) -> str:
        """Where its health server listens: told in the log, where no port was chosen."""
        if self.port != "0":
            return f"http://127.0.0.1:{self.port}"
        until(lambda: bool(self.lines("health server listens")) or self.has_ended, "health server")
        told = self.lines("health server listens")
        assert told, f"the process ended with {self.process.returncode}:\n{self.text[-3000:]}"
        return f"http://127.0.0.1:{told[-1]['port']}"

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def ask(self, path: str) -> tuple[int, str]:
        """Returns status and body of one of its pages; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Returns the sum of a metric over its labels; 0 where it was never counted."""
        lines = self.ask("/metrics")[1].splitlines()
        mine = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    @property
    def partitions(self) -> int:
        """How many partitions it works on."""
        body = self.ask("/ready")[1]
        return int(json.loads(body)["progress"].get("partitions", 0)) if body else 0

    def is_ready(self, partitions: int | None = None) -> bool:
        """Returns whether it runs, with so many partitions if that is asked."""
        assert not self.has_ended, f"it ended with {self.process.returncode}:\n{self.text[-3000:]}"
        status, body = self.ask("/ready")
        if status != 200:
            return False
        return partitions is None or json.loads(body)["progress"]["partitions"] == partitions

    def wait_ready(self, partitions: int | None = None) -> "Worker":
        until(lambda: self.is_ready(partitions), f"ready with {partitions} partitions")
        return self

    def kill(self) -> None:
        """Ends it at once, with no chance to clean up."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def stop(self) -> int:
        """Tells it to stop and returns its exit code."""
        if not self.has_ended:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def wait(self) -> int:
        """Waits until it ends by itself."""
        return self.process.wait(LIMIT_S)


@dataclass
class Place:
    """One prefix on one cluster."""

    bootstrap: str
    prefix: str
    folder: Path
    """For logs of the processes."""
    clock: str = "wall"
    partitions: int = 4
    workers: list[Worker] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return Cluster(bootstrap=self.bootstrap)

    @functools.cached_property
    def producer(self) -> Producer:
        """Writes as an app would; takes events larger than the brokers do."""
        return Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "partitioner": "murmur2_random",
                "message.max.bytes": 16_777_216,
                "linger.ms": 0,
            }
        )

    def topic(self, name: str) -> str:
        return topics.full_name(self.prefix, name)

    def create(self) -> None:
        layout = Layout(prefix=self.prefix, partitions=self.partitions, output_partitions=2)
        administration.create(self.cluster, layout)

    def publish(self, *documents: Document, at_ms: int = 0) -> None:
        found = sets.from_documents(documents)
        publishing.publish(self.cluster, self.prefix, found, now_ms=at_ms)

    def produce(
        self, pairs: Iterable[Pair], *, name: str = "events", partition: int = -1
    ) -> list[Message]:
        """Writes records as an app would; returns them as Kafka took them."""
        taken: list[Message] = []

        def told(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            taken.append(message)

        for key, value in pairs:
            self.producer.produce(self.topic(name), value, key, partition, on_delivery=told)
            self.producer.poll(0)
        assert self.producer.flush(LIMIT_S) == 0
        return taken

    def tick(self, at_ms: int) -> None:
        """Writes a clock record into each partition of `events`."""
        with Writer(self.cluster) as writer:
            for partition in writer.partitions(self.topic("events")):
                writer.write(self.topic("events"), b"", tick(at_ms), partition)
            assert writer.finish() == 0

    def environment(self, **settings: str) -> dict[str, str]:
        """Returns the environment of a process: settings by name, as in BECKON_<name>."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BECKON_")}
        ours = {
            "KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "TOPICS__PREFIX": self.prefix,
            "STREAM__CLOCK": self.clock,
            "HEALTH__PORT": "0",
            "LOG__FORMAT": "json",
            **settings,
        }
        return kept | {f"BECKON_{name}": value for name, value in ours.items()}

    def worker(self, slot: str, *command: str, **settings: str) -> Worker:
        """Starts a worker; the same slot again is the same worker after a restart."""
        log = self.folder / f"{self.prefix}{slot}-{len(self.workers)}.log"
        words = command or ("-m", "processors", "worker")
        started = Worker([sys.executable, *words], log, self.environment(SLOT=slot, **settings))
        self.workers.append(started)
        return started

    def run(self, *words: str, stdin: bytes = b"", **settings: str) -> "Ran":
        """Runs a command of ours to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "processors", *words],
            input=stdin,
            capture_output=True,
            env=self.environment(**settings),
            cwd=ROOT,
            timeout=LIMIT_S * 2,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def committed(self) -> dict[int, int]:
        """Returns the workers' committed offsets by partition, once none of them is pending."""
        settings = {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}decide"}
        with contextlib.closing(Consumer(settings)) as consumer:
            return self._committed(consumer)

    def _committed(self, consumer: Consumer) -> dict[int, int]:
        asked = [TopicPartition(self.topic("events"), each) for each in range(self.partitions)]
        return {each.partition: max(0, each.offset) for each in consumer.committed(asked, LIMIT_S)}

    def ends(self) -> dict[int, int]:
        """Returns the offset after the last event by partition; marks of transactions left out."""
        found = dict.fromkeys(range(self.partitions), 0)
        for message in read(self.bootstrap, self.topic("events"), tail=50):
            found[message.partition() or 0] = (message.offset() or 0) + 1
        return found

    def lag(self) -> int:
        """Returns how many events are not decided on and committed, about."""
        committed = self.committed()
        return sum(max(0, end - committed[each]) for each, end in self.ends().items())

    def wait_decided(self, *, limit_s: float = LIMIT_S) -> None:
        """Waits until all events that are there now, and what they led to, are committed."""
        wanted = self.ends()
        settings = {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}decide"}
        with contextlib.closing(Consumer(settings)) as consumer:

            def is_done() -> bool:
                found = self._committed(consumer)
                return all(found[each] >= end for each, end in wanted.items())

            until(is_done, "all events decided on", limit_s=limit_s, pause_s=0.1)

    def read(self, name: str) -> list[Message]:
        """Returns all committed records of a topic, each partition's in order."""
        return list(read(self.bootstrap, self.topic(name)))

    def rows(self, name: str) -> list[Row]:
        """Returns the values of a stream of records; `commands` is that of all channels."""
        names = [name]
        if name == "commands":
            names = [f"commands.{each}" for each in topics.CHANNELS]
        found = read(self.bootstrap, *map(self.topic, names))
        return [msgspec.json.decode(each.value() or b"null") for each in found]

    def table(self, name: str) -> dict[str, Row]:
        """Returns the latest value of each key of a compacted topic."""
        found: dict[str, Row] = {}
        for message in self.read(name):
            key, value = (message.key() or b"").decode(), message.value()
            if value is None:
                found.pop(key, None)
            else:
                found[key] = msgspec.json.decode(value)
        return found

    def written(self) -> Written:
        """Returns all that workers have written for others."""
        return rows_of(self.bootstrap, self.prefix, (*STREAMS, *TABLES))

    def folded(self, *documents: Document, until_ms: int) -> Written:
        """Returns what workers must have written, by a fold of the log in memory.

        Args:
            documents: the definitions, as they were all the time.
            until_ms: to when the clock ran after the last event.
        """
        found: Written = {name: {} for name in (*STREAMS, *TABLES)}

        def write(name: str, key: str, value: msgspec.Struct | None) -> None:
            if name in TABLES:
                found[name].pop(key, None)
            if value is not None and name in found:
                found[name].setdefault(key, []).append(msgspec.to_builtins(value))

        compiled = compile_set(sets.from_documents(documents))
        log = [each for each in self.read("events") if each.headers() != EMITTED]
        for partition in range(self.partitions):
            driver = Driver(compiled, write)
            driver.feed((each.key(), each.value()) for each in log if each.partition() == partition)
            driver.advance(until_ms)
        return found

    def close(self) -> None:
        """Ends what still runs, and removes the topics."""
        for each in self.workers:
            if not each.has_ended:
                each.kill()
        services.Topics(self.bootstrap).remove(self.prefix)


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


@contextlib.contextmanager
def place(bootstrap: str, prefix: str, folder: Path, **more: Any) -> Iterator[Place]:
    """Yields a place with all topics; ends what runs there, and removes them."""
    found = Place(bootstrap, prefix, folder, **more)
    found.create()
    try:
        yield found
    finally:
        found.close()


def read(bootstrap: str, *names: str, tail: int | None = None) -> Iterator[Message]:
    """Yields the committed records that topics have now, or about the last few of each partition.

    Waits for transactions that are open: what they bring is part of it.
    """
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "tests",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 50,
        "message.max.bytes": 16_777_216,
        "reconnect.backoff.ms": 20,
    }
    waiting = {part: end for part, end in ends_of(bootstrap, names).items() if end > 0}
    with contextlib.closing(Consumer(settings)) as consumer:
        for name in {name for name, _ in waiting}:
            consumer.list_topics(name, LIMIT_S)  # without their leaders it waits for half a second
        consumer.assign(
            [
                TopicPartition(*part, OFFSET_BEGINNING if tail is None else max(0, end - tail))
                for part, end in waiting.items()
            ]
        )
        end_s = time.monotonic() + LIMIT_S
        while waiting:
            assert time.monotonic() < end_s, f"could not be read to the end: {waiting}"
            for message in consumer.consume(1, 0.05) + consumer.consume(10_000, 0):
                error = message.error()
                if error is None:
                    yield message
                    continue
                assert error.code() == KafkaError._PARTITION_EOF, error
                part = (message.topic() or "", message.partition() or 0)
                if part in waiting and (message.offset() or 0) >= waiting[part]:
                    del waiting[part]


def ends_of(bootstrap: str, names: Iterable[str]) -> dict[tuple[str, int], int]:
    """Returns where each partition of topics ends, with what is not committed yet."""
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "tests",
        "isolation.level": "read_uncommitted",  # or a transaction that is open would be the end
        "reconnect.backoff.ms": 20,
    }
    with contextlib.closing(Consumer(settings)) as consumer:
        return {
            (name, each): _end(consumer, TopicPartition(name, each))
            for name in names
            for each in consumer.list_topics(name, LIMIT_S).topics[name].partitions
        }


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Returns where a partition ends; one that was just made may have no leader yet."""
    until_s = time.monotonic() + LIMIT_S
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, LIMIT_S)[1])
        except KafkaException as error:
            is_passing = error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
            if not is_passing or time.monotonic() > until_s:
                raise
            time.sleep(PAUSE_S)


def rows_of(bootstrap: str, prefix: str, names: Iterable[str]) -> Written:
    """Returns what a read_committed consumer has of streams and tables."""
    found: Written = {name: {} for name in names}
    for message in read(bootstrap, *(prefix + name for name in found)):
        name, value = (message.topic() or "").removeprefix(prefix), message.value()
        key = (message.key() or b"").decode()
        if name in TABLES:
            found[name].pop(key, None)
        if value is not None:
            found[name].setdefault(key, []).append(msgspec.json.decode(value))
    return found
