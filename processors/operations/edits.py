"""What becomes of the runs of journeys that publishing changes: pure.

Says beforehand what workers do with each run (`decisions.journeys`); tests hold the two together.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from processors.definitions import documents
from processors.definitions.errors import Path, Problem
from processors.definitions.journeys import Journey, LiveEdit
from processors.definitions.sets import DefinitionSet
from processors.operations.positions import Position, Positions

STEP_GONE = "step-gone"

What = Literal["goes on", "stays on its version", "stands still", "moves", "ends"]


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the runs at one step."""

    step: str
    version: str
    """Of the journey's steps, as they have them."""
    runs: int
    what: What
    where: str = ""
    """The step that they move to, or the reason for their end."""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a journey that its runs may feel."""

    journey: str
    version: str
    """Of the steps as they are to be."""
    ends: str | None
    """Why all runs end; None: they do not."""
    live_edit: LiveEdit
    before: tuple[str, ...]
    """Steps as they are."""
    steps: tuple[str, ...]
    """Steps as they are to be."""
    moves: dict[str, str]
    pinned: frozenset[str] = frozenset()
    """Versions by which runs go on."""
    unfit: frozenset[str] = frozenset()
    """Versions by which they would, if what these name were there."""

    def fates(self, positions: Positions) -> Iterator[Fate]:
        """Yields what becomes of its runs, in the order of the steps."""
        mine = [(at, runs) for at, runs in positions.items() if at.journey == self.journey]
        order = {step: place for place, step in enumerate(dict.fromkeys(self.before + self.steps))}
        for at, runs in sorted(mine, key=lambda each: (order.get(each[0].step, len(order)), each)):
            what, where = self._fate(at)
            yield Fate(step=at.step, version=at.version, runs=runs, what=what, where=where)

    def _fate(self, at: Position) -> tuple[What, str]:
        if self.ends is not None:
            return "ends", self.ends
        if at.version == self.version:
            return "goes on", ""
        if at.version in self.unfit:
            return "stands still", ""
        if at.version in self.pinned:
            return "stays on its version", ""
        if at.step in self.steps:
            return "goes on", ""
        target = self.moves.get(at.step)
        return ("ends", STEP_GONE) if target is None else ("moves", target)


def edit(old: Journey, new: Journey | None, after: DefinitionSet) -> Edit | None:
    """Returns what a change of a journey may mean to its runs; None where it means nothing.

    Args:
        old: as it is published.
        new: as it is to be; None where it ends.
        after: all definitions as they are to be, with the versions by which runs may go on.
    """
    ends = "deleted" if new is None else None
    if new is not None and new.status == "archived" and old.status != "archived":
        ends = "archived"
    chosen = new or old
    if ends is None and _by(old) == _by(chosen):
        return None
    return Edit(
        journey=old.id,
        version=chosen.steps_version,
        ends=ends,
        live_edit=chosen.live_edit,
        before=_steps(old),
        steps=_steps(chosen),
        moves=dict(chosen.moves),
        pinned=frozenset(each.steps_version for each in after.older.get(old.id, ())),
        unfit=after.unfit,
    )


def _by(journey: Journey) -> tuple[str, LiveEdit, dict[str, str]]:
    """Returns all that says what becomes of runs."""
    return journey.steps_version, journey.live_edit, journey.moves


def gap(old: Journey, new: Journey) -> Problem | None:
    """Returns what is wrong where runs are to migrate, and it is not said whereto for each step."""
    if new.live_edit != "migrate":
        return None
    gone = [step for step in _steps(old) if step not in (*_steps(new), *new.moves)]
    if not gone:
        return None
    path: Path = ("moves",) if new.moves else ("live_edit",)
    said = f"migrate needs a step in moves for each that is gone: {', '.join(gone)}"
    return documents.problem(new, path, said)


def _steps(journey: Journey) -> tuple[str, ...]:
    return tuple(step.id for step in journey.steps)
