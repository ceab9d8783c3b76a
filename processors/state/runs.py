"""Runs of journeys: where somebody stands in each, and what the run knows."""

from typing import Any

import msgspec

GOING = 0
"""The step is to be taken."""
WAITING = 1
"""The run waits at the step."""
ENDED = 2
"""Only the goal counts still."""

MAX_RUNS = 20
"""How many runs of one person, over all journeys, go on at once."""
MAX_ENTRIES = 100
"""How many values of a journey's key are remembered."""


class Run(msgspec.Struct, array_like=True, gc=False):
    """One run. All instants are ms since the epoch."""

    id: int
    """64 bits, of the journey, the person and what began it."""
    version: str
    """Of the journey's steps."""
    step: str
    entered: int
    since: int
    """When it came to the step."""
    due: int
    """When the wait is over at the latest; of an ended run, until when its goal counts."""
    state: int = GOING
    key: str = ""
    """What tells it from other runs of the journey."""
    visit: int = 0
    """How many steps it has come to."""
    passes: int = 0
    """How often it has gone back."""
    is_held: bool = False
    """Whether the journey is paused."""
    skips: bool = False
    """Whether what it sends is left out, up to the next wait."""
    parent: int = 0
    """The run that waits for its end; 0: none does."""
    data: dict[str, Any] | None = None


class Journeys(msgspec.Struct, array_like=True, gc=False):
    """What is remembered of one person's journeys."""

    runs: dict[str, list[Run]] = {}
    """By journey, in the order in which they began."""
    entries: dict[str, dict[str, int]] = {}
    """When somebody entered a journey last, by key, the latest last."""

    @property
    def going(self) -> int:
        """How many runs have not ended."""
        return sum(each.state != ENDED for runs in self.runs.values() for each in runs)

    def drop(self, journey: str, run: Run) -> None:
        """Forgets a run."""
        runs = self.runs[journey]
        runs.remove(run)
        if not runs:
            del self.runs[journey]

    def enter(self, journey: str, key: str, at_ms: int) -> None:
        """Remembers an entry, and forgets the oldest where there are too many."""
        entries = self.entries.setdefault(journey, {})
        entries.pop(key, None)
        entries[key] = at_ms
        if len(entries) > MAX_ENTRIES:
            del entries[next(iter(entries))]
