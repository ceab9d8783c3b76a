"""Journeys: what lets people in, the steps that they are led through, and what ends it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, PlainValidator

from processors.definitions import durations, routes, values
from processors.definitions.conditions import Condition
from processors.definitions.parts import TAG, Faults, Part, Written
from processors.definitions.steps import Awaited, Goal, Step
from processors.definitions.stimuli import BROUGHT, Stimulus
from processors.definitions.triggers import Limit
from processors.definitions.versions import version

MESSAGE_ID = "messageId"
"""As `per`: a run for each event."""
ALWAYS = 0

Status = Literal["active", "paused", "draining", "archived"]
Overdue = Literal["run", "skip"]
LiveEdit = Literal["pin", "follow", "migrate"]


class Entry(Part):
    """What lets people in: a stimulus of a trigger, and a condition beside it."""

    on: Stimulus = Field(alias="\0on")
    when: Condition | None = None

    @classmethod
    def _known(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        if "when" in raw and raw["when"] is None:
            faults.add(("when",), "is empty; give it a value or leave the key out")
        return {key: value for key, value in raw.items() if key != "when" or value is not None}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Returns the stimulus and the condition."""
        fields: dict[str, Any] = {TAG + "on": {k: v for k, v in raw.items() if k != "when"}}
        if "when" in raw:
            fields["when"] = raw["when"]
        return fields


def _re_entry(raw: Any) -> int | None:
    """Returns how long after the latest entry somebody may enter again, ms; None: never."""
    if raw == "never":
        return None
    if raw == "always":
        return ALWAYS
    try:
        word, length = raw.split(" ")
        if word == "after":
            return durations.parse(length)
    except (AttributeError, ValueError):
        pass
    raise values.fault("must be never, always, or a time such as after 30d", raw)


class Journey(Written):
    """Leads people through steps, one run each."""

    kind: Literal["journey"]
    entry: Entry
    targeting: Condition | None = None
    """Must hold at entry, and before each step that sends."""
    per: values.TraitPath | None = None
    """The property of the entry event that tells runs apart."""
    re_entry: Annotated[int | None, PlainValidator(_re_entry)] = None
    """Ms since the latest entry; None: never again."""
    limit: Limit | None = None
    exit: Annotated[tuple[Awaited, ...], values.Filled] = ()
    goal: Goal | None = None
    status: Annotated[Status, values.one_of(get_args(Status))] = "active"
    overdue: Annotated[Overdue, values.one_of(get_args(Overdue))] = "run"
    live_edit: Annotated[LiveEdit, values.one_of(get_args(LiveEdit))] = "pin"
    moves: Annotated[dict[values.Id, values.Id], values.Mapped] = Field(default_factory=dict)
    """Where runs go whose step is gone: new ids by old ones."""
    fire_on_publish: values.Boolean = False
    priority: values.Digit = 5
    steps: Annotated[tuple[Step, ...], values.Filled]

    hints: ClassVar = {
        "on": "entry",
        "trigger": "entry",
        "when": "targeting",
        "reentry": "re_entry",
        "exits": "exit",
        "key": "per",
        "do": "steps",
    }

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks the ways between the steps, and what belongs together."""
        entry = raw.get("entry")
        heads = entry if isinstance(entry, dict) else {}
        if "per" in raw and entry is not None and not heads.keys() & {"event", "manual"}:
            faults.add(("per",), "may only stand beside an entry by event: nothing else has any")
        if raw.get("fire_on_publish") is True and not any(key in heads for key in BROUGHT):
            said = f"may only stand beside {', '.join(BROUGHT)}: nothing else changes by that"
            faults.add(("fire_on_publish",), said)
        if "moves" in raw and raw.get("live_edit", "pin") == "pin":
            faults.add(("moves",), "may only stand beside live_edit: follow or migrate")
        routes.check(raw.get("steps"), faults)
        routes.check_moves(raw.get("moves"), raw.get("steps"), faults)
        return raw

    @property
    def steps_version(self) -> str:
        """The version that runs have, 12 hex digits: of all that they go by."""
        return steps_version(self.origin.document)


RUN_BY = ("steps", "exit", "goal", "targeting")
"""The keys of a journey that its runs go by."""


def steps_version(document: Mapping[str, Any]) -> str:
    """Returns the version that runs have by a journey's document, 12 hex digits."""
    return version({key: document[key] for key in RUN_BY if key in document})
