"""Triggers: what is done for a person when something happens."""

from typing import Annotated, Any, ClassVar, Literal

from processors.definitions import values
from processors.definitions.actions import Action
from processors.definitions.conditions import Condition
from processors.definitions.parts import Faults, Part, Written
from processors.definitions.stimuli import BROUGHT, Stimulus


class Limit(Part):
    """How often a trigger fires for one person; without `within`: ever."""

    times: values.Count
    within: values.Duration | None = None
    """Ms, rolling."""


class Trigger(Written):
    """Does something for a person when the stimulus comes, if condition and limit allow it."""

    kind: Literal["trigger"]
    on: Stimulus
    when: Condition | None = None
    limit: Limit | None = None
    priority: values.Digit = 5
    """Higher goes first."""
    fire_on_publish: values.Boolean = False
    """Also for whom new definitions bring the change."""
    do: Annotated[tuple[Action, ...], values.Filled]

    hints: ClassVar = {"actions": "do", "then": "do", "if": "when", "trigger": "on"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that new definitions can bring what it waits for."""
        on = raw.get("on")
        is_brought = not isinstance(on, dict) or any(key in on for key in BROUGHT)
        if raw.get("fire_on_publish") is True and not is_brought:
            said = f"may only stand beside {', '.join(BROUGHT)}: nothing else changes by that"
            faults.add(("fire_on_publish",), said)
        return raw
