"""Reads the `events` of a cluster from beginning to end, as of now, without a trace of the reading.

For operations that look at history; who reads so belongs to no group and commits nothing.
"""

import time
from collections.abc import Iterator
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster, Polled
from processors.runtime.errors import BrokerAway, TopicMissing
from processors.runtime.rereading import EMITTED

MAX_BATCH = 5_000
POLL_S = 0.1
SILENT_S = 60.0
"""How long the cluster may give nothing."""

Pair = tuple[bytes | None, bytes | None]
"""Key and value of a record."""


def read(cluster: Cluster, topic: str) -> Iterator[tuple[int, list[Pair]]]:
    """Gives each partition's records in their order, a stretch of one partition at a time.

    Up to where the partitions end when it begins. Events that triggers told are left out: who
    decides on the rest tells them again.

    Raises:
        TopicMissing: there is no such topic.
        BrokerAway: it can not be read.
    """
    reader = clients.reader(cluster, f"{topic}-read")
    try:
        ends = _ends(reader, topic)
        reader.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in ends])
        heard_s = time.monotonic()
        while ends:
            stretches, heard = _poll(reader, ends)
            yield from stretches.items()
            if heard:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENT_S:
                raise BrokerAway(f"the topic {topic} gave nothing for {SILENT_S:.0f} s")
    finally:
        reader.close()


def _poll(reader: Consumer, ends: dict[int, int]) -> tuple[dict[int, list[Pair]], int]:
    """Returns what has come, by partition, and how much; takes out what has ended."""
    stretches: dict[int, list[Pair]] = {}
    heard = 0
    found = reader.consume(1, POLL_S)
    if found:
        found += reader.consume(MAX_BATCH - 1, 0)
    for message in found:
        error, record = message.error(), cast("Polled", message)
        partition = record.partition()
        if error is None:
            heard += 1
            offset, end = record.offset(), ends.get(partition, 0)
            if offset < end and record.headers() != EMITTED:
                stretches.setdefault(partition, []).append((record.key(), record.value()))
            if offset >= end - 1:
                ends.pop(partition, None)
        elif error.code() == KafkaError._PARTITION_EOF:
            heard += 1
            ends.pop(partition, None)
        elif error.fatal() or not error.retriable():
            raise BrokerAway(f"the events can not be read ({clients.words(error)})")
    return stretches, heard


def _ends(reader: Consumer, topic: str) -> dict[int, int]:
    """Returns where each partition ends now, for those that hold anything."""
    try:
        found = reader.list_topics(topic, CALL_S).topics[topic]
        if found.error is not None or not found.partitions:
            raise TopicMissing(f"the topic {topic} is missing: run `beckon topics create`")
        ends = {}
        for partition in found.partitions:
            asked = TopicPartition(topic, partition)
            low, high = reader.get_watermark_offsets(asked, CALL_S)
            if low < high:
                ends[partition] = high
    except KafkaException as error:
        raise BrokerAway(f"the cluster does not answer ({clients.words(error)})") from error
    return ends
