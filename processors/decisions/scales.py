"""A score as numbers only: how points add up to a value, and which level and grade a value has."""

from bisect import bisect_right
from collections.abc import Mapping

import msgspec

from processors.definitions.scores import Score
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
        return self.names[max(0, bisect_right(self.leasts, value) - 1)]

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


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How one score is reckoned: value = clamp(points given by triggers + sum of clamp(group))."""

    bounds: tuple[tuple[int | None, int | None], ...]
    """Floor and limit of each group."""
    groups: Mapping[str, int]
    """The place of its group, by rule."""
    floor: int | None
    limit: int | None
    levels: Ladder
    grades: Ladder
    empty: int
    """The value of somebody of whom nothing is known."""

    def begin(self) -> ScoreState:
        """Returns the score of somebody of whom nothing is known."""
        return ScoreState(self.empty, 0, {}, [0] * len(self.bounds))

    def total(self, state: ScoreState) -> int:
        """Returns the value of a score from the sums of its groups."""
        total = state.added
        for points, (floor, limit) in zip(state.sums, self.bounds, strict=True):
            if limit is not None and points > limit:
                total += limit
            elif floor is not None and points < floor:
                total += floor
            else:
                total += points
        return clamp(total, self.floor, self.limit)

    def keep(self, state: ScoreState) -> None:
        """Drops the points of rules that are no more, and adds up the groups as they are now."""
        groups = self.groups
        state.points = {rule: held for rule, held in state.points.items() if rule in groups}
        state.sums = [0] * len(self.bounds)
        for rule, held in state.points.items():
            state.sums[groups[rule]] += held


def scale(score: Score) -> Scale:
    """Returns the numbers of a score."""
    bounds = tuple((group.floor, group.limit) for group in score.groups)
    return Scale(
        bounds=bounds,
        groups={rule.id: place for place, group in enumerate(score.groups) for rule in group.rules},
        floor=score.floor,
        limit=score.limit,
        levels=ladder(score.levels),
        grades=ladder(score.grades),
        empty=clamp(sum(clamp(0, *each) for each in bounds), score.floor, score.limit),
    )


def clamp(value: int, floor: int | None, limit: int | None) -> int:
    """Returns the value, held between floor and limit where there are such.

    >>> clamp(120, 0, 100), clamp(-5, 0, 100), clamp(-5, None, 100)
    (100, 0, -5)
    """
    if limit is not None and value > limit:
        return limit
    if floor is not None and value < floor:
        return floor
    return value


def value(profile: Profile, score_id: str, empty: int) -> int:
    """Returns the present value of a score of a profile."""
    state = profile.scores.get(score_id)
    return empty if state is None else state.value
