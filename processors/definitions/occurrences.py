"""What is asked about events: how often, how much, in which order."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from processors.definitions import parts, values
from processors.definitions.comparisons import (
    HINTS,
    NUMBER_OPERATORS,
    Comparison,
    operation,
)
from processors.definitions.parts import Faults, Part

COUNTS = ("at_least", "at_most", "exactly")
AGGREGATES = ("sum", "average", "min", "max", "distinct")
MAX_STEPS = 16


class PropertyCondition(Comparison):
    """A property of the event at hand."""

    property: values.TraitPath


def _where(raw: Any) -> Any:
    return parts.choose(raw, "a where condition", ("property",))


Where = Annotated[
    tuple[Annotated[PropertyCondition, BeforeValidator(_where)], ...],
    values.Listed,
]


class Aggregate(Part):
    """What one property comes to over the events that count, held against a number."""

    property: values.TraitPath
    comparison: Comparison

    hints = HINTS

    @classmethod
    def known_keys(cls) -> list[str]:
        """Returns the property and the operators that numbers have."""
        return ["property", *NUMBER_OPERATORS]

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns the property and what is asked of it."""
        found = operation(raw, NUMBER_OPERATORS, faults)
        fields = {key: value for key, value in raw.items() if key == "property"}
        return fields | {"comparison": Comparison.model_construct(None, **found)}


class EventCondition(Part):
    """How often something was done, or what a property of it comes to; else: at least once."""

    event: values.Name
    where: Where = ()
    at_least: values.Count | None = None
    at_most: values.Tally | None = None
    exactly: values.Tally | None = None
    sum: Aggregate | None = None
    average: Aggregate | None = None
    min: Aggregate | None = None
    max: Aggregate | None = None
    distinct: Aggregate | None = None
    within: values.Duration | None = None
    """Ms: an occurrence at t counts while now < t + within."""
    since: values.Instant | None = None
    """Ms since the epoch."""

    hints: ClassVar = {"within_last": "within", "count": "exactly", "after": "since"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there is one count or aggregate, and one span of time at most."""
        for group in ((*COUNTS, *AGGREGATES), ("within", "since")):
            said = [key for key in raw if key in group]
            if len(said) > 1:
                faults.add((), f"takes only one of {', '.join(group)}, found {' and '.join(said)}")
        return raw

    @property
    def aggregate(self) -> tuple[str, Aggregate] | None:
        """What is reckoned, and how it is named; None where occurrences are counted."""
        for name in AGGREGATES:
            found: Aggregate | None = getattr(self, name)
            if found is not None:
                return name, found
        return None


class Step(Part):
    """One step of a sequence: an event that comes, or one that does not."""

    event: values.Name | None = None
    not_event: values.Name | None = None
    where: Where = ()
    within: values.Duration | None = None
    """Ms, counted from the event before."""

    hints: ClassVar = {"within_last": "within", "not": "not_event"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that it names one event."""
        said = [key for key in raw if key in ("event", "not_event")]
        if len(said) != 1 and not faults:
            found = " and ".join(said) or "neither"
            faults.add((), f"takes one of event and not_event, found {found}")
        return raw


def _steps(raw: Any) -> Any:
    if not isinstance(raw, (list, tuple)) or not 2 <= len(raw) <= MAX_STEPS:
        raise values.fault(f"must be a list of 2 to {MAX_STEPS} steps", raw)
    return raw


class SequenceCondition(Part):
    """Events that came one after the other."""

    sequence: Annotated[tuple[Step, ...], BeforeValidator(_steps)]
    same: values.TraitPath | None = None
    """A property whose value must be the same in all steps."""
    within: values.Duration | None = None
    """Ms: the first of them counts while now < t + within."""

    hints: ClassVar = {"within_last": "within", "by": "same"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks what a step may be at its place."""
        found = raw.get("sequence")
        steps = found if isinstance(found, (list, tuple)) else ()
        keys = [set(each) if isinstance(each, dict) else set[str]() for each in steps]
        for place, said in enumerate(keys):
            path = ("sequence", place)
            if place == 0 and "not_event" in said:
                faults.add((*path, "not_event"), "the first step must be an event that comes")
            if place == 0 and "within" in said:
                faults.add((*path, "within"), "counts from the step before: the first has none")
            is_last = all("not_event" in each for each in keys[place:])
            if place and not is_last and {"not_event", "within"} <= said:
                faults.add((*path, "within"), "may stand beside not_event only at the end")
        return raw
