"""The steps of a journey, compiled: what each does to a run, and where it leads.

A step is taken at one instant. It says which comes next, or that the run waits at it, or ends.
"""

from collections.abc import Mapping
from datetime import time, tzinfo
from typing import Any

import msgspec

from processors.decisions.actions import Acting, Action, Deliver, Enlist, Starter, act, tell
from processors.decisions.comparisons import is_same
from processors.decisions.conditions import Evaluate, bucket
from processors.decisions.dates import Appointment, next_due, next_time
from processors.decisions.features import NO_PROPERTIES, Properties, Where, read
from processors.decisions.hours import TraitHour, zone_of
from processors.decisions.runs import Telling, held, shown
from processors.definitions import actions as documents
from processors.state.profiles import NEVER, Profile, trait
from processors.state.runs import ENDED, WAITING, Run
from schemas.records import What

COMMAND = "command_id"
"""The property by which an answer says to which command."""
STAYS = ""
"""Stands for the next step of a run that waits."""
EXPOSED = "Experiment Viewed"
"""What a split tells.

Source: Segment's spec for A/B testing."""


class End(msgspec.Struct, frozen=True):
    """The run ends here."""

    reason: str
    is_planned: bool = False
    """Whether a step says so: what it has sent before still goes."""


Way = str | None | End
"""The next step; None after the last one; STAYS; or an end."""


class Match(msgspec.Struct, frozen=True):
    """An event as it comes."""

    where: Where | None
    same: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    """Paths into the event, each with that into what the run knows."""

    def fits(self, properties: Properties, data: Mapping[str, Any], at_ms: int) -> bool:
        """Returns whether it is this event of this run."""
        if self.where is not None and not self.where(properties, at_ms):
            return False
        for path, known in self.same:
            found = read(properties, path)
            if found is None or not is_same(found, read(data, known)):
                return False
        return True


class Walk(msgspec.Struct, kw_only=True):
    """One run on its way at one instant."""

    telling: Telling
    run: Run
    flow: "Flow"
    priority: int
    facts: set[tuple[str, str]]
    """Which facts of the profile it has changed."""

    @property
    def profile(self) -> Profile:
        """Whose run it is."""
        return self.telling.profile

    @property
    def now(self) -> int:
        """The instant, ms."""
        return self.telling.moment.now

    @property
    def data(self) -> Properties:
        """What the run knows."""
        return self.run.data or NO_PROPERTIES

    def acting(self, step: str) -> Acting:
        """Returns who acts at a step."""
        run = self.run
        return Acting(
            definition_id=self.telling.journey,
            version=run.version,
            priority=self.priority,
            profile=self.profile,
            moment=self.telling.moment,
            step=step,
            occurrence=f"{shown(run)}/{run.visit}",
            properties=run.data,
            known=run.data,
            at_hand=self.data,
        )

    def tell(self, what: What, step: str, choice: str | None = None, until_ms: int = NEVER) -> None:
        """Writes down what happened at a step."""
        self.telling.tell(self.run, what, step=step, choice=choice, until_ms=until_ms)

    def tell_done(self, step: str) -> None:
        """Writes down that a step has acted, and which values models have given for it."""
        models = self.telling.moment.take_values()
        self.telling.tell(self.run, "done", step=step, models=models)


class Flow(msgspec.Struct, kw_only=True):
    """One version of a journey."""

    version: str
    first: str
    steps: dict[str, "Step"]
    exits: list[Evaluate]
    leaving: dict[str, list[Match]]
    """The events that end a run."""
    goal: tuple[str, Match] | None
    goal_ms: int
    """How long after entry the goal counts; NEVER: as long as the run goes on."""
    targeting: Evaluate | None
    keys: frozenset[str]
    """Of what a run knows, what is read."""

    def leaves(self, profile: Profile, run: Run, now: int) -> int:
        """Returns the answer of whether a run is to end (see comparisons)."""
        data = run.data or NO_PROPERTIES
        answers = [each(profile, now, data) for each in self.exits]
        return max(answers, default=-NEVER)

    def goal_until(self, run: Run) -> int:
        """Returns until when an ended run's goal counts, ms; 0: it does not."""
        if self.goal is None or self.goal_ms >= NEVER:
            return 0
        return run.entered + self.goal_ms


class Step(msgspec.Struct, kw_only=True):
    """One step."""

    id: str
    place: int
    next: str | None
    """None after the last one."""
    when: Evaluate | None = None
    """Where it does not hold the step is left out."""

    def go(self, walk: Walk) -> Way:
        """Takes the step, or leaves it out; returns where that leads."""
        if self.when is not None and self.when(walk.profile, walk.now, walk.data) < 0:
            walk.tell("skipped", self.id, "condition")
            return self.next
        return self.take(walk)

    def take(self, walk: Walk) -> Way:
        """Takes the step; returns where it leads."""
        return self.next


class ActionStep(Step, kw_only=True):
    """Does something for the person."""

    action: Action

    def take(self, walk: Walk) -> Way:
        """Acts, unless what is sent should not be."""
        if isinstance(self.action, Deliver | Enlist | documents.Webhook | documents.CreateTask):
            if walk.flow.leaves(walk.profile, walk.run, walk.now) > 0:
                return End("condition")
            targeting = walk.flow.targeting
            if targeting is not None and targeting(walk.profile, walk.now, walk.data) < 0:
                return End("targeting")
            if walk.run.skips:
                walk.tell("skipped", self.id, "overdue")
                return self.next
        fact = act(walk.acting(self.id), self.action)
        if fact is not None:
            walk.facts.add(fact)
        if walk.run.state != ENDED:
            walk.tell_done(self.id)
        return self.next


class BranchStep(Step, kw_only=True):
    """Goes the first way whose condition holds."""

    cases: list[tuple[Evaluate, str]]
    otherwise: str | None

    def take(self, walk: Walk) -> Way:
        """Decides."""
        for place, (condition, way) in enumerate(self.cases):
            if condition(walk.profile, walk.now, walk.data) > 0:
                walk.tell("branched", self.id, str(place))
                return way
        walk.tell("branched", self.id, "else")
        return self.otherwise


class SplitStep(Step, kw_only=True):
    """Divides people by a stable hash."""

    salt: str
    variants: list[tuple[str, float]]
    """With the percentage up to which each reaches."""
    ways: dict[str, str]

    def take(self, walk: Walk) -> Way:
        """Chooses, and tells of it."""
        place = bucket(self.salt, walk.profile.id)
        variant = next((name for name, end in self.variants if place < end), self.variants[-1][0])
        walk.tell("split", self.id, variant)
        exposure = {"experiment_id": self.salt, "variation_id": variant}
        tell(walk.acting(self.id), EXPOSED, exposure)
        return self.ways.get(variant, self.next)


class ExitStep(Step, kw_only=True):
    """Ends the run."""

    reason: str

    def take(self, walk: Walk) -> Way:
        """Ends it."""
        return End(self.reason, is_planned=True)


class WaitStep(Step, kw_only=True):
    """A step at which a run may wait."""

    def take(self, walk: Walk) -> Way:
        """Has the run wait, or go on where there is nothing to wait for."""
        run = walk.run
        run.since, run.due = walk.now, NEVER
        self.plan(walk.profile, run)
        choice = self.arrived(walk)
        if choice is not None:
            walk.tell("went", self.id, choice)
            return self.way(choice)
        run.state, run.skips = WAITING, False
        walk.tell("waiting", self.id, until_ms=run.due)
        return STAYS

    def plan(self, profile: Profile, run: Run) -> None:
        """Sets until when a run waits at the latest."""

    def arrived(self, walk: Walk) -> str | None:
        """Returns why a run that comes to it need not wait; None: it must."""
        return self.over(walk.profile, walk.run, walk.now)

    def over(self, profile: Profile, run: Run, now: int) -> str | None:
        """Returns why the wait is over; None: it is not."""
        return "due" if run.due <= now else None

    def turn(self, profile: Profile, run: Run, now: int) -> int:
        """Returns the next instant at which it may be over though nothing happens, ms."""
        return run.due

    def way(self, choice: str) -> Way:
        """Returns where it leads."""
        return self.next


class PauseStep(WaitStep, kw_only=True):
    """Waits so long, and then for a time of day."""

    lasting_ms: int
    at: time | TraitHour | None
    days: tuple[int, ...]
    zone: tzinfo | None
    """None: that of the person."""

    def plan(self, profile: Profile, run: Run) -> None:
        """Reckons from when the run came here."""
        run.due = run.since + self.lasting_ms
        if self.at is not None or self.days:
            at = self.at.of(profile) if isinstance(self.at, TraitHour) else self.at
            run.due = next_time(run.due, at, self.days, zone_of(profile, self.zone))


class UntilStep(WaitStep, kw_only=True):
    """Waits for an event, or for a condition to hold."""

    events: frozenset[str]
    match: Match | None
    condition: Evaluate | None
    timeout_ms: int
    from_entry: bool
    otherwise: str | None

    def plan(self, profile: Profile, run: Run) -> None:
        """Sets the time-out."""
        if self.timeout_ms < NEVER:
            run.due = (run.entered if self.from_entry else run.since) + self.timeout_ms

    def over(self, profile: Profile, run: Run, now: int) -> str | None:
        """Asks the condition first."""
        if self.condition is not None and self._answer(profile, run, now) > 0:
            return "holds"
        return "timeout" if run.due <= now else None

    def turn(self, profile: Profile, run: Run, now: int) -> int:
        """The condition may turn by the clock."""
        if self.condition is None:
            return run.due
        return min(run.due, abs(self._answer(profile, run, now)))

    def way(self, choice: str) -> Way:
        """The time-out has a way of its own."""
        return self.otherwise if choice == "timeout" else self.next

    def _answer(self, profile: Profile, run: Run, now: int) -> int:
        assert self.condition is not None
        return self.condition(profile, now, run.data or NO_PROPERTIES)


class AnswerStep(UntilStep, kw_only=True):
    """Posts to an address, and waits for what comes of it."""

    call: ActionStep

    def take(self, walk: Walk) -> Way:
        """Posts, and remembers by which id the answer is known."""
        is_left_out = walk.run.skips
        way = self.call.take(walk)
        if is_left_out or isinstance(way, End):
            return way
        walk.run.data = {**walk.data, self.id: {COMMAND: walk.acting(self.id).id}}
        return super().take(walk)


class DateStep(WaitStep, kw_only=True):
    """Waits for a day relative to a date of the person."""

    path: tuple[str, ...]
    appointment: Appointment
    zone: tzinfo | None
    missing: str
    past: str | None

    def plan(self, profile: Profile, run: Run) -> None:
        """Reckons from the date that the trait has now."""
        value, zone = trait(profile.traits, self.path), zone_of(profile, self.zone)
        found = next_due(self.appointment, value, zone, -NEVER)
        run.due = NEVER if found is None else found

    def arrived(self, walk: Walk) -> str | None:
        """A day that has passed is told apart."""
        return "past" if walk.run.due <= walk.now else self._missing(walk.run)

    def over(self, profile: Profile, run: Run, now: int) -> str | None:
        """The date may have moved, or gone."""
        self.plan(profile, run)
        return "due" if run.due <= now else self._missing(run)

    def way(self, choice: str) -> Way:
        """Past days and no days have ways of their own."""
        if choice == "missing" and self.missing == "exit":
            return End("missing")
        return self.past if choice == "past" else self.next

    def _missing(self, run: Run) -> str | None:
        return "missing" if run.due >= NEVER and self.missing != "hold" else None


class ChildStep(WaitStep, kw_only=True):
    """Begins a run of another journey, and may wait for its end."""

    journey: str
    starters: Mapping[str, Starter]
    waits: bool

    def take(self, walk: Walk) -> Way:
        """Begins it."""
        parent = walk.run.id if self.waits else 0
        fact = self.starters[self.journey].start(walk.acting(self.id), parent)
        if fact is not None:
            walk.facts.add(fact)
        walk.tell("done", self.id, None if fact else "refused")
        return super().take(walk) if self.waits and fact is not None else self.next

    def over(self, profile: Profile, run: Run, now: int) -> str | None:
        """Looks whether the other run goes on."""
        runs = held(profile, self.journey)
        goes_on = any(each.parent == run.id and each.state != ENDED for each in runs)
        return None if goes_on else "ended"
