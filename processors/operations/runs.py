"""Reads what happened to runs of journeys, from the topic `journey-runs`: of all, or of one person.

A person's records are all in one partition, in the order in which they arose.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec

from processors.operations.errors import OperationFailed
from processors.runtime import clients, partitioners, readers
from processors.runtime.clients import Cluster, Polled
from schemas import codec
from schemas.codec import SchemaSource
from schemas.errors import BadRecord, SchemasUnavailable
from schemas.records import RunRecord
from schemas.topics import full_name

TOPIC = "journey-runs"
Progressed = Callable[[int], None]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the topic has of one person."""

    records: list[RunRecord]
    is_cut: bool
    """Whether the first records of the partition are gone."""


def read(
    cluster: Cluster,
    prefix: str,
    *,
    schemas: SchemaSource | None = None,
    progress: Progressed = lambda records: None,
) -> Iterator[Iterator[RunRecord]]:
    """Yields the records of one partition after the other, to be read before the next one.

    Args:
        cluster: where it is read.
        prefix: of the topics' names.
        schemas: for records in Avro.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: a record can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    count, topic = 0, full_name(prefix, TOPIC)

    def of(partition: int, end: int) -> Iterator[RunRecord]:
        nonlocal count
        for stretch in readers.read(reader, topic, {partition: end}):
            yield from (_decoded(each, schemas) for each in stretch)
            count += len(stretch)
            progress(count)

    with closing(clients.reader(cluster, f"{topic}-read")) as reader:
        for partition, end in readers.ends(reader, topic).items():
            yield of(partition, end)


def of_person(
    cluster: Cluster,
    prefix: str,
    profile_id: str,
    *,
    schemas: SchemaSource | None = None,
    progress: Progressed = lambda records: None,
) -> History:
    """Returns what the topic has of one person; reads that person's partition only.

    Raises:
        OperationFailed: a record can not be read.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    key, topic = profile_id.encode(), full_name(prefix, TOPIC)
    found, count = list[RunRecord](), 0
    with closing(clients.reader(cluster, f"{topic}-read")) as reader:
        partition = partitioners.partition(key, len(readers.partitions(reader, topic)))
        span = readers.span(reader, topic, partition)
        for stretch in readers.read(reader, topic, {partition: span.stop}):
            found += [_decoded(each, schemas) for each in stretch if each.key() == key]
            count += len(stretch)
            progress(count)
    return History(records=found, is_cut=span.start > 0)


def _decoded(message: Polled, schemas: SchemaSource | None) -> RunRecord:
    try:
        return codec.decode(message.value(), RunRecord, schemas=schemas)
    except (BadRecord, SchemasUnavailable) as error:
        place = f"{TOPIC}, {message.partition()}:{message.offset()}"
        raise OperationFailed(f"{place}: {error}") from error
