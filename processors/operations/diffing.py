"""Runs the same history through two definition sets at once, in virtual time, and compares.

Holds the profiles of both, who is in which segment, the latest scores, and those commands that
only one of them gave. Nothing is sent and nothing is written to Kafka.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import msgspec

from processors.definitions.sets import DefinitionSet
from processors.operations.differences import Comparison, Row, Summary
from processors.runtime import replays
from processors.runtime.batches import Policy
from processors.runtime.memory import BATCH, Driver

STREAMS = ("segments", "scores", "commands")

Pair = tuple[bytes | None, bytes | None]
History = Iterable[tuple[int, Iterable[Pair]]]
"""Stretches of partitions: the partition, and keys and values in its order."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to compare."""

    until_ms: int | None = None
    """To which instant timers run; None: each partition's largest event time."""
    samples: int = 5
    """How many differences of each kind and definition the summary keeps."""
    out: Path | None = None
    """Folder for all differences as JSON lines; made if need be."""
    policy: Policy = Policy(clock="stream")


def of_lines(lines: Iterable[bytes]) -> History:
    """Gives the lines of files as the history of one partition, each under its person's id."""
    filled = (text for line in lines if (text := line.strip()))
    while batch := list(islice(filled, BATCH)):
        yield 0, replays.keyed(batch)


def compare(
    old: DefinitionSet,
    new: DefinitionSet,
    history: History,
    *,
    options: Options,
    progress: Callable[[int], None] = lambda events: None,
) -> Summary:
    """Returns how what the new set makes of a history differs from what the old one does.

    Args:
        old: the one set.
        new: the other.
        history: `of_lines`, or `reading.read`.
        options: see there.
        progress: is told the number of records after each stretch.
    """
    with ExitStack() as stack:
        tell = _nobody if options.out is None else _files(options.out, stack)
        run = _Run(Comparison(old, new, tell, samples=options.samples), options.policy)
        for partition, stretch in history:
            run.feed(partition, list(stretch))
            progress(run.records)
        return run.finish(options.until_ms)


class _Run:
    """Two engines for each partition, both fed the same."""

    def __init__(self, comparison: Comparison, policy: Policy) -> None:
        self.records = 0
        self._comparison = comparison
        self._policy = policy
        self._drivers: dict[int, tuple[Driver, Driver]] = {}
        self._peers: tuple[list[Driver], list[Driver]] = ([], [])
        """The same by side: people of one account may lie in several partitions."""
        self._bad = 0

    def feed(self, partition: int, pairs: list[Pair]) -> None:
        drivers = self._drivers.get(partition)
        if drivers is None:
            sides = (self._comparison.old, self._comparison.new)
            old, new = (
                Driver(each.compiled, each.write, policy=self._policy, peers=peers)
                for each, peers in zip(sides, self._peers, strict=True)
            )
            drivers = self._drivers[partition] = (old, new)
        for driver in drivers:
            driver.feed(pairs)
        self._bad += len(drivers[0].dead_letters)
        for driver in drivers:
            driver.dead_letters.clear()
        self._comparison.step()
        self.records += len(pairs)

    def finish(self, until_ms: int | None) -> Summary:
        if until_ms is not None:
            for drivers in self._drivers.values():
                for driver in drivers:
                    driver.advance(until_ms)
                self._comparison.step()
        summary = self._comparison.finish()
        summary.events = sum(old.events for old, _ in self._drivers.values())
        summary.profiles = sum(len(old.table.profiles) for old, _ in self._drivers.values())
        summary.dead_letters = self._bad
        return summary


def _nobody(what: str, row: Row) -> None:
    """Takes a difference that nobody wants listed."""


def _files(out: Path, stack: ExitStack) -> Callable[[str, Row], None]:
    """Returns what writes differences into a folder's files, in the place of earlier ones."""
    out.mkdir(parents=True, exist_ok=True)
    files = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in STREAMS}

    def tell(what: str, row: Row) -> None:
        files[what].write(msgspec.json.encode(row) + b"\n")

    return tell
