"""One person's runs of journeys: who enters, what moves them on, what ends them."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tests.oracle.conditions import Occurrence, percent, reach, same
from tests.oracle.documents import iso
from tests.oracle.journeys import Journey, Step, as_event, due_date, plain_due

MAX_RUNS = 20
MAX_BACK = 100
MAX_KEYS = 100
COMPLETED = "completed"

Row = dict[str, Any]


@dataclass
class Run:
    """One way through a journey."""

    id: str
    journey: Journey
    entered_ms: int
    known: Row
    key: Any = None
    place: int = 0
    since_ms: int = 0
    """When it came to the wait at which it stands."""
    until_ms: int | None = None
    awaits: "Run | None" = None
    """The run whose end it waits for."""
    backs: int = 0
    visit: int = 0
    """How many steps it has come to."""
    has_ended: bool = False
    has_reached: bool = False
    """Whether its goal was counted."""

    @property
    def step(self) -> Step:
        return self.journey.steps[self.place]


def run_id(journey: str, person: str, occurrence: str) -> str:
    text = json.dumps([journey, person, occurrence], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Runs:
    """All runs of one person."""

    def __init__(self, person: Any, journeys: list[Journey]) -> None:
        self.person = person
        self.journeys = {one.id: one for one in journeys}
        self.all: list[Run] = []
        """In the order in which they began, those that have ended too."""
        self.entries: dict[str, list[tuple[int, Any]]] = {one: [] for one in self.journeys}
        """When somebody entered each journey, and with which value of `per`."""
        self.has_moved = False

    def under_way(self) -> list[Run]:
        return [run for run in self.all if not run.has_ended]

    def dues(self) -> set[int]:
        """Returns the instants at which the time of a wait is up."""
        return {run.until_ms for run in self.under_way() if run.until_ms is not None}

    # What can happen: an entry, something that runs wait for, the stop of a journey.

    def enter(self, journey: Journey, cause: Any, known: Row, of: Occurrence | None) -> Run | None:
        """Decides on who would enter, and begins a run.

        Args:
            journey: which one.
            cause: what is being handled.
            known: what the run is to know.
            of: the event that brought it, None where it was no event.
        """
        key = self._key(journey, cause, known)
        reason = self._refusal(journey, cause, of, key)
        self.person.decide(journey, cause, "no" if reason else "yes", reason or "entered")
        if reason:
            return None
        self.entries[journey.id].append((cause.now, key))
        run = Run(
            run_id(journey.id, self.person.id, cause.occurrence(0)), journey, cause.now, dict(known)
        )
        run.key = key
        self.all.append(run)
        self._tell(run, cause, "entered")
        self._walk(run, cause, 0)
        return run

    def look(self, cause: Any, event: Occurrence | None) -> bool:
        """Moves every run that there is by now; returns whether any was moved."""
        self.has_moved = False
        for run in self.all[:]:
            if not run.has_ended:
                self._look(run, cause, event)
            elif run.journey.counts_after:
                self._reach(run, cause, event)
        return self.has_moved

    def stop(self, journey_id: str, cause: Any) -> None:
        for run in self.under_way():
            if run.journey.id == journey_id:
                self._end(run, cause, "stopped")

    # Who may enter.

    def _key(self, journey: Journey, cause: Any, known: Row) -> Any:
        if journey.per is None:
            return None
        return cause.name if journey.per == "messageId" else reach(known, journey.per)

    def _refusal(self, journey: Journey, cause: Any, of: Occurrence | None, key: Any) -> str | None:
        now, person = cause.now, self.person
        asked = [one for one in (journey.when, journey.targeting) if one is not None]
        recent = [
            at
            for at, _ in self.entries[journey.id]
            if journey.within is None or now < at + journey.within
        ]
        mine = [at for at, one in self._remembered(journey) if alike(one, key)]
        going = [run for run in self.under_way() if run.journey is journey and alike(run.key, key)]
        pause = journey.pause_ms()
        if journey.status != "active":
            return journey.status
        if not all(one.holds(person, now, of) for one in asked):
            return "condition"
        if journey.times is not None and len(recent) >= journey.times:
            return "limit"
        if journey.per is not None and not isinstance(key, str | int | float):
            return "no-key"
        if going:
            return "running"
        if mine and (pause is None or now < mine[-1] + pause):
            return "re-entry"
        return "too-many-runs" if len(self.under_way()) >= MAX_RUNS else None

    def _remembered(self, journey: Journey) -> list[tuple[int, Any]]:
        """Returns the latest entry of each of the latest keys."""
        latest: list[tuple[int, Any]] = []
        for at, key in self.entries[journey.id]:
            latest = [one for one in latest if not alike(one[1], key)] + [(at, key)]
        return latest[-MAX_KEYS:]

    # What becomes of a run.

    def _look(self, run: Run, cause: Any, event: Occurrence | None) -> None:
        """First whether it ends, then whether it has what it waits for, then the time."""
        person, now = self.person, cause.now
        if self._reach(run, cause, event):
            self._end(run, cause, "goal")
            return
        timely = event if event is not None and event.at_ms >= run.entered_ms else None
        if any(one.hears(timely, run) or one.holds(person, now, run) for one in run.journey.exits):
            self._end(run, cause, "exit")
            return
        step = run.step
        if step.waits_for_date:
            self._walk(run, cause, self._plan(run, cause))
        elif step.until is not None and step.until.hears(self._since(run, event), run):
            assert event is not None
            run.known[step.id] = event.properties
            self._walk(run, cause, self._go_on(run, cause, "heard"))
        elif step.until is not None and step.until.holds(person, now, run):
            self._walk(run, cause, self._go_on(run, cause, "holds"))
        elif run.awaits is not None and run.awaits.has_ended:
            self._walk(run, cause, self._go_on(run, cause, "ended"))
        elif run.until_ms is not None and run.until_ms <= now:
            self._walk(run, cause, self._time_up(run, cause))

    def _since(self, run: Run, event: Occurrence | None) -> Occurrence | None:
        return event if event is not None and event.at_ms >= run.since_ms else None

    def _reach(self, run: Run, cause: Any, event: Occurrence | None) -> bool:
        """Counts a goal that was reached in time; returns whether it was."""
        goal = run.journey.goal
        if goal is None or run.has_reached or event is None:
            return False
        in_time = run.entered_ms <= event.at_ms < run.entered_ms + run.journey.goal_ms
        run.has_reached = in_time and goal.hears(event, run)
        if run.has_reached:
            self._tell(run, cause, "goal")
        return run.has_reached

    def _time_up(self, run: Run, cause: Any) -> int | None:
        if run.step.until is None:
            return self._go_on(run, cause, "due")
        return self._go_on(run, cause, "timeout", run.step.detail.get("else"))

    def _go_on(self, run: Run, cause: Any, choice: str, to: str | None = None) -> int | None:
        """Leaves a wait; returns the place of the next step, None where there is none."""
        run.until_ms, run.awaits = None, None
        self._tell(run, cause, "went", choice=choice)
        return self._after(run, cause, to)

    def _after(self, run: Run, cause: Any, to: str | None = None) -> int | None:
        """Returns the place to which a run goes on; None where it has gone back too often."""
        named = to or run.step.go
        if named is None:
            return run.place + 1
        place = run.journey.places[named]
        if place <= run.place:
            run.backs += 1
            if run.backs > MAX_BACK:
                self._end(run, cause, "pass-limit")
                return None
        return place

    def _end(self, run: Run, cause: Any, reason: str) -> None:
        run.has_ended, run.until_ms, run.awaits = True, None, None
        if reason == COMPLETED:
            self._tell(run, cause, COMPLETED)
        else:
            self._tell(run, cause, "exited", choice=reason)

    def _walk(self, run: Run, cause: Any, place: int | None) -> None:
        """Takes step after step, up to a wait or the end."""
        while place is not None:
            if place == len(run.journey.steps):
                self._end(run, cause, COMPLETED)
                return
            run.place, run.since_ms = place, cause.now
            run.visit += 1
            place = self._take(run, cause)

    def _take(self, run: Run, cause: Any) -> int | None:
        """Takes one step; returns the place of the next, None where it stays or has ended."""
        step = run.step
        if step.kind == "wait":
            return self._wait(run, cause)
        if step.kind == "exit":
            self._end(run, cause, step.detail)
            return None
        if step.kind == "branch":
            return self._after(run, cause, self._branch(run, cause))
        if step.kind == "split":
            return self._after(run, cause, self._split(run, cause))
        if step.kind == "send" and not self._is_meant(run, cause):
            self._end(run, cause, "targeting")
            return None
        self._tell(run, cause, "done")
        if step.kind == "start_journey":
            return self._start(run, cause)
        if step.kind == "stop_journey":
            self.stop(step.detail, cause)
        elif step.kind != "go":
            self.person.act(run.journey, cause, step.kind, step.detail, key=self._visit(run))
        return None if run.has_ended else self._after(run, cause)

    def _is_meant(self, run: Run, cause: Any) -> bool:
        asked = run.journey.targeting
        return asked is None or asked.holds(self.person, cause.now, as_event(run, cause.now))

    def _visit(self, run: Run) -> tuple[str, str]:
        return run.step.id, f"{run.id}#{run.visit}"

    def _branch(self, run: Run, cause: Any) -> str | None:
        asked = as_event(run, cause.now)
        for number, (when, go) in enumerate(run.step.cases):
            if when.holds(self.person, cause.now, asked):
                self._tell(run, cause, "branched", choice=str(number))
                return go
        self._tell(run, cause, "branched", choice="else")
        found: str | None = run.step.detail.get("else")
        return found

    def _split(self, run: Run, cause: Any) -> str | None:
        detail = run.step.detail
        salt = detail.get("salt", f"{run.journey.id}/{run.step.id}")
        share, edge, variant = percent(salt, self.person.id), 0, ""
        for variant in sorted(detail["variants"]):
            edge += detail["variants"][variant]
            if share < edge:
                break
        self._tell(run, cause, "split", choice=variant)
        told = {"experiment_id": salt, "variation_id": variant}
        exposure = {"event": "Experiment Viewed", "properties": told}
        self.person.act(run.journey, cause, "emit", exposure, key=self._visit(run))
        found: str | None = detail.get("go", {}).get(variant)
        return found

    def _start(self, run: Run, cause: Any) -> int | None:
        detail = run.step.detail
        name = detail if isinstance(detail, str) else detail["journey"]
        begun = self.enter(self.journeys[name], cause, run.known, as_event(run, cause.now))
        if run.has_ended:
            return None
        if isinstance(detail, dict) and detail.get("wait") and begun and not begun.has_ended:
            run.awaits = begun
            self._tell(run, cause, "waiting")
            return None
        return self._after(run, cause)

    # Waits.

    def _wait(self, run: Run, cause: Any) -> int | None:
        """Comes to a wait; returns the place of the next step where it is over already."""
        step, person = run.step, self.person
        if step.waits_for_date:
            return self._plan(run, cause, is_new=True)
        due = plain_due(step.detail, person, cause.now, run)
        run.until_ms = due
        if step.until is not None and step.until.holds(person, cause.now, run):
            return self._go_on(run, cause, "holds")
        if due is not None and due <= cause.now:
            return self._time_up(run, cause)
        self._tell(run, cause, "waiting", until=due)
        return None

    def _plan(self, run: Run, cause: Any, *, is_new: bool = False) -> int | None:
        """Looks when the date of a wait is, and whether it has come."""
        detail = run.step.detail
        due = due_date(detail, self.person)
        missing = detail.get("missing", "skip")
        if due is None and missing == "exit":
            self._end(run, cause, "missing")
        elif due is None and missing == "skip":
            return self._go_on(run, cause, "missing")
        elif due is not None and due < cause.now:
            return self._go_on(run, cause, "past", detail.get("past"))
        elif due is not None and due == cause.now:
            return self._go_on(run, cause, "due")
        elif is_new or due != run.until_ms:
            run.until_ms = due
            self._tell(run, cause, "waiting", until=due)
        return None

    def _tell(
        self,
        run: Run,
        cause: Any,
        what: str,
        *,
        choice: str | None = None,
        until: int | None = None,
    ) -> None:
        self.has_moved = True
        self.person.outputs.journey_runs.append(
            {
                "run_id": run.id,
                "profile_id": self.person.id,
                "journey_id": run.journey.id,
                "version": run.journey.version,
                "step": run.step.id if run.visit else "",
                "what": what,
                "choice": choice,
                "until": None if until is None else iso(until),
                "visit": run.visit,
                "at": iso(cause.now),
                "cause": cause.name,
                "late": cause.late,
            }
        )


def alike(a: Any, b: Any) -> bool:
    """Returns whether two values of `per` are one."""
    return (a is None and b is None) or same(a, b)
