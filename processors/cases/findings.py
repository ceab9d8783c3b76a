"""What a case has come to at the instant of an expectation, and how it differs from that."""

from collections.abc import Sequence
from typing import Any

import msgspec

from processors.decisions.compiled import Compiled
from processors.definitions.errors import Path, one_line
from processors.definitions.sets import DefinitionSet
from processors.state.profiles import Profile
from schemas.commands import Command
from schemas.events import iso
from schemas.records import DecisionRecord, SegmentChange

MAX_TEXT = 200
"""Characters of a value that are shown."""
MAX_LISTED = 5
"""Of several like things, the last so many are shown."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an expectation may ask for."""

    definitions: DefinitionSet
    compiled: Compiled
    at_ms: int
    profile: Profile | None
    """None: nobody knows the person yet."""
    moves: Sequence[SegmentChange]
    """From the beginning."""
    commands: Sequence[Command]
    """Since the last expectation that named commands."""
    decided: Sequence[DecisionRecord]
    """The decisions since then."""
    decisions: Sequence[DecisionRecord]
    """Since the last expectation that named decisions."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as expected."""

    path: Path
    """Of the expectation, in its file."""
    at_ms: int
    expected: str
    found: str
    notes: tuple[str, ...] = ()
    """What helps to see why."""


def shown(value: Any) -> str:
    """Returns a JSON value on one line, as it would be written; nothing for None."""
    if value is None:
        return "nothing"
    return one_line(msgspec.json.encode(value).decode(), MAX_TEXT)


def why(findings: Findings, trigger_id: str, decisions: Sequence[DecisionRecord]) -> list[str]:
    """Returns what became of a trigger, decision by decision, or that nothing woke it."""
    said = [each for each in decisions if each.definition_id == trigger_id]
    if not said:
        stimulus = shown(findings.definitions.documents["trigger", trigger_id]["on"])
        return [f"trigger {trigger_id}: never asked, since {stimulus} did not come"]
    more = [f"{len(said) - MAX_LISTED} decisions before these"] if len(said) > MAX_LISTED else []
    return more + [_decision(findings, each) for each in said[-MAX_LISTED:]]


def _decision(findings: Findings, decision: DecisionRecord) -> str:
    late = ", late" if decision.late else ""
    said = f"trigger {decision.definition_id}: {decision.outcome}, {decision.reason}"
    return f"{said}{_explained(findings, decision)}, at {iso(decision.at)}{late}"


def _explained(findings: Findings, decision: DecisionRecord) -> str:
    document = findings.definitions.documents["trigger", decision.definition_id]
    key = {"condition": "when", "limit": "limit"}.get(decision.reason)
    if key is None:
        return ""
    found = shown(document[key])
    return f" ({found} was reached)" if key == "limit" else f" ({found} did not hold)"
