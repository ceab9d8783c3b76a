"""Compiles a definition set: walks it in evaluation order and gathers what each event touches."""

from collections.abc import Iterator

from processors.decisions import alarms, people, stimuli
from processors.decisions.comparisons import FALSE
from processors.decisions.compiled import Compiled, Plan
from processors.decisions.conditions import CLOCK, Asked, Compiler, Evaluate, Fact
from processors.decisions.decays import marks
from processors.decisions.fading import (
    CombinedNode,
    FadingRule,
    FadingScoreNode,
    Scored,
)
from processors.decisions.features import (
    NO_PROPERTIES,
    Feature,
    Features,
    compile_where,
)
from processors.decisions.measures import Measure, Measures
from processors.decisions.moments import Change
from processors.decisions.nodes import (
    AdjustmentsNode,
    Bits,
    Holder,
    Node,
    ScoreNode,
    SegmentNode,
    StateRule,
)
from processors.decisions.numbers import numbered
from processors.decisions.people import RollUpRule
from processors.decisions.rules import counting
from processors.decisions.scales import Scale, scale
from processors.decisions.triggers import Trigger, gives_for_a_time
from processors.definitions.conditions import Condition
from processors.definitions.scores import Combined, EventMatch, Rule, Score
from processors.definitions.segments import Segment
from processors.definitions.sets import DefinitionSet
from processors.definitions.stimuli import (
    InactiveStimulus,
    ManualStimulus,
    ScheduleStimulus,
    ScoreStimulus,
    Stimulus,
    Timed,
)
from processors.state.profiles import Profile
from schemas.events import TRIGGER_REQUESTED


def compile_set(definitions: DefinitionSet) -> Compiled:
    """Returns the compiled form of a checked definition set."""
    return _Build(definitions).build()


def compiler(definitions: DefinitionSet) -> Compiler:
    """Returns what compiles conditions one by one, as those of a set are compiled."""
    return _Build(definitions).compiler


class _Build:
    """Gathers the parts while the definitions are walked in evaluation order."""

    def __init__(self, definitions: DefinitionSet) -> None:
        self.definitions = definitions
        self.features = Features()
        self.scales: dict[str, Scale] = {}
        for kind, id_ in definitions.order:
            if kind == "score":
                self.scales[id_] = scale(definitions.scores[id_], self.scales)
        self.measures = Measures()
        self.compiler = Compiler(self.features, self.measures, self.scales, definitions.predicates)
        self.nodes: list[Node] = []
        self.newcomers: Bits = 0
        self.places: dict[str, int] = {}
        self.users: dict[Fact, Bits] = {}
        self.plans: dict[str, Plan] = {}
        self.woken: dict[Change, list[Trigger]] = {}
        self.alarms: dict[str, Trigger] = {}
        self.memories: dict[str, int] = {}
        """For how long the moves of a score are asked for, ms."""
        self.idlers: Bits = 0
        self.reads_properties = False

    def build(self) -> Compiled:
        for kind, id_ in self.definitions.order:
            score = self.definitions.scores[id_] if kind == "score" else None
            if score is not None and score.combined is not None:
                self._combined(score.id, score.combined)
            elif score is not None:
                self._score(score)
            else:
                self._segment(self.definitions.segments[id_])
        self._triggers()
        self._plan()
        for (kind, id_), users in self.users.items():
            if kind == "feature":
                self._kept(id_).users |= users
            elif kind in ("segment", "score"):
                self._changing(kind, id_).users |= users
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
            timers={each.timer: place for place, each in enumerate(self.nodes)},
            alarms={self._node(key).timer: each for key, each in self.alarms.items()},
            remembered=frozenset(one for one, width_ms in self.memories.items() if width_ms),
            idlers=self.idlers,
            people=people.keys(self.places),
            documents=tuple(self.definitions.documents.values()),
            predicates=self.definitions.predicates,
        )

    def _plan(self) -> None:
        """Says of each event what it counts for, and what of it is measured."""
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

    def _watch(self, kind: str, id_: str, woken: list[Trigger]) -> None:
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

    def _node(self, key: str) -> Node:
        return self.nodes[self.places[key]]

    def _changing(self, kind: str, id_: str) -> SegmentNode | Scored:
        node = self._node(_key(kind, id_))
        assert isinstance(node, SegmentNode | Scored)
        return node

    def _scored(self, score_id: str) -> Scored:
        node = self._changing("score", score_id)
        assert not isinstance(node, SegmentNode)
        return node

    def _mark(self) -> None:
        """Tells the scores that time alone may move which of their values matter to anybody."""
        asked = self.compiler.asked
        for each in self.definitions.triggers.values():
            if isinstance(each.on, ScoreStimulus):
                asked.setdefault(each.on.score, Asked()).reached.add(each.on.crosses)
        for score in self.definitions.scores.values():
            of_score = asked.setdefault(score.id, Asked())
            of_score.reached.update(score.levels.values(), score.grades.values())
            if score.combined is not None:
                matrix = score.combined.matrix
                sides = (matrix.rows, matrix.columns)
                for part, side in zip(score.combined.of, sides, strict=True):
                    asked.setdefault(part, Asked()).reached.update(side.values())
        for score_id, found in asked.items():
            node = self._scored(score_id)
            if not isinstance(node, ScoreNode):
                node.marks = marks(found.reached, found.passed)

    def _number(self) -> None:
        """Numbers the timers, by the names of their nodes."""
        numbers = numbered(self.places)
        for node in self.nodes:
            node.timer = numbers[node.key]

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

    def _ask(self, asked: Iterator[tuple[Node, set[Fact]]]) -> None:
        """Adds what is asked of each of an account's people; those who read the answer follow."""
        for node, reads in asked:
            self._add(node, reads)

    def _segment(self, segment: Segment) -> None:
        self._ask(people.told(segment.when, self.compiler, self.places))
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
        groups = {rule.id: at for at, group in enumerate(score.groups) for rule in group.rules}
        key, scale = _key("score", score.id), self.scales[score.id]
        for rule in rules:
            self._ask(people.told(rule.when, self.compiler, self.places))
            self._ask(people.worth(rule.people, self.compiler, self.places))
        of_score = 2 << (len(self.nodes) + len(rules))
        ends = AdjustmentsNode(key=f"adjustments/{score.id}", score_id=score.id)
        ends.users = of_score
        self._add(ends, {("adjusted", score.id)})
        for rule in rules:
            holder = Holder(score.id, rule.id, scale.number(rule.id), groups[rule.id], scale)
            self._rule(holder, rule, of_score)
        node: Scored = ScoreNode(key=key, id=score.id, scale=scale)
        if any(rule.decay is not None for rule in rules):
            before = self.nodes[-len(rules) :]
            fading = [each for each in before if isinstance(each, FadingRule)]
            node = FadingScoreNode(key=key, id=score.id, scale=scale, rules=fading)
        self._add(node, set())
        self.users["added", score.id] = of_score

    def _combined(self, score_id: str, combined: Combined) -> None:
        parts = tuple(self._scored(each) for each in combined.of)
        place = 1 << len(self.nodes)
        for part in parts:
            part.users |= place
            part.followers |= place
        node = CombinedNode(
            key=_key("score", score_id), id=score_id, scale=self.scales[score_id], parts=parts
        )
        self._add(node, set())

    def _rule(self, holder: Holder, rule: Rule, users: Bits) -> None:
        key = f"score/{holder.score_id}/{rule.id}"
        node: Node
        if rule.people is not None:
            asked, reads = rule.people.key, {("people", rule.people.key)}
            node = RollUpRule(key=key, holder=holder, asked=asked, points=rule.points, users=users)
        elif rule.when is not None:
            condition, reads = self._condition(rule.when)
            node = StateRule(
                key=key,
                holder=holder,
                condition=condition,
                is_timed=CLOCK in reads,
                points=rule.points,
                users=users,
            )
        else:
            node, feature = counting(key, holder, rule, self.features)
            node.users = users
            reads = {("feature", feature.key)}
        self._add(node, reads)

    def _triggers(self) -> None:
        ordered = sorted(
            self.definitions.triggers.values(), key=lambda each: (-each.priority, each.id)
        )
        for rank, each in enumerate(ordered):
            self._ask(people.told(each.when, self.compiler, self.places))
            when = self.compiler.compile(each.when) if each.when is not None else None
            reads_properties = ("property", "") in self.compiler.take_reads()
            built = Trigger(
                id=each.id,
                version=self.definitions.versions["trigger", each.id],
                priority=each.priority,
                rank=rank,
                when=when,
                limit=each.limit,
                is_eager=each.fire_on_publish,
                lends=not isinstance(each.on, Timed) and gives_for_a_time(each.do),
                actions=each.do,
            )
            self._wake(built, each.on, reads_properties)

    def _wake(self, trigger: Trigger, on: Stimulus, reads_properties: bool) -> None:
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

    def _hear(self, trigger: Trigger, event: str, reads_properties: bool) -> None:
        plan = self.plans.setdefault(event, Plan())
        plan.triggers.append(trigger)
        plan.reads_properties |= trigger.where is not None or reads_properties

    def _alarm(self, trigger: Trigger, on: Timed) -> None:
        node, reads = alarms.node(trigger.id, on, self.features)
        if isinstance(on, ScheduleStimulus):
            self._ask(people.told(on.audience, self.compiler, self.places))
            trigger.audience = self.compiler.compile(on.audience)
            self.compiler.take_reads()
            self.newcomers |= 1 << len(self.nodes)
        elif isinstance(on, InactiveStimulus) and on.event is None:
            self.idlers |= 1 << len(self.nodes)
        self._add(node, reads)
        self.alarms[node.key] = trigger


def _key(kind: str, id_: str) -> str:
    """Names a node: a segment by its id alone."""
    return id_ if kind == "segment" else f"score/{id_}"
