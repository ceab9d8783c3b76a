"""The partitions that this worker owns: they come, are restored, are worked on, and go.

A partition that comes is paused at once, and read only when its state is there.
"""

import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, cast

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.decisions.compiled import Compiled
from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.ports import Status
from processors.runtime import clients
from processors.runtime.clients import Cluster, Polled
from processors.runtime.rereading import Rereader
from processors.runtime.restores import Restored, Restorer, Source
from processors.runtime.tables import Table

logger = logging.getLogger(__name__)


class Owned(msgspec.Struct, kw_only=True):
    """One partition, ready to be worked on."""

    partition: int
    table: Table
    end: int = -1
    """The offset at which its end was last reached."""
    target: tuple[int, int] | None = None
    """How far it must be read before idle timers may fire, and up to which instant those are."""
    compiled: Compiled | None = None
    """What decides; None until that has been looked up."""
    rereader: Rereader | None = None
    """Reads back what other definitions count, before they take over."""
    is_waiting: bool = False
    """Whether nothing may be decided until that is read."""

    def close(self) -> None:
        """Lets go of what reads back."""
        rereader, self.rereader = self.rereader, None
        if rereader is not None:
            rereader.close()


class Partitions:
    """The consumer and what it is assigned. All but `status` is called from the polling thread."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        group: str,
        slot: str,
        events: str,
        changelog: str,
        metrics: Metrics,
    ) -> None:
        self.owned: dict[int, Owned] = {}
        self._slot = slot
        self._events = events
        self._changelog = changelog
        self._metrics = metrics
        self._restoring: dict[int, threading.Event] = {}
        """By partition, what is set when the restore is not wanted any more."""
        self._done: queue.SimpleQueue[tuple[int, threading.Event, Restored | Exception]] = (
            queue.SimpleQueue()
        )
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="restore")
        self._restorer = Restorer(cluster, group)
        self._joined = False
        self.consumer: Consumer = clients.consumer(cluster, group, slot)

    def open(self) -> None:
        """Joins the group."""
        self.consumer.subscribe(
            [self._events], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke
        )

    @property
    def status(self) -> Status:
        """How far this worker is; callable from any thread."""
        restoring = len(self._restoring)
        state: Literal["starting", "restoring", "running"] = (
            "restoring" if restoring else "running" if self._joined else "starting"
        )
        reading = sum(one.rereader is not None for one in [*self.owned.values()])
        progress = {
            "partitions": len(self.owned),
            "restoring": restoring,
            "reading_back": reading,
        }
        return Status(state=state, progress=progress)

    def admit(self) -> None:
        """Begins with the partitions whose state has been restored.

        Raises:
            RuntimeFailure: one could not be restored.
        """
        early = []
        while not self._done.empty():
            partition, unwanted, restored = done = self._done.get()
            if unwanted.is_set():
                continue
            if isinstance(restored, Exception):
                raise restored
            table = restored.table
            if not self._has_begun_at(partition, table.progress.offset):
                early.append(done)
                continue
            del self._restoring[partition]
            self.owned[partition] = Owned(partition=partition, table=table)
            self.resume(partition)
            self._metrics.add(Counter.RESTORED, restored.records)
            self._metrics.observe(Histogram.RESTORE_SECONDS, restored.seconds)
            logger.info(
                "partition ready",
                extra={
                    "partition": partition,
                    "records": restored.records,
                    "seconds": round(restored.seconds, 3),
                    "cpu_seconds": round(restored.cpu_seconds, 3),
                },
            )
        for done in early:
            self._done.put(done)

    def _has_begun_at(self, partition: int, offset: int) -> bool:
        """Has a new partition read from an offset on; returns whether that was possible yet.

        What may have been fetched before the pause took hold is fetched again by that.
        """
        try:
            self.seek(partition, offset)
        except KafkaException as error:
            if clients.code(error) != KafkaError._STATE:
                raise
            return False
        return True

    def note(self, message: Message) -> None:
        """Takes in what was polled and is no record: the end of a partition, or an error.

        Raises:
            RuntimeFailure: the worker can not go on.
        """
        error = message.error()
        assert error is not None
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            end = cast("Polled", message)
            one = self.owned.get(end.partition())
            if one is not None:
                one.end = end.offset()
            return
        clients.check(error, slot=self._slot, what="events")

    def pause(self, partition: int) -> None:
        """Has a partition wait."""
        self.consumer.pause([TopicPartition(self._events, partition)])

    def resume(self, partition: int) -> None:
        """Has a partition read on."""
        self.consumer.resume([TopicPartition(self._events, partition)])

    def seek(self, partition: int, offset: int) -> None:
        """Has a partition read from an offset on."""
        self.consumer.seek(TopicPartition(self._events, partition, offset))

    def measure(self, until_ms: int) -> None:
        """Sets the gauges of lag, timers and state."""
        due = pending = count = size = 0
        for partition, one in self.owned.items():
            table = one.table
            pending += table.pending
            due += table.due(until_ms)
            count += len(table.profiles)
            size += table.size_bytes
            lag = self.lag(one)
            if lag is not None:
                self._metrics.set(Gauge.LAG, lag, str(partition))
        self._metrics.set(Gauge.TIMERS_PENDING, pending)
        self._metrics.set(Gauge.TIMERS_DUE, due)
        self._metrics.set(Gauge.PROFILES, count)
        self._metrics.set(Gauge.PROFILE_BYTES, size)

    def lag(self, one: Owned) -> int | None:
        """Returns how many records there are still to be read, as far as is known here."""
        try:
            _, end = self.consumer.get_watermark_offsets(
                TopicPartition(self._events, one.partition), cached=True
            )
        except KafkaException:
            return None
        return max(0, end - max(one.table.progress.offset, one.end))

    def close(self) -> None:
        """Leaves the group and stops restoring."""
        for unwanted in self._restoring.values():
            unwanted.set()
        for one in self.owned.values():
            one.close()
        self.consumer.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._restorer.close()

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._metrics.add(Counter.REBALANCES)
        wanted = {each.partition: threading.Event() for each in partitions}
        self._restoring.update(wanted)
        self._joined = True  # only now: nobody may take it for running before it restores
        if not partitions:
            return
        # With an offset the client need not ask where the group has been. A pause that came while
        # it asks might have the answer lost, and the partition never read.
        begun = [TopicPartition(self._events, each, 0) for each in wanted]
        consumer.incremental_assign(begun)
        consumer.pause(begun)
        logger.info(
            "partitions came", extra={"partitions": sorted(each.partition for each in partitions)}
        )
        for partition, unwanted in wanted.items():
            self._pool.submit(self._restore, partition, unwanted)

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._metrics.add(Counter.REBALANCES)
        for each in partitions:
            unwanted = self._restoring.pop(each.partition, None)
            if unwanted is not None:
                unwanted.set()
            one = self.owned.pop(each.partition, None)
            if one is not None:
                one.close()
                self._metrics.forget(Gauge.LAG, str(each.partition))
                self._metrics.forget(Gauge.BACKFILL_LEFT, str(each.partition))
        logger.info(
            "partitions left", extra={"partitions": sorted(each.partition for each in partitions)}
        )
        if partitions:
            consumer.incremental_unassign(partitions)

    def _restore(self, partition: int, unwanted: threading.Event) -> None:
        """Runs in the restoring thread."""
        if unwanted.is_set():
            return
        source = Source(events=self._events, changelog=self._changelog, partition=partition)
        found: Restored | Exception | None
        try:
            found = self._restorer.restore(source, lambda: not unwanted.is_set())
        except Exception as error:
            found = error
        if found is not None:
            self._done.put((partition, unwanted, found))
