"""Rules whose points become fewer, and the scores that they are part of: nodes of the same graph.

Steps are held like the points of any rule, with a timer at each. What fades by half-life is never
held: the score works it out for the instant at hand, and sets its timer to when it crosses a mark.
"""

from collections.abc import Sequence

import msgspec

from processors.decisions.decays import Course, Marks, Number, Term, crossing, rounded, share
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits, Holder, Moved, ScoreNode, remember, set_timer
from processors.decisions.recommendations import Recommendation, texts
from processors.decisions.scales import Held, Scale, value
from processors.state import windows
from processors.state.profiles import NEVER, Profile, ScoreState
from schemas.records import ScoreChange


class StepRule(msgspec.Struct, kw_only=True):
    """A rule whose occurrences lose a share of their points after each period."""

    key: str
    holder: Holder
    feature: str
    points: int
    most: int
    width_ms: int
    """After it nothing of an occurrence counts any more."""
    per_ms: int
    percent: int | float
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Holds what is left of the points of the latest occurrences."""
        now, percent, per_ms = moment.now, 0.0, self.per_ms
        until = NEVER
        for at_ms in latest(profile, self.feature, now - self.width_ms, self.most):
            steps = (now - at_ms) // per_ms
            percent += 100 - steps * self.percent
            until = min(until, at_ms + (steps + 1) * per_ms, at_ms + self.width_ms)
        set_timer(profile, self.timer, until)
        points = self.points * percent / 100
        whole = int(points)
        held = whole if whole == points else points
        return self.users if self.holder.hold(profile, moment, held) else 0


class FadingRule(msgspec.Struct, kw_only=True):
    """A rule whose occurrences lose half of their points in each half-life."""

    key: str
    holder: Holder
    feature: str
    points: int
    half_life_ms: int
    group: int
    """The place of its group."""
    is_summed: bool
    """Whether all occurrences count, for good: then only their sum is kept."""
    most: int
    width_ms: int = NEVER
    timer: int = 0
    users: Bits = 0

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Says that its occurrences are others now, and when the oldest rolls off."""
        if self.feature not in ((profile.decays or {}) if self.is_summed else profile.times):
            return 0
        if self.width_ms < NEVER:
            counted = latest(profile, self.feature, moment.now - self.width_ms, self.most)
            set_timer(profile, self.timer, counted[0] + self.width_ms if counted else NEVER)
        self.holder.touch(profile, moment)
        return self.users

    def term(self, profile: Profile, now: int) -> Term | None:
        """Returns what fades; None where no occurrence counts."""
        if self.is_summed:
            kept = (profile.decays or {}).get(self.feature)
            return kept and Term(self.points * kept[1], kept[0], self.half_life_ms)
        counted = latest(profile, self.feature, now - self.width_ms, self.most)
        if not counted:
            return None
        since = counted[-1]
        left = sum(share(at_ms, since, self.half_life_ms) for at_ms in counted)
        return Term(self.points * left, since, self.half_life_ms)


def latest(profile: Profile, feature: str, after_ms: int, most: int) -> Sequence[int]:
    """Returns the latest times of a feature after an instant, oldest first."""
    kept = profile.times.get(feature, [])
    times = min(windows.count(kept, after_ms), most)
    return kept[-times:] if times else ()


class FadingScoreNode(msgspec.Struct, kw_only=True):
    """A score with rules whose points become fewer: its value is that of the instant at hand."""

    key: str
    id: str
    scale: Scale
    rules: list[FadingRule] = []
    """Those by half-life."""
    marks: Marks = Marks()
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
        """Returns how its value goes on from now while no fact changes."""
        state = profile.scores.get(self.id)
        if state is None:
            return Course(self.scale.empty)
        return self._course(state, self._terms(profile, now))

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Works out the value, and when it crosses a mark."""
        state = profile.scores.get(self.id)
        if state is None:
            return 0
        rule = moment.rules.pop(self.id, None)
        reason = moment.reasons.pop(self.id, None) if moment.reasons else None
        models, now = moment.take_models(self.id), moment.now
        terms = self._terms(profile, now)
        course = self._course(state, terms)
        if moment.targets and self.id in moment.targets:
            self.scale.settle(state, course, moment.targets.pop(self.id), now)
            course = self._course(state, terms)
        old, new = self.scale.told(state), rounded(course.at(now))
        set_timer(profile, self.timer, crossing(course, self.marks, now))
        if old == new:
            return self.followers
        state.value = new
        points = state.points | {each.holder.number: term.at(now) for each, term in terms}
        held = Held(self.scale, points, state.added)
        grades = self.scale.grades
        move = Move(
            old, new, grades.name(old), grades.name(new), rule, held, reason=reason, models=models
        )
        tell(self, profile, moment, move)
        return self.users

    def _course(self, state: ScoreState, terms: list[tuple[FadingRule, Term]]) -> Course:
        return self.scale.course(state, [(rule.group, term) for rule, term in terms])

    def _terms(self, profile: Profile, now: int) -> list[tuple[FadingRule, Term]]:
        found = [(rule, rule.term(profile, now)) for rule in self.rules]
        return [(rule, term) for rule, term in found if term is not None]


class CombinedNode(msgspec.Struct, kw_only=True):
    """Two scores seen together: the sum of their values, and a grade of both."""

    key: str
    id: str
    scale: Scale
    parts: "tuple[Scored, ...]"
    marks: Marks = Marks()
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
        """Returns how the sum goes on from now while no fact changes."""
        return Course(0, parts=[part.course(profile, now) for part in self.parts])

    def evaluate(self, profile: Profile, moment: Moment) -> Bits:
        """Adds the two up, and works out when the sum crosses a mark."""
        pair, now = self.scale.pair, moment.now
        assert pair is not None  # its scale is that of a combined score
        was = profile.scores.get(self.id)
        course = self.course(profile, now)
        first, second = (rounded(part.at(now)) for part in course.parts)
        set_timer(profile, self.timer, crossing(course, self.marks, now))
        old, old_grade = value(profile, self.id, self.scale.empty), pair.grade(*pair.values(was))
        new, grade = rounded(course.at(now)), pair.grade(first, second)
        held = {0: first, 1: second}
        if was is not None or any(part.id in profile.scores for part in self.parts):
            profile.scores[self.id] = ScoreState(new, 0, held, [])
        if old == new and old_grade == grade:
            return self.followers
        move = Move(old, new, old_grade, grade, None, Held(self.scale, held))
        tell(self, profile, moment, move)
        return self.users


Scored = ScoreNode | FadingScoreNode | CombinedNode


class Move(msgspec.Struct, frozen=True, gc=False):
    """How a score moved."""

    old: Number
    new: Number
    old_grade: str | None
    grade: str | None
    rule: str | None
    held: Held
    """What it is made of now."""
    reason: str | None = None
    """What a trigger said that added points."""
    models: str | None = None
    """With which models its points were reckoned anew, as JSON."""


def tell(
    node: FadingScoreNode | CombinedNode, profile: Profile, moment: Moment, move: Move
) -> None:
    """Takes down that a score moved, for readers and for the triggers that wait for it."""
    moment.turned = True
    if node.memory_ms:
        remember(profile, node.id, (moment.now, move.old), node.memory_ms)
    if node.is_graded:
        moment.note(("grade", node.id), move.old_grade, move.grade)
    if any(is_awaited(move.old, move.new) for is_awaited in node.watchers):
        moment.note(("score", node.id), move.old, move.new)
    level = node.scale.levels.name(move.new)
    move.held.recommendations = texts(node.recommendations, profile, moment.now, level)
    moment.decision.points.append(move.held)
    moment.decision.score_changes.append(
        ScoreChange(
            profile_id=profile.id,
            score_id=node.id,
            old=move.old,
            new=move.new,
            level=level,
            grade=move.grade,
            rule=move.rule,
            at=moment.now,
            cause=moment.cause,
            late=moment.late,
            reason=move.reason,
            models=move.models,
        )
    )
