"""Restoring what was committed: all of it, or a plain refusal to go on without it."""

import contextlib
import logging
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from processors.agents.apps import EXIT_CRASHED
from processors.runtime import restores
from processors.runtime.errors import StateLost
from processors.runtime.restores import Restorer, Source
from processors.runtime.tables import PROGRESS_KEY
from tests.builders import HOUR, T0, Document, keyed, on, score, segment, track, trigger
from tests.integration.workers import LIMIT_S, Place, place, until

PEOPLE = 20_000
DEFINITIONS: list[Document] = [
    segment({"event": "view", "at_least": 2, "within": "3h"}, id="keen"),
    score(on("view", 5, within="1d"), id="heat"),
    trigger({"segment": "keen", "change": "exited"}, id="bye", limit={"times": 1}),
]

IMPATIENT = """
from processors import cli
from processors.runtime import restores
restores.AGREE_S = 1.0
cli.main()
"""
"""Runs our command line, but waits no half minute for what was committed to show."""

logger = logging.getLogger(__name__)


@pytest.fixture
def target(kafka: str, topics_prefix: str, tmp_path: Path) -> Iterator[Place]:
    with place(kafka, topics_prefix, tmp_path, clock="stream") as found:
        found.publish(*DEFINITIONS)
        yield found


def view(number: int, at: int) -> tuple[bytes, bytes]:
    person = f"person-{number}"
    return keyed(track("view", T0 + at, id=f"{person}@{at}", person=person))


def test_killed_worker_comes_back_with_all_of_a_large_state(target: Place) -> None:
    worker = target.worker("a").wait_ready(4)
    target.produce(view(number, number % HOUR) for number in range(PEOPLE))
    until(lambda: worker.metric("beckon_events_total") > 0, "a part of it is decided on")
    worker.process.send_signal(signal.SIGSTOP)
    target.produce(view(number, HOUR + number % HOUR) for number in range(0, PEOPLE, 3))
    worker.kill()
    assert target.lag() > 0, "all was decided on: the kill proved nothing"
    again = target.worker("a")
    target.wait_decided()
    again.kill()

    last = target.worker("a").wait_ready(4)
    target.produce(view(number, 2 * HOUR) for number in range(0, PEOPLE, 5))
    target.tick(T0 + 30 * HOUR)
    target.wait_decided()
    restored = last.metric("beckon_restore_records_total")
    cpu_s = sum(row["cpu_seconds"] for row in last.lines("partition ready"))
    logger.info("restored %d records in %.2f s of processor time", restored, cpu_s)
    assert restored >= PEOPLE
    until(lambda: last.metric("beckon_profiles") == PEOPLE, "all profiles are there")
    assert last.stop() == 0
    assert target.written() == target.folded(*DEFINITIONS, until_ms=T0 + 30 * HOUR)


def empty_the_changelog(target: Place) -> None:
    """Has somebody delete the changelog and make it again."""
    admin = AdminClient({"bootstrap.servers": target.bootstrap})
    name = target.topic("profiles")
    admin.delete_topics([name])[name].result(LIMIT_S)
    until(lambda: name not in admin.list_topics(timeout=LIMIT_S).topics, "the topic is gone")
    topic = NewTopic(name, num_partitions=4, replication_factor=1)
    admin.create_topics([topic])[name].result(LIMIT_S)
    until(lambda: name in admin.list_topics(timeout=LIMIT_S).topics, "the topic is there")


def test_worker_whose_state_is_gone_says_so_and_decides_nothing(target: Place) -> None:
    worker = target.worker("a").wait_ready(4)
    target.produce(view(number, 0) for number in range(100))
    target.wait_decided()
    assert worker.stop() == 0
    before = target.written()
    empty_the_changelog(target)
    target.produce(view(number, 1) for number in range(100))

    again = target.worker("a", "-c", IMPATIENT, "worker")
    assert again.wait() == EXIT_CRASHED
    [told] = again.lines("the stream stopped")
    assert re.search(r"partition \d: the changelog .*profiles ends at event 0", told["why"])
    assert "State was lost: see docs/operations.md" in told["why"]
    assert target.written() == before


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed may still be on its way: how long to wait for it, cut short."""
    monkeypatch.setattr(restores, "AGREE_S", 0.1)


@pytest.mark.usefixtures("impatient")
def test_offsets_beyond_the_changelog_are_refused_and_those_before_it_are_not(
    target: Place,
) -> None:
    worker = target.worker("a").wait_ready(4)
    target.produce([view(number, 0) for number in range(50)], partition=0)
    target.wait_decided()
    assert worker.stop() == 0
    group = f"{target.prefix}somebody"
    restorer = Restorer(target.cluster, group)
    assert len(restored(restorer, target)) == 50
    for fitting in (50, 20):
        commit(target, group, fitting)
        assert len(restored(restorer, target)) == 50
    commit(target, group, 51)
    with pytest.raises(StateLost, match="ends at event 50, but events up to 51 were committed"):
        restored(restorer, target)
    restorer.close()


def commit(target: Place, group: str, offset: int) -> None:
    """Sets a group's offset of partition 0, as somebody with a tool would."""
    settings = {"bootstrap.servers": target.bootstrap, "group.id": group}
    with contextlib.closing(Consumer(settings)) as consumer:
        asked = TopicPartition(target.topic("events"), 0, offset)
        consumer.commit(offsets=[asked], asynchronous=False)


def test_offsets_that_are_pending_are_waited_for(target: Place) -> None:
    worker = target.worker("a").wait_ready(4)
    target.produce([view(number, 0) for number in range(50)], partition=0)
    target.wait_decided()
    assert worker.stop() == 0
    with pending(target) as end:
        again = target.worker("a")
        until(lambda: bool(again.lines("partitions came")), "it has its partitions")
        assert not again.is_ready()
        end()
        again.wait_ready(4)
    target.produce([view(number, 1) for number in range(50)], partition=0)
    target.wait_decided()
    assert again.stop() == 0
    assert target.written() == target.folded(*DEFINITIONS, until_ms=T0)


@contextlib.contextmanager
def pending(target: Place) -> Iterator[Callable[[], None]]:
    """Leaves a transaction open that is about the workers' offsets; yields what aborts it."""
    server = {"bootstrap.servers": target.bootstrap}
    producer = Producer({**server, "transactional.id": f"{target.prefix}somebody"})
    with contextlib.closing(Consumer({**server, "group.id": f"{target.prefix}decide"})) as member:
        producer.init_transactions(LIMIT_S)
        producer.begin_transaction()
        offset = TopicPartition(target.topic("events"), 0, 1)
        producer.send_offsets_to_transaction([offset], member.consumer_group_metadata(), LIMIT_S)
        yield producer.abort_transaction


def restored(restorer: Restorer, target: Place) -> dict[str, bytes]:
    source = Source(events=target.topic("events"), changelog=target.topic("profiles"), partition=0)
    found = restorer.restore(source, lambda: True)
    assert found is not None
    return found.table.profiles


def test_restore_that_nobody_wants_any_more_ends(target: Place) -> None:
    restorer = Restorer(target.cluster, f"{target.prefix}decide")
    source = Source(events=target.topic("events"), changelog=target.topic("profiles"), partition=0)
    assert restorer.restore(source, lambda: False) is None
    restorer.close()


def test_changelog_of_a_newer_layout_is_refused(target: Place) -> None:
    target.produce([(PROGRESS_KEY, b"\x95\x02\x00\x00\xa0\xc3")], name="profiles", partition=0)
    restorer = Restorer(target.cluster, f"{target.prefix}decide")
    with pytest.raises(StateLost, match="newer version: upgrade this worker"):
        restored(restorer, target)
    restorer.close()
