"""Compiles a definition set: walks it in evaluation order and gathers what each event touches."""

from typing import Any

from processors.decisions import actions, alarms, consents, layouts, people, sources, stimuli
from processors.decisions.actions import gives_for_a_time
from processors.decisions.compiled import Compiled, Plan
from processors.decisions.conditions import Compiler, Fact
from processors.decisions.entries import limit_key
from processors.decisions.features import (
    Feature,
    compile_where,
)
from processors.decisions.gate import HELD, GateNode
from processors.decisions.graphs import Graph
from processors.decisions.hearings import Hearing, Steering
from processors.decisions.journeys import JourneyNode, Runner
from processors.decisions.layouts import Layout
from processors.decisions.measures import Measure
from processors.decisions.moments import Change
from processors.decisions.nodes import (
    Bits,
    SegmentNode,
)
from processors.decisions.numbers import numbered
from processors.decisions.terms import gate
from processors.decisions.triggers import Guarded, Trigger, Woken
from processors.definitions.journeys import Journey
from processors.definitions.scores import EventMatch
from processors.definitions.sets import OLDER, DefinitionSet
from processors.definitions.stimuli import (
    InactiveStimulus,
    ManualStimulus,
    ScheduleStimulus,
    ScoreStimulus,
    Stimulus,
    Timed,
)
from schemas.events import LIST_CHANGED, RUN_REQUESTED, TRIGGER_REQUESTED


def compile_set(definitions: DefinitionSet) -> Compiled:
    """Returns the compiled form of a checked definition set."""
    return _Build(definitions).build()


def compiler(definitions: DefinitionSet) -> Compiler:
    """Returns what compiles conditions one by one, as those of a set are compiled."""
    return _Build(definitions).compiler


class _Build(Graph):
    """Adds to the graph what each event touches, and who is woken by what."""

    def __init__(self, definitions: DefinitionSet) -> None:
        super().__init__(definitions)
        self.plans: dict[str, Plan] = {}
        self.woken: dict[Change, list[Woken]] = {}
        self.alarms: dict[str, Woken] = {}
        self.memories: dict[str, int] = {}
        """For how long the moves of a score are asked for, ms."""
        self.idlers: Bits = 0
        self.reads_properties = False
        self.runners: dict[str, Runner] = {}
        self.gate = gate(definitions.topics, definitions.policies.values(), self.runners)
        self._means = actions.Means(self.runners, definitions.predicates, self.gate)
        self.guarded: list[tuple[str, Guarded]] = []
        """Triggers and ways into journeys, with their kind."""

    def build(self) -> Compiled:
        for kind, id_ in self.definitions.order:
            score = self.definitions.scores[id_] if kind == "score" else None
            if score is not None and score.combined is not None:
                self._combined(score, score.combined)
            elif score is not None:
                self._score(score)
            else:
                self._segment(self.definitions.segments[id_])
        self._journeys()
        self._triggers()
        if self.gate.policies:
            self._add(GateNode(gate=self.gate), {HELD, consents.CONTACT})
        self._rank()
        self._plan()
        for (kind, id_), users in self.users.items():
            if kind == "feature":
                self._kept(id_).users |= users
            elif kind in ("segment", "score"):
                self._changing(kind, id_).users |= users
            elif (kind, id_) == consents.CONTACT and self.gate.policies:
                self._node("gate").users = users
        for (kind, id_), woken in self.woken.items():
            self._watch(kind, id_, woken)
        self._mark()
        self._number()
        return Compiled(
            id=self.definitions.id,
            plans=self.plans,
            nodes=self.nodes,
            evaluators=[each.evaluate for each in self.nodes],
            everything=(1 << len(self.nodes)) - 1,
            newcomers=self.newcomers,
            places=self.places,
            users=self.users,
            reads_properties=self.reads_properties,
            scales=self.scales,
            segments=frozenset(self.definitions.segments),
            kept=dict.fromkeys(self.features.marks)
            | {each.key: each.width_ms for each in self.features.by_key.values()}
            | {each.key: each.width_ms for each in self.measures.by_key.values()},
            triggers=frozenset(self.definitions.triggers),
            woken=self.woken,
            runners=self.runners,
            timers={each.timer: place for place, each in enumerate(self.nodes)},
            alarms={self._node(key).timer: each for key, each in self.alarms.items()},
            remembered=frozenset(one for one, width_ms in self.memories.items() if width_ms),
            idlers=self.idlers,
            people=people.keys(self.places),
            documents=self._documents(),
            gate=self.gate,
            predicates=self.definitions.predicates,
        )

    def _documents(self) -> tuple[Any, ...]:
        """Returns what the set can be made from again."""
        written = [{OLDER: each} for each in self.definitions.kept]
        deciding = (self.definitions.documents[key] for key in self.definitions.deciding)
        return (*deciding, *written)

    def _plan(self) -> None:
        """Says of each event what it counts for, what of it is measured, which lists it fills."""
        if self.definitions.lists or self.idlers:
            changing = self.plans.setdefault(LIST_CHANGED, Plan())
            changing.lists = frozenset(self.definitions.lists)
            changing.learns = bool(changing.lists)
            changing.reads_properties |= changing.learns
        for name, said in consents.names(self.gate).items():
            plan = self.plans.setdefault(name, Plan())
            plan.said, plan.learns = said, True
            plan.reads_properties |= said.what != "delivered"
        for feature in self.features.by_key.values():
            plan = self.plans.setdefault(feature.event, Plan())
            if feature.where is None:
                plan.plain.append(feature)
            else:
                plan.asking.append((feature, feature.where))
        for measure in self.measures.by_key.values():
            plan = self.plans.setdefault(measure.event, Plan())
            plan.measuring.append(measure)
            plan.reads_properties = True

    def _kept(self, key: str) -> Feature | Measure:
        return self.features.by_key.get(key) or self.measures.by_key[key]

    def _watch(self, kind: str, id_: str, woken: list[Woken]) -> None:
        """Has a node tell of its changes where a trigger waits for them."""
        if kind == "grade":
            self._scored(id_).is_graded = True
        if kind not in ("segment", "score"):
            return
        node = self._changing(kind, id_)
        if isinstance(node, SegmentNode):
            node.is_watched = True
        else:
            node.memory_ms = self.memories.get(id_, 0)
            node.watchers = [each.moved for each in woken if each.moved is not None]

    def _number(self) -> None:
        """Numbers the timers, by the names of their nodes."""
        numbers = numbered(self.places)
        for node in self.nodes:
            node.timer = numbers[node.key]

    def _journeys(self) -> None:
        definitions = self.definitions
        for each in definitions.journeys.values():
            version = definitions.versions["journey", each.id]
            self.runners[each.id] = layouts.runner(each, version, definitions.unfit)
        for each in definitions.journeys.values():
            self._journey(each, self.runners[each.id])

    def _journey(self, journey: Journey, runner: Runner) -> None:
        """Lays out a journey, and has its runs moved, told of events, and begun."""
        definitions = self.definitions
        reads: set[Fact] = {runner.fact}
        events: set[str] = set()
        for each in (*definitions.older.get(journey.id, ()), journey):
            layout = Layout(each, self._compiled, self._means)
            flow = layout.flow()
            runner.flows[flow.version] = flow
            reads |= layout.reads
            events |= layout.events
        self._add(JourneyNode(key=limit_key(journey.id), runner=runner), reads)
        self.woken.setdefault(runner.fact, []).append(runner)
        for event in sorted(events):
            hearing = Hearing(id=journey.id, version=runner.version, runner=runner, event=event)
            self._hear(hearing, event, reads_properties=True)
        steering = Steering(
            id=journey.id, version=runner.version, runner=runner, event=RUN_REQUESTED
        )
        self._hear(steering, RUN_REQUESTED, reads_properties=True)
        when = journey.entry.when
        entry = layouts.entry(journey, runner, None if when is None else self._compiled(when)[0])
        self.guarded.append(("journey", entry))
        self._wake(entry, journey.entry.on, reads_properties=True)

    def _triggers(self) -> None:
        for each in self.definitions.triggers.values():
            self._ask(people.told(each.when, self.compiler, self.places))
            when = self.compiler.compile(each.when) if each.when is not None else None
            reads_properties = ("property", "") in self.compiler.take_reads()
            hears = isinstance(each.on, EventMatch | ManualStimulus)
            built = Trigger(
                id=each.id,
                version=self.definitions.versions["trigger", each.id],
                priority=each.priority,
                when=when,
                limit=each.limit,
                limit_key=each.id,
                is_eager=each.fire_on_publish,
                hears=hears,
                lends=not isinstance(each.on, Timed) and gives_for_a_time(each.do),
                actions=actions.ready(each.do, self._means),
            )
            reads_properties |= any(
                isinstance(action, actions.Start)
                or (hears and actions.tells(action))
                or sources.reads_properties(action)
                for action in built.actions
            )
            self.guarded.append(("trigger", built))
            self._wake(built, each.on, reads_properties)

    def _rank(self) -> None:
        """Ranks all that may be woken: the highest priority first, then by kind and id.

        Of a journey first its runs hear, then they move, then somebody enters.
        """
        ordered = sorted(self.guarded, key=lambda each: (-each[1].priority, each[0], each[1].id))
        ranks = {(kind, each.id): 3 * place for place, (kind, each) in enumerate(ordered)}
        for kind, each in self.guarded:
            each.rank = ranks[kind, each.id] + 2
        for id_, runner in self.runners.items():
            runner.rank = ranks["journey", id_] + 1
        for plan in self.plans.values():
            for woken in plan.triggers:
                if isinstance(woken, Hearing):
                    woken.rank = ranks["journey", woken.id]

    def _wake(self, trigger: Guarded, on: Stimulus, reads_properties: bool) -> None:
        if isinstance(on, EventMatch):
            trigger.where = compile_where(on.where)
            self._hear(trigger, on.event, reads_properties)
        elif isinstance(on, ManualStimulus):
            trigger.where = stimuli.requests(trigger.id)
            self._hear(trigger, TRIGGER_REQUESTED, reads_properties)
        elif isinstance(on, Timed):
            self._alarm(trigger, on)
        else:
            self.reads_properties |= reads_properties
            change, trigger.moved = stimuli.moved(on, self.scales)
            self.woken.setdefault(change, []).append(trigger)
            if isinstance(on, ScoreStimulus):
                trigger.moves_enough = stimuli.enough(on)
                self.memories[on.score] = max(self.memories.get(on.score, 0), on.within or 0)

    def _hear(self, trigger: Woken, event: str, reads_properties: bool) -> None:
        plan = self.plans.setdefault(event, Plan())
        plan.triggers.append(trigger)
        plan.reads_properties |= trigger.where is not None or reads_properties

    def _alarm(self, trigger: Guarded, on: Timed) -> None:
        node, reads = alarms.node(trigger.limit_key, on, self.features)
        if isinstance(on, ScheduleStimulus):
            self._ask(people.told(on.audience, self.compiler, self.places))
            trigger.audience = self.compiler.compile(on.audience)
            self.compiler.take_reads()
            self.newcomers |= 1 << len(self.nodes)
        elif isinstance(on, InactiveStimulus) and on.event is None:
            self.idlers |= 1 << len(self.nodes)
        self._add(node, reads)
        self.alarms[node.key] = trigger
