"""What a batch has to say to the world, gathered over its records and written once.

Changes, commands and decisions leave one by one; of scores and memberships only the latest does.
"""

from collections.abc import Iterator

import msgspec

from processors.decisions.moments import Decision
from schemas.commands import Command
from schemas.events import Event
from schemas.letters import DeadLetter
from schemas.records import (
    DecisionRecord,
    ScoreChange,
    ScoreRecord,
    SegmentChange,
    SegmentRecord,
)


class Outputs:
    """The records that a batch leads to."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.segment_changes: list[SegmentChange] = []
        self.score_changes: list[ScoreChange] = []
        self.decisions: list[DecisionRecord] = []
        self.emitted: list[tuple[str, Event]] = []
        self.dead_letters: list[DeadLetter] = []
        self.scores: dict[tuple[str, str], ScoreChange | None] = {}
        self.segments: dict[tuple[str, str], SegmentChange | None] = {}
        self.fired = 0
        self.events = 0
        self.duplicates = 0
        self.late = 0

    def take(self, profile_id: str, decision: Decision) -> None:
        """Adds what a decision led to."""
        if decision.is_duplicate:
            self.duplicates += 1
            return
        for score in decision.score_changes:
            self.score_changes.append(score)
            self.scores[profile_id, score.score_id] = score
        for segment in decision.segment_changes:
            self.segment_changes.append(segment)
            self.segments[profile_id, segment.segment_id] = segment
        if decision.decisions:
            self.decisions += decision.decisions
            self.commands += decision.commands
            self.emitted += [(profile_id, event) for event in decision.emitted]
        self.fired += decision.fired
        for kind, id_ in decision.removed:
            (self.segments if kind == "segment" else self.scores).update({(profile_id, id_): None})

    def records(self) -> Iterator[tuple[str, str, msgspec.Struct | None]]:
        """Gives topic (without prefix), key and value of each record; None deletes the key's.

        Each topic's records come in the order in which they arose.
        """
        for command in self.commands:
            yield f"commands.{command.channel}", command.profile_id, command
        for segment_change in self.segment_changes:
            yield "segment-changes", segment_change.profile_id, segment_change
        for score_change in self.score_changes:
            yield "score-changes", score_change.profile_id, score_change
        for decision in self.decisions:
            yield "decisions", decision.profile_id, decision
        for profile_id, event in self.emitted:
            yield "events", profile_id, event
        for (profile_id, score_id), score in self.scores.items():
            yield "scores", f"{profile_id}/{score_id}", score and _score(score)
        for (profile_id, segment_id), segment in self.segments.items():
            yield "segments", f"{profile_id}/{segment_id}", segment and _segment(segment)


def _score(change: ScoreChange) -> ScoreRecord:
    return ScoreRecord(
        profile_id=change.profile_id,
        score_id=change.score_id,
        value=change.new,
        level=change.level,
        grade=change.grade,
        at=change.at,
    )


def _segment(change: SegmentChange) -> SegmentRecord:
    return SegmentRecord(
        profile_id=change.profile_id,
        segment_id=change.segment_id,
        member=change.change == "entered",
        since=change.at,
    )
