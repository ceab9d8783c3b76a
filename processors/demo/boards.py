"""What the output topics have said so far, added up: the numbers behind the view and the summary.

Records in, a `Picture` out. Knows neither Kafka nor the screen.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from processors.definitions import stimuli
from processors.definitions.scores import EventMatch
from processors.definitions.sets import DefinitionSet
from schemas import codec, events
from schemas.commands import Command
from schemas.errors import BadEvent
from schemas.letters import Headers
from schemas.records import ScoreRecord, SegmentRecord

BUCKET_MS = 3 * 3_600_000
"""A point of a curve: three hours."""
LATEST = 2
"""Commands of each channel that are kept to be shown."""


class SegmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A segment, as it is."""

    id: str
    name: str
    members: int
    entered: int
    left: int
    curve: tuple[int, ...]
    """Members at the end of each bucket of the simulated time, up to now."""


class LevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """How many people are at a level of a score."""

    score: str
    level: str
    threshold: float
    people: int


class TriggerRow(msgspec.Struct, frozen=True, kw_only=True):
    """How often a trigger decided, by reason; `fired` is the yes."""

    id: str
    name: str
    reasons: Mapping[str, int]


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True):
    """The commands of a channel, and how many of them were carried out."""

    channel: str
    commands: int
    sent: int


class CommandRow(msgspec.Struct, frozen=True, kw_only=True):
    """One command, with its reason."""

    at_ms: int
    channel: str
    profile_id: str
    what: str
    trigger: str
    stimulus: str
    """What the trigger waits for."""
    cause: str
    """What brought it about: an event, or the clock."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    at_ms: int
    """How far the worker is in simulated time; 0: it has not begun."""
    events: int
    """Records on `events`, without what triggers emitted and without ticks."""
    repeats: int
    """How many of them had a messageId that was there before."""
    unreadable: int
    emitted: int
    people: int
    segments: tuple[SegmentRow, ...]
    levels: tuple[LevelRow, ...]
    triggers: tuple[TriggerRow, ...]
    channels: tuple[ChannelRow, ...]
    latest: tuple[CommandRow, ...]
    """The latest of each channel, the newest first."""
    dead_letters: Mapping[str, int]
    """By reason."""
    commands: int
    command_repeats: int
    """Commands whose id was there before."""
    outcomes: int


class Board:
    """Adds up. One thread writes at a time, and nobody reads meanwhile: the caller sees to it."""

    def __init__(self, definitions: DefinitionSet, start_ms: int) -> None:
        self.scores: dict[str, ScoreRecord] = {}
        self.segments: dict[str, SegmentRecord] = {}
        self.command_ids: set[str] = set()
        self._definitions = definitions
        self._start_ms = start_ms
        self._at_ms = 0
        self._names: dict[str, str] = {}
        """The name of each event, by its messageId."""
        self._people: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._members: Counter[str] = Counter()
        self._changes: Counter[tuple[str, str]] = Counter()
        self._curves: dict[str, Counter[int]] = {name: Counter() for name in definitions.segments}
        self._levels: Counter[tuple[str, str | None]] = Counter()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._commands: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()
        self._dead: Counter[str] = Counter()
        self._latest: dict[str, deque[Command]] = {}
        self._take: dict[str, Callable[[str, bytes], msgspec.Struct]] = {
            "scores": self._score,
            "segments": self._segment,
            "segment-changes": self._segment_change,
            "decisions": self._decision,
            "outcomes": self._outcome,
        }

    def take(self, topic: str, key: str, value: bytes | None) -> msgspec.Struct | None:
        """Takes a record of an output; returns what it says, None where it ends its key.

        Raises:
            BadRecord: it can not be read, which no output should be.
        """
        if value is None:
            self._end(topic, key)
            return None
        if topic.startswith("commands."):
            return self._command(value)
        return self._take[topic](key, value)

    def take_event(self, key: str, value: bytes | None, *, is_emitted: bool) -> None:
        """Takes a record of `events` that is no tick."""
        self._counts["emitted" if is_emitted else "events"] += 1
        try:
            event = codec.decode_event(value)
            name = events.name(event)
        except BadEvent:
            self._counts["unreadable"] += 1
            return
        if event.message_id in self._names:
            self._counts["repeats"] += 1
            return
        self._names[event.message_id] = name
        self._people.add(key)

    def take_dead_letter(self, headers: Headers) -> dict[str, str]:
        """Takes a dead letter; returns its headers as text."""
        found = {name: text.decode("utf-8", "replace") for name, text in headers}
        self._dead[found.get("reason", "")] += 1
        return found

    def see(self, at_ms: int) -> None:
        """Takes how far the worker is in simulated time."""
        self._at_ms = max(self._at_ms, at_ms)

    @property
    def waiting(self) -> int:
        """How many commands have no outcome yet."""
        return self._commands.total() - self._counts["outcomes"]

    @property
    def events(self) -> int:
        """How many events have been read."""
        return self._counts["events"]

    def picture(self) -> Picture:
        """Returns everything as it is now."""
        count = self._counts
        return Picture(
            at_ms=self._at_ms,
            events=count["events"],
            repeats=count["repeats"],
            unreadable=count["unreadable"],
            emitted=count["emitted"],
            people=len(self._people),
            segments=tuple(map(self._segment_row, self._definitions.segments)),
            levels=tuple(self._level_rows()),
            triggers=tuple(map(self._trigger_row, self._definitions.triggers)),
            channels=tuple(
                ChannelRow(channel=name, commands=self._commands[name], sent=self._sent[name])
                for name in sorted(self._commands)
            ),
            latest=tuple(map(self._command_row, self._newest())),
            dead_letters=dict(self._dead),
            commands=self._commands.total(),
            command_repeats=count["command-repeats"],
            outcomes=count["outcomes"],
        )

    def _end(self, topic: str, key: str) -> None:
        score = self.scores.pop(key, None) if topic == "scores" else None
        if score is not None:
            self._levels[score.score_id, score.level] -= 1
        segment = self.segments.pop(key, None) if topic == "segments" else None
        if segment is not None:
            self._members[segment.segment_id] -= segment.member

    def _score(self, key: str, value: bytes) -> ScoreRecord:
        found = codec.decode_score(value)
        self._end("scores", key)
        self.scores[key] = found
        self._levels[found.score_id, found.level] += 1
        return found

    def _segment(self, key: str, value: bytes) -> SegmentRecord:
        found = codec.decode_segment(value)
        self._end("segments", key)
        self.segments[key] = found
        self._members[found.segment_id] += found.member
        return found

    def _segment_change(self, _: str, value: bytes) -> msgspec.Struct:
        found = codec.decode_segment_change(value)
        self._changes[found.segment_id, found.change] += 1
        bucket = max(0, found.at - self._start_ms) // BUCKET_MS
        self._curves[found.segment_id][bucket] += 1 if found.change == "entered" else -1
        return found

    def _decision(self, _: str, value: bytes) -> msgspec.Struct:
        found = codec.decode_decision(value)
        self._reasons[found.definition_id, found.reason] += 1
        return found

    def _outcome(self, _: str, value: bytes) -> msgspec.Struct:
        found = codec.decode_outcome(value)
        self._counts["outcomes"] += 1
        self._sent[found.channel] += found.result == "sent"
        return found

    def _command(self, value: bytes) -> Command:
        found = codec.decode_command(value)
        self._commands[found.channel] += 1
        self._counts["command-repeats"] += found.id in self.command_ids
        self.command_ids.add(found.id)
        self._latest.setdefault(found.channel, deque(maxlen=LATEST)).append(found)
        return found

    def _segment_row(self, segment_id: str) -> SegmentRow:
        curve, members = [], 0
        changes = self._curves[segment_id]
        for bucket in range(max(0, self._at_ms - self._start_ms) // BUCKET_MS + 1):
            members += changes[bucket]
            curve.append(members)
        return SegmentRow(
            id=segment_id,
            name=self._definitions.segments[segment_id].name,
            members=self._members[segment_id],
            entered=self._changes[segment_id, "entered"],
            left=self._changes[segment_id, "exited"],
            curve=tuple(curve),
        )

    def _level_rows(self) -> list[LevelRow]:
        return [
            LevelRow(
                score=score.name,
                level=level,
                threshold=threshold,
                people=self._levels[score.id, level],
            )
            for score in self._definitions.scores.values()
            for level, threshold in sorted(score.levels.items(), key=lambda each: -each[1])
        ]

    def _trigger_row(self, trigger_id: str) -> TriggerRow:
        reasons = {
            reason: count for (id_, reason), count in self._reasons.items() if id_ == trigger_id
        }
        name = self._definitions.triggers[trigger_id].name or trigger_id
        return TriggerRow(id=trigger_id, name=name, reasons=reasons)

    def _newest(self) -> list[Command]:
        found = [command for channel in self._latest.values() for command in channel]
        return sorted(found, key=lambda each: -each.at)

    def _command_row(self, command: Command) -> CommandRow:
        occurrence = command.occurrence.partition("#")[0]
        is_clock = occurrence.startswith("clock")
        name = self._names.get(occurrence, "event")
        trigger = self._definitions.triggers.get(command.definition_id)
        return CommandRow(
            at_ms=command.at,
            channel=command.channel,
            profile_id=command.profile_id,
            what=command.template or (command.url or "").rpartition("://")[2],
            trigger=command.definition_id,
            stimulus="" if trigger is None else stimulus(trigger.on),
            cause="the clock" if is_clock else f"{name} ({occurrence})",
        )


def stimulus(on: Any) -> str:
    """Returns what a trigger waits for, in a few words."""
    match on:
        case stimuli.SegmentStimulus():
            return f"{on.change} {on.segment}"
        case stimuli.ScoreStimulus():
            return f"{on.score} crosses {on.crosses:g}"
        case stimuli.LevelStimulus() | stimuli.GradeStimulus():
            return f"{on.score} becomes {on.becomes}"
        case EventMatch():
            return str(on.event)
        case stimuli.InactiveStimulus():
            return "inactive"
        case stimuli.ManualStimulus():
            return "manual"
        case _:
            head, value = next(iter(on.model_dump(by_alias=True).items()))
            return f"{head} {value}"
