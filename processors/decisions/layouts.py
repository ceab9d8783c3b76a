"""Lays out a journey: from its document to steps that runs can take."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from typing import Any, get_args

from processors.decisions import actions
from processors.decisions.conditions import Evaluate, Fact
from processors.decisions.dates import Appointment
from processors.decisions.entries import Entry, limit_key
from processors.decisions.features import compile_where
from processors.decisions.flows import (
    COMMAND,
    ActionStep,
    AnswerStep,
    BranchStep,
    ChildStep,
    DateStep,
    ExitStep,
    Flow,
    Match,
    PauseStep,
    SplitStep,
    Step,
    UntilStep,
)
from processors.decisions.hours import TIMEZONE, TraitHour
from processors.decisions.journeys import Runner
from processors.definitions import steps, webhooks, zones
from processors.definitions.conditions import Condition
from processors.definitions.journeys import MESSAGE_ID, Journey
from processors.definitions.scores import EventMatch
from processors.definitions.stimuli import ManualStimulus
from processors.state.profiles import NEVER
from schemas.outcomes import Result


def runner(journey: Journey, version: str, unfit: frozenset[str]) -> Runner:
    """Returns what moves the runs of a journey, without steps as yet."""
    return Runner(
        id=journey.id,
        version=version,
        priority=journey.priority,
        moved=_any_move,
        flows={},
        status=journey.status,
        overdue=journey.overdue,
        live_edit=journey.live_edit,
        moves=journey.moves,
        re_entry=journey.re_entry,
        unfit=unfit,
        is_eager=True,
    )


def _any_move(old: object, new: object) -> bool:
    """Stands for what runs wait for: that they may move."""
    return True


def entry(journey: Journey, runner: Runner, when: Evaluate | None) -> Entry:
    """Returns the way into a journey."""
    return Entry(
        id=journey.id,
        version=runner.version,
        priority=journey.priority,
        when=when,
        limit=journey.limit,
        limit_key=limit_key(journey.id),
        is_eager=journey.fire_on_publish,
        runner=runner,
        per=None if journey.per is None else tuple(journey.per.split(".")),
        hears=isinstance(journey.entry.on, EventMatch | ManualStimulus),
    )


ANSWERS = frozenset(f"webhook.{result}" for result in get_args(Result))
"""The events that tell what came of a webhook."""

_PRINTED = re.compile(r"""\b(?:run|event)(?:\.([A-Za-z_][\w-]*)|\[\s*["']([^"']+))""")
"""What Liquid prints of what a run knows."""

Compile = Callable[[Condition], tuple[Evaluate, set[Fact]]]
"""Returns the closure of a condition, and which facts it reads."""


class Layout:
    """One version of a journey while it is laid out."""

    def __init__(
        self,
        journey: Journey,
        compile_: Compile,
        means: actions.Means,
    ) -> None:
        self._journey = journey
        self._compile = compile_
        self._means = means
        self.reads: set[Fact] = set()
        """What can end a run, or a wait."""
        self.events: set[str] = set()
        """What runs listen to."""

    def flow(self) -> Flow:
        """Returns the steps, ready to be taken."""
        journey = self._journey
        exits = [each for each in journey.exit if not isinstance(each, steps.Arrival)]
        leaving: dict[str, list[Match]] = {}
        for each in journey.exit:
            if isinstance(each, steps.Arrival):
                leaving.setdefault(each.event, []).append(self._match(each))
        goal = journey.goal
        within_ms = goal.within if goal is not None else None
        laid = [self._step(place, step) for place, step in enumerate(journey.steps)]
        return Flow(
            version=journey.steps_version,
            first=laid[0].id,
            steps={step.id: step for step in laid},
            exits=[self._followed(each) for each in exits],
            leaving=leaving,
            goal=None if goal is None else (goal.event, self._match(goal)),
            goal_ms=NEVER if within_ms is None else within_ms,
            targeting=self._asked(journey.targeting),
            keys=frozenset(_named(journey)),
        )

    def _followed(self, condition: Condition) -> Evaluate:
        """Returns a condition that moves a run when it turns."""
        evaluate, reads = self._compile(condition)
        self.reads |= reads
        return evaluate

    def _asked(self, condition: Condition | None) -> Evaluate | None:
        """Returns a condition that is asked at a step only."""
        return None if condition is None else self._compile(condition)[0]

    def _match(self, arrival: steps.Arrival) -> Match:
        self.events.add(arrival.event)
        same = [(tuple(a.split(".")), tuple(b.split("."))) for a, b in arrival.same.items()]
        return Match(compile_where(arrival.where), tuple(same))

    def _step(self, place: int, step: steps.Step) -> Step:
        after = self._journey.steps[place + 1 : place + 2]
        following = after[0].id if after else None
        at: dict[str, Any] = {"id": step.id, "place": place, "next": step.go or following}
        at["when"] = self._asked(step.when)
        does = step.does
        match does:
            case steps.Wait():
                return self._wait(does, at)
            case steps.Branch(cases=cases, otherwise=otherwise):
                ways = [(self._compile(case.when)[0], case.go) for case in cases]
                return BranchStep(**at, cases=ways, otherwise=otherwise or at["next"])
            case steps.Call(timeout=int()):
                return self._call(does, at)
            case steps.Split():
                return self._split(does, at)
            case steps.Start(journey=journey, wait=waits):
                if waits:
                    self.reads.add(("runs", journey))
                return ChildStep(**at, journey=journey, starters=self._means.starters, waits=waits)
            case steps.Exit(reason=reason):
                return ExitStep(**at, reason=reason)
            case steps.Go():
                return Step(**at)
            case _:
                (action,) = actions.ready([does], self._means)
                return ActionStep(**at, action=action)

    def _call(self, call: steps.Call, at: dict[str, Any]) -> Step:
        self.events |= ANSWERS
        return AnswerStep(
            **at,
            call=ActionStep(**at, action=call),
            events=ANSWERS,
            match=Match(None, (((COMMAND,), (at["id"], COMMAND)),)),
            condition=None,
            timeout_ms=call.timeout or 0,
            from_entry=False,
            otherwise=call.otherwise or at["next"],
        )

    def _split(self, split: steps.Split, at: dict[str, Any]) -> Step:
        reached, variants = 0.0, []
        for name, share in sorted(split.variants.items()):
            reached += share
            variants.append((name, reached))
        salt = split.salt or f"{self._journey.id}/{at['id']}"
        return SplitStep(**at, salt=salt, variants=variants, ways=split.go)

    def _wait(self, wait: steps.Wait, at: dict[str, Any]) -> Step:
        if wait.timezone == zones.PROFILE:
            self.reads.add(("trait", TIMEZONE))
        if wait.date is not None:
            assert not isinstance(wait.at, steps.TraitClock)  # the model sees to it
            path = tuple(wait.date.split("."))
            self.reads.add(("trait", path[0]))
            return DateStep(
                **at,
                path=path,
                appointment=Appointment(offset_ms=wait.offset, at=wait.at),
                zone=zones.find(wait.timezone),
                missing=wait.missing,
                past=wait.past or at["next"],
            )
        if wait.until is not None:
            return self._until(wait, wait.until, at)
        clock: time | TraitHour | None
        if isinstance(wait.at, steps.TraitClock):
            clock = TraitHour(tuple(wait.at.trait.split(".")), wait.at.otherwise)
        else:
            clock = wait.at
        return PauseStep(
            **at,
            lasting_ms=wait.lasting or 0,
            at=clock,
            days=wait.days or (),
            zone=zones.find(wait.timezone),
        )

    def _until(self, wait: steps.Wait, awaited: steps.Awaited, at: dict[str, Any]) -> Step:
        events, match, condition = frozenset[str](), None, None
        if isinstance(awaited, steps.Arrival):
            events, match = frozenset({awaited.event}), self._match(awaited)
        else:
            condition = self._followed(awaited)
        return UntilStep(
            **at,
            events=events,
            match=match,
            condition=condition,
            timeout_ms=NEVER if wait.timeout is None else wait.timeout,
            from_entry=wait.origin == "entry",
            otherwise=wait.otherwise or at["next"],
        )


def _named(journey: Journey) -> Iterator[str]:
    """Yields the names under which a run is asked for what it knows, and some more."""
    if journey.per is not None and journey.per != MESSAGE_ID:
        yield journey.per.split(".")[0]
    arrivals = [each for each in (*journey.exit, journey.goal) if isinstance(each, steps.Arrival)]
    for step in journey.steps:
        yield step.id
        if isinstance(step.does, steps.Wait) and isinstance(step.does.until, steps.Arrival):
            arrivals.append(step.does.until)
    for each in arrivals:
        yield from (path.split(".")[0] for path in each.same.values())
    yield from _properties(journey.origin.document)


def _properties(found: Any) -> Iterator[str]:
    """Yields the first name of each property that a document mentions."""
    if isinstance(found, Mapping):
        name = found.get("property")
        if isinstance(name, str):
            yield name.split(".")[0]
        for each in found.values():
            yield from _properties(each)
    elif isinstance(found, list):
        for each in found:
            yield from _properties(each)
    elif isinstance(found, str) and webhooks.has_liquid(found):
        yield from (match[1] or match[2] for match in _PRINTED.finditer(found))
