"""Rules, scores and segments as nodes of one graph: each looks at its part and says what follows.

A node is evaluated when a fact that it reads has changed, or at the instant until which its last
answer held. What it returns are the bits of the nodes that read it, to be evaluated after it.
"""

from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import msgspec

from processors.decisions.conditions import Evaluate
from processors.decisions.decays import Course, Number
from processors.decisions.features import NO_PROPERTIES
from processors.decisions.moments import Moment
from processors.decisions.recommendations import Recommendation, texts
from processors.decisions.scales import Held, Scale, value
from processors.state import adjustments, amounts, swings, windows
from processors.state.profiles import NEVER, Profile
from schemas.records import ScoreChange, SegmentChange

Moved = Callable[[Any, Any], bool]
"""Whether a change from the old to the new value is what somebody waits for."""

Bits = int
"""A set of nodes: bit i is the node at place i of the evaluation order."""


class Node(Protocol):
    """One thing that is kept up to date."""

    key: str
    """Names it."""
    timer: int
    """Stands for the name where its timer is kept."""
    users: Bits
    """Who reads it."""

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Brings the profile up to date at `moment.now`; returns who must be evaluated for it."""
        ...


def set_timer(profile: Profile, timer: int, until: int) -> None:
    """Has a node looked at again at an instant, or not at all."""
    if until < NEVER:
        profile.timers[timer] = until
    elif timer in profile.timers:
        del profile.timers[timer]


def remember(profile: Profile, score_id: str, ended: swings.Swing, width_ms: int) -> None:
    """Keeps for a while that a score had a value until an instant."""
    if profile.swings is None:
        profile.swings = {}
    swings.remember(profile.swings.setdefault(score_id, []), *ended, width_ms)


class SegmentNode(msgspec.Struct, kw_only=True):
    """A dynamic segment."""

    key: str
    id: str
    version: str
    condition: Evaluate
    is_timed: bool
    """Whether time alone can turn it."""
    is_watched: bool = False
    """Whether a trigger waits for it to turn."""
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Lets the profile in or out."""
        answer = self.condition(profile, moment.now, NO_PROPERTIES)
        if self.is_timed:
            set_timer(profile, self.timer, abs(answer))
        is_member = answer > 0
        if is_member == (self.id in profile.segments):
            return 0
        if is_member:
            profile.segments[self.id] = moment.now
        else:
            del profile.segments[self.id]
        moment.turned = True
        if self.is_watched:
            moment.note(("segment", self.id), not is_member, is_member)
        moment.decision.segment_changes.append(
            SegmentChange(
                profile_id=profile.id,
                segment_id=self.id,
                change="entered" if is_member else "exited",
                at=moment.now,
                cause=moment.cause,
                version=self.version,
                late=moment.late,
            )
        )
        return self.users


class Holder(msgspec.Struct, frozen=True):
    """What every rule of a score does once it knows its points: hold them."""

    score_id: str
    rule_id: str
    number: int
    """Stands for the rule where its points are kept."""
    group: int
    scale: Scale

    def hold(self, profile: Profile, moment: Moment, points: Number) -> bool:
        """Sets the points of the rule; returns whether they moved."""
        state = profile.scores.get(self.score_id)
        if state is None:
            if points == 0:
                return False
            state = profile.scores[self.score_id] = self.scale.begin()
        number = self.number
        old = state.points.get(number, 0)
        if old == points:
            return False
        state.sums[self.group] += points - old
        if points:
            state.points[number] = points
        else:
            del state.points[number]
        moment.turned = True
        rules = moment.rules
        rules[self.score_id] = None if self.score_id in rules else self.rule_id
        return True

    def touch(self, profile: Profile, moment: Moment) -> None:
        """Says that other occurrences count for a rule than before, whose points fade."""
        if self.score_id not in profile.scores:
            profile.scores[self.score_id] = self.scale.begin()
        moment.turned = True
        rules = moment.rules
        rules[self.score_id] = None if self.score_id in rules else self.rule_id


class CountRule(msgspec.Struct, kw_only=True):
    """A rule that adds points at each occurrence, for good."""

    key: str
    holder: Holder
    feature: str
    points: int
    most: int
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds the points of all occurrences."""
        times = profile.counts.get(self.feature, 0)
        if times > self.most:
            times = self.most
        return self.users if self.holder.hold(profile, moment, times * self.points) else 0


class WindowRule(msgspec.Struct, kw_only=True):
    """A rule whose occurrences roll off."""

    key: str
    holder: Holder
    feature: str
    points: int
    most: int
    width_ms: int
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds the points of the occurrences that count now."""
        kept = profile.times.get(self.feature, ())
        times = windows.count(kept, moment.now - self.width_ms)
        if times > self.most:
            times = self.most
        set_timer(profile, self.timer, kept[-times] + self.width_ms if times else NEVER)
        return self.users if self.holder.hold(profile, moment, times * self.points) else 0


MAX_AMOUNT_POINTS = 10**10
"""Points of one rule, up or down, of however much: what the most occurrences give at most."""


class AmountRule(msgspec.Struct, kw_only=True):
    """A rule that adds points for how much a property of the events comes to."""

    key: str
    holder: Holder
    feature: str
    rate: Fraction
    """Points for a millionth."""
    width_ms: int | None
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds the points of the whole sum, to the nearest whole number, halves to the even."""
        points = round(self._sum(profile, moment.now) * self.rate)
        points = max(-MAX_AMOUNT_POINTS, min(MAX_AMOUNT_POINTS, points))
        return self.users if self.holder.hold(profile, moment, points) else 0

    def _sum(self, profile: Profile, now: int) -> int:
        """Returns the sum in millionths, and waits for when the oldest amount leaves it."""
        measured = profile.measured or amounts.NOTHING
        if self.width_ms is None:
            return amounts.total(measured.sums.get(self.feature, amounts.NO_SUM))
        times = profile.times.get(self.feature, [])
        first = bisect_right(times, now - self.width_ms)
        set_timer(profile, self.timer, times[first] + self.width_ms if times[first:] else NEVER)
        return sum(measured.amounts.get(self.feature, [])[first:])


class StateRule(msgspec.Struct, kw_only=True):
    """A rule that holds its points while a condition is true."""

    key: str
    holder: Holder
    condition: Evaluate
    is_timed: bool
    """Whether time alone can turn it."""
    points: int
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds the points, or none."""
        answer = self.condition(profile, moment.now, NO_PROPERTIES)
        if self.is_timed:
            set_timer(profile, self.timer, abs(answer))
        points = self.points if answer > 0 else 0
        return self.users if self.holder.hold(profile, moment, points) else 0


class AdjustmentsNode(msgspec.Struct, kw_only=True):
    """Ends the points that triggers gave to a score for a time."""

    key: str
    score_id: str
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Takes away what has ended, and waits for what ends next."""
        of_scores = profile.adjustments
        kept = of_scores and of_scores.get(self.score_id)
        if not of_scores or not kept:
            return 0
        ended = adjustments.expire(kept, moment.now)
        set_timer(profile, self.timer, kept[0][0] if kept else NEVER)
        if not ended:
            return self.users
        if not kept:
            del of_scores[self.score_id]
        profile.scores[self.score_id].added -= sum(ended)
        moment.turned = moment.echoes = True
        return self.users


class ScoreNode(msgspec.Struct, kw_only=True):
    """A score: the sum of its groups."""

    key: str
    id: str
    scale: Scale
    watchers: list[Moved] = []
    """What each trigger that waits for it to move looks for."""
    memory_ms: int = 0
    """For how long its moves are remembered."""
    is_graded: bool = False
    """Whether a trigger waits for its grade."""
    timer: int = 0
    users: Bits = 0
    followers: Bits = 0
    """Those of its users that combine it with another score."""
    recommendations: tuple[Recommendation, ...] = ()

    def course(self, profile: Profile, now: int) -> Course:
        """Returns its value, which time alone does not move."""
        return Course(value(profile, self.id, self.scale.empty))

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Adds up."""
        state = profile.scores.get(self.id)
        if state is None:
            return 0
        rule, reason, scale = moment.rules.pop(self.id, None), None, self.scale
        if moment.reasons:
            reason = moment.reasons.pop(self.id, None)
            if moment.targets and self.id in moment.targets:
                target, now = moment.targets.pop(self.id), moment.now
                scale.settle(state, scale.course(state, ()), target, now)
        models = moment.take_models(self.id) if moment.computed else None
        old, new = scale.told(state), scale.total(state)
        if old == new:
            return self.followers
        state.value = new
        if self.memory_ms:
            remember(profile, self.id, (moment.now, old), self.memory_ms)
        if self.is_graded:
            moment.note(("grade", self.id), scale.grades.name(old), scale.grades.name(new))
        for is_awaited in self.watchers:
            if is_awaited(old, new):
                moment.note(("score", self.id), old, new)
                break
        level = scale.levels.name(new)
        held = Held(scale, state.points.copy(), state.added)
        if self.recommendations:
            held.recommendations = texts(self.recommendations, profile, moment.now, level)
        moment.decision.points.append(held)
        moment.decision.score_changes.append(
            ScoreChange(
                profile_id=profile.id,
                score_id=self.id,
                old=old,
                new=new,
                level=level,
                grade=scale.grades.name(new),
                rule=rule,
                at=moment.now,
                cause=moment.cause,
                late=moment.late,
                reason=reason,
                models=models,
            )
        )
        return self.users
