"""What an explanation says: a tree for each definition, down to the events that counted.

Field names are the keys of `beckon explain --json` (docs/explain.md), so they stay as they are.
Instants are ms since the epoch here and ISO 8601 there; an instant that is None never comes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Occurrence(msgspec.Struct, kw_only=True):
    """One event of the person."""

    message_id: str
    event: str
    at: int
    place: str | None
    """`FILE:LINE` or `PARTITION:OFFSET`; None where a trigger told it."""
    counts: bool
    until: int | None
    """When it leaves the window."""


class Condition(msgspec.Struct, kw_only=True):
    """One condition with what it is made of."""

    kind: str
    """The key that says what it asks: all, any, not, trait, event …"""
    text: str
    """As written, on one line."""
    holds: bool | None
    """None: it asks the event at hand, and there is none."""
    until: int | None = None
    """When that turns, if nothing happens."""
    found: Any = None
    """The value that it was held against."""
    since: int | None = None
    """Where it asks for how long: since when the person is in the segment."""
    count: int | None = None
    """How many occurrences counted."""
    note: str | None = None
    events: list[Occurrence] = []
    parts: list["Condition"] = []


class Segment(msgspec.Struct, kw_only=True):
    """Whether the person is in a segment."""

    id: str
    name: str | None
    version: str
    member: bool
    since: int | None
    """Since when that is so; None: from the first event on, or longer than is remembered."""
    cause: str | None
    """messageId of the event that made it so, or `clock`, or `definition`; None: not known."""
    until: int | None
    when: Condition


class StaticList(msgspec.Struct, kw_only=True):
    """Whether the person is on a list."""

    id: str
    name: str | None
    version: str
    member: bool
    until: int | None


class Model(msgspec.Struct, kw_only=True):
    """What a model gives, and of what."""

    name: str
    version: str | None
    """None: it is not registered here."""
    share: float
    """Of the points, from 0 to 1."""
    inputs: Mapping[str, Any]


class Rule(msgspec.Struct, kw_only=True):
    """What one rule of a score gives."""

    id: str
    name: str | None
    points: float
    each: int
    """Points of one occurrence, or of the condition."""
    until: int | None
    """When the points move, if nothing happens."""
    max_occurrences: int | None = None
    amount: str | None = None
    """Of which property how much has the points once, where they are not for each event."""
    on: str | None = None
    """The event that it adds points for, as written."""
    events: list[Occurrence] = []
    when: Condition | None = None
    model: Model | None = None


class Group(msgspec.Struct, kw_only=True):
    """Rules with bounds of their own."""

    id: str
    name: str | None
    points: float
    """Within the bounds."""
    cut: float
    """What the limit took away; below 0 what the floor added."""
    limit: int | None
    floor: int | None
    rules: list[Rule]


class Adjustment(msgspec.Struct, kw_only=True):
    """Points that a trigger gave for a time."""

    points: float
    until: int


class Score(msgspec.Struct, kw_only=True):
    """What a score is made of."""

    id: str
    name: str | None
    version: str
    value: float
    level: str | None
    grade: str | None
    since: int | None
    cause: str | None
    until: int | None
    added: float
    """Points given by triggers."""
    adjustments: list[Adjustment]
    """Those of them that end, the next to end first."""
    of: Mapping[str, float]
    """The values of the scores that it combines, by their ids."""
    cut: float
    """What the limit took away; below 0 what the floor added."""
    limit: int | None
    floor: int | None
    groups: list[Group]
    recommendations: list[str]
    """Those that hold."""


class Limit(msgspec.Struct, kw_only=True):
    """How often a trigger may fire."""

    times: int
    within_ms: int | None
    fired: int
    """How often it has, of these times."""
    until: int | None
    """When it may fire again; None: now, or never."""


class Decision(msgspec.Struct, kw_only=True):
    """One time that a trigger was woken."""

    outcome: str
    reason: str
    at: int
    cause: str
    late: bool


class Message(Decision, kw_only=True):
    """What the gate said of one message."""

    command_id: str
    until: int | None
    """Until when it waits; None: it does not."""
    summary_id: str | None
    """Of the command in which it went with others; None: it was not combined."""


class Trigger(msgspec.Struct, kw_only=True):
    """What a trigger waits for, and what it decided so far."""

    id: str
    name: str | None
    version: str
    on: str
    """The stimulus, as written."""
    fired: int
    refused: Mapping[str, int]
    """How often it did not fire, by reason: condition, limit, loop."""
    limit: Limit | None
    at_hand: str | None
    """messageId of the event that `when` is held against, where it asks for one."""
    when: Condition | None
    decisions: list[Decision]
    """Oldest first."""
    messages: list[Message] = []
    """What it sends, where there was anything to ask; oldest first."""


class Run(msgspec.Struct, kw_only=True):
    """One run of a journey that goes on."""

    id: str
    version: str
    """Of the journey's steps, as the run has them."""
    step: str
    """At which it waits."""
    does: str
    """The step, as written."""
    began: int
    since: int
    """When it came to the step."""
    due: int | None
    """When the wait is over at the latest."""
    held: bool
    """Whether it stands still: the journey is paused, or its version can not go on."""
    until: int | None
    """When it leaves the step, if nothing happens."""
    when: Condition | None = None
    """What it waits for."""


class Journey(msgspec.Struct, kw_only=True):
    """Where somebody stands in a journey."""

    id: str
    name: str | None
    version: str
    entry: str
    """As written."""
    status: str
    entered: int
    refused: Mapping[str, int]
    """How often the person did not enter, by reason."""
    runs: list[Run]
    decisions: list[Decision]
    """Oldest first."""
    messages: list[Message] = []
    """What it sends, where there was anything to ask; oldest first."""


class Explanation(msgspec.Struct, kw_only=True):
    """All of it, for one person at one instant."""

    profile_id: str
    at: int
    definitions: str
    """Id of the definition set."""
    looked_until: int | None
    """Up to where `until` was looked for; None: as far as anything turns by itself."""
    notes: list[str]
    segments: list[Segment]
    lists: list[StaticList]
    scores: list[Score]
    triggers: list[Trigger]
    journeys: list[Journey]
