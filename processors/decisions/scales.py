"""A score as numbers only: how points add up to a value, and which level and grade a value has."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from processors.decisions.decays import Course, Number, Term, merged, rounded
from processors.decisions.numbers import numbered
from processors.definitions.scores import Combined, Score
from processors.state.profiles import Profile, ScoreState


class Ladder(msgspec.Struct, frozen=True):
    """Names by the least value that has them: levels or grades."""

    names: tuple[str, ...] = ()
    """From the lowest on."""
    leasts: tuple[float, ...] = ()

    def name(self, value: float) -> str | None:
        """Returns the name of a value: of the highest threshold reached, else the lowest name.

        >>> ladder({"hot": 80, "warm": 50, "cold": 0}).name(79)
        'warm'
        """
        if not self.names:
            return None
        place = bisect_right(self.leasts, value)
        return self.names[place - 1] if place else self.names[0]

    def span(self, name: str) -> tuple[float, float]:
        """Returns the values that have this name: from, and up to but without.

        >>> ladder({"hot": 80, "warm": 50, "cold": 0}).span("warm")
        (50, 80)
        """
        place = self.names.index(name)
        low = self.leasts[place] if place else float("-inf")
        return low, self.leasts[place + 1] if place + 1 < len(self.leasts) else float("inf")


def ladder(thresholds: Mapping[str, float]) -> Ladder:
    """Returns thresholds in a form that is quick to climb; no two of them are equal."""
    rungs = sorted((least, name) for name, least in thresholds.items())
    return Ladder(tuple(name for _, name in rungs), tuple(least for least, _ in rungs))


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """How two scores are seen together: the value of the first picks the row of a grade."""

    of: tuple[str, str]
    rows: Ladder
    columns: Ladder
    empties: tuple[Number, Number]
    """What the two are for somebody of whom nothing is known."""

    def values(self, state: ScoreState | None) -> tuple[Number, Number]:
        """Returns what the two were when their sum was last told."""
        if state is None:
            return self.empties
        return state.points.get(0, 0), state.points.get(1, 0)

    def grade(self, first: Number, second: Number) -> str:
        """Returns the name of a row, then that of a column."""
        return f"{self.rows.name(first)}{self.columns.name(second)}"


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How one score is reckoned: value = clamp(points given by triggers + sum of clamp(group))."""

    bounds: tuple[tuple[int | None, int | None], ...]
    """Floor and limit of each group."""
    names: Mapping[int, str]
    """The ids of its rules, by the numbers under which points are kept; or of the two scores."""
    groups: Mapping[int, int]
    """The place of its group, by rule that holds points: those that fade hold none."""
    floor: int | None
    limit: int | None
    levels: Ladder
    grades: Ladder
    empty: Number
    """The value of somebody of whom nothing is known."""
    is_whole: bool = True
    """Whether its value is a whole number: no points of its rules become fewer."""
    pair: Pair | None = None
    """Of a combined score."""
    parts: tuple[str, ...] = ()
    """The ids of its groups, in their order."""
    places: Mapping[int, int] = MappingProxyType({})
    """The place of its group, by any rule."""

    def number(self, rule_id: str) -> int:
        """Returns under which number the points of a rule are kept."""
        return next(number for number, name in self.names.items() if name == rule_id)

    def begin(self) -> ScoreState:
        """Returns the score of somebody of whom nothing is known."""
        return ScoreState(None, 0, {}, [0] * len(self.bounds))

    def told(self, state: ScoreState) -> Number:
        """Returns the value as last told; where it never was, that of somebody unknown."""
        return self.empty if state.value is None else state.value

    def total(self, state: ScoreState) -> Number:
        """Returns the value of a score from the sums of its groups."""
        total: Number = state.added
        sums = state.sums
        for place, (floor, limit) in enumerate(self.bounds):
            points = sums[place]
            if limit is not None and points > limit:
                total += limit
            elif floor is not None and points < floor:
                total += floor
            else:
                total += points
        return clamp(total, self.floor, self.limit)

    def settle(self, state: ScoreState, course: Course, target: Number, now: int) -> None:
        """Has triggers have added so much that the value, but for its own bounds, is another."""
        free = msgspec.structs.replace(course, floor=None, limit=None)
        state.added += target - free.at(now)

    def keep(self, state: ScoreState) -> None:
        """Drops the points of rules that are no more, and adds up the groups as they are now."""
        groups = self.groups
        if self.is_whole:
            state.added = round(state.added)
        state.points = {rule: held for rule, held in state.points.items() if rule in groups}
        state.sums = [0] * len(self.bounds)
        for rule, held in state.points.items():
            state.sums[groups[rule]] += held

    def course(self, state: ScoreState, fading: Iterable[tuple[int, Term]]) -> Course:
        """Returns how the value goes on, from what rules hold and what fades in which group."""
        sums: list[Number] = [0] * len(self.bounds)
        for rule, held in state.points.items():
            sums[self.groups[rule]] += held
        of_group: list[list[Term]] = [[] for _ in sums]
        for place, term in fading:
            of_group[place].append(term)
        fixed: Number = state.added
        free: list[Term] = []
        parts: list[Course] = []
        for total, terms, (floor, limit) in zip(sums, of_group, self.bounds, strict=True):
            if not terms:
                fixed += clamp(total, floor, limit)
            elif floor is None and limit is None:
                fixed += total
                free += terms
            else:
                parts.append(Course(total, merged(terms), floor=floor, limit=limit))
        return Course(fixed, merged(free), parts, floor=self.floor, limit=self.limit)


ADDED = "+"
"""Stands for what triggers have added, where points are told by group: it is no id."""


class Held(msgspec.Struct, gc=False):
    """What a score was made of when it moved."""

    scale: Scale
    points: Mapping[int, Number]
    """What its rules gave, by their numbers; of a combined score the values of the two."""
    added: Number = 0
    """Given by triggers."""
    recommendations: tuple[str, ...] = ()
    """Those that held."""

    def by_rule(self) -> dict[str, Number]:
        """Returns the points by the rules' ids, without those that gave none."""
        names = self.scale.names
        if self.scale.is_whole:
            return {names[number]: points for number, points in self.points.items()}
        told = ((names[number], rounded(points)) for number, points in self.points.items())
        return {name: points for name, points in told if points}

    def by_group(self) -> dict[str, Number]:
        """Returns the points by the groups' ids, each between its bounds, and under `ADDED`."""
        scale = self.scale
        if scale.pair is not None:
            return {}
        sums: list[Number] = [0] * len(scale.parts)
        for number, points in self.points.items():
            sums[scale.places[number]] += points
        found = {
            part: rounded(clamp(points, *bounds))
            for part, points, bounds in zip(scale.parts, sums, scale.bounds, strict=True)
        }
        return found | {ADDED: rounded(self.added)} if self.added else found


def scale(score: Score, known: Mapping[str, Scale] = MappingProxyType({})) -> Scale:
    """Returns the numbers of a score.

    Args:
        score: the definition.
        known: by id, those of the scores that it combines.
    """
    if score.combined is not None:
        return _combined(score, score.combined, known)
    bounds = tuple((group.floor, group.limit) for group in score.groups)
    numbers = numbered(rule.id for group in score.groups for rule in group.rules)
    return Scale(
        bounds=bounds,
        names={number: rule_id for rule_id, number in numbers.items()},
        groups={
            numbers[rule.id]: place
            for place, group in enumerate(score.groups)
            for rule in group.rules
            if rule.decay is None or rule.decay.half_life is None
        },
        floor=score.floor,
        limit=score.limit,
        levels=ladder(score.levels),
        grades=ladder(score.grades),
        empty=clamp(sum(clamp(0, *each) for each in bounds), score.floor, score.limit),
        is_whole=all(rule.decay is None for group in score.groups for rule in group.rules),
        parts=tuple(group.id for group in score.groups),
        places={
            numbers[rule.id]: place
            for place, group in enumerate(score.groups)
            for rule in group.rules
        },
    )


def _combined(score: Score, combined: Combined, known: Mapping[str, Scale]) -> Scale:
    first, second = combined.of
    empties = known[first].empty, known[second].empty
    rows, columns = ladder(combined.matrix.rows), ladder(combined.matrix.columns)
    return Scale(
        bounds=((None, None), (None, None)),
        names={0: first, 1: second},
        groups={0: 0, 1: 1},
        floor=None,
        limit=None,
        levels=ladder(score.levels),
        grades=Ladder(),
        empty=sum(empties),
        is_whole=False,
        pair=Pair(of=(first, second), rows=rows, columns=columns, empties=empties),
    )


def clamp(value: Number, floor: int | None, limit: int | None) -> Number:
    """Returns the value, held between floor and limit where there are such.

    >>> clamp(120, 0, 100), clamp(-5, 0, 100), clamp(-5, None, 100)
    (100, 0, -5)
    """
    if limit is not None and value > limit:
        return limit
    if floor is not None and value < floor:
        return floor
    return value


def value(profile: Profile, score_id: str, empty: Number) -> Number:
    """Returns the present value of a score of a profile."""
    state = profile.scores.get(score_id)
    return empty if state is None or state.value is None else state.value
