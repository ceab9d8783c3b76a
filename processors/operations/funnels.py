"""Counts how far runs of journeys get: who entered, passed each step, left where and why. Pure.

Between what is read (`runs`, `positions`) and the words (`walking`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from processors.definitions.journeys import Journey
from processors.definitions.steps import HEADS
from processors.operations.positions import Positions
from schemas.records import RunRecord

DIGITS = 4
"""As many digits of a time are kept: so the number of times that are told apart has a bound."""

_PASSED = ("done", "skipped", "branched", "split")
_ENDED = (-1, 0, False)


class Passage(msgspec.Struct, kw_only=True):
    """How runs fare at one step."""

    passed: int = 0
    """How often one went on from there."""
    left: dict[str, int] = {}
    """How many ended there, by the reason."""
    times: dict[int, int] = {}
    """How often a wait that went on took how long, ms."""

    @property
    def median_ms(self) -> int | None:
        """How long a wait takes that goes on, as half of them do; None where none has."""
        middle, seen = (sum(self.times.values()) + 1) // 2, 0
        for length_ms, count in sorted(self.times.items()):
            seen += count
            if seen >= middle:
                return length_ms
        return None


class Funnel(msgspec.Struct, kw_only=True):
    """How the runs of one journey fare that began in the time that is looked at."""

    entered: int = 0
    completed: int = 0
    exited: dict[str, int] = {}
    """By the reason."""
    goals: int = 0
    """How many reached the goal, also after their end."""
    steps: dict[str, Passage] = {}

    def step(self, id_: str) -> Passage:
        """Returns the counts of a step."""
        return self.steps.setdefault(id_, Passage())


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, as it is now."""

    id: str
    does: str
    """Empty where it is of another version only."""
    now: int
    """How many stand there, whenever they began."""
    passed: int
    left: dict[str, int]
    median_ms: int | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One published journey, as it is now."""

    id: str
    name: str
    status: str
    now: int
    """Runs that go on, whenever they began."""
    entered: int
    completed: int
    exited: dict[str, int]
    goals: int | None
    """None where it has no goal."""
    steps: tuple[Step, ...]

    @property
    def conversion(self) -> float | None:
        """The share of those who entered that reached the goal."""
        return self.goals / self.entered if self.goals is not None and self.entered else None


def count(partitions: Iterable[Iterable[RunRecord]], *, since_ms: int) -> dict[str, Funnel]:
    """Returns how the runs of each journey fare, by its id.

    Keeps a few numbers for each run of the partition at hand.

    Args:
        partitions: the records of each, in their order.
        since_ms: runs that entered from then on count, with all that came of them.
    """
    found: dict[str, Funnel] = {}
    for records in partitions:
        counting = _Counting(found, since_ms)
        for each in records:
            counting.take(each)
    return found


class _Counting:
    """Takes the records of one partition: a run is in one only."""

    def __init__(self, found: dict[str, Funnel], since_ms: int) -> None:
        self._found = found
        self._since_ms = since_ms
        self._runs: dict[int, tuple[int, int, bool]] = {}
        """By run: the latest visit of a step, when that was, and whether it counts as passed."""

    def take(self, record: RunRecord) -> None:
        run = int(record.run_id, 16)
        if record.what == "entered":
            if record.at >= self._since_ms and run not in self._runs:
                self._runs[run] = _ENDED
                self._funnel(record).entered += 1
        elif run in self._runs:
            self._count(self._funnel(record), record, run)

    def _funnel(self, record: RunRecord) -> Funnel:
        return self._found.setdefault(record.journey_id, Funnel())

    def _count(self, funnel: Funnel, record: RunRecord, run: int) -> None:
        visit, since_ms, is_passed = self._runs[run]
        is_same = visit == record.visit
        match record.what:
            case "waiting":
                # A step that begins another journey was done, and now waits for its end.
                funnel.step(record.step).passed -= is_same and is_passed
                self._runs[run] = (record.visit, record.at, False)
            case "went":
                step = funnel.step(record.step)
                length_ms = rounded(record.at - since_ms) if is_same else 0
                step.times[length_ms] = step.times.get(length_ms, 0) + 1
                self._pass(funnel, record, run)
            case "goal":
                funnel.goals += 1
            case "completed":
                funnel.completed += 1
                self._runs[run] = _ENDED
            case "exited":
                self._leave(funnel, record)
                self._runs[run] = _ENDED
            case what if what in _PASSED:
                self._pass(funnel, record, run)

    def _pass(self, funnel: Funnel, record: RunRecord, run: int) -> None:
        visit, _, is_passed = self._runs[run]
        funnel.step(record.step).passed += not (visit == record.visit and is_passed)
        self._runs[run] = (record.visit, record.at, True)

    @staticmethod
    def _leave(funnel: Funnel, record: RunRecord) -> None:
        reason, left = record.choice or "", funnel.step(record.step).left
        left[reason] = left.get(reason, 0) + 1
        funnel.exited[reason] = funnel.exited.get(reason, 0) + 1


def rounded(length_ms: int) -> int:
    """Returns a time with its first digits only.

    >>> rounded(86_400_123)
    86400000
    """
    return round(length_ms, min(0, DIGITS - len(str(abs(length_ms)))))


def rows(
    journeys: Mapping[str, Journey], funnels: Mapping[str, Funnel], positions: Positions
) -> list[Row]:
    """Returns the published journeys, by id, each with its steps in their order.

    Steps that only other versions have come after those of the published one.
    """
    standing: dict[str, Counter[str]] = {}
    for at, runs in positions.items():
        standing.setdefault(at.journey, Counter())[at.step] += runs
    return [
        _row(journey, funnels.get(id_, Funnel()), standing.get(id_, Counter()))
        for id_, journey in sorted(journeys.items())
    ]


def _row(journey: Journey, funnel: Funnel, standing: Counter[str]) -> Row:
    return Row(
        id=journey.id,
        name=journey.name or "",
        status=journey.status,
        now=standing.total(),
        entered=funnel.entered,
        completed=funnel.completed,
        exited=funnel.exited,
        goals=None if journey.goal is None else funnel.goals,
        steps=tuple(_steps(journey, funnel, standing)),
    )


def _steps(journey: Journey, funnel: Funnel, standing: Counter[str]) -> Iterator[Step]:
    does = {
        each["id"]: next((head for head in HEADS if head in each), "go")
        for each in journey.origin.document["steps"]
    }
    for id_ in dict.fromkeys([*does, *sorted(funnel.steps.keys() | standing.keys())]):
        passage = funnel.steps.get(id_, Passage())
        yield Step(
            id=id_,
            does=does.get(id_, ""),
            now=standing[id_],
            passed=passage.passed,
            left=passage.left,
            median_ms=passage.median_ms,
        )


def unpublished(journeys: Mapping[str, Journey], funnels: Mapping[str, Funnel]) -> dict[str, int]:
    """Returns how many entered journeys that are not published any more, by id."""
    return {id_: funnels[id_].entered for id_ in sorted(funnels.keys() - journeys.keys())}
