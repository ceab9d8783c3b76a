"""Which definitions decide in each partition, and how others take over.

A partition goes on under the set that it has until all that the next one counts has been read back,
and until everybody has been evaluated under the set that it has. Its changelog holds the documents
of that set, so that a worker which dies meanwhile goes on with it too.
"""

import logging
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException

from processors.decisions import backfills
from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.definitions.errors import InvalidDefinitions
from processors.metrics import Gauge, Metrics
from processors.runtime import clients, rereading, tables
from processors.runtime.backfills import Backfilling
from processors.runtime.options import Options
from processors.runtime.partitions import Owned, Partitions
from processors.runtime.rereading import Place, Rereader
from processors.runtime.tables import Span, Table
from processors.state.duplicates import WINDOW_S

RECORDS = 1_000
"""How many are read back between two batches: some 10 ms."""
WAIT_S = 0.02

logger = logging.getLogger(__name__)


class Takeovers:
    """The sets of all partitions of one worker; called from the polling thread."""

    def __init__(
        self, options: Options, partitions: Partitions, compiled: Compiled, *, metrics: Metrics
    ) -> None:
        """Begins with nothing read.

        Args:
            options: of the stream.
            partitions: those of this worker.
            compiled: the set that is to decide.
            metrics: are told what is left to be read.
        """
        self.wanted = compiled
        self._made: dict[tuple[str, str], Compiled] = {}
        """Sets that are none of those that were wanted, by what they come from: made once for all
        partitions, and let go when something else is wanted."""
        self._options = options
        self._partitions = partitions
        self._metrics = metrics

    def active(self, one: Owned) -> Compiled:
        """Returns what decides in a partition now."""
        if one.compiled is None:
            one.compiled = self._remembered(one.table)
            if self._was_filling(one.table):
                one.is_waiting = True
                self._partitions.pause(one.partition)
        return one.compiled

    @property
    def size(self) -> int:
        """How many definitions decide: in the partition that is furthest behind."""
        sets_ = [one.compiled for one in self._partitions.owned.values() if one.compiled]
        behind = [each for each in sets_ if each.id != self.wanted.id]
        return (behind or [self.wanted])[0].size

    def want(self, compiled: Compiled) -> None:
        """Has another set decide as soon as it can."""
        self.wanted = compiled
        self._made.clear()

    def is_under_way(self, one: Owned) -> bool:
        """Returns whether others than the active definitions are to decide in a partition."""
        return self.active(one).id != self.wanted.id or one.rereader is not None or one.is_waiting

    def advance(self, one: Owned, *, is_idle: bool) -> None:
        """Does a bounded part of what is left until the wanted definitions decide.

        Args:
            one: the partition.
            is_idle: whether nothing else waits to be done.

        Raises:
            RuntimeFailure: `events` can not be read.
        """
        active = self.active(one)
        if one.rereader is not None and not (one.is_waiting or self._counts(active, one.rereader)):
            self._end(one)
        if one.rereader is not None:
            self._read(one, one.rereader, is_idle=is_idle)
        elif one.is_waiting:
            self._resume(one, active)
        elif active.id != self.wanted.id and not one.table.outdated:
            self._begin(one, active)

    def _remembered(self, table: Table) -> Compiled:
        """Returns the set by which a partition was decided, where that is another than wanted."""
        adopted, active = table.adoption, table.progress.definitions
        if adopted is None or adopted.definitions != active or active == self.wanted.id:
            return self.wanted
        try:
            return self._make(("", active), adopted.documents)
        except InvalidDefinitions:
            logger.exception("what decided before can not be read any more")
            return self.wanted

    def _make(self, name: tuple[str, str], documents: Callable[[], list[Any]]) -> Compiled:
        if name not in self._made:
            found = sets.from_documents(documents(), predicates=self.wanted.predicates)
            self._made[name] = compile_set(found)
        return self._made[name]

    def _was_filling(self, table: Table) -> bool:
        """Returns whether a worker died before all that it had read back was in the profiles."""
        adopted, progress = table.adoption, table.progress
        if adopted is None or adopted.span is None or progress.is_settled:
            return False
        return adopted.definitions == progress.definitions

    def _resume(self, one: Owned, active: Compiled) -> None:
        """Reads the same again; until then the partition waits."""
        assert one.table.adoption is not None
        assert one.table.adoption.span is not None
        self._open(one, active, one.table.adoption.span.keys)

    def _counts(self, active: Compiled, rereader: Rereader) -> bool:
        """Returns whether what is read back is what is wanted, also after yet another change."""
        if rereader.note != self.wanted.id:
            keys = backfills.lacking(active, self.wanted)
            if backfills.backfill(self.wanted, keys).asked != rereader.filling.backfill.asked:
                return False
            rereader.note = self.wanted.id
        return True

    def _begin(self, one: Owned, active: Compiled) -> None:
        keys = backfills.lacking(active, self.wanted)
        if not keys or not one.table.profiles:
            self._take_over(one, self.wanted, None)
        elif (rest := self._without_ended(active)) is not None:
            self._take_over(one, rest, None)
        else:
            self._open(one, self.wanted, keys)

    def _without_ended(self, active: Compiled) -> Compiled | None:
        """Returns the active set without what is to end, which need not wait; None: all stays."""
        stays = {(each["kind"], each["id"]) for each in self.wanted.documents}
        rest = [each for each in active.documents if (each["kind"], each["id"]) in stays]
        if len(rest) == len(active.documents):
            return None
        try:
            return self._make((active.id, self.wanted.id), lambda: rest)
        except InvalidDefinitions:  # what stays as it is for now refers to what is to end
            return None

    def _open(self, one: Owned, compiled: Compiled, keys: tuple[str, ...]) -> None:
        filling = Backfilling(
            backfills.backfill(compiled, keys), self._options.policy, crash=one.table.crash
        )
        place = Place(
            topic=self._options.topic("events"),
            partition=one.partition,
            group=rereading.group(self._options.group),
        )
        try:
            one.rereader = Rereader(
                self._options.cluster,
                place,
                filling,
                note=compiled.id,
                since_ms=self._since(one.table, filling),
            )
        except KafkaException as error:
            logger.warning("events are not read back yet", extra={"why": clients.words(error)})
            return
        logger.info(
            "events are read back for other definitions",
            extra={
                "partition": one.partition,
                "set": compiled.id,
                "from": max(0, one.rereader.start),
                "counted": len(keys),
            },
        )

    def _since(self, table: Table, filling: Backfilling) -> int:
        """Returns the log time from which on records matter, ms.

        What counts then may have been refused because of what came shortly before: a duplicate, or
        an event that made it too late.
        """
        if self._options.policy.clock == "stream":
            return 0
        now_ms = min(table.progress.high_water, table.next_wake())
        margin_ms = (
            self._options.policy.lateness_ms + self._options.policy.max_lead_ms + WINDOW_S * 1000
        )
        return filling.backfill.needs(now_ms) - margin_ms

    def _read(self, one: Owned, rereader: Rereader, *, is_idle: bool) -> None:
        adopted = one.table.adoption
        span = adopted.span if one.is_waiting and adopted is not None else None
        until = one.table.progress.offset if span is None else span.until
        is_read = rereader.read(until, RECORDS, WAIT_S if is_idle else 0.0)
        left = max(0, until - rereader.position)
        self._metrics.set(Gauge.BACKFILL_LEFT, left, str(one.partition))
        if not is_read:
            return
        found = rereader.finish(until, None if span is None else span.end)
        if found is None:
            return
        if one.is_waiting:
            one.table.fill = rereader.filling.fill
            one.is_waiting = False
            self._partitions.resume(one.partition)
        else:
            self._take_over(one, self.wanted, found)
        self._end(one)

    def _take_over(self, one: Owned, compiled: Compiled, span: Span | None) -> None:
        if span is not None and one.rereader is not None:
            adopted = tables.adoption(compiled.id, compiled.documents, span)
            one.table.adopt(adopted, one.rereader.filling.fill)
        one.compiled = compiled
        logger.info(
            "other definitions decide",
            extra={"partition": one.partition, "set": compiled.id, "read_back": span is not None},
        )

    def _end(self, one: Owned) -> None:
        one.close()
        self._metrics.forget(Gauge.BACKFILL_LEFT, str(one.partition))
