"""New definitions over a long log: read back beside the stream, also by a worker that is killed."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from processors.decisions import backfills
from processors.runtime.backfills import Backfilling
from processors.runtime.batches import Policy
from processors.runtime.rereading import EMITTED, Rereader
from processors.runtime.rereading import Place as Part
from processors.runtime.tables import Crash
from processors.state.profiles import Profile
from tests.builders import (
    HOUR,
    SECOND,
    T0,
    Document,
    compiled,
    emit,
    keyed,
    on,
    score,
    segment,
    track,
    trigger,
)
from tests.integration.workers import TABLES, Place, Worker, place, prefix_of, until

EVENTS = 150_000
PEOPLE = 5_000
MORE = 2_000
CHUNK = 30_000
END = T0 + EVENTS * SECOND + 9 * HOUR
BEFORE: list[Document] = [
    segment({"event": "view", "at_least": 2, "within": "1d"}, id="keen"),
    trigger("buy", emit("thanked"), id="thank"),
]
AFTER: list[Document] = [
    *BEFORE,
    segment({"event": "view", "at_least": 15}, id="often"),
    segment({"event": "thanked", "at_least": 3, "within": "2d"}, id="thanked"),
    score(on("view", 1), on("buy", 10, within="9h"), id="heat"),
]


def log(first: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields events of which each third person's are purchases now and then."""
    for number in range(first, first + count):
        name = "buy" if number % 7 == 0 else "view"
        person = f"p{number * 7_919 % PEOPLE}"
        yield keyed(track(name, T0 + number * SECOND, id=f"m{number}", person=person))


@pytest.fixture(scope="module")
def target(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place where other definitions came late, to a worker that was killed twice meanwhile."""
    folder = tmp_path_factory.mktemp("backfills")
    with place(kafka, prefix_of("backfills"), folder, clock="stream", partitions=2) as found:
        found.publish(*BEFORE)
        first = found.worker("a").wait_ready(2)
        for start in range(0, EVENTS, CHUNK):
            found.produce(log(start, CHUNK))
        found.wait_decided()
        found.publish(*AFTER)
        until(lambda: reading(first), "it reads back", pause_s=0.005)
        first.kill()
        second = found.worker("a")
        found.produce(log(EVENTS, MORE))
        until(lambda: bool(second.lines("other definitions decide")), "some take over")
        second.kill()
        found.worker("a").wait_ready(2)
        found.produce(log(EVENTS + MORE, MORE))
        found.wait_decided()
        until(lambda: decides(found), "all take over", pause_s=0.2)
        found.tick(END)
        found.wait_decided()
        yield found


def reading(worker: Worker) -> bool:
    """Returns whether a worker is in the middle of reading back."""
    _, body = worker.ask("/ready")
    return bool(body) and json.loads(body)["progress"].get("reading_back", 0) > 0


def decides(found: Place) -> bool:
    return "they decide in all 2 partitions with events" in found.run("definitions").out


def members(rows: dict[str, Document]) -> set[str]:
    return {key for key, row in rows.items() if row["member"]}


def values(rows: dict[str, Document]) -> dict[str, float]:
    return {key: row["value"] for key, row in rows.items()}


def test_all_end_as_if_the_definitions_had_always_been_there(target: Place) -> None:
    wanted = target.folded(*AFTER, until_ms=END)
    always = {name: {key: row for key, [row] in wanted[name].items()} for name in TABLES}
    there = members(always["segments"])
    assert {one.partition("/")[2] for one in there} == {"keen", "often", "thanked"}
    until(lambda: members(target.table("segments")) == there, "the same members", pause_s=0.5)
    scores = {key: row["value"] for key, row in always["scores"].items()}
    assert len(scores) == PEOPLE
    until(lambda: values(target.table("scores")) == scores, "the same scores", pause_s=0.5)


def test_no_command_and_no_event_was_told_twice(target: Place) -> None:
    told = [each.value() for each in target.read("events") if each.headers()]
    assert (
        len(told) == len(set(told)) == sum(number % 7 == 0 for number in range(EVENTS + 2 * MORE))
    )


def test_those_before_decided_while_it_read(target: Place) -> None:
    active = [
        line["set"]
        for line in target.workers[1].lines("events are read back for other definitions")
    ]
    assert compiled(*AFTER).id in active


def test_windows_are_read_from_where_they_begin(kafka: str, tmp_path: Path) -> None:
    """By the log's own time: what came long before is not read."""
    with place(kafka, prefix_of("spans"), tmp_path, partitions=1) as found:
        pairs = list(log(0, 100))
        for number, (key, value) in enumerate(pairs):
            found.producer.produce(
                found.topic("events"), value, key, 0, timestamp=T0 + number * HOUR
            )
        assert found.producer.flush(30) == 0
        after = compiled(*AFTER)
        backfill = backfills.backfill(after, backfills.lacking(compiled(), after))
        part = Part(topic=found.topic("events"), partition=0, group="spans")

        def begins(since_ms: int) -> int:
            filling = Backfilling(backfill, Policy(), crash=Crash())
            with contextlib.closing(
                Rereader(found.cluster, part, filling, note=after.id, since_ms=since_ms)
            ) as reader:
                until(lambda: reader.read(100, 10, 0.1), "all is read", pause_s=0)
                assert reader.position == 100
                return reader.start

        assert begins(T0 + 40 * HOUR - 1) == 40
        assert begins(T0 + 99 * HOUR) == 99
        assert begins(0) < 0
        assert begins(T0 + 999 * HOUR) < 0


def test_what_was_told_behind_an_open_transaction_is_waited_for(kafka: str, tmp_path: Path) -> None:
    """Those of others hide from a reader of what is committed what stands after them."""
    with place(kafka, prefix_of("hidden"), tmp_path, partitions=1) as found:
        topic = found.topic("events")
        found.produce(log(0, 3), partition=0)
        other = Producer({"bootstrap.servers": kafka, "transactional.id": found.prefix})
        other.init_transactions(30)
        other.begin_transaction()
        for key, value in log(3, 1):
            other.produce(topic, value, key, 0)
        assert other.flush(30) == 0
        key, value = keyed(track("thanked", T0, person="ann"))
        found.producer.produce(topic, value, key, 0, headers=[*EMITTED])
        assert found.producer.flush(30) == 0
        after = compiled(segment({"event": "thanked"}))
        backfill = backfills.backfill(after, backfills.lacking(compiled(), after))
        filling = Backfilling(backfill, Policy(clock="stream"), crash=Crash())
        part = Part(topic=topic, partition=0, group="hidden")
        with contextlib.closing(Rereader(found.cluster, part, filling, note="x")) as reader:
            until(lambda: reader.read(3, 10, 0.1), "all before is read", pause_s=0)
            assert reader.finish(3) is None
            other.abort_transaction(30)
            until(lambda: reader.finish(3) is not None, "it ends", pause_s=0)
        ann = Profile(id="ann")
        filling.fill(ann)
        assert len(ann.counts) == 1
