"""Reads what a topic holds, from beginning to end, as of now, without a trace of the reading.

For definitions, history and what is known of a person: who reads so belongs to no group, commits
nothing, and goes no further than where the partitions end when it begins.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from processors.runtime import clients
from processors.runtime.clients import CALL_S, Polled
from processors.runtime.errors import BrokerAway, TopicMissing

MAX_RECORDS = 5_000
"""Of one poll."""
POLL_S = 0.1
SILENT_S = 60.0
"""How long the cluster may give nothing, neither a record nor an end."""
NO_END = 2**63 - 1
"""An end that no partition has."""


def partitions(reader: Consumer, topic: str, wait_s: float | None = None) -> list[int]:
    """Returns the partitions of a topic.

    Args:
        reader: any consumer.
        topic: full name.
        wait_s: how long brokers may take; None: as for all that is asked here.

    Raises:
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    try:
        found = reader.list_topics(topic, wait_s or CALL_S).topics[topic]
    except KafkaException as error:
        raise BrokerAway(f"the cluster does not answer ({clients.words(error)})") from error
    if found.error is not None or not found.partitions:
        raise TopicMissing(f"the topic {topic} is missing: run `beckon topics create`")
    return sorted(found.partitions)


def span(reader: Consumer, topic: str, partition: int) -> range:
    """Returns the offsets that a partition has now; those of records gone or aborted are in it.

    The beginning may be told as the end, where the first of librdkafka's two questions fails: who
    has an end reads up to it, whatever the beginning.

    Raises:
        BrokerAway: the cluster does not answer.
    """
    try:
        return range(*reader.get_watermark_offsets(TopicPartition(topic, partition), CALL_S))
    except KafkaException as error:
        raise BrokerAway(f"the cluster does not answer ({clients.words(error)})") from error


def ends(reader: Consumer, topic: str) -> dict[int, int]:
    """Returns the offset at which each partition ends now; raises as the two above do."""
    found = partitions(reader, topic)
    return {partition: span(reader, topic, partition).stop for partition in found}


def committed(reader: Consumer, topic: str, asked: Iterable[int]) -> list[TopicPartition]:
    """Returns what the reader's group has committed of partitions; a negative offset: nothing.

    Waits for transactions that are pending on it.

    Raises:
        BrokerAway: it can not be had.
    """
    try:
        found = reader.committed([TopicPartition(topic, each) for each in asked], CALL_S)
    except KafkaException as error:
        raise BrokerAway(f"no committed offsets ({clients.words(error)})") from error
    for each in found:
        if each.error is not None:
            raise BrokerAway(f"no committed offsets ({clients.words(each.error)})")
    return found


def read(reader: Consumer, topic: str, until: Mapping[int, int]) -> Iterator[list[Polled]]:
    """Gives what partitions of a topic have, all that came together at a time.

    Args:
        reader: from `clients.reader`; it turns to these partitions, away from others.
        topic: full name.
        until: by partition, the offset from which on records are left out; `NO_END`: up to where
            nothing more is there.

    Returns:
        Lists that are not empty; the records of a partition are in its order.

    Raises:
        BrokerAway: it can not be read.
    """
    left = {partition: end for partition, end in until.items() if end}
    reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in left])
    until_s = time.monotonic() + SILENT_S
    while left:
        found = _poll(reader, topic)
        taken = [_take(message, topic, left) for message in found]
        stretch = [each for each in taken if each is not None]
        if stretch:
            yield stretch
        if found:
            until_s = time.monotonic() + SILENT_S
        elif time.monotonic() > until_s:
            raise BrokerAway(f"the topic {topic} can not be read: nothing came in {SILENT_S:.0f} s")


def _poll(reader: Consumer, topic: str) -> list[Message]:
    """Returns what has come of a topic; of the one before it something may still be there."""
    found = clients.take(reader, MAX_RECORDS, POLL_S)
    return [each for each in found if each.topic() in (topic, None)]


def _take(message: Message, topic: str, left: dict[int, int]) -> Polled | None:
    """Returns the record of a message, if it lies before the end; takes out what has ended."""
    error, record = message.error(), cast("Polled", message)
    if error is None:
        end = left.get(record.partition(), 0)
        if record.offset() >= end - 1:
            left.pop(record.partition(), None)
        return record if record.offset() < end else None
    if error.code() == KafkaError._PARTITION_EOF:
        left.pop(record.partition(), None)
    elif error.fatal() or not error.retriable():
        raise BrokerAway(f"the topic {topic} can not be read ({clients.words(error)})")
    return None
