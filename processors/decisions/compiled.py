"""A definition set, compiled: by the name of an event, all that it touches and nothing else."""

from collections.abc import Callable

import msgspec

from processors.decisions import triggers
from processors.decisions.comparisons import FALSE
from processors.decisions.conditions import CLOCK, Compiler, Evaluate, Fact
from processors.decisions.features import (
    MAX_COUNT,
    NO_PROPERTIES,
    Feature,
    Features,
    Where,
    compile_where,
)
from processors.decisions.measures import Measure, Measures
from processors.decisions.moments import Change, Moment
from processors.decisions.nodes import (
    Bits,
    CountRule,
    Holder,
    Node,
    ScoreNode,
    SegmentNode,
    StateRule,
    WindowRule,
)
from processors.decisions.scales import Scale, scale
from processors.decisions.triggers import Trigger
from processors.definitions.conditions import Condition
from processors.definitions.scores import EventMatch, Rule, Score
from processors.definitions.segments import Segment
from processors.definitions.sets import DefinitionSet
from processors.definitions.triggers import Stimulus
from processors.state.profiles import Profile


class Plan(msgspec.Struct):
    """What one event name touches."""

    plain: list[Feature] = []
    """What it counts for, whatever its properties."""
    asking: list[tuple[Feature, Where]] = []
    """What it counts for if its properties are so."""
    measuring: list[Measure] = []
    """Which of its properties are kept."""
    triggers: list[Trigger] = []
    reads_properties: bool = False
    """Whether a trigger or a measure asks for them, whatever they are."""


class Compiled(msgspec.Struct, kw_only=True):
    """All definitions that are active together, ready to decide."""

    id: str
    plans: dict[str, Plan]
    nodes: list[Node]
    """In evaluation order."""
    evaluators: list[Callable[[Profile, Moment], Bits]]
    """How to bring each of them up to date."""
    everything: Bits
    """All nodes."""
    newcomers: Bits
    """The nodes that may hold for somebody of whom nothing is known."""
    places: dict[str, int]
    """Place of a node in the evaluation order, by its key."""
    users: dict[Fact, Bits]
    """Who reads a trait, a tag, a list …"""
    reads_properties: bool
    """Whether a trigger that anything may wake reads the properties of the event at hand."""
    scales: dict[str, Scale]
    segments: frozenset[str]
    kept: dict[str, int | None]
    """The keys of what is counted, measured and noted, with the width of those with times, ms."""
    triggers: frozenset[str]
    woken: dict[Change, list[Trigger]]
    """Who waits for a segment, a score or a trait to change."""

    @property
    def size(self) -> int:
        """How many definitions there are."""
        return len(self.segments) + len(self.scales) + len(self.triggers)


def compile_set(definitions: DefinitionSet) -> Compiled:
    """Returns the compiled form of a checked definition set."""
    return _Build(definitions).build()


class _Build:
    """Gathers the parts while the definitions are walked in evaluation order."""

    def __init__(self, definitions: DefinitionSet) -> None:
        self.definitions = definitions
        self.features = Features()
        self.scales = {score.id: scale(score) for score in definitions.scores.values()}
        self.measures = Measures()
        self.compiler = Compiler(self.features, self.measures, self.scales)
        self.nodes: list[Node] = []
        self.newcomers: Bits = 0
        self.places: dict[str, int] = {}
        self.users: dict[Fact, Bits] = {}
        self.plans: dict[str, Plan] = {}
        self.woken: dict[Change, list[Trigger]] = {}
        self.reads_properties = False

    def build(self) -> Compiled:
        for kind, id_ in self.definitions.order:
            if kind == "score":
                self._score(self.definitions.scores[id_])
            else:
                self._segment(self.definitions.segments[id_])
        self._triggers()
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
        for (kind, id_), users in self.users.items():
            if kind == "feature":
                self._kept(id_).users |= users
            elif kind in ("segment", "score"):
                self._changing(kind, id_).users |= users
        for (kind, id_), woken in self.woken.items():
            self._watch(kind, id_, woken)
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
        )

    def _kept(self, key: str) -> Feature | Measure:
        return self.features.by_key.get(key) or self.measures.by_key[key]

    def _watch(self, kind: str, id_: str, woken: list[Trigger]) -> None:
        """Has a node tell of its changes where a trigger waits for them."""
        node = None if kind in ("trait", "status") else self._changing(kind, id_)
        if isinstance(node, SegmentNode):
            node.is_watched = True
        elif node is not None:
            node.watchers = [each.moved for each in woken if each.moved is not None]

    def _changing(self, kind: str, id_: str) -> SegmentNode | ScoreNode:
        node = self.nodes[self.places[_key(kind, id_)]]
        assert isinstance(node, SegmentNode | ScoreNode)
        return node

    def _add(self, node: Node, reads: set[Fact]) -> None:
        place = len(self.nodes)
        self.places[node.key] = place
        self.nodes.append(node)
        for fact in reads:
            self.users[fact] = self.users.get(fact, 0) | 1 << place

    def _condition(self, condition: Condition) -> tuple[Evaluate, set[Fact]]:
        """Returns the condition of the node that is added next, and which facts it reads."""
        evaluate = self.compiler.compile(condition)
        reads = self.compiler.take_reads()
        if ("id", "") in reads or evaluate(Profile(), 0, NO_PROPERTIES) != FALSE:
            self.newcomers |= 1 << len(self.nodes)
        return evaluate, reads

    def _segment(self, segment: Segment) -> None:
        version = self.definitions.versions["segment", segment.id]
        condition, reads = self._condition(segment.when)
        node = SegmentNode(
            key=_key("segment", segment.id),
            id=segment.id,
            version=version,
            condition=condition,
            is_timed=CLOCK in reads,
        )
        self._add(node, reads)

    def _score(self, score: Score) -> None:
        rules = [rule for group in score.groups for rule in group.rules]
        of_score = 1 << (len(self.nodes) + len(rules))
        for rule in rules:
            self._rule(score.id, rule, of_score)
        node = ScoreNode(key=_key("score", score.id), id=score.id, scale=self.scales[score.id])
        self._add(node, set())
        self.users["added", score.id] = of_score

    def _rule(self, score_id: str, rule: Rule, users: Bits) -> None:
        key = f"score/{score_id}/{rule.id}"
        scale = self.scales[score_id]
        holder = Holder(score_id, rule.id, scale.groups[rule.id], scale)
        if rule.when is not None:
            condition, reads = self._condition(rule.when)
            node: Node = StateRule(
                key=key,
                holder=holder,
                condition=condition,
                is_timed=CLOCK in reads,
                points=rule.points,
                users=users,
            )
        else:
            assert rule.on is not None  # the model sees to it
            node, feature = self._on_rule(key, holder, rule, rule.on)
            node.users = users
            reads = {("feature", feature.key)}
        self._add(node, reads)

    def _on_rule(
        self, key: str, holder: Holder, rule: Rule, on: EventMatch
    ) -> tuple[CountRule | WindowRule, Feature]:
        most = rule.max_occurrences or MAX_COUNT
        if rule.within is None:
            feature = self.features.count(
                on.event, on.where, since_ms=None, capacity=rule.max_occurrences
            )
            return CountRule(
                key=key, holder=holder, feature=feature.key, points=rule.points, most=most
            ), feature
        feature = self.features.window(
            on.event, on.where, width_ms=rule.within, capacity=rule.max_occurrences
        )
        return WindowRule(
            key=key,
            holder=holder,
            feature=feature.key,
            points=rule.points,
            most=most,
            width_ms=rule.within,
        ), feature

    def _triggers(self) -> None:
        ordered = sorted(
            self.definitions.triggers.values(), key=lambda each: (-each.priority, each.id)
        )
        for rank, each in enumerate(ordered):
            when = self.compiler.compile(each.when) if each.when is not None else None
            reads_properties = ("property", "") in self.compiler.take_reads()
            built = Trigger(
                id=each.id,
                version=self.definitions.versions["trigger", each.id],
                priority=each.priority,
                rank=rank,
                when=when,
                limit=each.limit,
                actions=each.do,
            )
            self._wake(built, each.on, reads_properties)

    def _wake(self, trigger: Trigger, on: Stimulus, reads_properties: bool) -> None:
        if isinstance(on, EventMatch):
            trigger.where = compile_where(on.where)
            plan = self.plans.setdefault(on.event, Plan())
            plan.triggers.append(trigger)
            plan.reads_properties |= trigger.where is not None or reads_properties
        else:
            self.reads_properties |= reads_properties
            change, trigger.moved = triggers.moved(on, self.scales)
            self.woken.setdefault(change, []).append(trigger)


def _key(kind: str, id_: str) -> str:
    """Names a node: a segment by its id alone, since its key is written in every member's state."""
    return id_ if kind == "segment" else f"score/{id_}"
