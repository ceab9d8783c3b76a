"""The stream's turns: poll and process, what an abort leaves, and what the clock brings by itself.

That memory, an embedded broker and a real Kafka give the same is shown in tests/contract.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError

from processors.metrics import Counter, Gauge, Metrics
from processors.runtime import clients, streams
from processors.runtime.batches import Policy
from processors.runtime.clients import Polled
from processors.runtime.errors import BrokerAway, Fenced, RuntimeFailure, TopicMissing
from processors.runtime.options import Options
from processors.runtime.partitioners import partition
from processors.runtime.rereading import EMITTED
from processors.runtime.streams import Stream
from schemas import codec, topics
from schemas.errors import SchemasUnavailable
from schemas.events import Event
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Json,
    compiled,
    emit,
    joins,
    keyed,
    of_people,
    on,
    score,
    segment,
    track,
    trigger,
)
from tests.embedded import Broker, Pair, members_leave
from tests.faults import Mock, Request

LIMIT_S = 60.0
GRACE_MS = 2_000
KEEN: Document = segment({"event": "view", "within": "1h"}, id="keen")
HEAT: Document = score(on("view", 5), id="heat")
HELLO: Document = trigger({"segment": "keen", "change": "entered"}, id="hello")
BACK: Document = trigger({"segment": "keen", "change": "exited"}, id="back")
DEFINITIONS = [KEEN, HEAT, HELLO, BACK]
STREAM, WALL = Policy(clock="stream"), Policy(clock="wall")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at_ms = T0
        self.takes_ms = 0

    def now_ms(self) -> int:
        self.at_ms += self.takes_ms
        return self.at_ms


def poll(stream: Stream, count: int) -> list[Polled]:
    """Polls until there are so many records."""
    found: list[Polled] = []
    end_s = time.monotonic() + LIMIT_S
    while len(found) < count:
        assert time.monotonic() < end_s
        found += stream.poll()
    return found


class Worker:
    """A stream, its turns taken by hand."""

    def __init__(
        self, broker: Broker, documents: Sequence[Document], policy: Policy, **options: Any
    ) -> None:
        self.broker = broker
        self.clock = Clock()
        self.metrics = Metrics()
        for name in topics.TOPICS:
            broker.topic(name)
        self.stream = Stream(
            Options(
                cluster=broker.cluster,
                prefix=broker.prefix,
                group=f"{broker.prefix}decide",
                slot="one",
                policy=policy,
                grace_ms=GRACE_MS,
                poll_ms=20,
                **options,
            ),
            compiled(*documents),
            encoders={name: codec.encoder(name) for name in topics.TOPICS},
            metrics=self.metrics,
            clock=self.clock,
        )
        self.stream.open()

    def poll(self, count: int = 1) -> list[Polled]:
        return poll(self.stream, count)

    def until(self, holds: Callable[[], bool]) -> None:
        """Takes turns until a condition holds."""
        end_s = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end_s
            self.turn()

    def rest(self) -> None:
        """Takes turns until there is nothing to do."""
        self.until(lambda: not self.turn())

    def turn(self) -> bool:
        """Takes a turn; returns whether there was something to do."""
        records = self.stream.poll()
        has_work = bool(records) or self.stream.has_work()
        if has_work:
            self.stream.process(records)
        return has_work

    def ready(self) -> "Worker":
        self.until(lambda: self.stream.status.ready)
        return self

    def decide(self, *pairs: Pair) -> None:
        """Decides on some events of one partition."""
        wanted = self.decided + len(pairs)
        self.feed(*pairs)
        self.wait(wanted)

    def wait(self, count: float) -> None:
        """Takes turns until so many events are decided on."""
        self.until(lambda: self.decided >= count)

    def feed(self, *pairs: Pair) -> None:
        self.broker.produce(f"{self.broker.prefix}events", *pairs, partition=0)

    @property
    def decided(self) -> float:
        return self.metrics.read(Counter.EVENTS)

    def rows(self, name: str) -> list[Json]:
        found = self.broker.records(f"{self.broker.prefix}{name}")
        return [msgspec.json.decode(each.value() or b"null") for each in found]

    def moves(self) -> list[tuple[str, str, int, str]]:
        return [
            (row["segment_id"], row["change"], row["at"] - T0, row["cause"])
            for row in self.rows("segment-changes")
        ]


Start = Callable[..., Worker]


@pytest.fixture
def start(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Makes workers, and closes them."""
    monkeypatch.setattr(clients, "SESSION_MS", 1_000)
    with contextlib.ExitStack() as stack:

        def started(*documents: Document, policy: Policy = STREAM, **options: Any) -> Worker:
            found = Worker(broker, documents or DEFINITIONS, policy, **options)
            stack.callback(found.stream.close)
            return found

        yield started


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    members_leave(monkeypatch)


def view(at: int = 0, person: str = "ann") -> Pair:
    return keyed(track("view", T0 + at, id=f"{person}@{at}", person=person))


def test_event_that_is_polled_is_decided_on_and_written(start: Start) -> None:
    worker = start()
    worker.feed(view())
    records = worker.poll()
    assert [each.key() for each in records] == [b"ann"]
    assert worker.decided == 0
    worker.stream.process(records)
    assert worker.decided == 1
    assert worker.moves() == [("keen", "entered", 0, "ann@0")]
    assert [row["definition_id"] for row in worker.rows("commands.email")] == ["hello"]
    assert [(row["old"], row["new"]) for row in worker.rows("score-changes")] == [(0, 5)]
    assert worker.metrics.read(Counter.COMMANDS, "email") == 1
    assert worker.metrics.read(Counter.DECISIONS, "yes", "fired") == 1


def test_owner_is_known_while_it_works(start: Start) -> None:
    worker = start()
    assert not worker.stream.owns(0)
    worker.ready()
    assert all(worker.stream.owns(each) for each in range(4))
    assert not worker.stream.owns(4)


def test_state_is_written_where_the_events_lie(start: Start, broker: Broker) -> None:
    worker = start()
    worker.decide(view(person="ann"), view(person="bob"))
    state = broker.records(f"{broker.prefix}profiles")
    assert {each.partition() for each in state} == {0}
    assert {each.key() for each in state} >= {b"ann", b"bob"}


@pytest.mark.usefixtures("leaving")
def test_restart_goes_on_where_it_was(start: Start) -> None:
    first = start()
    first.decide(view(), view(1))
    first.stream.close()
    second = start()
    second.decide(view(2))
    assert [row["new"] for row in second.rows("score-changes")] == [5, 10, 15]
    assert second.decided == 1


def test_dead_letter_says_why_and_whence(start: Start, broker: Broker) -> None:
    worker = start()
    worker.decide(view())
    worker.feed((b"ann", b"{"))
    worker.until(lambda: worker.metrics.read(Counter.DEAD_LETTERS, "not-json") == 1)
    [letter] = broker.records(f"{broker.prefix}dead-letters")
    headers = dict(letter.headers() or [])
    assert (letter.key(), letter.value()) == (b"ann", b"{")
    assert (headers["reason"], headers["offset"]) == (b"not-json", b"1")


def test_tombstone_of_a_suppression_says_when_it_was_lifted(start: Start, broker: Broker) -> None:
    worker = start()
    said = [
        track(f"suppression.{what}", T0 + place, person="ann", channel="sms")
        for place, what in enumerate(("added", "removed"))
    ]
    for one in said:
        worker.decide(keyed(one))
    [stopped, lifted] = broker.records(f"{broker.prefix}suppressions")
    assert stopped.headers() is None
    assert (lifted.key(), lifted.value()) == (b"ann/sms", None)
    assert lifted.headers() == [("lifted-at", str(T0 + 1).encode())]


def test_told_event_comes_back_marked_and_is_passed_over(start: Start, broker: Broker) -> None:
    bought = score(on("bought", 7), id="heat")
    worker = start(bought, trigger("view", emit("bought"), id="tell"))
    worker.decide(view())
    [_, told] = broker.records(f"{broker.prefix}events")
    assert told.headers() == EMITTED
    assert (told.partition(), told.key()) == (0, b"ann")
    worker.stream.process(worker.poll())
    worker.stream.process([])
    assert worker.decided == 1
    worker.decide(view(1))
    assert [row["new"] for row in worker.rows("score-changes")] == [7, 14]


def test_people_of_an_account_are_asked_wherever_they_lie(start: Start, broker: Broker) -> None:
    asked = segment(of_people("all", {"event": "view"}), "all")
    worker = start(asked)
    people = ("ann", "bob", "cat", "dan", "eve")
    for at, person in enumerate(people):
        joined = keyed(joins("acme", T0 + at, person=person))
        pairs = [joined, view(at + 10, person)]
        place = partition(person.encode(), 4)
        broker.produce(broker.topic("events"), *pairs, partition=place)
    worker.until(lambda: {row["profile_id"] for row in worker.rows("segment-changes")} == {*people})
    worker.rest()
    assert all(each["member"] for each in worker.rows("segments"))
    assert worker.metrics.read(Counter.RELAYS) > len(people)
    assert worker.rows("dead-letters") == []


def test_what_the_clock_turns_for_one_turns_for_all_of_the_account(
    start: Start, broker: Broker
) -> None:
    worker = start(segment(of_people("none", {"event": "view", "within": "1h"})), policy=WALL)
    for person, *more in (("ann", view(5)), ("bob",), ("cat",)):
        pairs = [keyed(joins("acme", person=person)), *more]
        place = partition(person.encode(), 4)
        broker.produce(broker.topic("events"), *pairs, partition=place)
    worker.wait(4)
    worker.rest()
    worker.clock.at_ms = T0 + 2 * HOUR
    wanted = {(person, "entered", HOUR + 5, "account") for person in ("ann", "bob", "cat")}

    def has_turned() -> bool:
        rows = worker.rows("segment-changes")
        return wanted <= {
            (row["profile_id"], row["change"], row["at"] - T0, row["cause"]) for row in rows
        }

    worker.until(has_turned)


def aborts(worker: Worker) -> float:
    return worker.metrics.read(Counter.ABORTED)


def test_aborted_batch_is_read_again_and_says_the_same(start: Start, mock: Mock) -> None:
    worker = start().ready()
    worker.feed(view(), view(1), view(person="bob"))
    first = worker.poll(3)
    mock.fail(Request.END_TRANSACTION, KafkaError.REQUEST_TIMED_OUT)
    worker.stream.process(first)
    assert (aborts(worker), worker.decided) == (1, 0)
    second = worker.poll(3)
    assert [each.offset() for each in second] == [each.offset() for each in first]
    worker.stream.process(second)
    assert (aborts(worker), worker.decided) == (1, 3)
    # the embedded broker shows what was aborted too, so each record is there twice
    for name in ("commands.email", "decisions", "segment-changes", "score-changes"):
        rows = worker.rows(name)
        half = len(rows) // 2
        assert rows[:half] == rows[half:], name
        assert half > 0
    ids = [row["id"] for row in worker.rows("commands.email")]
    assert len(set(ids)) == len(ids) / 2


def test_timers_of_an_aborted_batch_fire_in_the_next(start: Start, mock: Mock) -> None:
    worker = start(policy=WALL)
    worker.decide(view())
    worker.clock.at_ms = T0 + DAY
    worker.until(worker.stream.has_work)
    mock.fail(Request.END_TRANSACTION, KafkaError.REQUEST_TIMED_OUT)
    worker.stream.process([])
    assert aborts(worker) == 1
    worker.until(lambda: worker.metrics.read(Counter.COMMANDS, "email") == 2)
    assert worker.moves()[-1] == ("keen", "exited", HOUR, "clock")


def test_record_that_is_refused_aborts_the_batch(start: Start, mock: Mock) -> None:
    worker = start().ready()
    worker.feed(view())
    records = worker.poll()
    mock.fail(Request.PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE)
    worker.stream.process(records)
    worker.wait(1)
    assert aborts(worker) == 1


def test_worker_gives_up_when_nothing_is_ever_committed(
    start: Start, mock: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_ABORTS", 2)
    worker = start().ready()
    worker.feed(view())
    mock.fail(Request.END_TRANSACTION, *[KafkaError.REQUEST_TIMED_OUT] * 9)
    with pytest.raises(BrokerAway, match="2 batches in a row"):
        worker.wait(1)
    assert aborts(worker) == 3


def test_worker_waits_for_a_schema_registry_that_is_away(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_ABORTS", 2)
    monkeypatch.setattr(streams, "MAX_WAIT_S", 0.01)
    away = 5

    def decode(value: bytes | None) -> Event:
        nonlocal away
        event = codec.decode_event(value)
        if event.message_id == "ann@1" and away:
            away -= 1
            raise SchemasUnavailable("the schema registry does not answer as one")
        return event

    worker = start(policy=msgspec.structs.replace(STREAM, decode=decode)).ready()
    worker.feed(view(), view(1), view(2))
    worker.wait(3)
    assert (away, aborts(worker), worker.decided) == (0, 5, 3)
    assert worker.stream.owns(0)
    worker.decide(view(3))
    assert worker.metrics.read(Counter.DUPLICATES) == 0


def test_fenced_worker_ends_and_says_which_setting_is_wrong(start: Start, mock: Mock) -> None:
    worker = start().ready()
    worker.feed(view())
    records = worker.poll()
    mock.fail(Request.END_TRANSACTION, KafkaError.PRODUCER_FENCED)
    with pytest.raises(Fenced, match="BECKON_SLOT"):
        worker.stream.process(records)
    assert worker.decided == 0


def test_idle_timer_fires_once_its_instant_and_the_grace_are_over(start: Start) -> None:
    worker = start(policy=WALL)
    worker.decide(view())
    worker.clock.at_ms = T0 + HOUR + GRACE_MS - 1
    worker.rest()
    assert not worker.stream.has_work()
    worker.clock.at_ms += 1
    worker.until(worker.stream.has_work)
    worker.stream.process([])
    assert worker.moves()[-1] == ("keen", "exited", HOUR, "clock")
    assert [row["definition_id"] for row in worker.rows("commands.email")] == ["hello", "back"]
    assert not worker.stream.has_work()


def test_no_idle_timer_fires_into_a_backlog(start: Start) -> None:
    worker = start(policy=WALL)
    worker.decide(view())
    worker.rest()
    worker.feed(view(HOUR // 2), view(HOUR // 2 + 1))  # so the membership goes on
    worker.clock.at_ms = T0 + HOUR + GRACE_MS
    assert not worker.stream.has_work()
    worker.wait(3)
    assert [move[:2] for move in worker.moves()] == [("keen", "entered")]
    worker.clock.at_ms = T0 + 2 * HOUR
    worker.until(lambda: len(worker.moves()) == 2)
    assert worker.moves()[-1] == ("keen", "exited", HOUR // 2 + 1 + HOUR, "clock")


def test_in_stream_time_the_clock_on_the_wall_means_nothing(start: Start) -> None:
    worker = start()
    worker.decide(view())
    worker.clock.at_ms = T0 + DAY
    worker.rest()
    assert not worker.stream.has_work()
    worker.decide(view(HOUR, person="bob"))
    assert ("keen", "exited", HOUR, "clock") in worker.moves()


def test_silence_about_the_end_of_a_partition_only_puts_timers_off(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = start(policy=WALL)
    worker.decide(view())
    worker.rest()
    worker.clock.at_ms = T0 + DAY
    with monkeypatch.context() as patch:
        patch.setattr(streams, "WATERMARK_S", 0)
        assert not worker.stream.has_work()
    assert "no watermark" in caplog.messages
    worker.until(lambda: len(worker.moves()) == 2)


def test_other_definitions_reach_everybody_slice_by_slice(start: Start) -> None:
    worker = start(slice=2)
    worker.decide(*(view(person=f"p{one}") for one in range(5)))
    worker.rest()
    worker.stream.activate(compiled(segment({"event": "view", "within": "1h"}, id="seen")))
    turns = 0
    while worker.stream.has_work():
        worker.stream.process([])
        turns += 1
        assert turns < 10
    assert turns == 3
    entered = [move for move in worker.moves() if move[0] == "seen"]
    assert entered == [("seen", "entered", 0, "definition")] * 5


def test_longest_slice_since_definitions_changed_is_told(start: Start) -> None:
    worker = start(slice=2)
    worker.decide(*(view(person=f"p{one}") for one in range(5)))
    worker.rest()
    worker.stream.activate(compiled(segment({"event": "view", "within": "1h"}, id="seen")))
    for takes_ms, longest_s in ((7, 0.007), (9, 0.009), (8, 0.009)):
        worker.clock.takes_ms = takes_ms
        worker.stream.process([])
        assert worker.metrics.read(Gauge.SLICE) == longest_s
    worker.clock.takes_ms = 0
    worker.stream.activate(compiled(HEAT))
    worker.stream.process([])
    assert worker.metrics.read(Gauge.SLICE) == 0


def test_definitions_change_between_batches_only(start: Start) -> None:
    worker = start().ready()
    worker.feed(view())
    records = worker.poll()
    worker.stream.activate(compiled(score(on("view", 50), id="heat")))
    worker.stream.process(records)
    assert [row["new"] for row in worker.rows("score-changes")] == [50]


def test_gauges_are_measured_where_nothing_happens(start: Start) -> None:
    worker = start()
    worker.decide(view())
    worker.rest()
    worker.clock.at_ms += streams.LAG_MS
    assert not worker.stream.has_work()
    assert worker.metrics.read(Gauge.PROFILES) == 1
    assert worker.metrics.read(Gauge.DEFINITIONS_ACTIVE) == len(DEFINITIONS)
    assert worker.metrics.read(Gauge.LAG, "0") == 0


def breaks(value: bytes | None) -> Event:
    """Decodes as everywhere, but has a bug."""
    event = codec.decode_event(value)
    if event.message_id == "broken":
        raise ZeroDivisionError
    return event


@pytest.mark.usefixtures("leaving")
def test_record_that_broke_workers_twice_is_buried_and_the_rest_goes_on(
    start: Start, broker: Broker
) -> None:
    broken = keyed(track("view", T0 + 1, id="broken", person="ann"))
    policy = Policy(clock="stream", decode=breaks)
    broker.produce(broker.topic("events"), view(), broken, view(2), partition=0)
    for _ in range(2):
        worker = start(policy=policy)
        with pytest.raises(ZeroDivisionError):
            worker.wait(2)
        worker.stream.close()
    third = start(policy=policy)
    third.until(lambda: [row["value"] for row in third.rows("scores")][-1:] == [10])
    [letter] = broker.records(f"{broker.prefix}dead-letters")
    assert dict(letter.headers() or [])["reason"] == b"crashed"
    assert letter.value() == broken[1]


def test_topic_that_may_not_be_read_ends_the_worker(start: Start, mock: Mock) -> None:
    worker = start().ready()
    mock.fail(Request.FETCH, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    worker.feed(view())
    with pytest.raises(RuntimeFailure, match="events can not be read"):
        worker.poll()


def test_fenced_member_of_the_group_ends_and_says_which_setting_is_wrong(
    start: Start, mock: Mock
) -> None:
    worker = start().ready()
    mock.fail(Request.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
    with pytest.raises(Fenced, match=r"'one'.*BECKON_SLOT"):
        worker.poll()


def test_topic_that_is_missing_is_told_with_what_to_do(broker: Broker) -> None:
    options = Options(cluster=broker.cluster, prefix="nowhere.", slot="one", poll_ms=20)
    stream = Stream(options, compiled(), encoders={}, metrics=Metrics(), clock=Clock())
    with contextlib.closing(stream):
        stream.open()
        with pytest.raises(TopicMissing, match="beckon topics create"):
            poll(stream, 1)


def test_broker_that_hangs_up_is_outlived(start: Start, mock: Mock) -> None:
    worker = start().ready()
    mock.fail(Request.FETCH, KafkaError._TRANSPORT, KafkaError._TRANSPORT)
    worker.decide(view())
    assert [row["value"] for row in worker.rows("scores")] == [5]


def test_close_before_open_is_one(broker: Broker) -> None:
    options = Options(cluster=broker.cluster, prefix=broker.prefix, slot="one")
    stream = Stream(options, compiled(), encoders={}, metrics=Metrics(), clock=Clock())
    stream.close()
