"""The graph of a definition set: segments, rules and scores as nodes, in evaluation order."""

from collections.abc import Iterator

from processors.decisions import people
from processors.decisions.comparisons import FALSE
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
    Features,
)
from processors.decisions.measures import Measures
from processors.decisions.models import ModelRule
from processors.decisions.nodes import (
    AdjustmentsNode,
    Bits,
    Holder,
    Node,
    ScoreNode,
    SegmentNode,
    StateRule,
)
from processors.decisions.people import RollUpRule
from processors.decisions.persons import names_by_kind
from processors.decisions.recommendations import Recommendation
from processors.decisions.rules import counting
from processors.decisions.scales import Scale, scale
from processors.definitions.conditions import Condition
from processors.definitions.predicates import Predicate
from processors.definitions.scores import Combined, Rule, Score
from processors.definitions.segments import Segment
from processors.definitions.sets import DefinitionSet
from processors.definitions.stimuli import (
    ScoreStimulus,
)
from processors.state.profiles import Profile


class Graph:
    """Gathers the nodes, and what they read, while the definitions are walked."""

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

    def _compiled(self, condition: Condition) -> tuple[Evaluate, set[Fact]]:
        self._ask(people.told(condition, self.compiler, self.places))
        evaluate = self.compiler.compile(condition)
        return evaluate, self.compiler.take_reads()

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
        for each in score.recommendations:
            self._ask(people.told(each.when, self.compiler, self.places))
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
        node.recommendations = self._recommendations(score)
        self._add(node, set())
        self.users["added", score.id] = of_score

    def _recommendations(self, score: Score) -> tuple[Recommendation, ...]:
        """Returns them compiled: what they read is kept, and nothing is evaluated for it."""
        found = tuple(
            Recommendation(
                text=each.text,
                level=each.level,
                when=self.compiler.compile(each.when) if each.when is not None else None,
            )
            for each in score.recommendations
        )
        self.compiler.take_reads()
        return found

    def _combined(self, score: Score, combined: Combined) -> None:
        parts = tuple(self._scored(each) for each in combined.of)
        place = 1 << len(self.nodes)
        for part in parts:
            part.users |= place
            part.followers |= place
        node = CombinedNode(
            key=_key("score", score.id), id=score.id, scale=self.scales[score.id], parts=parts
        )
        node.recommendations = self._recommendations(score)
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
        elif rule.model is not None:
            node, reads = self._model(key, holder, rule.model, rule.points)
            node.users = users
        else:
            node, feature = counting(key, holder, rule, self.features, self.measures)
            node.users = users
            reads = {("feature", feature.key)}
        self._add(node, reads)

    def _model(
        self, key: str, holder: Holder, name: str, points: int
    ) -> tuple[ModelRule, set[Fact]]:
        """Returns the node of a rule with a model, and what that reads."""
        model = self.definitions.predicates.get(name)
        assert not isinstance(model, Predicate)  # the set sees to it
        facts = set(model.facts) if model is not None else set()
        if model is not None:
            self.newcomers |= 1 << len(self.nodes)
        node = ModelRule(
            key=key,
            holder=holder,
            model=model,
            reads=names_by_kind(facts),
            scales=self.scales,
            points=points,
        )
        return node, facts


def _key(kind: str, id_: str) -> str:
    """Names a node: a segment by its id alone."""
    return id_ if kind == "segment" else f"score/{id_}"
