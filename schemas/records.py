"""What analysts read: scores, memberships and their changes, and the reasons of each decision.

Flat on purpose: every field is a column, instants are ms since the epoch (Avro: timestamp-millis).
"""

from typing import Literal

import msgspec


class ScoreRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The current value of one score of one profile."""

    profile_id: str
    score_id: str
    value: float
    level: str | None
    grade: str | None
    at: int
    """Since when it has this value."""
    breakdown: str = "{}"
    """JSON: the points of each rule, by its id; of a combined score the values of the two."""
    groups: str = "{}"
    """JSON: the points of each group within its bounds, by its id, and under `+` what triggers have
    added; they add up to the value before the score's own limit and floor."""
    recommendations: str = "[]"
    """JSON: the texts that held for this person at `at`."""


class ScoreChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One move of a score."""

    profile_id: str
    score_id: str
    old: float
    new: float
    level: str | None
    grade: str | None
    rule: str | None
    """The rule whose points moved; None where several did at once, or time alone moved it."""
    at: int
    cause: str
    """messageId of the event, or `clock`, or `definition`."""
    late: bool
    reason: str | None = None
    """What the trigger said that added points; None where it said nothing, or several did."""
    models: str | None = None
    """JSON, by rule: model, version and inputs, where one has moved the points; None elsewhere."""


class SegmentRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether one profile is in one segment now."""

    profile_id: str
    segment_id: str
    member: bool
    since: int
    """When it entered, or left."""


class SegmentChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry into a segment, or one exit."""

    profile_id: str
    segment_id: str
    change: Literal["entered", "exited"]
    at: int
    cause: str
    """messageId of the event, or `clock`, or `definition`."""
    version: str
    late: bool


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Why a trigger fired for a profile, or why it did not; why a message did not go, or waits.

    Most are about no message: in JSON they leave out what is only about one.
    """

    profile_id: str
    definition_id: str
    version: str
    outcome: Literal["yes", "no"]
    reason: str
    at: int
    cause: str
    late: bool
    command_id: str | None = None
    """Of the message that it is about; None: it is about something else."""
    until: int | None = None
    """Until when the message waits; None: it does not."""
    models: str | None = None
    """JSON, by trait: model, version, inputs and what it gave, where an action asked one."""
    summary_id: str | None = None
    """Of the command in which the message went; None: it was not combined."""


What = Literal[
    "entered",
    "done",
    "skipped",
    "waiting",
    "went",
    "branched",
    "split",
    "moved",
    "goal",
    "completed",
    "exited",
]
"""What happened to a run."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened to a run of a journey: entry, step, wait, way taken, or end."""

    run_id: str
    """16 hex digits."""
    profile_id: str
    journey_id: str
    version: str
    """Of the journey's steps, as the run has them."""
    step: str
    """Empty where it is no step's."""
    what: What
    choice: str | None
    """The way that was taken, or why."""
    until: int | None
    """When a wait is over at the latest; None where it has no such time."""
    visit: int
    """How many steps the run has come to, this one included."""
    at: int
    cause: str
    """messageId of the event, or `clock`, or `definition`."""
    late: bool
    models: str | None = None
    """JSON, by trait: model, version, inputs and what it gave, where the step asked one."""
