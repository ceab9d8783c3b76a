"""Partitions: paused until restored, read from where the state ends, and gone without a trace.

How they move between workers that decide is shown in tests/integration/test_rebalance.py.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.metrics import Counter, Gauge, Metrics
from processors.runtime import clients, restores
from processors.runtime.errors import StateLost
from processors.runtime.partitions import Partitions
from processors.runtime.tables import PROGRESS_KEY, WAKE_BYTES, Progress, encode_progress
from tests.embedded import Broker, Pair

LIMIT_S = 20.0
ALL = {0, 1, 2, 3}
"""What the embedded broker gives a topic."""


class Worker:
    """The partitions of one slot, and what is read of them."""

    def __init__(self, broker: Broker, slot: str = "one") -> None:
        self.metrics = Metrics()
        self.found: list[Message] = []
        self.ends: set[int] = set()
        self.partitions = Partitions(
            broker.cluster,
            group=f"{broker.prefix}decide",
            slot=slot,
            events=broker.topic("events"),
            changelog=broker.topic("profiles"),
            metrics=self.metrics,
        )

    def poll(self) -> None:
        for one in self.partitions.consumer.consume(100, 0.05):
            error = one.error()
            if error is None:
                self.found.append(one)
            elif error.code() == KafkaError._PARTITION_EOF:
                self.ends.add(one.partition() or 0)

    def until(self, holds: Callable[[], bool], *, admits: bool = True) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end_s
            if admits:
                self.partitions.admit()
            self.poll()

    def owns(self, *partitions: int) -> bool:
        return set(self.partitions.owned) == set(partitions)

    def read(self) -> list[tuple[int | None, int | None]]:
        """Reads all partitions to their ends; returns where what was read lies."""
        self.until(lambda: self.owns(*ALL))
        self.until(lambda: self.ends >= ALL)
        return sorted((each.partition(), each.offset()) for each in self.found)


Start = Callable[..., Worker]


@pytest.fixture
def start(broker: Broker) -> Iterator[Start]:
    """Makes workers that have joined the group, and closes them."""
    with contextlib.ExitStack() as stack:

        def started(slot: str = "one") -> Worker:
            found = Worker(broker, slot)
            stack.callback(found.partitions.close)
            found.partitions.open()
            return found

        yield started


def write(broker: Broker, name: str, *pairs: Pair, partition: int = 0) -> None:
    broker.produce(broker.topic(name), *pairs, partition=partition)


def events(count: int) -> list[Pair]:
    return [(b"ann", b"event") for _ in range(count)]


def state(offset: int, *people: str) -> list[Pair]:
    """Returns a changelog: profiles that are due at once, and the progress."""
    found: list[Pair] = [(each.encode(), bytes(WAKE_BYTES) + b"profile") for each in people]
    return [*found, (PROGRESS_KEY, encode_progress(Progress(offset=offset)))]


def commit(broker: Broker, offset: int) -> None:
    settings = {"bootstrap.servers": broker.mock.bootstrap, "group.id": f"{broker.prefix}decide"}
    with contextlib.closing(Consumer(settings)) as consumer:
        at = TopicPartition(broker.topic("events"), 0, offset)
        consumer.commit(offsets=[at], asynchronous=False)


def test_status_goes_from_starting_over_restoring_to_running(start: Start) -> None:
    worker = start()
    assert worker.partitions.status.state == "starting"
    worker.until(lambda: worker.partitions.status.state != "starting", admits=False)
    status = worker.partitions.status
    assert (status.state, status.progress) == (
        "restoring",
        {"partitions": 0, "restoring": 4, "reading_back": 0},
    )
    worker.until(lambda: worker.partitions.status.ready)
    assert worker.partitions.status.progress["partitions"] == 4


def test_nothing_is_read_of_a_partition_before_its_state_is_there(
    start: Start, broker: Broker
) -> None:
    write(broker, "events", *events(3))
    worker = start()
    worker.until(lambda: worker.partitions.status.state == "restoring", admits=False)
    for _ in range(10):
        worker.poll()
    assert (worker.found, worker.ends) == ([], set())
    assert worker.read() == [(0, 0), (0, 1), (0, 2)]


def test_partition_is_read_from_where_its_state_ends(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(5))
    write(broker, "events", *events(2), partition=1)
    write(broker, "profiles", *state(3, "ann"))
    assert start().read() == [(0, 3), (0, 4), (1, 0), (1, 1)]


def test_state_counts_where_the_committed_offset_lies_behind(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(5))
    write(broker, "profiles", *state(4, "ann"))
    commit(broker, 2)
    assert start().read() == [(0, 4)]


def test_restored_table_is_owned_and_counted(start: Start, broker: Broker) -> None:
    write(broker, "profiles", *state(0, "ann", "bob"), partition=3)
    worker = start()
    worker.until(lambda: worker.owns(*ALL))
    assert set(worker.partitions.owned[3].table.profiles) == {"ann", "bob"}
    assert worker.metrics.read(Counter.RESTORED) == 3
    assert worker.metrics.read(Counter.REBALANCES) >= 1


def test_state_that_is_lost_ends_the_worker(
    start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "AGREE_S", 0.2)
    commit(broker, 7)
    worker = start()
    with pytest.raises(StateLost, match="partition 0"):
        worker.until(lambda: worker.owns(*ALL))
    assert 0 not in worker.partitions.owned


def test_seek_has_records_read_again(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(3))
    worker = start()
    worker.read()
    worker.partitions.seek(0, 1)
    worker.until(lambda: len(worker.found) == 5)
    assert [each.offset() for each in worker.found] == [0, 1, 2, 1, 2]


def test_gauges_tell_lag_timers_and_state(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(5))
    write(broker, "profiles", *state(2, "ann", "bob"))
    worker = start()
    worker.read()
    worker.partitions.measure(until_ms=0)
    read = worker.metrics.read
    assert read(Gauge.LAG, "0") == 3
    assert read(Gauge.LAG, "1") == 0
    assert read(Gauge.TIMERS_PENDING) == read(Gauge.TIMERS_DUE) == read(Gauge.PROFILES) == 2
    assert read(Gauge.PROFILE_BYTES) == 2 * (WAKE_BYTES + len(b"profile"))


def test_end_that_was_reached_is_no_lag(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(5))
    write(broker, "profiles", *state(2, "ann"))
    worker = start()
    worker.read()
    worker.partitions.owned[0].end = 5
    worker.partitions.measure(until_ms=0)
    assert worker.metrics.read(Gauge.LAG, "0") == 0


def test_partitions_that_leave_are_owned_and_measured_no_more(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "SESSION_MS", 1_000)  # by heartbeats they hear of each other
    first = start("one")
    first.until(lambda: first.owns(*ALL))
    first.partitions.measure(until_ms=0)
    second = start("two")
    end_s = time.monotonic() + LIMIT_S
    while len(first.partitions.owned) == len(ALL):
        assert time.monotonic() < end_s
        first.poll()
        second.poll()
    left = ALL - set(first.partitions.owned)
    assert left
    shown = first.metrics.text().decode()
    for each in ALL:
        assert (f'beckon_lag_records{{partition="{each}"}}' in shown) == (each not in left)


def test_close_while_restoring_ends_the_restore(start: Start, broker: Broker) -> None:
    commit(broker, 7)  # the changelog will never reach it
    worker = start()
    worker.until(lambda: worker.partitions.status.state == "restoring", admits=False)
    started_s = time.monotonic()
    worker.partitions.close()
    assert time.monotonic() - started_s < restores.AGREE_S / 2


def test_close_before_anything_came_is_one(start: Start) -> None:
    start()


class Hesitant:
    """A consumer that has not begun with one partition yet, so it can not be told to seek."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.asks = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def seek(self, partition: TopicPartition) -> None:
        if self.asks and partition.partition == 0:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self._consumer.seek(partition)


def test_partition_that_can_not_be_read_yet_is_tried_again(start: Start, broker: Broker) -> None:
    write(broker, "events", *events(5))
    write(broker, "profiles", *state(3, "ann"))
    worker = start()
    hesitant: Any = Hesitant(worker.partitions.consumer)
    worker.partitions.consumer = hesitant
    worker.until(lambda: worker.owns(1, 2, 3))
    assert worker.partitions.status.state == "restoring"
    hesitant.asks = False
    assert worker.read() == [(0, 3), (0, 4)]
    assert worker.partitions.status.ready
