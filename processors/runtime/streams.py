"""The stream over Kafka: polls `events`, decides in batches, commits each as one transaction.

Everything here is called from one thread, turn by turn: `poll`, then `process`. So partitions come
and go only between transactions.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec
from confluent_kafka import KafkaException, Producer, TopicPartition

from processors.decisions.compiled import Compiled
from processors.metrics import Counter, Gauge, Histogram, Metrics
from processors.ports import Clock, Status
from processors.runtime import clients, tallies
from processors.runtime.batches import PASSED_OVER, Batch
from processors.runtime.clients import Polled
from processors.runtime.errors import BrokerAway, RuntimeFailure
from processors.runtime.options import Options
from processors.runtime.outputs import Outputs
from processors.runtime.partitions import Owned, Partitions
from processors.runtime.rereading import EMITTED
from processors.runtime.tables import CRASH_KEY, Crash, encode_crash
from processors.runtime.takeovers import Takeovers
from processors.runtime.transactions import Aborted, Transactions
from schemas import relays, topics
from schemas.consents import LIFTED_AT
from schemas.errors import SchemasUnavailable
from schemas.letters import Headers

MAX_ABORTS = 30
"""After so many in a row the worker gives up."""
MAX_WAIT_S = 1.0
"""The longest between two tries: meanwhile nobody polls, and a group that moves waits for that."""
LAG_MS = 2_000
"""How often lag and sizes are measured."""
WATERMARK_S = 2.0

Encode = Callable[[msgspec.Struct], bytes]

logger = logging.getLogger(__name__)


class Stream:
    """One worker's share of `events`."""

    def __init__(
        self,
        options: Options,
        compiled: Compiled,
        *,
        encoders: Mapping[str, Encode],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._options = options
        self._next: Compiled | None = None
        self._names = {name: options.topic(name) for name in topics.TOPICS}
        self._encoders = encoders
        self._metrics = metrics
        self._slice_ms = 0
        """How long people were evaluated anew in this turn."""
        self._clock = clock
        self._stopping = threading.Event()
        self._transactions = Transactions(options.cluster, f"{options.group}-{options.slot}")
        self._partitions = Partitions(
            options.cluster,
            group=options.group,
            metrics=metrics,
            slot=options.slot,
            events=self._names["events"],
            changelog=self._names["profiles"],
        )
        self._takeovers = Takeovers(options, self._partitions, compiled, metrics=metrics)
        self._aborts = 0
        self._measured_ms = 0
        self._writer: Producer | None = None
        self._deciding: tuple[int, Batch] | None = None
        """The partition at hand, and its batch."""

    def owns(self, partition: int) -> bool:
        """Returns whether a partition is worked on here; callable from any thread."""
        return partition in self._partitions.owned

    def open(self) -> None:
        """Joins the group, once no transaction of an earlier run holds up its offsets.

        Raises:
            RuntimeFailure: the cluster does not answer.
        """
        self._transactions.open()
        self._partitions.open()

    def activate(self, compiled: Compiled) -> None:
        """Has other definitions take over as soon as they can; callable from any thread."""
        self._next = compiled

    @property
    def status(self) -> Status:
        """How far this worker is; callable from any thread."""
        return self._partitions.status

    def poll(self) -> list[Polled]:
        """Returns the records that are there, after waiting a little where there are none.

        Raises:
            RuntimeFailure: this worker can not go on.
        """
        self._partitions.admit()
        owned = self._partitions.owned.values()
        has_work = any(self._has_slices(one) or self._is_due(one) for one in owned)
        wait_s = 0.0 if has_work else self._options.poll_ms / 1000
        found = clients.take(self._partitions.consumer, self._options.max_batch, wait_s)
        records = [message for message in found if message.error() is None]
        if len(records) < len(found):
            for message in found:
                if message.error() is not None:
                    self._partitions.note(message)
        return cast("list[Polled]", records)

    def has_work(self) -> bool:
        """Whether there is something to do without any record."""
        self._adopt()
        self._measure()
        owned = self._partitions.owned.values()
        return any(self._has_slices(one) or self._is_due(one) for one in owned)

    def process(self, records: list[Polled]) -> None:
        """Decides on the records and on what the clock has brought, as one transaction.

        Raises:
            RuntimeFailure: this worker can not go on.
        """
        self._adopt()
        self._advance(is_idle=not records)
        parts = self._parts(records)
        todo = [
            one
            for partition, one in self._partitions.owned.items()
            if partition in parts or self._is_due(one)
        ]
        if todo:
            self._run(todo, parts, records)
        self._measure()

    def _run(
        self, todo: list[Owned], parts: dict[int, list[Polled]], records: list[Polled]
    ) -> None:
        work: dict[int, tuple[Batch, Outputs]] = {}
        share = -(-self._options.slice // len(todo))
        self._slice_ms = 0
        try:
            self._writer = self._transactions.begin()
            for one in todo:
                partition = one.partition
                batch, outputs = work[partition] = self._begin(one)
                self._decide(partition, batch, parts.get(partition, ()))
                self._run_clock(one, batch, share)
                self._write(partition, batch, outputs)
            self._commit(work)
        except (Aborted, SchemasUnavailable) as error:
            self._rewind(work, parts, error)
            return
        except Exception as error:
            self._transactions.abort()
            if not isinstance(error, RuntimeFailure):
                self._tell_crash()
            raise
        self._aborts = 0
        for batch, _ in work.values():
            batch.apply()
        waited_ms = self._clock.now_ms() - records[0].timestamp()[1] if records else 0
        tallies.add(self._metrics, [outputs for _, outputs in work.values()])
        tallies.add_batch(self._metrics, len(records), waited_ms)
        tallies.add_slice(self._metrics, self._slice_ms)

    def close(self) -> None:
        """Leaves: what is decided is committed already, what is not is left to the next owner."""
        self._stopping.set()
        self._transactions.close()
        self._partitions.close()

    def _adopt(self) -> None:
        if self._next is not None:
            wanted, self._next = self._next, None
            self._takeovers.want(wanted)
            self._metrics.set(Gauge.SLICE, 0)

    def _advance(self, *, is_idle: bool) -> None:
        """Brings the partitions closer to the definitions that are wanted: one reads at a time."""
        for one in self._partitions.owned.values():
            is_settled = not one.table.outdated
            if self._takeovers.is_under_way(one) and (is_settled or one.is_waiting):
                self._takeovers.advance(one, is_idle=is_idle)
                if one.rereader is not None:
                    return

    def _has_slices(self, one: Owned) -> bool:
        """Returns whether there is work that is done bit by bit, for other definitions."""
        return bool(one.table.outdated) or self._takeovers.is_under_way(one)

    def _begin(self, one: Owned) -> tuple[Batch, Outputs]:
        outputs = Outputs()
        batch = Batch(
            one.table,
            self._takeovers.active(one),
            policy=self._options.policy,
            outputs=outputs,
            source=(self._names["events"], one.partition),
            as_of_ms=self._quiet_until(one),
        )
        return batch, outputs

    def _quiet_until(self, one: Owned) -> int:
        """Returns up to which instant nothing more is expected, ms; 0 where that is not known."""
        is_adopted = one.table.progress.definitions == self._takeovers.active(one).id
        if is_adopted or self._options.policy.clock == "stream":
            return 0
        is_quiet = one.end >= one.table.progress.offset and self._partitions.lag(one) == 0
        return self._clock.now_ms() - self._options.grace_ms if is_quiet else 0

    def _is_due(self, one: Owned) -> bool:
        """Returns whether the clock, or a change of definitions, has work for a partition."""
        table, active = one.table, self._takeovers.active(one)
        if one.is_waiting:
            return False
        if table.outdated or (table.progress.definitions != active.id and table.profiles):
            return True
        return table.next_wake() <= self._horizon(one)

    def _horizon(self, one: Owned) -> int:
        """Returns up to which instant idle timers may fire, ms.

        With the wall clock: past its due time by the grace, and the partition read to where it
        ended then. So no timer fires into a backlog.
        """
        if self._options.policy.clock == "stream":
            return one.table.progress.high_water
        until_ms = self._clock.now_ms() - self._options.grace_ms
        wake = one.table.next_wake()
        if wake > until_ms:
            return 0
        if one.target is None or one.target[1] < wake:
            try:
                _, end = self._partitions.consumer.get_watermark_offsets(
                    TopicPartition(self._names["events"], one.partition), WATERMARK_S
                )
            except KafkaException as error:
                logger.warning("no watermark", extra={"error_text": clients.words(error)})
                return 0
            one.target = (end, until_ms)
        end, until_ms = one.target
        if max(one.table.progress.offset, one.end) < end:
            return 0
        return until_ms

    def _parts(self, records: list[Polled]) -> dict[int, list[Polled]]:
        """Returns the records of each partition, in their order."""
        parts: dict[int, list[Polled]] = {}
        for message in records:
            partition = message.partition()
            if partition in parts:
                parts[partition].append(message)
            else:
                parts[partition] = [message]
        return parts

    def _decide(self, partition: int, batch: Batch, part: Sequence[Polled]) -> None:
        self._deciding = (partition, batch)
        batch.run(
            (
                each.key(),
                PASSED_OVER if each.headers() == EMITTED else each.value(),
                each.offset(),
                each.timestamp()[1],
            )
            for each in part
        )
        self._deciding = None

    def _run_clock(self, one: Owned, batch: Batch, share: int) -> None:
        """Fires timers and looks at outdated profiles, a bounded number of both."""
        if one.table.outdated:
            began_ms = self._clock.now_ms()
            batch.settle(share)
            self._slice_ms += self._clock.now_ms() - began_ms
        if self._options.policy.clock == "stream":
            batch.fire(batch.high_water, self._options.max_batch)
        elif (until_ms := self._horizon(one)) > 0:
            batch.fire(until_ms, share)

    def _write(self, partition: int, batch: Batch, outputs: Outputs) -> None:
        """Writes what a batch has come to, right after it: what it has touched is near still."""
        names, encoders = self._names, self._encoders
        for name, key, value in outputs.records():
            body = None if value is None else encoders[name](value)
            if name == "events":
                self._produce(names[name], key.encode(), body, partition, headers=EMITTED)
            elif name == "suppressions" and body is None:
                since = [(LIFTED_AT, str(outputs.lifted_at(key)).encode())]
                self._produce(names[name], key.encode(), None, headers=since)
            else:
                self._produce(names[name], key.encode(), body)
        for relay in outputs.decision.relays:
            self._produce(names["events"], relays.key(relay), relays.encode(relay))
        for letter in outputs.dead_letters:
            headers, key_ = letter.headers(), letter.record.key
            self._produce(names["dead-letters"], key_, letter.value(), headers=headers)
        changelog = names["profiles"]
        for state_key, state in batch.finish():
            self._produce(changelog, state_key, state, partition)

    def _produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int = -1,
        *,
        headers: Headers | None = None,
    ) -> None:
        assert self._writer is not None
        produce = self._writer.produce
        while True:
            try:
                if headers is None:
                    return produce(topic, value, key, partition)
                return produce(topic, value, key, partition, headers=[*headers])
            except BufferError:
                self._writer.poll(0.05)
            except KafkaException as error:
                raise Aborted(clients.words(error)) from error

    def _commit(self, work: dict[int, tuple[Batch, Outputs]]) -> None:
        offsets = [
            TopicPartition(self._names["events"], partition, batch.offset, batch.definitions)
            for partition, (batch, _) in work.items()
        ]
        started_ms = self._clock.now_ms()
        self._transactions.commit(self._partitions.consumer, offsets)
        self._metrics.observe(Histogram.COMMIT_SECONDS, (self._clock.now_ms() - started_ms) / 1000)

    def _tell_crash(self) -> None:
        """Writes down which record broke us: the next worker knows when it has done so before."""
        if self._deciding is None:
            return
        partition, offset = self._deciding[0], self._deciding[1].offset - 1
        table = self._partitions.owned[partition].table
        times = table.crash.times + 1 if table.crash.offset == offset else 1
        logger.critical(
            "a record broke the worker",
            extra={"partition": partition, "offset": offset, "times": times},
        )
        try:
            self._writer = self._transactions.begin()
            crash = encode_crash(Crash(offset, times))
            self._produce(self._names["profiles"], CRASH_KEY, crash, partition)
            self._transactions.commit(self._partitions.consumer, [])
        except (Aborted, RuntimeFailure):
            logger.exception("could not write down which record broke the worker")

    def _rewind(
        self,
        work: dict[int, tuple[Batch, Outputs]],
        parts: dict[int, list[Polled]],
        error: Aborted | SchemasUnavailable,
    ) -> None:
        """Forgets the batch, and has its records read again.

        For a schema registry it waits as long as it takes: another worker would fare no better.
        """
        self._transactions.abort()
        self._deciding = None
        self._metrics.add(Counter.ABORTED)
        self._aborts += 1
        logger.warning("batch aborted, doing it again", extra={"why": str(error)})
        if self._aborts > MAX_ABORTS and isinstance(error, Aborted):
            raise BrokerAway(f"{MAX_ABORTS} batches in a row came to nothing ({error})")
        for batch, _ in work.values():
            batch.drop()
        for partition, part in parts.items():
            if partition in self._partitions.owned:
                self._partitions.seek(partition, part[0].offset())
        self._stopping.wait(min(0.05 * 2 ** min(self._aborts, 10), MAX_WAIT_S))

    def _measure(self) -> None:
        """Sets the gauges now and then, also where nothing happens."""
        now_ms = self._clock.now_ms()
        if now_ms - self._measured_ms >= LAG_MS:
            self._measured_ms = now_ms
            self._partitions.measure(now_ms - self._options.grace_ms)
            self._metrics.set(Gauge.DEFINITIONS_ACTIVE, self._takeovers.size)
