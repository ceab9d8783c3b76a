"""What wakes a trigger: the stimuli that `on` may name."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from processors.definitions import parts, values
from processors.definitions.conditions import Condition, misplaced
from processors.definitions.occurrences import Where
from processors.definitions.parts import TAG, Faults, Part
from processors.definitions.scores import EventMatch

Change = Literal["entered", "exited"]
Mark = Literal["added", "removed"]
Direction = Literal["up", "down", "either"]


class SegmentStimulus(Part):
    """Somebody enters or leaves a segment."""

    segment: values.Id
    change: Annotated[Change, values.one_of(get_args(Change))]


class ScoreStimulus(Part):
    """A score passes a threshold: up is old < crosses <= new, down is new < crosses <= old.

    With `minimum_change` only where it moved by so much that way: since `within` ago, or at once.
    """

    score: values.Id
    crosses: values.Number
    direction: Annotated[Direction, values.one_of(get_args(Direction))] = "up"
    minimum_change: values.Amount | None = None
    within: values.Duration | None = None
    """Ms."""

    hints: ClassVar = {"threshold": "crosses", "time_window": "within"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that a span is that of a change."""
        if "within" in raw and "minimum_change" not in raw:
            faults.add(("within",), "may only stand beside minimum_change")
        return raw


class LevelStimulus(Part):
    """A score comes to a level."""

    score: values.Id = Field(alias="level")
    becomes: values.Name


class GradeStimulus(Part):
    """A score comes to a grade."""

    score: values.Id = Field(alias="grade")
    becomes: values.Name


class TagStimulus(Part):
    """A tag is given or taken."""

    tag: values.Name
    change: Annotated[Mark, values.one_of(get_args(Mark))]


class ListStimulus(Part):
    """The person is put on a list, or taken off it."""

    list_id: values.Id = Field(alias="list")
    change: Annotated[Mark, values.one_of(get_args(Mark))]


class TraitStimulus(Part):
    """A trait becomes a value, or changes at all."""

    trait: values.TraitPath
    becomes: values.Single | None = None
    """None where any change counts."""
    changes: values.Truth = False

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that exactly one of the two is asked."""
        said = [key for key in ("becomes", "changes") if key in raw]
        if len(said) != 1 and not faults:
            found = " and ".join(said) or "neither"
            faults.add((), f"takes one of becomes: value and changes: true, found {found}")
        return raw


class StatusStimulus(Part):
    """The status becomes this one."""

    status: values.Name
    old: values.Name | None = Field(default=None, alias="from")
    """The status it must have been; None = any other."""
    include_new: values.Boolean | None = None
    """Whether having had none will do, too; None = unless it says which."""

    hints: ClassVar = {
        "becomes": "status",
        "from_status": "from",
        "to_status": "status",
        "include_new_accounts": "include_new",
    }

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the two differ."""
        if raw.get("from") == raw.get("status"):
            faults.add(("from",), "must be another status than the one that it becomes")
        return raw


class InactiveStimulus(Part):
    """Somebody has done nothing, or not this one thing, for so long."""

    inactive: values.Duration
    """Ms since the latest event."""
    event: values.Name | None = None
    """None: any event counts."""
    where: Where = ()

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that properties are asked of a named event only."""
        if "where" in raw and "event" not in raw:
            faults.add(("where",), "may only stand beside event")
        return raw


class DateStimulus(Part):
    """The day of a date trait comes, or one before or after it."""

    date: values.TraitPath
    offset: values.Offset = 0
    """Ms."""
    at: values.Clock | None = None
    """None: the time of day of the date."""
    timezone: values.Zone = "UTC"
    yearly: values.Boolean = False


class ScheduleStimulus(Part):
    """The clock ticks for everybody in the audience."""

    schedule: values.Cron
    timezone: values.Zone = "UTC"
    audience: Condition

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that the audience asks nothing of an event."""
        for path in misplaced(raw.get("audience"), ("audience",)):
            faults.add(path, "the audience has no event at hand")
        return raw


class ManualStimulus(Part):
    """Somebody asks for it, for a person (`Trigger Requested`)."""

    manual: values.Truth


Timed = InactiveStimulus | DateStimulus | ScheduleStimulus
"""Those that are instants."""

STIMULI: dict[str, type[Part]] = {
    "event": EventMatch,
    "segment": SegmentStimulus,
    "score": ScoreStimulus,
    "level": LevelStimulus,
    "grade": GradeStimulus,
    "trait": TraitStimulus,
    "status": StatusStimulus,
    "tag": TagStimulus,
    "list": ListStimulus,
    "inactive": InactiveStimulus,
    "date": DateStimulus,
    "schedule": ScheduleStimulus,
    "manual": ManualStimulus,
}
BROUGHT = ("segment", "score", "level", "grade")
"""Those that a change of definitions can bring about."""
COMPANIONS = {"inactive": "event"}
"""A key that is a stimulus by itself, but only says more of one beside another."""


def _choose_stimulus(raw: Any) -> Any:
    heads = tuple(key for key in STIMULI if key not in _companions(raw))
    return parts.choose(raw, "a stimulus", heads)


def _stimulus(raw: Any) -> str:
    companions = _companions(raw)
    heads = {key: model for key, model in STIMULI.items() if key not in companions}
    return parts.head(raw, heads)


def _companions(raw: Any) -> set[str]:
    """Returns the keys that stand beside what they belong to."""
    if not isinstance(raw, dict):
        return set()
    return {key for beside, key in COMPANIONS.items() if beside in raw}


Stimulus = Annotated[
    Annotated[EventMatch, Tag(TAG + "event")]
    | Annotated[SegmentStimulus, Tag(TAG + "segment")]
    | Annotated[ScoreStimulus, Tag(TAG + "score")]
    | Annotated[LevelStimulus, Tag(TAG + "level")]
    | Annotated[GradeStimulus, Tag(TAG + "grade")]
    | Annotated[TraitStimulus, Tag(TAG + "trait")]
    | Annotated[StatusStimulus, Tag(TAG + "status")]
    | Annotated[TagStimulus, Tag(TAG + "tag")]
    | Annotated[ListStimulus, Tag(TAG + "list")]
    | Annotated[InactiveStimulus, Tag(TAG + "inactive")]
    | Annotated[DateStimulus, Tag(TAG + "date")]
    | Annotated[ScheduleStimulus, Tag(TAG + "schedule")]
    | Annotated[ManualStimulus, Tag(TAG + "manual")],
    Discriminator(_stimulus),
    BeforeValidator(_choose_stimulus),
]
