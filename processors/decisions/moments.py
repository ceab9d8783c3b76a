"""One instant of one profile while it is decided on, and what comes of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions.features import NO_PROPERTIES, Properties
from processors.decisions.scales import Held, Scale
from schemas.commands import Command
from schemas.consents import ConsentChange, ConsentRecord, SuppressionRecord
from schemas.events import Event
from schemas.records import DecisionRecord, RunRecord, ScoreChange, SegmentChange
from schemas.relays import Relay, Told

CLOCK = "clock"
DEFINITION = "definition"
ACCOUNT = "account"


class Decision(msgspec.Struct, kw_only=True):
    """What stimuli led to, beside the changed profiles; in the order in which it happened."""

    commands: list[Command] = []
    segment_changes: list[SegmentChange] = []
    score_changes: list[ScoreChange] = []
    points: list[Held] = []
    """Of each of these changes, what the score was made of then."""
    decisions: list[DecisionRecord] = []
    runs: list[RunRecord] = []
    emitted: list[Event] = []
    """Events that triggers told, decided on already; to be published beside."""
    removed: list[tuple[str, str, str]] = []
    """("segment" or "score", profile id, id) of ended definitions: these records are to go."""
    consent_changes: list[ConsentChange] = []
    standing: list[tuple[str, str, ConsentRecord | SuppressionRecord | None]] = []
    """Topic and key of consents and suppressions, as they are then; None: it is lifted."""
    relays: list[Relay] = []
    """What goes to accounts, and from them to their people."""
    fired: int = 0
    """How many timers were due."""
    duplicates: int = 0
    """How many events came before."""
    late: int = 0
    """How many events were older than their profile's clock."""


Change = tuple[str, str]
"""What turned, as triggers name it: ("segment", id), ("trait", key), ("status", "") …"""


class Moment(msgspec.Struct):
    """One `now` of one profile, with the changes that have arisen and not been answered yet."""

    decision: Decision
    scales: Mapping[str, Scale]
    now: int
    cause: str
    """messageId of the event, or `clock`, `definition` or `account`."""
    occurrence: str = ""
    """Part of the commands' ids, where it is another than the cause: each instant has its own."""
    adopted: int = 0
    """Since when the definitions are active, in the partition's event time."""
    depth: int = 0
    """How many events told the next before this one."""
    told: int = 0
    """How many events the decision had told before the stimulus that began all this."""
    late: bool = False
    properties: Properties = NO_PROPERTIES
    heard: int = 0
    """The event's own time, ms."""
    turned: bool = False
    """Whether the points of a rule, or a membership, are other than before."""
    changes: dict[Change, tuple[Any, Any]] = {}
    """Old and new value by what changed."""
    rules: dict[str, str | None] = {}
    """By score, the rule that moved it; None where several did."""
    reasons: dict[str, str | None] | None = None
    """By score, why a trigger added points to it; None where several did."""
    targets: dict[str, int] | None = None
    """By score, to which value triggers have it come."""
    computed: dict[str, dict[str, Any]] | None = None
    """By score and rule, with which model its points were reckoned anew."""
    given: dict[str, Any] | None = None
    """By trait, which value a model has given, and of what."""
    echoes: bool = False
    """Whether what happens may follow from the end of points that were given for a time."""
    relay: Told | None = None
    """What it has the account know."""
    is_quiet: bool = False
    """Whether it follows from a change of definitions."""
    hops: int = 0
    """How many accounts had their part in what led to it."""

    def named(self, round_: int) -> str:
        """Returns what stands for one round of it in the ids of what that leads to."""
        occurrence = self.occurrence or self.cause
        return f"{occurrence}#{round_}" if round_ else occurrence

    def note(self, change: Change, old: Any, new: Any) -> None:
        """Remembers a change for the triggers' next round; several of one thing become one."""
        if change in self.changes:
            old = self.changes[change][0]
        self.changes[change] = (old, new)

    def note_model(self, score_id: str, rule_id: str, noted: Any) -> None:
        """Notes with which model the points of a rule were reckoned anew."""
        if self.computed is None:
            self.computed = {}
        self.computed.setdefault(score_id, {})[rule_id] = noted

    def note_value(self, trait: str, noted: Any) -> None:
        """Notes which value a model has given for a trait."""
        if self.given is None:
            self.given = {}
        self.given[trait] = noted

    def take_values(self) -> str | None:
        """Returns what was noted of values as JSON, and forgets it."""
        noted, self.given = self.given, None
        return msgspec.json.encode(noted).decode() if noted else None

    def take_models(self, score_id: str) -> str | None:
        """Returns what was noted of a score's models as JSON, and forgets it."""
        noted = self.computed and self.computed.pop(score_id, None)
        return msgspec.json.encode(noted).decode() if noted else None

    def take_changes(self) -> dict[Change, tuple[Any, Any]]:
        """Returns the changes since the last time, and begins anew."""
        taken, self.changes = self.changes, {}
        return taken
