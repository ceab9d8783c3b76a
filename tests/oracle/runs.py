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
    is_going: bool = True
    """Whether it is to take the step at which it is."""
    place: int = 0
    since_ms: int = 0
    """When it came to the wait at which it stands."""
    until_ms: int | None = None
    """When the time of that wait is up."""
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
        self.limited: dict[str, list[int]] = {one: [] for one in self.journeys}
        """When somebody entered each journey by its entry."""

    def under_way(self) -> list[Run]:
        return [run for run in self.all if not run.has_ended]

    def of(self, journey: Journey) -> list[Run]:
        """Returns the runs of one journey, those that have ended too."""
        return [run for run in self.all if run.journey is journey]

    def dues(self) -> set[int]:
        """Returns the instants at which the time of a wait is up."""
        return {run.until_ms for run in self.under_way() if run.until_ms is not None}

    # What can happen: an entry, an event, the change of what runs wait for, the stop of a journey.

    def enter(self, journey: Journey, cause: Any, asked: Occurrence | None, turn: int) -> bool:
        """Decides on who would enter, and begins a run, which moves in the next round."""
        hears = "event" in journey.on and "inactive" not in journey.on
        known = asked.properties if asked is not None and hears else {}
        key = self._key(journey, cause, known)
        reason = self._refusal(journey, cause, known, asked, key)
        if reason is None:
            self.limited[journey.id].append(cause.now)
        return self._begin(journey, cause, known, key, reason, cause.occurrence(turn)) is not None

    def start(self, journey_id: str, cause: Any, known: Row, started_by: str) -> Run | None:
        """Begins a run for a step or a trigger."""
        journey = self.journeys[journey_id]
        reason = None if journey.status == "active" else journey.status
        if reason is None and not self._is_meant(journey, cause, known):
            reason = "condition"
        reason = reason or self._bar(journey, cause, None)
        return self._begin(journey, cause, known, None, reason, f"start-{started_by}")

    def woken(self, now: int) -> set[str]:
        """Returns the journeys of which a run may move."""
        return {run.journey.id for run in self.under_way() if self._may_move(run, now)}

    def hear(self, journey: Journey, cause: Any, event: Occurrence, runs: list[Run]) -> None:
        """Has those runs of a journey hear an event that were there before it."""
        for run in runs:
            if run.journey is not journey or event.at_ms < run.entered_ms:
                continue
            if self._reaches(run, cause, event):
                self._tell(run, cause, "goal", step="" if run.has_ended else run.step.id)
                run.has_reached = True
                self._end(run, cause, "goal")
            elif not run.has_ended and any(one.hears(event, run) for one in journey.exits):
                self._end(run, cause, "event")
            elif not run.has_ended and not run.is_going and self._is_awaited(run, event):
                run.known = run.known | {run.step.id: event.properties}
                self._walk(run, cause, self._go_on(run, cause, "heard"))

    def advance(self, journey: Journey, cause: Any) -> None:
        """Moves the runs of a journey: first whether they end, then what they wait for."""
        for run in self.of(journey):
            if run.has_ended:
                continue
            if self._leaves(run, cause.now):
                self._end(run, cause, "condition")
            elif run.is_going:
                self._walk(run, cause, run.place)
            elif choice := self._over(run, cause.now):
                self._walk(run, cause, self._leave(run, cause, choice))

    def stop(self, journey_id: str, cause: Any) -> None:
        for run in self.under_way():
            if run.journey.id == journey_id:
                self._end(run, cause, "stopped")

    def give_up(self, journey: Journey, cause: Any) -> None:
        """Ends what goes round and round within one instant."""
        for run in self.of(journey):
            if run.is_going and not run.has_ended:
                self._end(run, cause, "loop")

    # Who may enter.

    def _key(self, journey: Journey, cause: Any, known: Row) -> Any:
        if journey.per is None:
            return None
        return cause.name if journey.per == "messageId" else reach(known, journey.per)

    def _is_meant(self, journey: Journey, cause: Any, known: Row) -> bool:
        asked = Occurrence("", cause.now, known, "")
        targeting = journey.targeting
        return targeting is None or targeting.holds(self.person, cause.now, asked)

    def _refusal(
        self, journey: Journey, cause: Any, known: Row, asked: Occurrence | None, key: Any
    ) -> str | None:
        now, when = cause.now, journey.when
        recent = [
            at
            for at in self.limited[journey.id]
            if journey.within is None or now < at + journey.within
        ]
        if journey.status != "active":
            return journey.status
        if when is not None and not when.holds(self.person, now, asked):
            return "condition"
        if not self._is_meant(journey, cause, known):
            return "condition"
        if journey.times is not None and len(recent) >= journey.times:
            return "limit"
        if journey.per is not None and not isinstance(key, str | int | float):
            return "no-key"
        return self._bar(journey, cause, key)

    def _bar(self, journey: Journey, cause: Any, key: Any) -> str | None:
        going = self.under_way()
        mine = [at for at, one in self._remembered(journey) if alike(one, key)]
        pause = journey.pause_ms()
        if any(run.journey is journey and alike(run.key, key) for run in going):
            return "running"
        if mine and (pause is None or cause.now < mine[-1] + pause):
            return "re-entry"
        return "too-many-runs" if len(going) >= MAX_RUNS else None

    def _begin(
        self,
        journey: Journey,
        cause: Any,
        known: Row,
        key: Any,
        reason: str | None,
        occurrence: str,
    ) -> Run | None:
        self.person.decide(journey, cause, "no" if reason else "yes", reason or "entered")
        if reason:
            return None
        self.entries[journey.id].append((cause.now, key))
        named = run_id(journey.id, self.person.id, occurrence)
        run = Run(named, journey, cause.now, known, key)
        self.all.append(run)
        self._tell(run, cause, "entered")
        return run

    def _remembered(self, journey: Journey) -> list[tuple[int, Any]]:
        """Returns the latest entry of each of the latest keys."""
        latest: list[tuple[int, Any]] = []
        for at, key in self.entries[journey.id]:
            latest = [one for one in latest if not alike(one[1], key)] + [(at, key)]
        return latest[-MAX_KEYS:]

    # What becomes of a run.

    def _may_move(self, run: Run, now: int) -> bool:
        return run.is_going or self._leaves(run, now) or self._over(run, now) is not None

    def _leaves(self, run: Run, now: int) -> bool:
        return any(one.holds(self.person, now, run) for one in run.journey.exits)

    def _over(self, run: Run, now: int) -> str | None:
        """Returns why a wait is over; None: it is not."""
        step = run.step
        if step.waits_for_date:
            run.until_ms = due_date(step.detail, self.person)
            if run.until_ms is None and step.detail.get("missing", "skip") != "hold":
                return "missing"
        if step.until is not None and step.until.holds(self.person, now, run):
            return "holds"
        if run.awaits is not None and run.awaits.has_ended:
            return "ended"
        if run.until_ms is None or now < run.until_ms:
            return None
        return "due" if step.until is None else "timeout"

    def _is_awaited(self, run: Run, event: Occurrence) -> bool:
        until = run.step.until
        return until is not None and event.at_ms >= run.since_ms and until.hears(event, run)

    def _reaches(self, run: Run, cause: Any, event: Occurrence) -> bool:
        """Returns whether an event is the goal of a run, in time."""
        journey = run.journey
        if journey.goal is None or run.has_reached:
            return False
        ends = run.entered_ms + journey.goal_ms
        if run.has_ended and not (journey.counts_after and cause.now < ends):
            return False
        return event.at_ms < ends and journey.goal.hears(event, run)

    def _leave(self, run: Run, cause: Any, choice: str) -> int | None:
        """Leaves a wait by the way that is meant for this."""
        detail = run.step.detail
        if choice == "missing" and detail.get("missing") == "exit":
            self._tell(run, cause, "went", choice=choice)
            self._end(run, cause, "missing")
            return None
        ways = {"timeout": "else", "past": "past"}
        return self._go_on(run, cause, choice, detail.get(ways.get(choice, "")))

    def _go_on(self, run: Run, cause: Any, choice: str, to: str | None = None) -> int | None:
        """Leaves a wait; returns the place of the next step, None where there is none."""
        run.until_ms, run.awaits, run.is_going = None, None, True
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
        """Ends a run, unless it has ended."""
        if run.has_ended:
            return
        if reason == COMPLETED:
            self._tell(run, cause, COMPLETED, step="")
        else:
            self._tell(run, cause, "exited", choice=reason, step=run.step.id)
        run.has_ended, run.until_ms, run.awaits = True, None, None

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
        asked = as_event(run, cause.now)
        if step.when is not None and not step.when.holds(self.person, cause.now, asked):
            self._tell(run, cause, "skipped", choice="condition")
            return self._after(run, cause)
        if step.kind == "wait":
            return self._wait(run, cause)
        if step.kind == "exit":
            self._end(run, cause, step.detail)
            return None
        if step.kind == "branch":
            return self._after(run, cause, self._branch(run, cause))
        if step.kind == "split":
            return self._after(run, cause, self._split(run, cause))
        if step.kind == "start_journey":
            return self._start(run, cause)
        if step.kind == "go":
            return self._after(run, cause)
        return self._act(run, cause)

    def _act(self, run: Run, cause: Any) -> int | None:
        """Does what an action says; what sends is looked at once more."""
        step = run.step
        if step.kind in {"send", "webhook"}:
            is_over = self._leaves(run, cause.now)
            if is_over or not self._is_meant(run.journey, cause, run.known):
                self._end(run, cause, "condition" if is_over else "targeting")
                return None
        detail = step.detail
        if step.kind == "set_trait":
            detail = self.person.filled(detail, cause.now, run.known)
        done = self.person.act(run.journey, cause, step.kind, detail, key=self._visit(run))
        if run.has_ended:
            return None
        self._tell(run, cause, "done")
        if step.until is not None:
            run.known = run.known | {step.id: {"command_id": done}}
            return self._wait(run, cause)
        return self._after(run, cause)

    def _visit(self, run: Run) -> tuple[str, str]:
        return run.step.id, f"{run.id}/{run.visit}"

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
        begun = self.start(name, cause, run.known, self.person.id_of(run.journey, self._visit(run)))
        self._tell(run, cause, "done", choice=None if begun else "refused")
        if isinstance(detail, dict) and detail.get("wait") and begun:
            run.awaits, run.is_going = begun, False
            self._tell(run, cause, "waiting")
            return None
        return self._after(run, cause)

    # Waits.

    def _wait(self, run: Run, cause: Any) -> int | None:
        """Comes to a wait; returns the place of the next step where it is over already."""
        step = run.step
        if not step.waits_for_date:
            run.until_ms = plain_due(step.detail, self.person, cause.now, run)
        choice = self._over(run, cause.now)
        if choice is not None:
            return self._leave(run, cause, "past" if self._is_past(run, choice) else choice)
        run.is_going = False
        self._tell(run, cause, "waiting", until=run.until_ms)
        return None

    def _is_past(self, run: Run, choice: str) -> bool:
        return run.step.waits_for_date and choice == "due"

    def _tell(
        self,
        run: Run,
        cause: Any,
        what: str,
        *,
        choice: str | None = None,
        until: int | None = None,
        step: str | None = None,
    ) -> None:
        self.person.turned = True
        self.person.outputs.journey_runs.append(
            {
                "run_id": run.id,
                "profile_id": self.person.id,
                "journey_id": run.journey.id,
                "version": run.journey.version,
                "step": step if step is not None else run.step.id if run.visit else "",
                "what": what,
                "choice": choice,
                "until": None if until is None else iso(until),
                "visit": run.visit,
                "at": iso(cause.now),
                "cause": cause.name,
                "late": cause.late,
                "models": None,
            }
        )


def alike(a: Any, b: Any) -> bool:
    """Returns whether two values of `per` are one."""
    return (a is None and b is None) or same(a, b)
