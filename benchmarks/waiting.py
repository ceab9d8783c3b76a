"""Has people wait in a journey, on the tables of one worker, and tells what that takes.

Run as a process of its own, so that its memory is theirs: `python -m benchmarks.waiting PEOPLE`.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator

from benchmarks import measures
from benchmarks.clusters import DEFINITIONS, PARTITIONS
from benchmarks.floor import tell
from benchmarks.restoring import sizes
from processors.decisions import compiling
from processors.decisions.compiled import Compiled
from processors.definitions import files
from processors.runtime.batches import Batch, Incoming, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import Table
from processors.runtime.wakes import Wakes, wake_of
from processors.state.profiles import NEVER
from schemas.events import iso
from schemas.topics import DAY_MS

FOLDER = "timers"
BEGIN_MS = 1_767_225_600_000
SPAN_MS = 2 * DAY_MS
"""Over which people come: their timers are due over as long."""
BATCH = 5_000
SLICE = 500
POLICY = Policy(clock="stream")


class Waiting:
    """The tables, and who comes to them."""

    def __init__(self, people: int) -> None:
        self.people = people
        self.compiled: Compiled = compiling.compile_set(files.load(DEFINITIONS / FOLDER))
        self.tables = [Table() for _ in range(PARTITIONS)]
        self.offset = 0

    def come(self, name: str) -> float:
        """Has everybody do an event, in the order of their names; returns the CPU time of that."""
        used_s = 0.0
        for first in range(0, self.people, BATCH * PARTITIONS):
            for place, table in enumerate(self.tables):
                numbers = range(first + place, min(first + BATCH * PARTITIONS, self.people))
                records = [*self._records(name, numbers[::PARTITIONS])]
                used_s += self._decide(table, place, records)
        self.offset += 1
        return used_s

    def _records(self, name: str, numbers: range) -> Iterator[Incoming]:
        """Gives one event of each; what the log holds of them is theirs alone."""
        for number in numbers:
            person = f"person-{number:07d}"
            at_ms = BEGIN_MS + number * SPAN_MS // self.people
            value = (
                f'{{"messageId":"ajs-{number:018x}-{name}","type":"track","event":"{name}",'
                f'"userId":"{person}","timestamp":"{iso(at_ms)}"}}'
            )
            yield person.encode(), value.encode(), self.offset * self.people + number, 0

    def _decide(self, table: Table, place: int, records: list[Incoming]) -> float:
        started_s = time.process_time()
        batch = self._batch(table, place, Outputs())
        batch.run(records)
        batch.finish()
        batch.apply()
        return time.process_time() - started_s

    def fire(self) -> tuple[int, float]:
        """Fires everything, slice by slice; returns the commands and the CPU time."""
        commands, started_s = 0, time.process_time()
        for place, table in enumerate(self.tables):
            while table.next_wake() < NEVER:
                outputs = Outputs()
                batch = self._batch(table, place, outputs)
                batch.fire(NEVER - 1, SLICE)
                batch.finish()
                batch.apply()
                commands += len(outputs.decision.commands)
        return commands, time.process_time() - started_s

    def _batch(self, table: Table, place: int, outputs: Outputs) -> Batch:
        source = ("events", place)
        return Batch(table, self.compiled, policy=POLICY, outputs=outputs, source=source)

    def index(self) -> tuple[list[Wakes], float]:
        """Sets all timers anew, in indexes beside the tables'; returns them and the CPU time."""
        due = [
            [(profile_id, wake_of(value)) for profile_id, value in table.profiles.items()]
            for table in self.tables
        ]
        held = rss_bytes()
        started_s = time.process_time()
        indexes = [Wakes(table.profiles) for table in self.tables]
        for index, timers in zip(indexes, due, strict=True):
            for profile_id, wake in timers:
                index.add(profile_id, wake)
        used_s = time.process_time() - started_s
        tell(message="index", rss=rss_bytes() - held, used_s=used_s)
        return indexes, used_s


def take(indexes: list[Wakes]) -> int:
    """Takes all timers, slice by slice, and tells what that took; returns how many."""
    taken, started_s = 0, time.process_time()
    for index in indexes:
        while len(index):
            taken += len(index.take(NEVER - 1, SLICE))
    tell(message="taken", used_s=time.process_time() - started_s, timers=taken)
    return taken


def rss_bytes() -> int:
    """Returns how much memory this process holds, without what could be thrown away."""
    gc.collect()
    return measures.rss_bytes(os.getpid())


def main(people: int) -> None:
    """Lets people come, wait, and go on."""
    waiting = Waiting(people)
    empty = rss_bytes()
    waiting.come("Signed In")
    known = rss_bytes()
    used_s = waiting.come("Signed Up")
    held = rss_bytes()
    tell(message="waiting", people=known - empty, timers=held - known, used_s=used_s)
    tell(message="table", **sizes(waiting.tables))
    indexes, _ = waiting.index()
    take(indexes)
    del indexes
    commands, used_s = waiting.fire()
    tell(message="fired", commands=commands, used_s=used_s)


if __name__ == "__main__":
    main(int(sys.argv[1]))
