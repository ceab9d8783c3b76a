"""A score as numbers only: how points add up to a value, and which level and grade a value has."""

from collections.abc import Mapping

import msgspec

from processors.definitions.scores import Score
from processors.state.profiles import Profile, ScoreState


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How one score is reckoned: value = clamp(points given by triggers + sum of clamp(group))."""

    groups: tuple[tuple[tuple[str, ...], int | None, int | None], ...]
    """Of each group: the ids of its rules, the floor and the limit."""
    floor: int | None
    limit: int | None
    levels: dict[str, int]
    grades: dict[str, int]

    def total(self, state: ScoreState) -> int:
        """Returns the value of a score from the points that its rules hold."""
        held = state.points.get
        total = state.added
        for rules, floor, limit in self.groups:
            points = 0
            for rule in rules:
                points += held(rule, 0)
            total += clamp(points, floor, limit)
        return clamp(total, self.floor, self.limit)

    @property
    def empty(self) -> int:
        """The value of somebody of whom nothing is known."""
        return self.total(ScoreState(0))


def scale(score: Score) -> Scale:
    """Returns the numbers of a score."""
    return Scale(
        groups=tuple(
            (tuple(rule.id for rule in group.rules), group.floor, group.limit)
            for group in score.groups
        ),
        floor=score.floor,
        limit=score.limit,
        levels=dict(score.levels),
        grades=dict(score.grades),
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


def band(thresholds: Mapping[str, int], value: float) -> str | None:
    """Returns the level of a value: the highest threshold reached, else the lowest one.

    >>> band({"hot": 80, "warm": 50, "cold": 0}, 79)
    'warm'
    """
    if not thresholds:
        return None
    reached = [name for name, least in thresholds.items() if least <= value]
    if not reached:
        return min(thresholds, key=lambda name: thresholds[name])
    return max(reached, key=lambda name: (thresholds[name], name))


def span(thresholds: Mapping[str, int], name: str) -> tuple[float, float]:
    """Returns the values that have this level: from, and up to but without.

    >>> span({"hot": 80, "warm": 50, "cold": 0}, "warm")
    (50, 80)
    """
    least = thresholds[name]
    above = [each for each in thresholds.values() if each > least]
    lowest = least == min(thresholds.values())
    return float("-inf") if lowest else least, min(above, default=float("inf"))


def value(profile: Profile, score_id: str, empty: int) -> int:
    """Returns the present value of a score of a profile."""
    state = profile.scores.get(score_id)
    return empty if state is None else state.value
