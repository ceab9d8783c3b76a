"""What is asked about events: how often, how much, in which order."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from processors.definitions import parts, values
from processors.definitions.comparisons import Comparison
from processors.definitions.parts import Faults, Part

COUNTS = ("at_least", "at_most", "exactly")


class PropertyCondition(Comparison):
    """A property of the event at hand."""

    property: values.TraitPath


def _where(raw: Any) -> Any:
    return parts.choose(raw, "a where condition", ("property",))


Where = Annotated[
    tuple[Annotated[PropertyCondition, BeforeValidator(_where)], ...],
    values.Listed,
]


class EventCondition(Part):
    """How often something was done; without a count: at least once."""

    event: values.Name
    where: Where = ()
    at_least: values.Count | None = None
    at_most: values.Tally | None = None
    exactly: values.Tally | None = None
    within: values.Duration | None = None
    """Ms: an occurrence at t counts while now < t + within."""
    since: values.Instant | None = None
    """Ms since the epoch."""

    later = ("sum", "average", "min", "max", "distinct")
    hints: ClassVar = {"within_last": "within", "count": "exactly", "after": "since"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that there is one count and one span of time at most."""
        for group in (COUNTS, ("within", "since")):
            said = [key for key in raw if key in group]
            if len(said) > 1:
                faults.add((), f"takes only one of {', '.join(group)}, found {' and '.join(said)}")
        return raw
