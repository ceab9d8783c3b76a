"""Journeys, compiled: who may enter, what moves the runs, and what a change of definitions does.

A node of the graph looks when a run may move; the runner moves it, in a round like any trigger.
"""

from collections.abc import Mapping

import msgspec

from processors.decisions import gate
from processors.decisions.actions import Acting
from processors.decisions.features import NO_PROPERTIES, Properties
from processors.decisions.flows import STAYS, End, Flow, UntilStep, WaitStep, Walk, Way
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits, set_timer
from processors.decisions.runs import Telling, held, journeys_of, known, learn, run_id, shown
from processors.decisions.triggers import LOOP, Facts, Woken, record
from processors.definitions.journeys import ALWAYS
from processors.state.profiles import NEVER, Profile
from processors.state.runs import ENDED, GOING, MAX_RUNS, WAITING, Run

CANCELLED = "cancelled"
REQUEST = "request"
MAX_PASSES = 100
"""How often a run may go back.

Source: Segment's limit for journeys that loop."""


class JourneyNode(msgspec.Struct, kw_only=True):
    """Looks whether runs of a journey may move, and when they may next."""

    key: str
    runner: "Runner"
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Wakes the runner where one may move now, or waits until then."""
        due_ms = NEVER
        for run in list(held(profile, self.runner.id)):
            if run.state == ENDED and run.due <= moment.now:
                Telling(self.runner.id, profile, moment).drop(run)
                continue
            due_ms = min(due_ms, self.runner.next_move(profile, run, moment.now))
        if due_ms <= moment.now:
            moment.note(("runs", self.runner.id), False, True)
            moment.turned = True
            due_ms = NEVER
        set_timer(profile, self.timer, due_ms)
        return 0


class Runner(Woken, kw_only=True):
    """Moves the runs of one journey."""

    flows: dict[str, Flow]
    """By version; the newest is the last."""
    status: str
    overdue: str
    live_edit: str
    moves: Mapping[str, str]
    re_entry: int | None
    unfit: frozenset[str] = frozenset()
    """Versions that name what is gone: their runs stand still until it is back."""

    @property
    def newest(self) -> Flow:
        """The version on which runs begin."""
        return next(reversed(self.flows.values()))

    @property
    def fact(self) -> tuple[str, str]:
        """What changes with every move of a run."""
        return ("runs", self.id)

    # When

    def next_move(self, profile: Profile, run: Run, now: int) -> int:
        """Returns the instant at which a run may move next, now or later, ms."""
        flow = self.flows.get(run.version)
        if flow is None:
            return NEVER
        if run.state == ENDED:
            return run.due
        leaves = flow.leaves(profile, run, now)
        if leaves > 0:
            return now
        if run.is_held:
            return -leaves
        if run.state == GOING:
            return now
        step = flow.steps[run.step]
        assert isinstance(step, WaitStep)
        if step.over(profile, run, now) is not None:
            return now
        return min(-leaves, step.turn(profile, run, now))

    # Entry

    @property
    def closed(self) -> str | None:
        """Why nobody may enter now, whoever it is; None where people may."""
        return None if self.status == "active" else self.status

    def missed(self, profile: Profile, moment: Moment, known_to: Properties) -> str | None:
        """Returns why the journey is not meant for somebody; None where it is."""
        targeting = self.newest.targeting
        if targeting is None or targeting(profile, moment.now, known_to) > 0:
            return None
        return "condition"

    def bar(self, profile: Profile, now: int, key: str) -> str | None:
        """Returns why nobody may enter again, or not now; None where they may."""
        if any(each.key == key and each.state != ENDED for each in held(profile, self.id)):
            return "running"
        found = profile.journeys
        if found is None:
            return None
        latest = found.entries.get(self.id, {}).get(key)
        if latest is not None and (self.re_entry is None or now < latest + self.re_entry):
            return "re-entry"
        return "too-many-runs" if found.going >= MAX_RUNS else None

    def begin(self, telling: Telling, occurrence: str, key: str, known_to: Properties) -> Run:
        """Begins a run, which is to move in the next round."""
        moment, profile, flow = telling.moment, telling.profile, self.newest
        run = Run(
            id=run_id(self.id, profile.id, occurrence),
            version=flow.version,
            step=flow.first,
            entered=moment.now,
            since=moment.now,
            due=NEVER,
            key=key,
            data=known(known_to, flow.keys),
        )
        journeys = journeys_of(profile)
        journeys.runs.setdefault(self.id, []).append(run)
        if self.re_entry != ALWAYS:
            journeys.enter(self.id, key, moment.now)
        telling.tell(run, "entered")
        return run

    def start(self, acting: Acting, parent: int = 0) -> tuple[str, str] | None:
        """Begins a run for a trigger, or for a step of another journey."""
        profile, moment = acting.profile, acting.moment
        known_to = acting.known or NO_PROPERTIES
        reason = self.closed or self.missed(profile, moment, known_to)
        reason = reason or self.bar(profile, moment.now, "")
        record(self, profile, moment, reason, "entered")
        if reason is not None:
            return None
        occurrence = f"start-{acting.id}"
        run = self.begin(Telling(self.id, profile, moment), occurrence, "", known_to)
        run.parent = parent
        return self.fact

    def stop(
        self, profile: Profile, moment: Moment, reason: str = "stopped"
    ) -> tuple[str, str] | None:
        """Ends the person's runs."""
        going = [each for each in held(profile, self.id) if each.state != ENDED]
        for run in going:
            self._end(Telling(self.id, profile, moment), run, reason)
        return self.fact if going else None

    # Moving

    def fire(self, profile: Profile, moment: Moment, round_: int) -> Facts:
        """Moves all runs that may move."""
        facts: Facts = {self.fact}
        telling = Telling(self.id, profile, moment)
        for run in [each for each in held(profile, self.id) if each.state != ENDED]:
            self._advance(telling, run, facts)
        return facts

    def give_up(self, profile: Profile, moment: Moment) -> None:
        """Ends what goes round and round within one instant."""
        telling = Telling(self.id, profile, moment)
        for run in list(held(profile, self.id)):
            if run.state == GOING:
                self._end(telling, run, LOOP)

    def hear(self, profile: Profile, moment: Moment, event: str) -> Facts:
        """Has the runs hear an event."""
        facts: Facts = set()
        telling = Telling(self.id, profile, moment)
        for run in list(held(profile, self.id)):
            flow = self.flows.get(run.version)
            has_just_begun = run.state == GOING and not run.is_held
            is_gone = run not in held(profile, self.id)  # another one has ended it
            if flow is None or has_just_begun or is_gone:
                continue
            if self._hear(telling, run, flow, event, facts):
                facts.add(self.fact)
        return facts

    def _hear(self, telling: Telling, run: Run, flow: Flow, event: str, facts: Facts) -> bool:
        """Returns whether an event meant something to a run."""
        moment, data = telling.moment, run.data or NO_PROPERTIES
        properties, at_ms = moment.properties, moment.heard
        if self._reaches(run, flow, event, moment):
            telling.tell(run, "goal", step=run.step)
            if run.state == ENDED:
                telling.drop(run)
            else:
                self._end(telling, run, "goal", is_reached=True)
            return True
        if run.state != ENDED and at_ms >= run.entered:
            for match in flow.leaving.get(event, ()):
                if match.fits(properties, data, at_ms):
                    self._end(telling, run, "event")
                    return True
        step = flow.steps.get(run.step)
        if run.state != WAITING or not isinstance(step, UntilStep) or event not in step.events:
            return False
        assert step.match is not None
        if at_ms < run.since or not step.match.fits(properties, data, at_ms):
            return False
        if properties:
            run.data = learn(data, step.id, properties, flow.keys)
        self._leave(telling, run, flow, "heard", facts)
        return True

    def _reaches(self, run: Run, flow: Flow, event: str, moment: Moment) -> bool:
        """Returns whether an event is the goal of a run."""
        if flow.goal is None or flow.goal[0] != event:
            return False
        at_ms, data = moment.heard, run.data or NO_PROPERTIES
        if not run.entered <= at_ms < run.entered + flow.goal_ms:
            return False
        return flow.goal[1].fits(moment.properties, data, at_ms)

    def _advance(self, telling: Telling, run: Run, facts: Facts) -> None:
        profile, now = telling.profile, telling.moment.now
        flow = self.flows.get(run.version)
        if flow is None or run.state == ENDED:
            return
        if flow.leaves(profile, run, now) > 0:
            self._end(telling, run, "condition")
            return
        if run.is_held:
            return
        if run.state == GOING:
            self._walk(telling, run, flow, facts)
            return
        step = flow.steps[run.step]
        assert isinstance(step, WaitStep)
        choice = step.over(profile, run, now)
        if choice is not None:
            self._leave(telling, run, flow, choice, facts)

    def _leave(self, telling: Telling, run: Run, flow: Flow, choice: str, facts: Facts) -> None:
        """Has a run leave the wait at which it is."""
        step = flow.steps[run.step]
        assert isinstance(step, WaitStep)
        telling.tell(run, "went", step=run.step, choice=choice)
        run.state = GOING
        self._move(telling, run, flow, step.way(choice))
        if run.state == GOING and not run.is_held:
            self._walk(telling, run, flow, facts)

    def _walk(self, telling: Telling, run: Run, flow: Flow, facts: Facts) -> None:
        """Takes step after step, until the run waits or ends."""
        walk = Walk(telling=telling, run=run, flow=flow, priority=self.priority, facts=facts)
        while run.state == GOING:
            run.visit += 1
            way = flow.steps[run.step].go(walk)
            if way == STAYS or run.state == ENDED:
                return
            self._move(telling, run, flow, way)

    def _move(self, telling: Telling, run: Run, flow: Flow, way: Way) -> None:
        if way is None:
            self._end(telling, run, None)
        elif isinstance(way, End):
            self._end(telling, run, way.reason, is_planned=way.is_planned)
        else:
            run.passes += flow.steps[way].place <= flow.steps[run.step].place
            if run.passes > MAX_PASSES:
                self._end(telling, run, "pass-limit")
            else:
                run.step = way

    def _end(
        self,
        telling: Telling,
        run: Run,
        reason: str | None,
        *,
        is_reached: bool = False,
        is_planned: bool = False,
    ) -> None:
        """Ends a run. Where it leaves the journey, what waits to be sent for it does not go."""
        if reason is not None and not is_planned:
            gate.take_back(telling.profile, telling.moment, f"{shown(run)}/")
        flow = self.flows.get(run.version)
        until_ms = flow.goal_until(run) if flow is not None and not is_reached else 0
        telling.end(run, reason, until_ms)

    # By hand

    def steer(self, telling: Telling, run: Run, step: object) -> bool:
        """Has a run go on at a step, or for None ends it; returns whether there is such a step."""
        if step is None:
            self._end(telling, run, CANCELLED)
            return True
        flow = self.flows.get(run.version)
        if flow is None or not isinstance(step, str) or step not in flow.steps:
            return False
        run.step, run.state, run.due = step, GOING, NEVER
        telling.tell(run, "moved", step=step, choice=REQUEST)
        return True

    # Editing

    def adopt(self, telling: Telling, run: Run) -> None:
        """Brings a run under the journey as it is now."""
        if run.state == ENDED:
            if run.version not in self.flows:
                telling.drop(run)
            return
        if self.status == "archived":
            self._end(telling, run, "archived")
            return
        if self.live_edit == "pin" and run.version in self.unfit:
            record(self, telling.profile, telling.moment, "missing")
            return
        is_pinned = self.live_edit == "pin" and run.version in self.flows
        if run.version != self.newest.version and not is_pinned:
            self._follow(telling, run)
        is_held = self.status == "paused"
        if run.is_held and not is_held and self.overdue == "skip":
            run.skips = run.state == GOING or run.due <= telling.moment.now
        run.is_held = is_held

    def _follow(self, telling: Telling, run: Run) -> None:
        """Has a run go on by the newest version."""
        flow, profile = self.newest, telling.profile
        target = run.step if run.step in flow.steps else self.moves.get(run.step)
        if target is None:
            self._end(telling, run, "step-gone")
            return
        is_there = target == run.step
        run.version, run.step = flow.version, target
        telling.tell(run, "moved", step=target, choice="edit")
        step = flow.steps[target]
        if run.state == WAITING and is_there and isinstance(step, WaitStep):
            run.due = NEVER
            step.plan(profile, run)
        else:
            run.state = GOING


def adopt(runners: Mapping[str, Runner], profile: Profile, moment: Moment) -> None:
    """Brings somebody's runs under other definitions; those of journeys that are gone end."""
    journeys = profile.journeys
    if journeys is None:
        return
    for id_, runs in list(journeys.runs.items()):
        telling = Telling(id_, profile, moment)
        runner = runners.get(id_)
        for run in list(runs):
            if runner is not None:
                runner.adopt(telling, run)
            elif run.state == ENDED:
                telling.drop(run)
            else:
                telling.end(run, "deleted")
    for id_ in journeys.entries.keys() - runners.keys():
        del journeys.entries[id_]
    if not journeys.runs and not journeys.entries:
        profile.journeys = None
