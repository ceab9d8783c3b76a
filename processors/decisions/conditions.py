"""Conditions, compiled to closures: `(profile, now, properties) -> answer` (see comparisons).

An answer is a promise as much as a truth: until its instant, nothing but a fact can turn it.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from processors.decisions import persons
from processors.decisions.aggregates import aggregate
from processors.decisions.comparisons import FALSE, TEMPORAL, TRUE, Answer, compare
from processors.decisions.consents import CONTACT
from processors.decisions.features import Features, Properties, read
from processors.decisions.hours import TIMEZONE, hours
from processors.decisions.measures import Measures
from processors.decisions.persons import Person
from processors.decisions.scales import Pair, Scale, value
from processors.decisions.sequences import sequence
from processors.definitions.comparisons import Comparison
from processors.definitions.conditions import (
    AccountCondition,
    Agreement,
    AllCondition,
    AnyCondition,
    BucketCondition,
    Condition,
    ConsentCondition,
    CustomCondition,
    ListCondition,
    NotCondition,
    PeopleCondition,
    ScoreCondition,
    SegmentCondition,
    StatusCondition,
    SuppressedCondition,
    TagCondition,
    TraitCondition,
)
from processors.definitions.hours import TimeCondition
from processors.definitions.occurrences import (
    EventCondition,
    PropertyCondition,
    SequenceCondition,
)
from processors.definitions.predicates import NONE, Predicate, Predicates
from processors.definitions.zones import PROFILE
from processors.state.profiles import Profile, trait

Evaluate = Callable[[Profile, int, Properties], Answer]
Fact = tuple[str, str]
"""Something that a profile holds and a condition reads: ("trait", key), ("segment", id) …"""
CLOCK: Fact = ("clock", "")


class Asked(msgspec.Struct):
    """The numbers that a score is compared with."""

    reached: set[float] = set()
    """Whether it is at least so large."""
    passed: set[float] = set()
    """Whether it is larger."""


class Compiler:
    """Turns conditions into closures, and notes which facts they read."""

    def __init__(
        self,
        features: Features,
        measures: Measures,
        scales: dict[str, Scale],
        predicates: Predicates = NONE,
    ) -> None:
        self.features = features
        self.measures = measures
        self.scales = scales
        self.predicates = predicates
        self.reads: set[Fact] = set()
        """The facts read since the last `take_reads`; ("clock", "") where time alone turns it."""
        self.asked: dict[str, Asked] = {}
        """By score."""

    def take_reads(self) -> set[Fact]:
        """Returns the facts that were noted, and begins anew."""
        taken, self.reads = self.reads, set()
        return taken

    def compile(self, condition: Condition) -> Evaluate:
        """Returns the closure of a condition."""
        match condition:
            case AllCondition():
                return _all([self.compile(each) for each in condition.all])
            case AnyCondition():
                return _any([self.compile(each) for each in condition.any])
            case NotCondition():
                inner = self.compile(condition.negated)
                return lambda profile, now, properties: -inner(profile, now, properties)
            case EventCondition():
                return self._event(condition)
            case SequenceCondition():
                return self._sequence(condition)
            case TimeCondition():
                return self._time(condition)
            case PropertyCondition():
                self.reads.add(("property", ""))
                return _property(condition)
            case TraitCondition() | AccountCondition():
                return self._trait(condition)
            case ScoreCondition():
                return self._score(condition)
            case _:
                return self._held(condition)

    def _held(
        self,
        condition: SegmentCondition
        | ListCondition
        | TagCondition
        | StatusCondition
        | BucketCondition
        | CustomCondition
        | ConsentCondition
        | SuppressedCondition
        | PeopleCondition,
    ) -> Evaluate:
        match condition:
            case SegmentCondition():
                return self._segment(condition)
            case ListCondition(list_id=list_id):
                self.reads.add(("list", list_id))
                return lambda profile, now, properties: TRUE if list_id in profile.lists else FALSE
            case TagCondition(tag=tag):
                self.reads.add(("tag", tag))
                return lambda profile, now, properties: TRUE if tag in profile.tags else FALSE
            case StatusCondition(status=status):
                self.reads.add(("status", ""))
                return lambda profile, now, properties: TRUE if profile.status == status else FALSE
            case BucketCondition():
                self.reads.add(("id", ""))
                return _bucket(condition)
            case CustomCondition():
                return self._custom(condition)
            case ConsentCondition(consent=asked):
                self.reads.add(CONTACT)
                return _agreed(asked)
            case SuppressedCondition(suppressed=channel):
                self.reads.add(CONTACT)
                return _suppressed(channel)
            case PeopleCondition(key=key, quantifier=quantifier):
                self.reads.add(("people", key))
                return _of_people(key, quantifier)
            case _:
                assert_never(condition)

    def _trait(self, condition: TraitCondition | AccountCondition) -> Evaluate:
        of_account = isinstance(condition, AccountCondition)
        dotted = condition.account if isinstance(condition, AccountCondition) else condition.trait
        path = tuple(dotted.split("."))
        self.reads.add(("account" if of_account else "trait", path[0]))
        if condition.operator in TEMPORAL:
            self.reads.add(CLOCK)
        meets = compare(condition)
        if of_account:
            return lambda profile, now, properties: meets(trait(profile.account, path), now)
        return lambda profile, now, properties: meets(trait(profile.traits, path), now)

    def _score(self, condition: ScoreCondition) -> Evaluate:
        score_id = condition.score
        scale = self.scales[score_id]
        empty = scale.empty
        self.reads.add(("score", score_id))
        if condition.comparison is not None:
            self._ask(score_id, condition.comparison)
            meets = compare(condition.comparison)
            return lambda profile, now, properties: meets(value(profile, score_id, empty), now)
        if condition.level is not None:
            low, high = scale.levels.span(condition.level)
        else:
            assert condition.grade is not None  # the model sees to it
            if scale.pair is not None:
                return _graded(score_id, scale.pair, condition.grade)
            low, high = scale.grades.span(condition.grade)
        return lambda profile, now, properties: (
            TRUE if low <= value(profile, score_id, empty) < high else FALSE
        )

    def _segment(self, condition: SegmentCondition) -> Evaluate:
        self.reads.add(("segment", condition.segment))
        if condition.lasting is None:
            return _segment(condition.segment, condition.is_member)
        self.reads.add(CLOCK)
        return _lasting(condition.segment, condition.lasting)

    def _custom(self, condition: CustomCondition) -> Evaluate:
        predicate = self.predicates[condition.custom]
        assert isinstance(predicate, Predicate)  # the set sees to it
        self.reads |= predicate.facts
        return _answered(predicate, condition.parameters, self.scales)

    def _time(self, condition: TimeCondition) -> Evaluate:
        self.reads.add(CLOCK)
        if condition.local_time.timezone == PROFILE:
            self.reads.add(("trait", TIMEZONE))
        return hours(condition.local_time)

    def _sequence(self, condition: SequenceCondition) -> Evaluate:
        evaluate, keys, is_timed = sequence(condition, self.features, self.measures)
        self.reads |= {("feature", key) for key in keys}
        if is_timed:
            self.reads.add(CLOCK)
        return evaluate

    def _ask(self, score_id: str, comparison: Comparison) -> None:
        asked = self.asked.setdefault(score_id, Asked())
        operand: Any = comparison.operand
        numbers = operand if isinstance(operand, tuple | list) else [operand]
        match comparison.operator:
            case "at_least" | "less_than":
                asked.reached.update(numbers)
            case "greater_than" | "at_most":
                asked.passed.update(numbers)
            case "between":
                asked.reached.add(numbers[0])
                asked.passed.add(numbers[1])
            case _:
                asked.reached.update(numbers)
                asked.passed.update(numbers)

    def _event(self, condition: EventCondition) -> Evaluate:
        if condition.aggregate is not None:
            return self._aggregate(condition)
        if condition.exactly is not None:
            reached = self._at_least(condition, condition.exactly)
            passed = self._at_least(condition, condition.exactly + 1)
            return lambda profile, now, properties: min(
                reached(profile, now, properties), -passed(profile, now, properties)
            )
        if condition.at_most is not None:
            passed = self._at_least(condition, condition.at_most + 1)
            return lambda profile, now, properties: -passed(profile, now, properties)
        return self._at_least(condition, condition.at_least or 1)

    def _aggregate(self, condition: EventCondition) -> Evaluate:
        evaluate, measure = aggregate(condition, self.measures)
        self.reads.add(("feature", measure.key))
        if condition.within is not None:
            self.reads.add(CLOCK)
        return evaluate

    def _at_least(self, condition: EventCondition, times: int) -> Evaluate:
        if times == 0:
            return lambda profile, now, properties: TRUE
        if condition.within is None:
            feature = self.features.count(
                condition.event, condition.where, since_ms=condition.since, capacity=times
            )
            self.reads.add(("feature", feature.key))
            return _counted(feature.key, times)
        feature = self.features.window(
            condition.event, condition.where, width_ms=condition.within, capacity=times
        )
        self.reads |= {("feature", feature.key), CLOCK}
        return _windowed(feature.key, times, condition.within)


def bucket(salt: str, profile_id: str) -> float:
    """Returns where a profile falls under a salt, in percent: 0 up to but without 100.

    Source: the first 8 bytes of SHA-256(`salt:profile id`), big-endian, / 2^64 x 100.
    """
    digest = hashlib.sha256(f"{salt}:{profile_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def _all(parts: list[Evaluate]) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        answer = TRUE
        for part in parts:
            found = part(profile, now, properties)
            if found < answer:
                answer = found
                if found == FALSE:
                    break
        return answer

    return evaluate


def _any(parts: list[Evaluate]) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        answer = FALSE
        for part in parts:
            found = part(profile, now, properties)
            if found > answer:
                answer = found
                if found == TRUE:
                    break
        return answer

    return evaluate


def _property(condition: PropertyCondition) -> Evaluate:
    meets = compare(condition)
    path = tuple(condition.property.split("."))
    return lambda profile, now, properties: meets(read(properties, path), now)


def _answered(
    predicate: Predicate, parameters: Mapping[str, Any], scales: Mapping[str, Scale]
) -> Evaluate:
    holds, reads = predicate.holds, persons.names_by_kind(predicate.facts)

    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        return TRUE if holds(Person(profile, reads, scales), **parameters) is True else FALSE

    return evaluate


def _agreed(asked: Agreement) -> Evaluate:
    channel, topic, state = asked.channel, asked.topic, asked.state

    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        contact = profile.contact
        holds = contact is not None and contact.state(channel, topic) == state
        return TRUE if holds else FALSE

    return evaluate


def _suppressed(channel: str) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        contact = profile.contact
        holds = contact is not None and contact.suppression(channel) is not None
        return TRUE if holds else FALSE

    return evaluate


def _of_people(key: str, quantifier: str) -> Evaluate:
    place, wanted = {"any": (0, True), "all": (1, True), "none": (0, False)}[quantifier]

    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        answers = profile.belongs and profile.belongs.answers
        found = answers.get(key) if answers else None
        return TRUE if isinstance(found, tuple) and found[place] is wanted else FALSE

    return evaluate


def _segment(segment_id: str, is_member: bool) -> Evaluate:
    inside, outside = (TRUE, FALSE) if is_member else (FALSE, TRUE)
    return lambda profile, now, properties: inside if segment_id in profile.segments else outside


def _lasting(segment_id: str, width_ms: int) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        since = profile.segments.get(segment_id)
        if since is None:
            return FALSE
        begins = since + width_ms
        return TRUE if now >= begins else -begins

    return evaluate


def _graded(score_id: str, pair: Pair, grade: str) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        values = pair.values(profile.scores.get(score_id))
        return TRUE if pair.grade(*values) == grade else FALSE

    return evaluate


def _counted(key: str, times: int) -> Evaluate:
    return lambda profile, now, properties: TRUE if profile.counts.get(key, 0) >= times else FALSE


def _windowed(key: str, times: int, width_ms: int) -> Evaluate:
    def evaluate(profile: Profile, now: int, properties: Properties) -> Answer:
        kept = profile.times.get(key)
        if kept is None or len(kept) < times:
            return FALSE
        ends = kept[-times] + width_ms
        return ends if now < ends else FALSE

    return evaluate


def _bucket(condition: BucketCondition) -> Evaluate:
    share = condition.bucket
    salt, low, high = share.salt, share.low, share.high
    return lambda profile, now, properties: (
        TRUE if low <= bucket(salt, profile.id) < high else FALSE
    )
