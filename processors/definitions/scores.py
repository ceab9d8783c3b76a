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


class Rule(Part):
    """Points for each occurrence of an event (`on`), or while a condition holds (`when`)."""

    id: values.Id
    points: values.Whole
    on: EventMatch | None = None
    when: Condition | None = None
    max_occurrences: values.Count | None = None
    """At most so many count; with `within` inside the window."""
    within: values.Duration | None = None
    """Ms: an occurrence at t adds points while now < t + within."""

    later = ("decay",)
    hints: ClassVar = {"event": "on", "within_last": "within"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the rule is of one sort."""
        if "on" in raw and "when" in raw:
            faults.add((), "takes either on or when, found both: make them two rules")
        elif "on" not in raw and "when" not in raw and not faults:
            faults.add((), "needs on (points for each event) or when (points while it is true)")
        elif "when" in raw:
            for key in ("max_occurrences", "within"):
                if key in raw:
                    faults.add((key,), "may only stand beside on")
        for path in conditions.misplaced(raw.get("when"), ("when",)):
            faults.add(path, "when has no event at hand; use on with where")
        return raw


class Group(Part):
    """Rules whose points together have bounds of their own."""

    id: values.Id
    limit: values.Whole | None = None
    floor: values.Whole | None = None
    rules: Annotated[tuple[Rule, ...], values.Filled]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the bounds leave room."""
        _check_bounds(raw, raw.get("floor"), faults)
        return raw


class Score(Written):
    """A number for each person: the sum of its groups, kept between floor and limit."""

    kind: Literal["score"]
    name: values.Name
    limit: values.Whole | None = None
    floor: values.Whole | None = 0
    """None: no lower bound."""
    groups: Annotated[tuple[Group, ...], values.Listed]
    levels: values.Thresholds = Field(default_factory=dict)
    grades: values.Thresholds = Field(default_factory=dict)

    nullable = ("floor",)
    later = ("combined", "decay")

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the bounds leave room and that no id is used twice."""
        _check_bounds(raw, raw.get("floor", 0), faults)
        _check_unique("group", _groups(raw), faults)
        _check_unique("rule", _rules(raw), faults)
        return raw


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
