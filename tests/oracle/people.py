"""One person, as far as the log was read: every occurrence, every trait, and what follows of it."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.conditions import Occurrence, reach, same
from tests.oracle.definitions import Definitions
from tests.oracle.documents import duration_ms, iso
from tests.oracle.fading import Curve, two_decimals
from tests.oracle.journeys import Journey
from tests.oracle.rules import Combined, Held, Score, Segment, Trigger
from tests.oracle.runs import Runs

NAMESPACE = uuid.UUID("b5f5c0de-9f0a-5b6e-8c1d-6265636b6f6e")
MAX_ROUNDS = 16
MAX_DEPTH = 8
MAX_TOLD = 100
MAX_LENT = 100

Row = dict[str, Any]
Stimulus = tuple[str, str, Any, Any]
"""Kind, id, old, new: of a segment, score, trait, tag, list or status that turned."""
Facts = tuple[Row, str | None, set[str], set[str]]
"""Traits, status, tags and lists."""


@dataclass
class Outputs:
    """What came of it, in the order in which it came."""

    segment_changes: list[Row] = field(default_factory=list)
    score_changes: list[Row] = field(default_factory=list)
    commands: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    journey_runs: list[Row] = field(default_factory=list)


@dataclass
class Cause:
    """What is being handled, and at which instant."""

    now: int
    event: Occurrence | None = None
    late: bool = False
    depth: int = 0
    rung: list[Trigger] = field(default_factory=list)
    """The triggers whose instant this is."""
    echo: bool = False
    """Whether all this may follow of the end of points that were given for a time."""
    emitted: list[Occurrence] = field(default_factory=list)
    """What was told, and will be handled after all else."""

    @property
    def name(self) -> str:
        return self.event.message_id if self.event else "clock"

    def occurrence(self, turn: int) -> str:
        name = self.event.message_id if self.event else f"clock@{self.now}"
        return f"{name}#{turn}" if turn else name


def derive_id(trigger: Trigger, person_id: str, step: str, occurrence: str) -> str:
    """Returns the id of a command."""
    parts = [trigger.id, trigger.version, person_id, step, occurrence]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return str(uuid.uuid5(NAMESPACE, text))


class Traits:
    """Values by top-level key: the one of the latest time, of equal times the one told last."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, Any]] = {}

    def tell(self, traits: dict[str, Any], at_ms: int) -> None:
        for key, value in traits.items():
            if key not in self.known or at_ms >= self.known[key][0]:
                self.known[key] = (at_ms, value)

    def values(self) -> dict[str, Any]:
        return {key: value for key, (_, value) in self.known.items()}

    def reach(self, path: str) -> Any:
        key, _, rest = path.partition(".")
        value = self.known.get(key, (0, None))[1]
        return reach(value, rest) if rest else value


class Person:
    """Everything about one person."""

    def __init__(self, person_id: str, definitions: Definitions, outputs: Outputs) -> None:
        self.id = person_id
        self.definitions = definitions
        self.outputs = outputs
        self.clock: int | None = None
        self.occurrences: dict[str, list[Occurrence]] = {}
        self.traits = Traits()
        self.accounts = Traits()
        self.tags: set[str] = set()
        self.lists: set[str] = set()
        self.status: str | None = None
        self.members: dict[str, int] = {}
        self.held: dict[str, tuple[Held, float]] = {one: ({}, 0) for one in definitions.scores}
        """What the rules of each score held, and what was added, when it was last looked at."""
        self.values = {one: self.value(one, 0) for one in definitions.scores}
        self.grades = {one: self.grade(one, 0) for one in definitions.scores}
        self.breakdowns: dict[str, str] = {}
        """The points of each rule when the score last moved."""
        self.groups: dict[str, str] = {}
        """The same of each group, within its bounds, and under `+` what triggers had added."""
        self.advised: dict[str, str] = {}
        """What was recommended then."""
        self.moved: dict[str, int] = {}
        self.history = {one: [(-1, value)] for one, value in self.values.items()}
        """Every value that each score had, with the instant from which it had it."""
        self.added: dict[str, float] = dict.fromkeys(definitions.scores, 0)
        self.targets: dict[str, float] = {}
        """By score, the value that triggers have set, since it was last looked at."""
        self.given: dict[str, list[str | None]] = {}
        """By score, why triggers have added to it, each time since it was last looked at."""
        self.lent: dict[str, list[tuple[int, int]]] = {one: [] for one in definitions.scores}
        """The points for a time that each score has: ends and points."""
        self.ended = False
        """Whether some of them ended when all was last looked at."""
        self.fired: dict[str, list[int]] = {}
        self.own: list[Occurrence] = []
        """What happened, without what triggers told."""
        self.ticked = 0
        """The latest tick of any schedule that was asked about."""
        self.now = 0
        """The instant that is being handled."""
        self.told = 0
        """How many events the stimulus at hand has told, those that follow from it included."""
        self.turned = False
        """Whether points of a rule, a score or a membership turned since it was last unset."""
        self.runs = Runs(self, definitions.journeys)

    def trait(self, path: str) -> Any:
        return self.traits.reach(path)

    def account(self, path: str) -> Any:
        return self.accounts.reach(path)

    def curve(self, score_id: str) -> Curve:
        """Returns a score over time while nothing happens."""
        score = self.definitions.scores[score_id]
        if isinstance(score, Combined):
            return Curve(parts=[self.curve(part) for part in score.of])
        return score.curve(*self.held[score_id])

    def value(self, score: str, now: int) -> float:
        return two_decimals(self.curve(score).value(now))

    def step(self, score: str, kind: str, now: int) -> str | None:
        if kind == "grades":
            return self.grade(score, now)
        return self.definitions.scores[score].step(self.value(score, now), kind)

    def grade(self, score_id: str, now: int) -> str | None:
        score = self.definitions.scores[score_id]
        if isinstance(score, Combined):
            return score.grade(self, now)
        return score.step(self.value(score_id, now), "grades")

    # The two things that can happen to a person: an event, and the passing of time.

    def hear(self, event: Occurrence, facts: tuple[str, Row]) -> None:
        """Applies an event; the clock must have been let run to its time."""
        late = self.clock is not None and event.at_ms < self.clock
        self.clock = event.at_ms if self.clock is None else max(self.clock, event.at_ms)
        self.own.append(event)
        self._handle(Cause(self.clock, event, late), facts)

    def wait(self, until_ms: int, *, thorough: bool = False) -> None:
        """Lets time pass, and handles each instant at which something turns.

        All instants at which anything could turn are tried in order. Only where a part that looks
        at the clock differs from what it was 1 ms before, can anything turn: with `thorough` all is
        evaluated at each instant nevertheless.
        """
        while self.clock is not None:
            instants = self._instants(self.clock, until_ms)
            rings = self._rings(self.clock, until_ms)
            dues = {at for at in self.runs.dues() if self.clock < at <= until_ms}
            for now in sorted(instants.keys() | rings.keys() | dues):
                self.turned = False
                rung, parts = rings.get(now, []), instants.get(now, [])
                if (
                    thorough
                    or rung
                    or now in dues
                    or any(one.state(self, now) != one.state(self, now - 1) for one in parts)
                ):
                    self._handle(Cause(now, rung=rung), ("", {}))
                if any(one.audience for one in rung):
                    self.ticked = now
                if self.turned:
                    self.clock = now
                    break
            else:
                return

    def _instants(self, after_ms: int, until_ms: int) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for part in self.definitions.clocked:
            for at in part.instants(self):
                if after_ms < at <= until_ms:
                    found.setdefault(at, []).append(part)
        return found

    def _rings(self, after_ms: int, until_ms: int) -> dict[int, list[Trigger]]:
        """Returns the triggers that wait for an instant, by the instants that have come."""
        found: dict[int, list[Trigger]] = {}
        for one in self.definitions.triggers:
            for at in one.alarm.instants(self, until_ms) if one.alarm else ():
                if after_ms < at <= until_ms:
                    found.setdefault(at, []).append(one)
        return found

    def _handle(self, cause: Cause, facts: tuple[str, Row]) -> None:
        """Handles an event or an instant, and all that follows of it at once."""
        if cause.depth == 0:
            self.told = 0
        self.now = cause.now
        before = self._facts()
        if cause.event is not None:
            self._learn(cause.event, facts)
        self.ended = False
        stimuli = self._evaluate(cause) + list(self._changes(before))
        if self.ended:
            cause.echo = any(matches(self, one, None, stimuli) for one in self.definitions.triggers)
        called = [one for one in cause.rung if one.calls(self, cause.now)]
        self.turned = self.turned or bool(called)
        for turn in range(MAX_ROUNDS + 1):
            event, called = (cause.event, called) if turn == 0 else (None, [])
            matched = [
                one
                for one in self.definitions.triggers
                if one in called or matches(self, one, event, stimuli)
            ]
            moving = self.runs.woken(cause.now)
            if turn == MAX_ROUNDS:
                self._refuse(matched, moving, cause)
                break
            before = self._facts()
            if not self._round(matched, moving, cause, turn):
                break
            stimuli = self._evaluate(cause) + list(self._changes(before))
        for event in cause.emitted:
            following = Cause(cause.now, event, depth=cause.depth + 1, echo=cause.echo)
            self._handle(following, ("", {}))

    def _round(self, matched: list[Trigger], moving: set[str], cause: Cause, turn: int) -> bool:
        """Lets everybody act in turn; returns whether anybody did."""
        told = len(self.outputs.journey_runs)
        fired: list[Trigger] = []
        there = list(self.runs.all)
        for one in self.definitions.triggers:
            if isinstance(one, Journey) and turn == 0 and cause.event is not None:
                self.runs.hear(one, cause, cause.event, there)
            if isinstance(one, Journey) and one.id in moving:
                self.runs.advance(one, cause)
            if one in matched and self._runs(one, cause, turn):
                fired.append(one)
        return bool(fired) or len(self.outputs.journey_runs) > told

    def _learn(self, event: Occurrence, facts: tuple[str, Row]) -> None:
        self.occurrences.setdefault(event.name, []).append(event)
        kind, traits = facts
        if kind == "identify":
            self.traits.tell(traits, event.at_ms)
        elif kind == "group":
            self.accounts.tell(traits, event.at_ms)
        if event.name == "List Changed" and event.properties.get("list") in self.definitions.lists:
            changes = {"added": self.lists.add, "removed": self.lists.discard}
            changes.get(event.properties["change"], len)(event.properties["list"])

    def _facts(self) -> Facts:
        return self.traits.values(), self.status, set(self.tags), set(self.lists)

    def _changes(self, facts: Facts) -> Iterator[Stimulus]:
        before, status, tags, lists = facts
        if self.status != status:
            yield ("status", "", status, self.status)
        for kind, old, new in (("tag", tags, self.tags), ("list", lists, self.lists)):
            yield from ((kind, name, None, "added") for name in new - old)
            yield from ((kind, name, None, "removed") for name in old - new)
        for path in {one.on["trait"] for one in self.definitions.triggers if "trait" in one.on}:
            old, new = reach(before, path), self.trait(path)
            if not same(old, new):
                yield ("trait", path, old, new)

    def _evaluate(self, cause: Cause) -> list[Stimulus]:
        """Evaluates every score and segment from scratch; returns those that turned."""
        found: list[Stimulus] = []
        touched: set[str] = set()
        for one in self.definitions.evaluated:
            if isinstance(one, Segment):
                found += self._segment(one, cause)
            else:
                found += self._score(one, cause, touched)
        return found

    def _score(self, score: Score | Combined, cause: Cause, touched: set[str]) -> list[Stimulus]:
        """Looks at a score if something touched it, or if time took it over a threshold."""
        now = cause.now
        held, (were, _) = score.holds(self, now), self.held[score.id]
        has_ended = self._end(score.id, now)
        rules = [rule for rule, each in held.items() if (each or 0) != (were.get(rule) or 0)]
        lent = sum(points for _, points in self.lent[score.id])
        if isinstance(score, Score) and score.id in self.targets:
            groups = score.curve(held, 0).parts
            rest = sum(each.value(now) for each in groups) + lent
            self.added[score.id] = self.targets.pop(score.id) - rest
        self.held[score.id] = held, self.added[score.id] + lent
        old, new = self.values[score.id], self.value(score.id, now)
        has_crossed = score.fading.zone(old) != score.fading.zone(new)
        is_given = has_ended or score.id in self.given
        if not (rules or is_given or touched & {*score.of} or has_crossed):
            return []
        touched.add(score.id)
        reasons = self.given.pop(score.id, [])
        old_grade, grade = self.grades[score.id], self.grade(score.id, now)
        self.turned = self.turned or bool(rules) or new != old
        if new == old and (score.of == [] or grade == old_grade):
            return []
        self.values[score.id], self.grades[score.id] = new, grade
        self.moved[score.id] = now
        self.breakdowns[score.id] = broken_down(score.worths(self, now))
        self.groups[score.id] = as_json(score.parts(self, now))
        advice = score.advice.given(self, now, score.step(new, "levels"))
        self.advised[score.id] = json.dumps(advice, separators=(",", ":"), ensure_ascii=False)
        self.history[score.id].append((now, new))
        self.outputs.score_changes.append(
            self._row(score_id=score.id, old=old, new=new, level=score.step(new, "levels"))
            | {"rule": rules[0] if len(rules) == 1 else None}
            | {"reason": reasons[0] if len(reasons) == 1 else None, "models": None}
            | self._when(cause)
        )
        return [("score", score.id, old, new), ("grade", score.id, old_grade, grade)]

    def _end(self, score_id: str, now: int) -> bool:
        """Lets go of the points whose time is over; returns whether there were such."""
        lent = self.lent[score_id]
        self.lent[score_id] = [(end, points) for end, points in lent if now < end]
        has_ended = len(self.lent[score_id]) < len(lent)
        self.ended = self.ended or has_ended
        self.turned = self.turned or has_ended
        return has_ended

    def _segment(self, segment: Segment, cause: Cause) -> list[Stimulus]:
        was, is_member = segment.id in self.members, segment.when.holds(self, cause.now, None)
        if was == is_member:
            return []
        self.turned = True
        if is_member:
            self.members[segment.id] = cause.now
        else:
            del self.members[segment.id]
        change = "entered" if is_member else "exited"
        self.outputs.segment_changes.append(
            self._row(segment_id=segment.id, change=change, version=segment.version)
            | self._when(cause)
        )
        return [("segment", segment.id, None, change)]

    def _runs(self, trigger: Trigger, cause: Cause, turn: int) -> bool:
        """Decides on a trigger that matched, and if it fires does what it says."""
        if isinstance(trigger, Journey):
            return self.runs.enter(trigger, cause, cause.event, turn)
        fired = self.fired.setdefault(trigger.id, [])
        width = trigger.within
        recent = [at for at in fired if width is None or cause.now < at + width]
        if cause.echo and trigger.lends:
            self.decide(trigger, cause, "no", "loop")
        elif trigger.when is not None and not trigger.when.holds(self, cause.now, cause.event):
            self.decide(trigger, cause, "no", "condition")
        elif trigger.times is not None and len(recent) >= trigger.times:
            self.decide(trigger, cause, "no", "limit")
        else:
            self.decide(trigger, cause, "yes", "fired")
            fired.append(cause.now)
            for number, action in enumerate(trigger.actions):
                ((kind, detail),) = action.items()
                if kind == "set_trait":
                    told = cause.event.properties if cause.event else {}
                    detail = self.filled(detail, cause.now, told)
                self.act(trigger, cause, kind, detail, key=(str(number), cause.occurrence(turn)))
            return True
        return False

    def filled(self, detail: Row, now: int, told: Row) -> Row:
        """Returns which value a trait is to have, wherever it comes from; empty for none."""
        if "from" not in detail:
            return detail
        ((place, path),) = detail["from"].items()
        if place == "time":
            value: Any = iso(now)
        else:
            value = reach(told, path) if place == "property" else self.trait(path)
        return {} if value is None else {"trait": detail["trait"], "value": value}

    def id_of(self, definition: Trigger, key: tuple[str, str]) -> str:
        """Returns the id of what is done at a step and an occurrence."""
        return derive_id(definition, self.id, *key)

    def act(
        self, definition: Trigger, cause: Cause, kind: str, detail: Any, *, key: tuple[str, str]
    ) -> str:
        """Does what an action says, at a step and an occurrence; returns the id of its command."""
        step, occurrence = key
        command_id = self.id_of(definition, key)
        if kind == "emit":
            if cause.depth < MAX_DEPTH and self.told < MAX_TOLD:
                self.told += 1
                cause.emitted.append(emission(detail, cause, command_id))
        elif kind in {"send", "webhook"}:
            row = self._command(definition, command_id, step, detail)
            row["occurrence"] = occurrence
            row["at"] = iso(cause.now)
            row["has_values"] = kind == "webhook" and prints(detail)
            named = kind == "send" or row["has_values"]
            row["segments"] = sorted(self.members) if named else []
            row["lists"] = sorted(self.lists) if named else []
            self.outputs.commands.append(row)
        elif kind == "start_journey":
            event = cause.event if "event" in definition.on else None
            self.runs.start(detail, cause, event.properties if event else {}, command_id)
        elif kind == "stop_journey":
            self.runs.stop(detail, cause)
        else:
            self._change(kind, detail, cause.now)
        return command_id

    def _command(self, trigger: Trigger, command_id: str, step: str, detail: Row) -> Row:
        return self._row(
            id=command_id,
            channel=detail.get("channel", "webhook"),
            definition_id=trigger.id,
            version=trigger.version,
            step=step,
            priority=trigger.priority,
            **{key: detail[key] for key in ("template", "topic", "url", "body") if key in detail},
        )

    def _change(self, kind: str, detail: Any, now: int) -> None:
        if kind == "add_tag":
            self.tags.add(detail)
        elif kind == "remove_tag":
            self.tags.discard(detail)
        elif kind == "add_to_list":
            self.lists.add(detail)
        elif kind == "remove_from_list":
            self.lists.discard(detail)
        elif kind == "set_status":
            self.status = detail
        elif kind == "set_trait":
            self.traits.tell({detail["trait"]: detail["value"]} if detail else {}, now)
        elif kind in {"add_points", "set_points"}:
            self.given.setdefault(detail["score"], []).append(detail.get("reason"))
            self._give(detail, now)
        else:
            raise AssertionError(kind)

    def _give(self, detail: Any, now: int) -> None:
        score_id = detail["score"]
        if "value" in detail:
            self.targets[score_id] = detail["value"]
            return
        points = detail["points"]
        if "for" in detail:
            lent = self.lent[score_id]
            lent.append((now + duration_ms(detail["for"]), points))
            lent.sort()
            points -= sum(each for _, each in lent[:-MAX_LENT])
            del lent[:-MAX_LENT]
        else:
            self.added[score_id] += points
        if score_id in self.targets:
            self.targets[score_id] += points

    def _refuse(self, matched: list[Trigger], moving: set[str], cause: Cause) -> None:
        for one in self.definitions.triggers:
            if isinstance(one, Journey) and one.id in moving:
                self.runs.give_up(one, cause)
            if one in matched:
                self.decide(one, cause, "no", "loop")

    def decide(self, trigger: Trigger, cause: Cause, outcome: str, reason: str) -> None:
        self.outputs.decisions.append(
            self._row(
                definition_id=trigger.id,
                version=trigger.whole,
                outcome=outcome,
                reason=reason,
            )
            | self._when(cause)
        )

    def _row(self, **fields: Any) -> Row:
        return {"profile_id": self.id} | fields

    def _when(self, cause: Cause) -> Row:
        return {"at": iso(cause.now), "cause": cause.name, "late": cause.late}


def broken_down(worths: dict[str, float]) -> str:
    """Returns the points of each rule as JSON, whole ones without decimals."""
    return as_json({rule: worth for rule, worth in worths.items() if two_decimals(worth)})


def as_json(worths: dict[str, float]) -> str:
    shown = {name: two_decimals(worth) for name, worth in sorted(worths.items())}
    whole = {name: int(each) if each == int(each) else each for name, each in shown.items()}
    return json.dumps(whole, separators=(",", ":"))


def prints(hook: Row) -> bool:
    """Returns whether values are filled into a webhook: there are braces beside its secrets."""
    said = json.dumps([hook.get(key) for key in ("url", "headers", "body")])
    return re.search(r"\{[{%]", re.sub(r"\{\{ *secrets\.\w+ *\}\}", "", said)) is not None


def emission(detail: Row, cause: Cause, command_id: str) -> Occurrence:
    """Returns the event that an action emits."""
    return Occurrence(
        detail["event"], cause.now, detail.get("properties", {}), f"emit-{command_id}"
    )


def matches(
    person: Person, trigger: Trigger, event: Occurrence | None, stimuli: list[Stimulus]
) -> bool:
    """Returns whether one of the stimuli is the one that the trigger waits for."""
    on = trigger.on
    if trigger.alarm is not None:
        return False
    if "manual" in on:
        is_asked = event is not None and event.name == "Trigger Requested"
        return is_asked and event is not None and event.properties.get("trigger") == trigger.id
    if "event" in on:
        return event is not None and event.name == on["event"] and trigger.where.fits(event)
    return any(turned(person, on, stimulus) for stimulus in stimuli)


def turned(person: Person, on: Row, stimulus: Stimulus) -> bool:
    """Returns whether what turned is what is waited for."""
    kind, name, old, new = stimulus
    if kind == "segment" and on.get("segment") == name and on["change"] == new:
        return True
    if kind == "grade" and on.get("grade") == name and new == on["becomes"] != old:
        return True
    if kind == "score" and moved(person, name, on, (old, new)):
        return True
    if kind in {"tag", "list"} and on.get(kind) == name and on["change"] == new:
        return True
    if kind == "status" and on.get("status") == new:
        is_new_fine = on.get("include_new", "from" not in on)
        return bool(is_new_fine if old is None else on.get("from", old) == old)
    wanted = "changes" in on or ("becomes" in on and same(new, on["becomes"]))
    return bool(kind == "trait" and on.get("trait") == name and wanted)


def crosses(on: Row, old: float, new: float) -> bool:
    """Returns whether a score that moved passed the threshold in the direction asked for."""
    up, down = old < on["crosses"] <= new, new < on["crosses"] <= old
    by_direction: dict[str, bool] = {"up": up, "down": down, "either": up or down}
    return by_direction[on.get("direction", "up")]


def moved(person: Person, score_id: str, on: Row, change: tuple[float, float]) -> bool:
    """Returns whether a score moved as asked for: past a threshold, or to a level."""
    old, new = change
    score = person.definitions.scores[score_id]
    if on.get("score") == score_id:
        past = old
        if "within" in on:
            begin = person.now - duration_ms(on["within"])
            past = [value for at, value in person.history[score_id] if at <= begin][-1]
        distance = new - past if new > old else past - new
        return crosses(on, old, new) and distance >= on.get("minimum_change", distance)
    if on.get("level") != score.id:
        return False
    was, becomes = score.step(old, "levels"), score.step(new, "levels")
    return was != becomes and becomes == on["becomes"]
