"""Restoring the state of a partition from its changelog, off the polling thread.

The state is what the transactions say it is: the progress record in the changelog and the group's
committed offset were written by the same ones, so they must agree before anything is decided.
"""

import logging
import time
from collections.abc import Callable

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from processors.runtime import clients, readers
from processors.runtime.clients import Cluster
from processors.runtime.errors import RuntimeFailure, StateLost
from processors.runtime.tables import Table

POLL_RECORDS = 10_000
POLL_S = 0.1
AGREE_S = 30.0
"""How long the changelog may take to show the transaction that the committed offset is part of."""

logger = logging.getLogger(__name__)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is restored, and from where."""

    events: str
    """Full name of the topic whose partition it is."""
    changelog: str
    partition: int


class Restored(msgspec.Struct, kw_only=True):
    """A partition's state, as the last transaction left it."""

    table: Table
    records: int
    seconds: float
    cpu_seconds: float


class Restorer:
    """Restores partitions, one after the other; used by one thread.

    One consumer reads all of them: a new one needs half a second until it has its first record. It
    is no member of the group, whose offsets it asks for: a member has to wait for each rebalance.
    """

    def __init__(self, cluster: Cluster, group: str) -> None:
        self._cluster = cluster
        self._group = group
        self._reader: Consumer | None = None

    def restore(self, source: Source, is_wanted: Callable[[], bool]) -> Restored | None:
        """Reads a partition's changelog to its end; None if nobody wants it any more.

        Args:
            source: what.
            is_wanted: asked now and then.

        Raises:
            StateLost: the changelog does not reach what was committed.
            BrokerAway: the cluster does not answer.
        """
        if self._reader is None:
            self._reader = clients.reader(self._cluster, self._group)
        try:
            return _restore(self._reader, source, is_wanted)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the consumer; the next restore gets a new one."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _restore(reader: Consumer, source: Source, is_wanted: Callable[[], bool]) -> Restored | None:
    offset = readers.committed(reader, source.events, [source.partition])[0].offset
    started_s, started_cpu_s = time.monotonic(), time.thread_time()
    table = Table()
    records, has_ended = 0, False
    reader.assign([TopicPartition(source.changelog, source.partition, OFFSET_BEGINNING)])
    deadline_s = 0.0
    while is_wanted():
        read, at_end = _read(reader, table)
        records += read
        has_ended |= at_end  # told once, each time that the end is reached
        if not has_ended:
            continue
        if table.progress.offset >= offset:
            break
        deadline_s = deadline_s or time.monotonic() + AGREE_S
        if time.monotonic() > deadline_s:
            raise StateLost(_lost(source, table.progress.offset, offset))
    else:
        return None
    reader.unassign()
    table.restored()
    return Restored(
        table=table,
        records=records,
        seconds=time.monotonic() - started_s,
        cpu_seconds=time.thread_time() - started_cpu_s,
    )


def _read(reader: Consumer, table: Table) -> tuple[int, bool]:
    """Takes in what is there; returns how many records, and whether the end was reached."""
    count, at_end = 0, False
    for message in clients.take(reader, POLL_RECORDS, POLL_S):
        error = message.error()
        if error is None:
            table.restore(message.key() or b"", message.value())
            count += 1
        elif error.code() == KafkaError._PARTITION_EOF:
            at_end = True
        elif error.fatal() or not error.retriable():
            raise RuntimeFailure(f"the changelog can not be read ({clients.words(error)})")
    return count, at_end


def _lost(source: Source, progress: int, committed: int) -> str:
    return (
        f"partition {source.partition}: the changelog {source.changelog} ends at event {progress},"
        f" but events up to {committed} were committed. State was lost: see docs/operations.md"
    )
