"""Journeys as the oracle reads them: what lets people in, the steps, when waits are over."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

from tests.oracle.alarms import Dated, shows, strikes, zone_of
from tests.oracle.conditions import Clocked, Occurrence, Where, reach, same
from tests.oracle.documents import Document, duration_ms, version
from tests.oracle.grammar import condition
from tests.oracle.hours import DAYS
from tests.oracle.rules import Trigger

MEANT = ("steps", "exit", "goal", "targeting")
"""What of a journey makes a version of it."""
ANSWERS = ("webhook.sent", "webhook.failed", "webhook.unknown")
DAY = timedelta(days=1)
FOREVER_MS = 1 << 60


class Traveller(Protocol):
    """What a wait and a way may ask of a run."""

    entered_ms: int
    known: dict[str, Any]


class Awaited:
    """An event as it comes, or a condition."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.name: str | None = None
        if document.keys() <= {"event", "where", "same"}:
            self.name = document["event"]
            self.where = Where(document.get("where", []))
            asked = document.get("same", {})
            self.same: dict[str, str] = asked if isinstance(asked, dict) else {asked: asked}
        else:
            self.when = condition(document, clocked)

    def hears(self, event: Occurrence | None, run: Traveller) -> bool:
        """Returns whether this is the event."""
        if self.name is None or event is None or event.name != self.name:
            return False
        return self.where.fits(event) and all(
            equal(reach(event.properties, theirs), reach(run.known, ours))
            for theirs, ours in self.same.items()
        )

    def holds(self, person: Any, now: int, run: Traveller) -> bool:
        """Returns whether it is a condition, and holds."""
        return self.name is None and self.when.holds(person, now, as_event(run, now))


class Answered:
    """What came of the webhook of a step."""

    def __init__(self, step: str) -> None:
        self.step = step

    def hears(self, event: Occurrence | None, run: Traveller) -> bool:
        """Returns whether this says so."""
        command = reach(run.known, f"{self.step}.command_id")
        is_answer = event is not None and event.name in ANSWERS
        return is_answer and event is not None and event.properties.get("command_id") == command

    def holds(self, person: Any, now: int, run: Traveller) -> bool:
        return False


def equal(a: Any, b: Any) -> bool:
    return a is not None and b is not None and same(a, b)


def as_event(run: Traveller, now: int) -> Occurrence:
    """Returns what a run knows, as conditions ask for it."""
    return Occurrence("", now, run.known, "")


class Step:
    """One step, and the conditions in it."""

    def __init__(self, document: Document, clocked: list[Clocked]) -> None:
        self.id: str = document["id"]
        self.go: str | None = document.get("go")
        self.kind = next((key for key in document if key not in {"id", "go", "when"}), "go")
        self.detail: Any = document.get(self.kind, {})
        self.when = condition(document["when"], []) if "when" in document else None
        self.cases: list[tuple[Any, str]] = []
        self.until: Awaited | Answered | None = None
        if self.kind == "branch":
            self.cases = [(condition(one["when"], []), one["go"]) for one in self.detail["cases"]]
        if self.kind == "wait" and "until" in self.detail:
            self.until = Awaited(self.detail["until"], clocked)

        if self.kind == "webhook" and "timeout" in self.detail:
            self.until = Answered(self.id)

    @property
    def waits_for_date(self) -> bool:
        return self.kind == "wait" and "date" in self.detail


class Journey(Trigger):
    """Of a trigger it has what lets people in."""

    def __init__(self, document: Document) -> None:
        entry: Document = document["entry"]
        on = {key: entry[key] for key in entry if key != "when"}
        shared = {key: document[key] for key in ("id", "limit", "priority") if key in document}
        when = {"when": entry["when"]} if "when" in entry else {}
        super().__init__(shared | when | {"on": on, "do": []})
        self.version = version({key: document[key] for key in MEANT if key in document})
        self.whole = version(document)
        self.clocked: list[Clocked] = []
        self.status: str = document.get("status", "active")
        self.targeting = condition(document["targeting"], []) if "targeting" in document else None
        self.per: str | None = document.get("per")
        self.re_entry: str = document.get("re_entry", "never")
        self.exits = [Awaited(one, self.clocked) for one in document.get("exit", [])]
        goal = document.get("goal")
        self.goal = None
        self.goal_ms = FOREVER_MS
        if goal is not None:
            self.goal = Awaited({key: goal[key] for key in goal if key != "within"}, self.clocked)
            self.goal_ms = duration_ms(goal["within"]) if "within" in goal else FOREVER_MS
        self.counts_after = goal is not None and "within" in goal
        self.steps = [Step(one, self.clocked) for one in document["steps"]]
        self.places = {one.id: place for place, one in enumerate(self.steps)}

    def pause_ms(self) -> int | None:
        """Returns how long after an entry the next may be; None: there is no next."""
        if self.re_entry == "never":
            return None
        return 0 if self.re_entry == "always" else duration_ms(self.re_entry.split()[1])


def next_time(wait: Document, person: Any, from_ms: int) -> int:
    """Returns the first instant from one on at which clocks show what a wait asks for."""
    zone = zone_of(wait, person)
    days: list[str] = wait.get("days", DAYS)
    at = wait.get("at", "00:00")
    if isinstance(at, dict):
        at = named_clock(person.trait(at["trait"])) or at["else"]
    first = shows(from_ms, zone)
    if "at" not in wait and DAYS[first.weekday()] in days:
        return from_ms
    return next(
        at_ms
        for day in midnights(first - DAY)
        if DAYS[day.weekday()] in days and (at_ms := strikes(at_clock(day, at), zone)) >= from_ms
    )


def named_clock(value: Any) -> str | None:
    """Returns the time of day that a trait names; None where it names none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 23:
        return f"{value:02}:00"
    is_clock = isinstance(value, str) and re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value)
    return str(value) if is_clock else None


def midnights(first: datetime) -> Iterator[datetime]:
    day = at_clock(first, "00:00")
    while True:
        yield day
        day += DAY


def at_clock(day: datetime, at: str) -> datetime:
    hour, minute = at.split(":")
    return day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


def due_date(wait: Document, person: Any) -> int | None:
    """Returns the instant that a wait for a date is for; None where there is no date."""
    return next(Dated(wait).instants(person, 0), None)


def plain_due(wait: Document, person: Any, now: int, run: Traveller) -> int | None:
    """Returns when the time of a wait is up; None: never."""
    if "until" in wait or "url" in wait:
        if "timeout" not in wait:
            return None
        begin = run.entered_ms if wait.get("from") == "entry" else now
        return begin + duration_ms(wait["timeout"])
    from_ms = now + duration_ms(wait.get("for", "0s"))
    return next_time(wait, person, from_ms) if {"at", "days"} & wait.keys() else from_ms
