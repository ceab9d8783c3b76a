"""What a case has come to at the instant of an expectation, and how it differs from that."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from processors.decisions.compiled import Compiled
from processors.definitions.errors import Path, one_line
from processors.definitions.orders import Key
from processors.definitions.sets import DefinitionSet
from processors.state.profiles import Profile
from schemas.commands import Command
from schemas.events import iso
from schemas.records import DecisionRecord, SegmentChange

MAX_TEXT = 200
"""Characters of a value that are shown."""
MAX_LISTED = 5
"""Of several like things, the last so many are shown."""

PARTS = {"condition": ("when", "did not hold"), "limit": ("limit", "was reached")}
"""By the reason of a refusal: the key of the trigger that was in the way, and how."""


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


def times(instants: Sequence[int]) -> str:
    """Returns when something was: all of several instants as one.

    >>> times([0])
    'at 1970-01-01T00:00:00.000Z'
    """
    often = f"{len(instants)} times, last " if len(instants) > 1 else ""
    return f"{often}at {iso(instants[-1])}"


def why(findings: Findings, doer: Key, decisions: Sequence[DecisionRecord]) -> list[str]:
    """Returns what became of a trigger or of the way into a journey, or that nothing woke it.

    Like decisions become one line.
    """
    document, name = findings.definitions.documents[doer], " ".join(doer)
    found = [each for each in decisions if each.definition_id == doer[1]]
    if not found:
        stimulus = document["on" if doer[0] == "trigger" else "entry"]
        return [f"{name}: never asked, since {shown(stimulus)} did not come"]
    alike = groupby(found, key=lambda each: (each.outcome, each.reason))
    said = [
        f"{name}: {outcome}, {_explained(document, reason)}, {_when(list(several))}"
        for (outcome, reason), several in alike
    ]
    return said[-MAX_LISTED:]


def _explained(document: Mapping[str, Any], reason: str) -> str:
    """Returns a reason with the part of the definition that it speaks of, if there is one."""
    key, said = PARTS.get(reason, ("", ""))
    return f"{reason} ({shown(document[key])} {said})" if key in document else reason


def _when(decisions: Sequence[DecisionRecord]) -> str:
    late = ", late" if decisions[-1].late else ""
    return f"{times([each.at for each in decisions])}{late}"
