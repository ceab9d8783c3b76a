"""Plays a history through the definitions in virtual time, and looks at one score of everybody.

At those who convert right before they first do, at the others at the end: what somebody did
afterwards would tell the result instead of foretelling it. Nothing is sent or written to Kafka.
"""

from collections.abc import Callable, Sequence

import msgspec

from processors.decisions import decide
from processors.decisions.compiling import compile_set
from processors.decisions.decays import rounded
from processors.decisions.decide import Due
from processors.decisions.fading import FadingRule, Scored, StepRule
from processors.decisions.models import ModelRule
from processors.decisions.moments import Decision, Moment
from processors.decisions.nodes import AmountRule, Bits, CountRule, StateRule, WindowRule
from processors.decisions.people import RollUpRule
from processors.definitions import suggestions
from processors.definitions.sets import DefinitionSet
from processors.operations.diffing import History, Pair
from processors.operations.effectiveness import Effectiveness, Standing, Tally
from processors.operations.errors import OperationFailed
from processors.runtime.batches import Policy
from processors.runtime.memory import Driver
from processors.state.duplicates import Seen
from processors.state.profiles import Profile
from schemas import events
from schemas.errors import BadEvent

Rule = (
    CountRule | WindowRule | AmountRule | StateRule | ModelRule | StepRule | FadingRule | RollUpRule
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to know."""

    score: str
    """Its id."""
    conversion: str
    """The name of an event, as definitions have it."""
    until_ms: int | None = None
    """To which instant timers run; None: each partition's largest event time."""


def measure(
    definitions: DefinitionSet,
    question: Question,
    history: History,
    *,
    policy: Policy | None = None,
    progress: Callable[[int], None] = lambda events: None,
) -> Effectiveness:
    """Returns how well a score tells who converts.

    Args:
        definitions: the set that has the score.
        question: which score, and what a conversion is.
        history: `diffing.of_lines`, or `reading.read`.
        policy: of the stream's clock.
        progress: is told the number of records after each stretch.

    Raises:
        OperationFailed: there is no such score.
    """
    if question.score not in definitions.scores:
        hint = suggestions.hint(question.score, definitions.scores)
        known = ", ".join(definitions.scores) or "none"
        raise OperationFailed(f"there is no score {question.score}{hint or f'; there are {known}'}")
    run = _Run(definitions, question, policy or Policy(clock="stream"))
    for partition, stretch in history:
        run.feed(partition, list(stretch))
        progress(run.records)
    return run.finish(question.until_ms)


class Probe:
    """Looks at one score with the engine's own eyes; keeps who ever had points of which rule."""

    def __init__(self, definitions: DefinitionSet, score_id: str) -> None:
        self.compiled = compiled = compile_set(definitions)
        self._id = score_id
        self._scale = compiled.scales[score_id]
        node = compiled.nodes[compiled.places[f"score/{score_id}"]]
        assert isinstance(node, Scored)
        self._node = node
        self._held: dict[str, Bits] = {}
        self._rules: dict[str, Rule] = {}
        for group in definitions.scores[score_id].groups:
            for rule in group.rules:
                place = compiled.places[f"score/{score_id}/{rule.id}"]
                found = compiled.nodes[place]
                assert isinstance(found, Rule)
                compiled.evaluators[place] = self._watch(found, 1 << len(self._rules))
                self._rules[rule.id] = found
        self.bands = self._bands(definitions.scores[score_id].grade_names)

    @property
    def rules(self) -> Sequence[str]:
        """The ids of its rules."""
        return list(self._rules)

    def _bands(self, grades: list[str]) -> list[str]:
        """Returns its levels, or else its grades, the best first."""
        if self._scale.levels.names or self._scale.pair is None:
            return [*reversed(self._scale.levels.names or self._scale.grades.names)]
        return grades

    def _watch(self, rule: Rule, bit: Bits) -> Callable[[Profile, Moment], Bits]:
        """Returns what evaluates a rule, and notes who has points of it then."""
        evaluate, held = rule.evaluate, self._held

        def watched(profile: Profile, moment: Moment) -> Bits:
            users = evaluate(profile, moment)
            if self._points(rule, profile, moment.now):
                held[profile.id] = held.get(profile.id, 0) | bit
            return users

        return watched

    def _points(self, rule: Rule, profile: Profile, now_ms: int) -> float:
        if isinstance(rule, FadingRule):
            term = rule.term(profile, now_ms)
            return 0 if term is None else term.at(now_ms)
        state = profile.scores.get(self._id)
        return 0 if state is None else state.points.get(rule.holder.number, 0)

    def look(self, profile: Profile, now_ms: int, *, has_converted: bool) -> Standing:
        """Returns how a person stands at an instant, whose timers have fired by then."""
        course = self._node.course(profile, now_ms)
        value = rounded(course.at(now_ms))
        state = profile.scores.get(self._id)
        held = self._held.get(profile.id, 0)
        parts = [rounded(part.at(now_ms)) for part in course.parts] if self._scale.pair else []
        return Standing(
            has_converted=has_converted,
            value=value,
            band=self._band(value, parts),
            points={id_: self._points(each, profile, now_ms) for id_, each in self._rules.items()},
            added=state.added if state else 0,
            held=[id_ for place, id_ in enumerate(self._rules) if held >> place & 1],
        )

    def _band(self, value: float, parts: list[float]) -> str | None:
        pair, levels = self._scale.pair, self._scale.levels
        if levels.names or pair is None:
            return (levels if levels.names else self._scale.grades).name(value)
        first, second = parts
        return pair.grade(first, second)


class _Run:
    """An engine for each partition, halted right before anybody first converts."""

    def __init__(self, definitions: DefinitionSet, question: Question, policy: Policy) -> None:
        self.records = 0
        self._probe = Probe(definitions, question.score)
        self._tally = Tally(self._probe.bands, self._probe.rules)
        self._conversion = question.conversion
        self._policy = policy
        self._drivers: dict[int, Driver] = {}
        self._peers: list[Driver] = []
        self._converted: set[str] = set()
        self._late = 0
        self._bad = 0

    def feed(self, partition: int, pairs: list[Pair]) -> None:
        driver = self._drivers.get(partition)
        if driver is None:
            driver = Driver(self._probe.compiled, _nobody, policy=self._policy, peers=self._peers)
            self._drivers[partition] = driver
        waiting: list[Pair] = []
        for pair in pairs:
            found = self._converts(pair)
            if found is None:
                waiting.append(pair)
                continue
            self._decide(driver, waiting)
            waiting = []
            standing = self._right_before(driver, *found)
            if self._decide(driver, [pair]):
                self._count(found[0], standing)
        self._decide(driver, waiting)
        self.records += len(pairs)

    def _converts(self, pair: Pair) -> tuple[str, int] | None:
        """Returns who converts by a record, for the first time, and when; None where nobody."""
        try:
            event = self._policy.decode(pair[1])
            if events.name(event) != self._conversion:
                return None
            profile_id, at_ms = events.profile_id(event), events.time_ms(event)
        except BadEvent:
            return None
        return None if profile_id in self._converted else (profile_id, at_ms)

    def _decide(self, driver: Driver, pairs: list[Pair]) -> bool:
        """Feeds records; returns whether all could be used."""
        driver.feed(pairs)
        bad = len(driver.dead_letters)
        driver.dead_letters.clear()
        self._bad += bad
        return not bad

    def _right_before(self, driver: Driver, profile_id: str, at_ms: int) -> Standing | None:
        """Returns how somebody stands then; None if what came later counts for them already."""
        profile = driver.table.profile(profile_id) or Profile(id=profile_id)
        if not profile.is_new:
            if profile.clock > at_ms:
                return None
            due = Due(at_ms, at_ms // 1000, driver.table.progress.adopted)
            decide.on_timers(self._probe.compiled, profile, Seen(profile), due, Decision())
        return self._probe.look(profile, at_ms, has_converted=True)

    def _count(self, profile_id: str, standing: Standing | None) -> None:
        self._converted.add(profile_id)
        if standing is None:
            self._late += 1
        else:
            self._tally.add(standing)

    def finish(self, until_ms: int | None) -> Effectiveness:
        for driver in self._drivers.values():
            if until_ms is not None:
                driver.advance(until_ms)
            now_ms = driver.table.progress.high_water
            others = (each for each in driver.table.profiles if each not in self._converted)
            for profile in filter(None, map(driver.table.profile, others)):
                self._tally.add(self._probe.look(profile, now_ms, has_converted=False))
        found = self._tally.result()
        found.late, found.dead_letters = self._late, self._bad
        found.events = sum(each.events for each in self._drivers.values())
        return found


def _nobody(topic: str, key: str, value: msgspec.Struct | None) -> None:
    """Takes what the engine writes, which nobody wants."""
