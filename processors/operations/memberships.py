"""Counts who is in which segment, and who came and went lately, from the topics of a cluster.

Keeps no ids: of the partition at hand a number for each membership, of the others counts only.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec
from confluent_kafka import Consumer
from xxhash import xxh3_64_intdigest

from processors.operations.errors import OperationFailed
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from schemas import codec
from schemas.codec import SchemaSource
from schemas.errors import BadRecord, SchemasUnavailable
from schemas.records import SegmentChange, SegmentRecord
from schemas.topics import full_name


class Count(msgspec.Struct, kw_only=True):
    """What the topics say of one segment."""

    members: int = 0
    entered: int = 0
    """How often somebody did, in the time that is looked at."""
    exited: int = 0
    changed_at: int | None = None
    """When somebody came or went last, ms; None if nobody ever did."""


def read(
    cluster: Cluster,
    prefix: str,
    *,
    since_ms: int,
    schemas: SchemaSource | None = None,
    progress: Callable[[int], None] = lambda records: None,
) -> dict[str, Count]:
    """Returns the counts of every segment that the topics know, by its id.

    Args:
        cluster: where it is read.
        prefix: of the topics' names.
        since_ms: entries and exits from then on count.
        schemas: for records in Avro.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: a record can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    counts = _Counts(since_ms, schemas)
    with closing(clients.reader(cluster, f"{prefix}segments-read")) as reader:
        for name, take in (("segments", counts.take), ("segment-changes", counts.take_change)):
            for stretch in _stretches(reader, full_name(prefix, name), counts.close):
                for each in stretch:
                    try:
                        take(each)
                    except (BadRecord, SchemasUnavailable) as error:
                        place = f"{name}, {each.partition()}:{each.offset()}"
                        raise OperationFailed(f"{place}: {error}") from error
                counts.records += len(stretch)
                progress(counts.records)
    return counts.found


def _stretches(reader: Consumer, topic: str, close: Callable[[], None]) -> Iterator[list[Polled]]:
    """Gives what a topic has, one partition after the other; says where one has ended."""
    for partition, end in readers.ends(reader, topic).items():
        yield from readers.read(reader, topic, {partition: end})
        close()


def people(
    cluster: Cluster,
    prefix: str,
    segment_id: str,
    *,
    schemas: SchemaSource | None = None,
) -> Iterator[str]:
    """Yields the ids of who is in a segment now, each once; those of one partition are in memory.

    Raises what `read` raises.
    """
    ending = f"/{segment_id}".encode()
    with closing(clients.reader(cluster, f"{prefix}segments-read")) as reader:
        topic = full_name(prefix, "segments")
        for partition, end in readers.ends(reader, topic).items():
            members: dict[bytes, None] = {}
            for stretch in readers.read(reader, topic, {partition: end}):
                for each in stretch:
                    key = each.key() or b""
                    if key.endswith(ending):
                        members.pop(key, None)
                        if _is_member(each, schemas):
                            members[key] = None
            yield from (key.removesuffix(ending).decode() for key in members)


def _is_member(message: Polled, schemas: SchemaSource | None) -> bool:
    if message.value() is None:
        return False
    try:
        return codec.decode(message.value(), SegmentRecord, schemas=schemas).member
    except (BadRecord, SchemasUnavailable) as error:
        place = f"segments, {message.partition()}:{message.offset()}"
        raise OperationFailed(f"{place}: {error}") from error


class _Counts:
    """Takes records; a key is in one partition only, so its members can be let go at the end."""

    def __init__(self, since_ms: int, schemas: SchemaSource | None) -> None:
        self.found: dict[str, Count] = {}
        self.records = 0
        self._since_ms = since_ms
        self._schemas = schemas
        self._members: dict[str, set[int]] = {}
        """Of the partition at hand: 64-bit hashes of keys."""

    def take(self, message: Polled) -> None:
        """Takes a membership. Compaction may have left several of a key: the last one counts."""
        key = message.key() or b""
        members = self._members.setdefault(key.rpartition(b"/")[2].decode(), set())
        if message.value() is None:
            members.discard(xxh3_64_intdigest(key))
            return
        record = codec.decode(message.value(), SegmentRecord, schemas=self._schemas)
        (members.add if record.member else members.discard)(xxh3_64_intdigest(key))
        self._note(record.segment_id, record.since)

    def take_change(self, message: Polled) -> None:
        """Takes an entry or an exit."""
        record = codec.decode(message.value(), SegmentChange, schemas=self._schemas)
        count = self._note(record.segment_id, record.at)
        if record.at >= self._since_ms:
            count.entered += record.change == "entered"
            count.exited += record.change == "exited"

    def close(self) -> None:
        """Adds up a partition."""
        for segment_id, members in self._members.items():
            if members:
                self._of(segment_id).members += len(members)
        self._members.clear()

    def _note(self, segment_id: str, at_ms: int) -> Count:
        count = self._of(segment_id)
        count.changed_at = max(at_ms, count.changed_at or at_ms)
        return count

    def _of(self, segment_id: str) -> Count:
        return self.found.setdefault(segment_id, Count())
