"""A worker in memory that can abort a batch, and die: what the real one does to its table."""

import copy
from collections.abc import Sequence

from processors.decisions.compiled import Compiled
from processors.runtime.batches import Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Table
from processors.runtime.wakes import wake_of
from processors.state.profiles import NEVER
from tests.builders import Document, Json, Recorder, compiled
from tests.simulation.results import records

ALL = 1_000_000


class Worker:
    """Decides on a log batch by batch, and keeps the changelog as the broker would."""

    def __init__(self, documents: Sequence[Document], log: Sequence[Json]) -> None:
        self.compiled: Compiled = compiled(*documents)
        self.log = list(records(log))
        self.table = Table()
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.out = Recorder()

    @property
    def position(self) -> int:
        return self.table.progress.offset

    def take(self, size: int, *, is_aborted: bool = False) -> None:
        """Decides on the next records, as one transaction."""
        batch, outputs = self._begin()
        for offset in range(self.position, min(self.position + size, len(self.log))):
            batch.add(*self.log[offset], offset=offset, log_ms=0)
        self._end(batch, outputs, is_aborted=is_aborted)

    def fire(self, until_ms: int, limit: int, *, is_aborted: bool = False) -> int:
        batch, outputs = self._begin()
        fired = batch.fire(until_ms, limit)
        self._end(batch, outputs, is_aborted=is_aborted)
        return fired

    def fire_all(self, until_ms: int) -> None:
        while self.table.next_wake() <= until_ms:
            self.fire(until_ms, ALL)

    def settle(self, limit: int, *, is_aborted: bool = False) -> None:
        batch, outputs = self._begin()
        batch.settle(limit)
        self._end(batch, outputs, is_aborted=is_aborted)

    def settle_all(self) -> None:
        while not self.table.progress.is_settled or not self.is_current:
            self.settle(ALL)

    @property
    def is_current(self) -> bool:
        return self.table.progress.definitions == self.compiled.id

    def end(self, until_ms: int) -> None:
        """Decides on all that is left, and lets time pass to an instant."""
        self.take(ALL)
        self.table.progress.high_water = max(self.table.progress.high_water, until_ms)
        self.fire_all(until_ms)

    def dies(self) -> None:
        """Forgets all that is not in the changelog, and reads it again."""
        self.table = self.restored()

    def restored(self) -> Table:
        table = Table()
        for key, value in self.changelog:
            table.restore(key, value)
        table.restored()
        return table

    def _begin(self) -> tuple[Batch, Outputs]:
        outputs = Outputs()
        policy = Policy(clock="stream")
        batch = Batch(
            self.table, self.compiled, policy=policy, outputs=outputs, source=("events", 0)
        )
        return batch, outputs

    def _end(self, batch: Batch, outputs: Outputs, *, is_aborted: bool) -> None:
        changelog = batch.finish()
        if is_aborted:
            batch.drop()
            return
        self.changelog += changelog
        for record in outputs.records():
            self.out(*record)
        batch.apply()


def timers(table: Table) -> set[tuple[int, str]]:
    """Returns the instants at which the index wakes a profile."""
    index = copy.deepcopy(table)
    return {
        (wake_of(table.profiles[profile_id]), profile_id)
        for profile_id in index.take_due(NEVER - 1, ALL)
    }
