"""Scores: points that people gather by what they do and by what they are."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from processors.definitions import conditions, values
from processors.definitions.conditions import Condition
from processors.definitions.errors import Path, show
from processors.definitions.occurrences import Where
from processors.definitions.parts import Faults, Part, Written


class EventMatch(Part):
    """An event by its name and properties."""

    event: values.Name
    where: Where = ()


class Decay(Part):
    """How the points of an occurrence become fewer: by half-life, or by steps of a period."""

    half_life: values.Duration | None = None
    """Ms: after it half of the points are left."""
    per: values.Duration | None = None
    """Ms: how long a step lasts."""
    percent: values.Proportion | None = None
    """How much of the points each step takes."""

    hints: ClassVar = {"halflife": "half_life", "half-life": "half_life", "period": "per"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it is of one sort."""
        steps = [key for key in ("per", "percent") if key in raw]
        if "half_life" in raw and steps:
            said = " and ".join(["half_life", *steps])
            faults.add((), f"takes half_life, or per and percent; found {said}")
        elif "half_life" not in raw and len(steps) < 2 and not faults:
            faults.add((), "needs half_life, or both per and percent")
        return raw


FUNCTIONS = ("sum", "average", "max")


class RollUp(Part):
    """What a score of all of an account's people comes to."""

    sum: values.Id | None = None
    average: values.Id | None = None
    max: values.Id | None = None

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it comes to one thing."""
        if len(raw) != 1 and (raw or not faults):
            found = " and ".join(raw) or "nothing"
            faults.add((), f"takes exactly one of {', '.join(FUNCTIONS)}, found {found}")
        return raw

    @property
    def function(self) -> str:
        """Sum, average or max."""
        return next(each for each in FUNCTIONS if getattr(self, each) is not None)

    @property
    def score(self) -> str:
        """The score that is looked at."""
        return str(getattr(self, self.function))

    @property
    def key(self) -> str:
        """Stands for it wherever it is asked."""
        return f"{self.function}:{conditions.short(self.score)}"


class ForEach(Part):
    """How much of a property of the event has the points once."""

    property: values.TraitPath
    amount: values.Amount = 1

    hints: ClassVar = {"of": "amount", "sum": "property"}


class Rule(Part):
    """Points for each occurrence of an event (`on`), while a condition holds (`when`), by a model.

    Of a model's points the share that it gives. Or for each point that a score of the account's
    people comes to (`people`).
    """

    id: values.Id
    name: values.Name | None = None
    points: values.Whole
    on: EventMatch | None = None
    per: values.TraitPath | None = None
    """A property of the event: each of its values counts once."""
    for_each: ForEach | None = None
    """A property of the event: the points count for each so much of it, not for each event."""
    when: Condition | None = None
    model: values.Id | None = None
    """Python that a data engineer has registered: a number from 0 to 1."""
    max_occurrences: values.Count | None = None
    """At most so many count; with `within` inside the window."""
    within: values.Duration | None = None
    """Ms: an occurrence at t adds points while now < t + within."""
    decay: Decay | None = None
    people: RollUp | None = None
    hints: ClassVar = {"event": "on", "within_last": "within", "distinct": "per"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the rule is of one sort."""
        sorts = [key for key in ("on", "when", "model", "people") if key in raw]
        if len(sorts) > 1:
            found = " and ".join(sorts)
            faults.add(
                (), f"takes only one of on, when, model and people, found {found}: make them two"
            )
        elif not sorts and not faults:
            said = "on (points for each event), when (points while it is true), people or model"
            faults.add((), f"needs {said} (a share of the points)")
        else:
            for key, said in _misplaced(raw):
                faults.add((key,), said)
        for path in conditions.misplaced(raw.get("when"), ("when",)):
            faults.add(path, "when has no event at hand; use on with where")
        return raw


def _misplaced(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the keys of a rule that do not go with its others, and why."""
    keys: tuple[str, ...]
    if "on" not in raw:
        keys, said = (
            ("per", "for_each", "max_occurrences", "within", "decay"),
            "only stand beside on",
        )
    elif "for_each" in raw:
        keys, said = ("per", "max_occurrences", "decay"), "not stand beside for_each"
    else:
        keys, said = ("decay",) if "per" in raw else (), "not stand beside per"
    yield from ((key, f"may {said}") for key in keys if key in raw)


class Group(Part):
    """Rules whose points together have bounds of their own."""

    id: values.Id
    name: values.Name | None = None
    limit: values.Whole | None = None
    floor: values.Whole | None = None
    rules: Annotated[tuple[Rule, ...], values.Filled]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the bounds leave room."""
        _check_bounds(raw, raw.get("floor"), faults)
        return raw


class Matrix(Part):
    """Which values of two scores make which grade: the row's name, then the column's."""

    rows: values.Thresholds = Field(default_factory=lambda: {"A": 75, "B": 50, "C": 25, "D": 0})
    """Names by the least value of the first score that has them."""
    columns: values.Thresholds = Field(default_factory=lambda: {"1": 75, "2": 50, "3": 25, "4": 0})
    """The same for the second."""

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there are names, and that no two pairs of them read the same."""
        sides = [raw.get("rows"), raw.get("columns")]
        for key, side in zip(("rows", "columns"), sides, strict=True):
            if side == {}:
                faults.add((key,), "must name at least one threshold")
        rows, columns = (side if isinstance(side, dict) else {} for side in sides)
        grades = [f"{row}{column}" for row in rows for column in columns]
        twice = next((grade for grade in grades if grades.count(grade) > 1), None)
        if twice is not None:
            faults.add((), f"two pairs of row and column make the same grade {twice}")
        return raw

    @property
    def grades(self) -> list[str]:
        """All grades, row by row."""
        return [row + column for row in self.rows for column in self.columns]


class Combined(Part):
    """Two other scores, seen together."""

    of: Annotated[tuple[values.Id, ...], values.Listed]
    """The first picks the row, the second the column."""
    matrix: Matrix = Field(default_factory=Matrix)

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there are two of them."""
        of = raw.get("of")
        if isinstance(of, list) and (len(of) != 2 or of[0] == of[1]):
            faults.add(("of",), "must name two different scores")
        return raw


class Recommendation(Part):
    """A text for whoever reads the score, with when it holds."""

    text: values.Name
    level: values.Name | None = None
    """Of this score."""
    when: Condition | None = None

    hints: ClassVar = {"if": "when", "becomes": "level"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it does not hold always."""
        if "level" not in raw and "when" not in raw and not faults:
            faults.add((), "needs level (of this score), when (a condition), or both")
        for path in conditions.misplaced(raw.get("when"), ("when",)):
            faults.add(path, "a score has no event at hand")
        return raw


class Score(Written):
    """A number for each person: the sum of its groups, kept between floor and limit.

    Or two other scores combined: the sum of their values, with a grade of both.
    """

    kind: Literal["score"]
    name: values.Name
    limit: values.Whole | None = None
    floor: values.Whole | None = 0
    """None: no lower bound."""
    groups: Annotated[tuple[Group, ...], values.Listed] = ()
    combined: Combined | None = None
    levels: values.Thresholds = Field(default_factory=dict)
    grades: values.Thresholds = Field(default_factory=dict)
    recommendations: Annotated[tuple[Recommendation, ...], values.Listed] = ()

    nullable = ("floor",)

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it is of one sort, that the bounds leave room, that ids are unique."""
        if "combined" in raw:
            for key in ("limit", "floor", "groups", "grades"):
                if key in raw:
                    faults.add((key,), "may not stand beside combined")
            return raw
        if "groups" not in raw and not faults:
            faults.add((), "needs groups (of its own rules) or combined (of two other scores)")
        _check_bounds(raw, raw.get("floor", 0), faults)
        _check_unique("group", _groups(raw), faults)
        _check_unique("rule", _rules(raw), faults)
        return raw

    @property
    def grade_names(self) -> list[str]:
        """All grades that it can have."""
        return list(self.grades) if self.combined is None else self.combined.matrix.grades


def _check_bounds(raw: dict[str, Any], floor: Any, faults: Faults) -> None:
    limit = raw.get("limit")
    if isinstance(limit, int) and isinstance(floor, int) and floor > limit:
        faults.add(("limit",), f"must not lie below the floor {floor}, found the number {limit}")


def _check_unique(noun: str, items: Iterator[tuple[Path, Any]], faults: Faults) -> None:
    seen: dict[str, Path] = {}
    for path, item in items:
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            faults.add((*path, "id"), f"{noun} {name} is there twice, first at {show(seen[name])}")
        seen.setdefault(name, path)


def _groups(raw: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    found = raw.get("groups")
    for place, group in enumerate(found if isinstance(found, list) else []):
        yield ("groups", place), group


def _rules(raw: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for path, group in _groups(raw):
        found = group.get("rules") if isinstance(group, dict) else None
        for place, rule in enumerate(found if isinstance(found, list) else []):
            yield (*path, "rules", place), rule
