"""Which definitions decide where, as the committed offsets of the workers tell."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import TopicPartition

from processors.operations.standings import Standing, standings
from processors.operations.telling import standing
from processors.runtime import clients, rereading
from processors.runtime.errors import BrokerAway
from tests.embedded import Broker
from tests.faults import Request


def commits(broker: Broker, group: str, *places: tuple[int, int, str]) -> None:
    topic = broker.topic("events")
    with closing(clients.reader(broker.cluster, group)) as reader:
        found = [TopicPartition(topic, at, offset, note) for at, offset, note in places]
        reader.commit(offsets=found, asynchronous=False)


def test_partitions_stand_where_the_groups_have_committed(broker: Broker) -> None:
    group = f"{broker.prefix}decide"
    commits(broker, group, (0, 7, "new"), (2, 400, "old"))
    commits(broker, rereading.group(group), (2, 120, "new"))
    assert standings(broker.cluster, broker.prefix) == [
        Standing(partition=0, active="new", offset=7),
        Standing(partition=2, active="old", offset=400, coming="new", read_back=120),
    ]


def test_where_nobody_has_decided_anything_nothing_stands(broker: Broker) -> None:
    broker.topic("events")
    assert standings(broker.cluster, broker.prefix) == []


def test_a_cluster_that_tells_no_offsets_is_away(broker: Broker) -> None:
    broker.topic("events")
    broker.mock.fail(Request.OFFSET_FETCH, *[29] * 9)
    with pytest.raises(BrokerAway, match="committed"):
        standings(broker.cluster, broker.prefix)


DONE = Standing(partition=0, active="new", offset=9)
READING = Standing(partition=1, active="old", offset=400, coming="new", read_back=120)


def lines(*found: Standing) -> Iterator[str]:
    return standing(found, "new")


def test_it_is_told_where_what_is_published_decides() -> None:
    assert list(lines()) == ["no worker has decided anything yet"]
    assert list(lines(DONE)) == ["they decide in all 1 partitions with events"]
    assert list(lines(DONE, READING)) == [
        "they decide in 1 of 2 partitions with events",
        "partition 1: still decides by set old; 120 of 400 events read back (30 %)",
    ]


def test_what_was_read_back_for_others_is_no_progress() -> None:
    other = Standing(partition=1, active="", offset=400, coming="older", read_back=400)
    assert list(lines(other))[1:] == ["partition 1: still decides by set unknown"]
