"""What the runtime promises, be it in memory, on an embedded broker or on a real Kafka.

One story is told to each of them, all of it in one partition; what they write must be the same.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from processors.clock import WallClock
from processors.metrics import Counter, Metrics
from processors.operations import administration
from processors.operations.administration import Layout
from processors.runtime import batches
from processors.runtime.batches import Policy
from processors.runtime.clients import Cluster
from processors.runtime.errors import Fenced
from processors.runtime.memory import Driver
from processors.runtime.options import Options
from processors.runtime.streams import Stream
from processors.runtime.tables import Table
from schemas import codec, topics
from tests import services
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    compiled,
    emit,
    encoded,
    keyed,
    on,
    score,
    segment,
    tag,
    track,
    trigger,
)
from tests.embedded import members_leave
from tests.integration.workers import (
    LIMIT_S,
    STREAMS,
    TABLES,
    Pair,
    Row,
    Written,
    read,
    rows_of,
    until,
)

PARTITIONS = 4
"""What the embedded broker gives a topic that nobody has made."""

KEEN: Document = segment({"event": "view", "at_least": 2, "within": "1d"}, id="keen")
GONE: Document = segment({"tag": "gone"}, id="gone")
HEAT: Document = score(
    on("view", 5, within="2d"), on("buy", 20), id="heat", levels={"hot": 20, "cold": 0}
)
HOOK: Document = {"webhook": {"url": "https://shop.example/thanks", "body": {"by": "us"}}}
DEFINITIONS: list[Document] = [
    KEEN,
    GONE,
    HEAT,
    trigger({"segment": "keen", "change": "entered"}, id="hello"),
    trigger({"segment": "keen", "change": "exited"}, tag("gone"), HOOK, id="back"),
    trigger("buy", emit("thanked"), id="thank"),
    trigger("thanked", HOOK, id="hook", limit={"times": 1}),
]
LATER: list[Document] = [
    segment({"event": "view", "at_least": 1, "within": "9d"}, id="seen"),
    score(on("view", 7, within="2d"), id="heat"),
    segment({"event": "buy"}, id="buyers"),
    segment({"event": "thanked"}, id="thanked"),
]


class Runtime(Protocol):
    """One partition of the stream, told one thing after the other; each returns when decided."""

    def feed(self, pairs: Iterable[Pair]) -> None: ...

    def restart(self) -> None:
        """Begins anew, with what was committed."""
        ...

    def activate(self, documents: Sequence[Document]) -> None: ...

    def written(self) -> Written: ...

    def refused(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """Returns reason, key and value of each dead letter."""
        ...


class InMemory:
    """The driver of replays; a restart takes the table's bytes along."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._found: Written = {name: {} for name in (*STREAMS, *TABLES)}
        self._documents = documents
        self._driver = Driver(compiled(*documents), self._write, keeps_log=True)

    def feed(self, pairs: Iterable[Pair]) -> None:
        self._driver.feed(pairs)

    def restart(self) -> None:
        old, table = self._driver.table, Table()
        for key, value in old.profiles.items():
            table.restore(key.encode(), value)
        table.progress, table.adoption = old.progress, old.adoption
        table.restored()
        self._driver.table = table

    def activate(self, documents: Sequence[Document]) -> None:
        self._driver.activate(compiled(*documents))

    def written(self) -> Written:
        return self._found

    def refused(self) -> list[tuple[str, bytes | None, bytes | None]]:
        return [(each.reason, each.record.key, each.value()) for each in self._driver.dead_letters]

    def _write(self, name: str, key: str, value: msgspec.Struct | None) -> None:
        if name in TABLES:
            self._found[name].pop(key, None)
        if value is not None and name in self._found:
            self._found[name].setdefault(key, []).append(msgspec.to_builtins(value))


class OnKafka:
    """A stream of this process on some broker, its turns taken by hand."""

    def __init__(self, broker: "Broker", prefix: str, documents: Sequence[Document]) -> None:
        self._bootstrap = bootstrap = broker.bootstrap
        self._cluster = Cluster(bootstrap=bootstrap, checksums=broker.is_real)
        self._prefix = prefix
        self._documents = documents
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self.metrics = Metrics()
        self.stream = self.open()

    def open(self) -> Stream:
        """Returns a stream, which has its partitions only after some turns."""
        options = Options(
            cluster=self._cluster,
            prefix=self._prefix,
            group=f"{self._prefix}decide",
            slot="one",
            policy=Policy(clock="stream"),
        )
        stream = Stream(
            options,
            compiled(*self._documents),
            encoders={name: codec.encoder(name) for name in topics.TOPICS},
            metrics=self.metrics,
            clock=WallClock(),
        )
        stream.open()
        return stream

    def produce(self, pairs: Iterable[Pair]) -> int:
        """Returns the offset after the last of them."""
        offsets: list[int] = []
        for key, value in pairs:
            self._producer.produce(
                f"{self._prefix}events",
                value,
                key,
                0,
                on_delivery=lambda error, message: offsets.append(message.offset() or 0),
            )
        assert self._producer.flush(LIMIT_S) == 0
        return max(offsets) + 1

    def feed(self, pairs: Iterable[Pair]) -> None:
        self.decide(self.produce(pairs))

    def decide(self, end: int) -> None:
        """Takes turns until all before an offset is committed, and nothing is left to do."""
        self.turns(lambda: not self.stream.has_work() and self.committed() >= end)

    def committed(self) -> int:
        """Returns how far the changelog is; the embedded broker tells no committed offsets."""
        table = Table()
        for message in read(self._bootstrap, f"{self._prefix}profiles"):
            if message.partition() == 0:
                table.restore(message.key() or b"", message.value())
        return table.progress.offset

    def turns(self, are_enough: Callable[[], bool]) -> None:
        """Takes turns until there is nothing to do and a condition holds."""
        end_s = time.monotonic() + LIMIT_S
        while self.turn() or not are_enough():
            assert time.monotonic() < end_s

    def turn(self) -> bool:
        """Returns whether there was something to do."""
        records = self.stream.poll()
        if records or self.stream.has_work():
            self.stream.process(records)
            return True
        return False

    def restart(self) -> None:
        self.stream.close()
        self.stream = self.open()

    def activate(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self.stream.activate(compiled(*documents))
        self.turns(lambda: self.stream.owns(0) and not self.stream.has_work())

    def written(self) -> Written:
        return rows_of(self._bootstrap, self._prefix, (*STREAMS, *TABLES))

    def rows(self, name: str) -> list[Row]:
        found = read(self._bootstrap, self._prefix + name)
        return [msgspec.json.decode(each.value() or b"null") for each in found]

    def refused(self) -> list[tuple[str, bytes | None, bytes | None]]:
        found = []
        for each in read(self._bootstrap, f"{self._prefix}dead-letters"):
            told: dict[str, Any] = dict(each.headers() or [])
            assert told["topic"] == f"{self._prefix}events".encode()
            assert told["partition"] == b"0"
            letter = (told["reason"].decode(), each.key(), each.value())
            found.append((int(told["offset"]), letter))
        return [letter for _, letter in sorted(found, key=lambda one: one[0])]

    def close(self) -> None:
        self.stream.close()


@dataclass(frozen=True)
class Broker:
    """Where streams of this process can run."""

    bootstrap: str
    is_real: bool


@pytest.fixture(scope="module")
def embedded() -> Iterator[Broker]:
    """librdkafka's mock cluster: topics come to be when somebody asks for them."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "embedded"})
    brokers = producer.list_topics(timeout=LIMIT_S).brokers.values()
    yield Broker(",".join(f"{each.host}:{each.port}" for each in brokers), is_real=False)
    del producer


@pytest.fixture(scope="module")
def real(kafka: str) -> Broker:
    return Broker(kafka, is_real=True)


def make_topics(broker: Broker, prefix: str) -> None:
    if broker.is_real:
        layout = Layout(prefix=prefix, partitions=PARTITIONS, output_partitions=1)
        administration.create(Cluster(bootstrap=broker.bootstrap), layout)
    else:
        maker = Producer({"bootstrap.servers": broker.bootstrap})
        for name in topics.TOPICS:
            maker.list_topics(prefix + name, LIMIT_S)


@contextlib.contextmanager
def on_kafka(broker: Broker, prefix: str) -> Iterator[OnKafka]:
    make_topics(broker, prefix)
    found = OnKafka(broker, prefix, DEFINITIONS)
    try:
        yield found
    finally:
        found.close()
        if broker.is_real:
            services.Topics(broker.bootstrap).remove(prefix)


def view(person: str, at: int, id: str = "") -> Pair:
    return keyed(track("view", T0 + at, id=id or f"{person}-view-{at}", person=person))


def buy(person: str, at: int) -> Pair:
    return keyed(track("buy", T0 + at, id=f"{person}-buy-{at}", person=person))


def tick(at: int) -> Pair:
    return b"", batches.tick(T0 + at)


BEFORE: list[Pair] = [
    view("ann", 0),
    view("ann", HOUR),
    buy("ann", 2 * HOUR),
    view("bob", 3 * HOUR, id="once"),
    view("bob", 3 * HOUR, id="once"),
    view("cat", 10 * DAY),
    view("cat", 10 * DAY - 12 * HOUR),
    view("dan", 2 * DAY),
    (b"x", b"{"),
    (b"x", None),
    (b"somebody", encoded(track("view", T0 + 10 * DAY, person="else"))),
    (None, encoded(track("view", T0 + 10 * DAY, person="else"))),
    view("eve", 10 * DAY),
]
AFTER: list[Pair] = [
    view("eve", 10 * DAY),
    view("eve", 10 * DAY + HOUR),
    tick(11 * DAY - 1),
    tick(11 * DAY),
]
REASONS = ["too-late", "not-json", "empty", "key-mismatch", "key-missing"]


@dataclass
class Told:
    """What a runtime had written after each part of the story."""

    before: Written
    after: Written
    at_the_end: Written
    refused: list[tuple[str, bytes | None, bytes | None]]


def tell(runtime: Runtime) -> Told:
    runtime.feed(BEFORE)
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(runtime.written()))
    runtime.restart()
    runtime.feed(AFTER)
    after = msgspec.msgpack.decode(msgspec.msgpack.encode(runtime.written()))
    runtime.activate(LATER)
    return Told(before, after, runtime.written(), runtime.refused())


@pytest.fixture(scope="module")
def in_memory() -> Told:
    return tell(InMemory(DEFINITIONS))


@pytest.fixture(
    scope="module", params=["memory", "embedded", pytest.param("real", marks=pytest.mark.kafka)]
)
def told(request: pytest.FixtureRequest) -> Told:
    if request.param == "memory":
        found: Told = request.getfixturevalue("in_memory")
        return found
    broker: Broker = request.getfixturevalue(request.param)
    with pytest.MonkeyPatch.context() as patch:
        if not broker.is_real:
            members_leave(patch)
        with on_kafka(broker, f"contract-{time.monotonic_ns()}.") as runtime:
            return tell(runtime)


def moves(written: Written, person: str) -> list[tuple[str, str, int, str]]:
    return [
        (row["segment_id"], row["change"], row["at"] - T0, row["cause"])
        for row in written["segment-changes"].get(person, [])
    ]


def values(written: Written, person: str) -> list[tuple[int, int]]:
    return [(row["at"] - T0, row["new"]) for row in written["score-changes"].get(person, [])]


def commands(written: Written, person: str) -> list[tuple[str, str]]:
    return [
        (row["definition_id"], row["occurrence"])
        for name in STREAMS
        if name.startswith("commands.")
        for row in written[name].get(person, [])
    ]


def test_event_changes_score_and_membership_and_leads_to_commands(told: Told) -> None:
    assert moves(told.before, "ann")[0] == ("keen", "entered", HOUR, f"ann-view-{HOUR}")
    assert values(told.before, "ann")[:3] == [(0, 5), (HOUR, 10), (2 * HOUR, 30)]
    assert ("hello", f"ann-view-{HOUR}") in commands(told.before, "ann")


def test_told_event_is_decided_on_once(told: Told) -> None:
    hooks = [each for each in commands(told.at_the_end, "ann") if each[0] == "hook"]
    decided = [
        (row["definition_id"], row["reason"])
        for row in told.at_the_end["decisions"]["ann"]
        if row["definition_id"] in ("thank", "hook")
    ]
    assert len(hooks) == 1
    assert decided == [("thank", "fired"), ("hook", "fired")]


def test_timer_fires_at_its_own_instant(told: Told) -> None:
    left = DAY
    assert ("keen", "exited", left, "clock") in moves(told.before, "ann")
    assert ("gone", "entered", left, "clock") in moves(told.before, "ann")
    assert (2 * DAY, 25) in values(told.before, "ann")
    assert ("back", f"clock@{T0 + left}") in commands(told.before, "ann")


def test_duplicate_changes_nothing_also_after_a_restart(told: Told) -> None:
    assert values(told.before, "bob")[0] == (3 * HOUR, 5)
    assert [each for each in moves(told.after, "bob") if each[0] == "keen"] == []
    assert values(told.after, "eve") == [(10 * DAY, 5), (10 * DAY + HOUR, 10)]


def test_late_event_counts_at_its_own_time_and_is_marked(told: Told) -> None:
    [row] = [each for each in told.before["segment-changes"]["cat"] if each["change"] == "entered"]
    assert (row["at"] - T0, row["late"]) == (10 * DAY, True)
    assert ("keen", "exited", 10 * DAY + 12 * HOUR, "clock") in moves(told.after, "cat")


def test_what_can_not_be_applied_is_a_dead_letter_and_the_rest_goes_on(told: Told) -> None:
    bad = [BEFORE[at] for at in range(7, 12)]
    assert told.refused == [
        (reason, key, value) for reason, (key, value) in zip(REASONS, bad, strict=True)
    ]
    assert values(told.before, "eve") == [(10 * DAY, 5)]
    assert "dan" not in told.at_the_end["decisions"]
    assert values(told.at_the_end, "dan") == []


def test_restart_goes_on_where_it_was(told: Told) -> None:
    assert moves(told.before, "eve") == []
    assert moves(told.after, "eve")[0] == (
        "keen",
        "entered",
        10 * DAY + HOUR,
        f"eve-view-{10 * DAY + HOUR}",
    )
    for name, rows in told.before.items():
        if name in STREAMS:
            for person, of_one in rows.items():
                assert told.after[name][person][: len(of_one)] == of_one


def test_clock_record_moves_time_to_the_ms(told: Told) -> None:
    assert ("keen", "exited", 11 * DAY, "clock") in moves(told.after, "eve")
    assert told.after["segments"]["eve/keen"] == [
        {"profile_id": "eve", "segment_id": "keen", "member": False, "since": T0 + 11 * DAY}
    ]


def test_other_definitions_evaluate_everybody_anew(told: Told) -> None:
    assert moves(told.at_the_end, "eve")[-1][:2] == ("seen", "entered")
    assert {each[3] for each in moves(told.at_the_end, "eve")[-2:]} == {"definition"}
    assert told.at_the_end["scores"]["eve/heat"][0]["value"] == 14
    members = {key for key, [row] in told.at_the_end["segments"].items() if row["member"]}
    assert "ann/gone" in told.after["segments"]
    assert "ann/gone" not in told.at_the_end["segments"]
    assert {key for key in members if not key.endswith("/seen")} == {"ann/buyers", "ann/thanked"}
    assert ("gone", "exited", 11 * DAY, "definition") in moves(told.at_the_end, "ann")


def test_what_nobody_counted_is_read_back(told: Told) -> None:
    """Also what was told, though it stands in the log long after that."""
    found = {each for each in moves(told.at_the_end, "ann") if each[3] == "definition"}
    assert {("buyers", "entered"), ("thanked", "entered")} <= {each[:2] for each in found}


def test_everything_written_is_what_memory_gives(told: Told, in_memory: Told) -> None:
    assert told.before == in_memory.before
    assert told.after == in_memory.after
    assert told.at_the_end == in_memory.at_the_end
    assert told.refused == in_memory.refused


def limit(bootstrap: str, topic: str, size: int | None) -> None:
    """Has the broker refuse records of a topic above a size."""
    kind = AlterConfigOpType.DELETE if size is None else AlterConfigOpType.SET
    entry = ConfigEntry("max.message.bytes", str(size or 0), incremental_operation=kind)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(LIMIT_S)


@pytest.mark.kafka
def test_batch_that_comes_to_nothing_leaves_no_trace_and_is_done_again(
    real: Broker, topics_prefix: str, in_memory: Told
) -> None:
    with on_kafka(real, topics_prefix) as runtime:
        limit(real.bootstrap, f"{topics_prefix}commands.webhook", 100)
        end = runtime.produce(BEFORE)
        until(lambda: runtime.turn() and runtime.metrics.read(Counter.ABORTED) >= 2, "two tries")
        assert runtime.committed() == 0
        assert runtime.rows("score-changes") == runtime.rows("commands.email") == []
        limit(real.bootstrap, f"{topics_prefix}commands.webhook", None)
        runtime.decide(end)
        assert runtime.written() == in_memory.before


@pytest.mark.kafka
def test_second_worker_of_a_slot_fences_the_first(
    real: Broker, topics_prefix: str, in_memory: Told
) -> None:
    with on_kafka(real, topics_prefix) as runtime:
        runtime.turns(lambda: all(runtime.stream.owns(each) for each in range(PARTITIONS)))
        end = runtime.produce(BEFORE)
        records: list[Any] = []

        def are_all() -> bool:
            records.extend(runtime.stream.poll())
            return len(records) >= len(BEFORE)

        until(are_all, "all events polled")
        first, runtime.stream = runtime.stream, runtime.open()
        with pytest.raises(Fenced, match="BECKON_SLOT"):
            first.process(records)
        first.close()
        runtime.decide(end)
        assert runtime.written() == in_memory.before
