"""The runtime without a broker: one partition in memory, in virtual time.

The same batches as the worker's, so what is tested or replayed here is what runs there.
"""

from collections.abc import Callable, Iterable

import msgspec

from processors.decisions import backfills
from processors.decisions.compiled import Compiled
from processors.runtime import tables
from processors.runtime.backfills import Backfilling, Recorded
from processors.runtime.batches import Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Span, Table
from schemas import codec
from schemas.letters import DeadLetter

BATCH = 5_000
SLICE = 1_000

Write = Callable[[str, str, msgspec.Struct | None], None]
"""Takes a topic's name without prefix, a key and a value; None deletes the key's record."""


class Driver:
    """Runs records through one partition, batch by batch, and hands out what they lead to.

    Where it keeps the log, other definitions begin with what they find there.
    """

    def __init__(
        self,
        compiled: Compiled,
        write: Write,
        *,
        policy: Policy | None = None,
        keeps_log: bool = False,
    ) -> None:
        self.table = Table()
        self.compiled = compiled
        self.policy = policy or Policy(clock="stream")
        self.log: list[Recorded] | None = [] if keeps_log else None
        self.dead_letters: list[DeadLetter] = []
        self.events = 0
        self._write = write
        self._offset = 0

    def feed(self, records: Iterable[tuple[bytes | None, bytes | None]], log_ms: int = 0) -> None:
        """Decides on keys and values as one batch, with all timers that they make due."""
        batch, outputs = self._begin()
        for key, value in records:
            self._record(key, value, log_ms, is_told=False)
            batch.add(key, value, offset=self._offset, log_ms=log_ms)
            self._offset += 1
        self._end(batch, outputs)
        if self.policy.clock == "stream":
            self.fire(self.table.progress.high_water)

    def advance(self, until_ms: int) -> None:
        """Moves the partition's time to an instant and fires what is due by then."""
        progress = self.table.progress
        progress.high_water = max(progress.high_water, until_ms)
        self.fire(until_ms)

    def fire(self, until_ms: int) -> None:
        """Fires all timers due by an instant."""
        while self.table.next_wake() <= until_ms:
            batch, outputs = self._begin()
            batch.fire(until_ms, SLICE)
            self._end(batch, outputs)

    def activate(self, compiled: Compiled) -> None:
        """Makes other definitions the active ones, and evaluates every profile under them."""
        keys = backfills.lacking(self.compiled, compiled)
        if self.log is not None and keys and self.table.profiles:
            self._read_back(compiled, keys)
        self.compiled = compiled
        batch, outputs = self._begin()
        while True:
            left = batch.settle(SLICE)
            self._end(batch, outputs)
            if not left:
                break
            batch, outputs = self._begin()
        if self.policy.clock == "stream":
            self.fire(self.table.progress.high_water)

    def _read_back(self, compiled: Compiled, keys: tuple[str, ...]) -> None:
        backfill = backfills.backfill(compiled, keys)
        filling = Backfilling(backfill, self.policy, crash=self.table.crash)
        filling.take(self.log or ())
        span = Span(keys, self._offset, self._offset)
        adopted = tables.adoption(compiled.id, compiled.documents, span)
        self.table.adopt(adopted, filling.fill)

    def _record(
        self, key: bytes | None, value: bytes | None, log_ms: int, *, is_told: bool
    ) -> None:
        if self.log is not None:
            self.log.append((is_told, (key, value, self._offset, log_ms)))

    def _begin(self) -> tuple[Batch, Outputs]:
        outputs = Outputs()
        batch = Batch(
            self.table,
            self.compiled,
            policy=self.policy,
            outputs=outputs,
            source=("events", 0),
        )
        return batch, outputs

    def _end(self, batch: Batch, outputs: Outputs) -> None:
        batch.finish()
        batch.apply()
        for topic, key, value in outputs.records():
            if topic == "events" and value is not None:
                log_ms = self.table.progress.high_water
                self._record(key.encode(), _encode(value), log_ms, is_told=True)
                self._offset += 1
            self._write(topic, key, value)
        self.dead_letters += outputs.dead_letters
        self.events += outputs.events


_encode = codec.encoder("events")
