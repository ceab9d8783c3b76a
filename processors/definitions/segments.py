"""Segments (who belongs is computed) and lists (who belongs is said)."""

from typing import Any, Literal

from processors.definitions import conditions, values
from processors.definitions.conditions import Condition
from processors.definitions.parts import Faults, Written


class Segment(Written):
    """A group of people by a condition; they enter and leave it by themselves."""

    kind: Literal["segment"]
    name: values.Name
    when: Condition

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that nothing asks for the event at hand, which a segment has not."""
        for path in conditions.misplaced(raw.get("when"), ("when",)):
            faults.add(path, "a segment has no event at hand; use event with where")
        return raw


class StaticList(Written):
    """A group of people put together by hand, by an import or by a trigger."""

    kind: Literal["list"]
    name: values.Name
