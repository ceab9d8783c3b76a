"""The whole pipeline in memory, from a number: `python -m tests.simulation.seeds COUNT [FIRST]`.

A life (see `made`) is lived twice: by a worker that nothing befalls, and by one whose transactions
fail at any point, that dies, and that is restored elsewhere. Both must come to the same.
"""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from processors.decisions.compiled import Compiled
from processors.runtime.batches import Batch
from processors.runtime.outputs import Outputs
from schemas.records import RunRecord
from tests.builders import DAY, T0, Document, Json, compiled, encoded
from tests.simulation import invariants
from tests.simulation.invariants import Graph
from tests.simulation.made import Item, Life, Turn, life
from tests.simulation.workers import Worker

END = T0 + 200 * DAY
TOLD_S = 10.0
FAILED = 1


class Living(Worker):
    """A worker that lives a life."""

    def __init__(self, editions: Sequence[Compiled], log: Sequence[Item]) -> None:
        super().__init__((), ())
        self.compiled, self.editions = editions[0], editions
        self.edits: list[tuple[int, int]] = []
        """The offset at which each edition is taken up."""
        for each in log:
            if isinstance(each, int):
                self.edits.append((len(self.log), each))
            else:
                self.log.append(_record(each))
        self.spans: list[tuple[int, int]] = []
        """Of each committed batch, the first offset and the one after the last."""
        self.letters: list[tuple[int, str]] = []
        self.seen: Counter[str] = Counter()
        """What has befallen it, and what it did."""

    def live(self, turns: Sequence[Turn]) -> None:
        """Takes the turns, and then whatever is left."""
        for each in turns:
            self.turn(each)
        while True:
            self.fire_all(self.table.progress.high_water)
            self._edit()
            self.settle_all()
            if self.position == len(self.log) and not self.edits:
                break
            self.take(self._left)
        self.end(END)

    def turn(self, turn: Turn) -> None:
        """One transaction, and what becomes of it."""
        self._edit()
        batch, outputs = self._begin()
        if turn.what == "take":
            for offset in range(self.position, self.position + min(turn.size, self._left)):
                batch.add(*self.log[offset], offset=offset, log_ms=0)
        elif turn.what == "fire":
            self.seen["timers"] += batch.fire(batch.high_water, turn.size)
        else:
            batch.settle(turn.size)
        if turn.fault == "unfinished":
            batch.drop()
        else:
            self._end(batch, outputs, is_aborted=turn.fault == "uncommitted")
        self.seen[turn.fault or "committed"] += 1
        if turn.fault == "unapplied" or (turn.fault and turn.is_death):
            self.dies()

    def dies(self) -> None:
        """What is restored elsewhere is what compaction has left."""
        self.changelog = list(dict(self.changelog).items())
        super().dies()
        self.seen["deaths"] += 1

    @property
    def _left(self) -> int:
        """How many records come before the next edition."""
        end = self.edits[0][0] if self.edits else len(self.log)
        return end - self.position

    def _edit(self) -> None:
        """Takes up the next edition where it is time, and nothing is due or left to be done."""
        progress = self.table.progress
        is_quiet = progress.is_settled and self.table.next_wake() > progress.high_water
        is_current = self.is_current or not self.table.profiles
        if self.edits and not self._left and is_quiet and is_current:
            self.compiled = self.editions[self.edits.pop(0)[1]]
            self.seen["edits"] += 1

    def _end(self, batch: Batch, outputs: Outputs, *, is_aborted: bool) -> None:
        begin = self.position
        super()._end(batch, outputs, is_aborted=is_aborted)
        if not is_aborted:
            self.spans.append((begin, batch.offset))
            self.letters += [(each.record.offset, each.reason) for each in outputs.dead_letters]


def _record(item: Json | bytes) -> tuple[bytes, bytes]:
    if isinstance(item, bytes):
        return b"p", item
    return str(item.get("userId", "")).encode(), encoded(item)


def check(one: Life) -> Counter[str]:
    """Lives a life twice, and looks whether all holds that must; returns what happened in it.

    Raises:
        AssertionError: something did not hold.
    """
    editions = [compiled(*documents) for documents in one.editions]
    calm, rough = Living(editions, one.log), Living(editions, one.log)
    calm.live(())
    rough.live(one.turns)
    graphs, planned_anew = _graphs(one.editions, editions), _planned_anew(one.editions)
    for worker in (calm, rough):
        records = [value for _, value in worker.out.of("journey-runs")]
        invariants.applied_once(worker.spans, len(worker.log))
        invariants.commands_once(worker.out)
        invariants.steps_once(records)
        invariants.paths(records, graphs)
        invariants.timers_exact(records, planned_anew)
    found, wanted = invariants.told(rough.out), invariants.told(calm.out)
    assert found == wanted, f"told otherwise: {_differing(found, wanted)}"
    assert rough.letters == calm.letters
    with_ids = not calm.out.of("events")
    states = [invariants.state(each.table, with_ids=with_ids) for each in (rough, calm)]
    assert states[0] == states[1], f"other states: {_differing(*states)}"
    rough.seen["events"] = len(rough.log)
    rough.seen["commands"] = sum(topic.startswith("commands.") for topic, *_ in rough.out.records)
    rough.seen["runs"] = sum(each.what == "entered" for each in _runs(rough))
    return rough.seen


def _runs(worker: Worker) -> list[RunRecord]:
    return [value for _, value in worker.out.of("journey-runs")]


def _differing(found: dict[Any, Any], wanted: dict[Any, Any]) -> dict[Any, Any]:
    keys = found.keys() | wanted.keys()
    pairs = {key: (found.get(key), wanted.get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _graphs(
    written: Sequence[list[Document]], editions: Sequence[Compiled]
) -> dict[tuple[str, str], Graph]:
    found = {}
    for documents, edition in zip(written, editions, strict=True):
        for document in documents:
            if document.get("kind") == "journey":
                key = (document["id"], edition.runners[document["id"]].newest.version)
                found[key] = invariants.graph(document)
    return found


def _planned_anew(editions: Sequence[list[Document]]) -> set[str]:
    """Returns the journeys of which an edition, a pause or a date may move a wait."""
    first = {each["id"]: each for each in editions[0] if each["kind"] == "journey"}
    same = set(first)
    for documents in editions:
        held = {each.get("id"): each for each in documents}
        same = {each for each in same if held.get(each, {}).get("steps") == first[each]["steps"]}
        same = {each for each in same if held[each].get("status", "active") != "paused"}
    dated = {id for id, each in first.items() if "'date'" in str(each)}
    return {"j0", "j1", "j2"} - (same - dated)


def failure(one: Life) -> Exception | None:
    """Returns why a life does not hold; None: it does."""
    try:
        check(one)
    except Exception as error:
        return error
    return None


def shrunk(one: Life) -> Life:
    """Returns a shorter life that fails in the same way: records and turns are left out."""
    kind = _kind(one)
    while True:
        before = one
        for part in ("log", "turns"):
            one = _shorter(one, part, kind)
        if one == before:
            return one


def _kind(one: Life) -> str:
    """Returns how a life fails, but for the details; empty where it holds."""
    error = failure(one)
    return "" if error is None else f"{type(error).__name__} {error}".partition(":")[0]


def _shorter(one: Life, part: str, kind: str) -> Life:
    """Leaves out halves first, then less and less."""
    size = len(getattr(one, part))
    while size:
        less = next((less for less in _without(one, part, size) if _kind(less) == kind), None)
        if less is None:
            size //= 2
        else:
            one = less
    return one


def _without(one: Life, part: str, size: int) -> Iterator[Life]:
    items = getattr(one, part)
    for begin in range(0, len(items), size):
        yield one._replace(**{part: items[:begin] + items[begin + size :]})


def story(one: Life) -> Iterator[str]:
    """Yields the lines that say what happens in a life."""
    for number, documents in enumerate(one.editions):
        if number == 0 or number in one.log:
            yield f"edition {number}:"
            yield from (f"  {each}" for each in documents if each.get("kind") == "journey")
    yield from ("log:", *(f"  {each!r}" for each in one.log))
    yield from ("turns:", *(f"  {each}" for each in one.turns))


def tell(seed: int, one: Life, error: Exception) -> None:
    """Prints what failed: the number, and the least that fails as well."""
    less = shrunk(one)
    typer.echo("\n".join((f"seed {seed} fails: {error}", "", "for short:", *story(less), "")))
    typer.echo("".join(traceback.format_exception(failure(less) or error)))


def main(count: int, first: int = 0) -> None:
    """Lives so many lives; ends at the first that does not hold."""
    seen: Counter[str] = Counter()
    began_s = told_s = time.monotonic()
    for seed in range(first, first + count):
        one = life(seed)
        try:
            seen += check(one)
        except Exception as error:
            tell(seed, one, error)
            raise SystemExit(FAILED) from error
        if time.monotonic() - told_s > TOLD_S:
            told_s = time.monotonic()
            typer.echo(f"{seed + 1 - first} of {count} seeds hold")
    typer.echo(f"{count} seeds from {first} on hold, in {time.monotonic() - began_s:.0f} s:")
    typer.echo(", ".join(f"{times:,} {what}" for what, times in sorted(seen.items())))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
