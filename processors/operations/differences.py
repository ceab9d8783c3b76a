"""What two definition sets make of the same history, side by side, and where they differ.

Pure: takes what the engines write (`diffing` runs them), hands out differences and their counts.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions.orders import Key
from processors.definitions.sets import DefinitionSet
from processors.operations import matching
from processors.operations.matching import Change, Matcher, Sent
from schemas import events
from schemas.commands import Command
from schemas.records import ScoreRecord, SegmentRecord

Row = dict[str, Any]
Tell = Callable[[str, Row], None]
"""Takes `segments`, `scores` or `commands`, and one difference."""

State = Literal["new", "changed", "unchanged", "ended"]
"""What became of a definition from the old set to the new one."""

Standing = tuple[float | None, str | None, str | None]
"""Value, level and grade."""
NOTHING: Standing = (None, None, None)
"""Of a score that a set does not have."""


class Members(msgspec.Struct, kw_only=True):
    """How the members of a segment at the end differ."""

    state: State
    before: int = 0
    after: int = 0
    entered: int = 0
    exited: int = 0


class Moves(msgspec.Struct, kw_only=True):
    """How the values of a score at the end differ."""

    state: State
    profiles: int = 0
    """Whose value differs."""
    compared: int = 0
    """Of these, who has a value in both sets."""
    total: float = 0.0
    """What their values changed by, all together."""
    levels: dict[tuple[str | None, str | None], int] = {}
    """Profiles by old and new level, where these differ."""
    grades: int = 0
    """Profiles whose grade differs."""

    @property
    def mean(self) -> float | None:
        """By how much a value that differs changed, on average; None where none is comparable."""
        return self.total / self.compared if self.compared else None


class Commands(msgspec.Struct, kw_only=True):
    """How the commands of a trigger differ."""

    state: State
    same: int = 0
    changed: int = 0
    moved: int = 0
    appeared: int = 0
    vanished: int = 0


class Summary(msgspec.Struct, kw_only=True):
    """The counts, by the definitions' ids, and the first people of each."""

    events: int = 0
    profiles: int = 0
    dead_letters: int = 0
    differences: int = 0
    """How many were told."""
    segments: dict[str, Members] = {}
    scores: dict[str, Moves] = {}
    commands: dict[str, Commands] = {}
    samples: dict[tuple[str, str, str], list[Row]] = {}
    """By `segments` …, id and change."""


class Side:
    """What one set has made of the history: who is where now, and the latest commands."""

    def __init__(self, definitions: DefinitionSet) -> None:
        self.definitions = definitions
        self.compiled: Compiled = compile_set(definitions)
        self.members: dict[str, set[str]] = {each: set() for each in definitions.segments}
        self.scores: dict[str, dict[str, Standing]] = {each: {} for each in definitions.scores}
        self.commands: list[Command] = []

    def write(self, topic: str, key: str, value: msgspec.Struct | None) -> None:
        """Takes what the engine writes; the other topics are told by these."""
        match value:
            case Command():
                self.commands.append(value)
            case SegmentRecord(profile_id=profile_id, segment_id=segment_id, member=is_in):
                members = self.members[segment_id]
                (members.add if is_in else members.discard)(profile_id)
            case ScoreRecord(profile_id=profile_id, score_id=score_id):
                self.scores[score_id][profile_id] = (value.value, value.level, value.grade)

    def empty(self, score_id: str) -> Standing:
        """Returns how a score stands for who has no record of it."""
        scale = self.compiled.scales.get(score_id)
        if scale is None:
            return NOTHING
        return scale.empty, scale.levels.name(scale.empty), scale.grades.name(scale.empty)


class Comparison:
    """Two sides over one history. Call `step` after each stretch of it, and `finish` at its end."""

    def __init__(
        self, old: DefinitionSet, new: DefinitionSet, tell: Tell, *, samples: int = 0
    ) -> None:
        self.old, self.new = Side(old), Side(new)
        self.summary = Summary()
        self._tell = tell
        self._samples = samples
        self._states = states(old.versions, new.versions)
        self._matcher = Matcher(self._command)
        for (kind, id_), state in self._states.items():
            if kind in ("trigger", "journey"):
                self.summary.commands[id_] = Commands(state=state)

    def step(self) -> None:
        """Compares the commands of a stretch that both sides have been through."""
        self._matcher.match(self.old.commands, self.new.commands)
        self.old.commands, self.new.commands = [], []

    def finish(self) -> Summary:
        """Compares how everybody stands at the end, and what is left of the commands."""
        self._matcher.finish()
        for (kind, id_), state in self._states.items():
            if kind == "segment":
                self._segment(id_, state)
            elif kind == "score":
                self._score(id_, state)
        return self.summary

    def _segment(self, id_: str, state: State) -> None:
        old, new = self.old.members.get(id_, set()), self.new.members.get(id_, set())
        self.summary.segments[id_] = Members(
            state=state,
            before=len(old),
            after=len(new),
            entered=len(new - old),
            exited=len(old - new),
        )
        for change, who in (("entered", new - old), ("exited", old - new)):
            for profile_id in sorted(who):
                row = {"profile_id": profile_id, "segment_id": id_, "change": change}
                self._note("segments", id_, change, row)

    def _score(self, id_: str, state: State) -> None:
        moves = self.summary.scores[id_] = Moves(state=state)
        old, new = self.old.scores.get(id_, {}), self.new.scores.get(id_, {})
        unset_old, unset_new = self.old.empty(id_), self.new.empty(id_)
        for profile_id in sorted(old.keys() | new.keys()):
            was, is_now = old.get(profile_id, unset_old), new.get(profile_id, unset_new)
            if was != is_now:
                _count(moves, was, is_now)
                self._note("scores", id_, "moved", _score_row(profile_id, id_, was, is_now))

    def _command(self, change: Change, old: Sent | None, new: Sent | None) -> None:
        sent = new or old
        assert sent is not None
        counts = self.summary.commands[sent.definition_id]
        setattr(counts, change, getattr(counts, change) + 1)
        if change != "same":
            self._note("commands", sent.definition_id, change, _command_row(change, old, new))

    def _note(self, what: str, id_: str, change: str, row: Row) -> None:
        self.summary.differences += 1
        held = self.summary.samples.setdefault((what, id_, change), [])
        if len(held) < self._samples:
            person = row["profile_id"]
            if all(each["profile_id"] != person for each in held):
                held.append(row)
        self._tell(what, row)


def states(old: Mapping[Key, str], new: Mapping[Key, str]) -> dict[Key, State]:
    """Returns what became of each definition, by kind and id, from the versions of two sets."""
    return dict(_states(old, new))


def _states(old: Mapping[Key, str], new: Mapping[Key, str]) -> Iterator[tuple[Key, State]]:
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            yield key, "new"
        elif key not in new:
            yield key, "ended"
        else:
            yield key, "unchanged" if old[key] == new[key] else "changed"


def _count(moves: Moves, old: Standing, new: Standing) -> None:
    if old[0] != new[0]:
        moves.profiles += 1
        if old[0] is not None and new[0] is not None:
            moves.compared += 1
            moves.total += new[0] - old[0]
    if old[1] != new[1]:
        pair = (old[1], new[1])
        moves.levels[pair] = moves.levels.get(pair, 0) + 1
    moves.grades += old[2] != new[2]


def _score_row(profile_id: str, score_id: str, old: Standing, new: Standing) -> Row:
    row: Row = {"profile_id": profile_id, "score_id": score_id}
    for place, name in enumerate(("value", "level", "grade")):
        row |= {f"old_{name}": old[place], f"new_{name}": new[place]}
    return row


def _command_row(change: Change, old: Sent | None, new: Sent | None) -> Row:
    """Returns the difference; of the content only what differs where both sets have a command."""
    sent = new or old
    assert sent is not None
    was = matching.content(old) if old else {}
    is_now = matching.content(new) if new else {}
    if old and new and old.traits != new.traits:
        was["traits"] = msgspec.json.decode(old.traits or b"{}")
        is_now["traits"] = msgspec.json.decode(new.traits or b"{}")
    alike = {name for name in was.keys() & is_now.keys() if was[name] == is_now[name]}
    return {
        "profile_id": sent.profile_id,
        "definition_id": sent.definition_id,
        "channel": sent.channel,
        "step": sent.step,
        "change": change,
        "old_at": events.iso(old.at) if old else None,
        "new_at": events.iso(new.at) if new else None,
        "old": {name: value for name, value in was.items() if name not in alike},
        "new": {name: value for name, value in is_now.items() if name not in alike},
    }
