"""What a batch has to say to the world, gathered over its records and written once.

Changes, commands and decisions leave one by one; of scores and memberships only the latest does.
"""

from collections.abc import Iterator

import msgspec

from processors.decisions.moments import Decision, Points
from schemas.letters import DeadLetter
from schemas.records import ScoreChange, ScoreRecord, SegmentChange, SegmentRecord


class Outputs:
    """The records that a batch leads to."""

    def __init__(self) -> None:
        self.decision = Decision()
        """What was decided, over all profiles."""
        self.dead_letters: list[DeadLetter] = []
        self.events = 0

    def records(self) -> Iterator[tuple[str, str, msgspec.Struct | None]]:
        """Gives topic (without prefix), key and value of each record; None deletes the key's.

        Each topic's records come in the order in which they arose.
        """
        said = self.decision
        for command in said.commands:
            yield f"commands.{command.channel}", command.profile_id, command
        for segment_change in said.segment_changes:
            yield "segment-changes", segment_change.profile_id, segment_change
        for score_change in said.score_changes:
            yield "score-changes", score_change.profile_id, score_change
        for decision in said.decisions:
            yield "decisions", decision.profile_id, decision
        for event in said.emitted:
            yield "events", event.user_id or "", event
        yield from self._latest()

    def _latest(self) -> Iterator[tuple[str, str, msgspec.Struct | None]]:
        said = self.decision
        scores: dict[tuple[str, str], _Scored | None] = {
            (each.profile_id, each.score_id): (each, points)
            for each, points in zip(said.score_changes, said.points, strict=True)
        }
        segments: dict[tuple[str, str], SegmentChange | None] = {
            (each.profile_id, each.segment_id): each for each in said.segment_changes
        }
        for kind, profile_id, id_ in said.removed:
            if kind == "segment":
                segments[profile_id, id_] = None
            else:
                scores[profile_id, id_] = None
        for (profile_id, score_id), score in scores.items():
            yield "scores", f"{profile_id}/{score_id}", score and _score(*score)
        for (profile_id, segment_id), segment in segments.items():
            yield "segments", f"{profile_id}/{segment_id}", segment and _segment(segment)


_Scored = tuple[ScoreChange, Points]
"""How a score moved, and what its rules held then."""


def _score(change: ScoreChange, points: Points) -> ScoreRecord:
    return ScoreRecord(
        profile_id=change.profile_id,
        score_id=change.score_id,
        value=change.new,
        level=change.level,
        grade=change.grade,
        at=change.at,
        breakdown=breakdown(points),
    )


def breakdown(points: Points) -> str:
    """Returns the points of each rule as JSON, by its id.

    >>> breakdown(({1: "view", 2: "buy"}, {1: 2.5, 2: 10}))
    '{"buy":10,"view":2.5}'
    """
    names, held = points
    return _sorted.encode({names[number]: each for number, each in held.items()}).decode()


_sorted = msgspec.json.Encoder(order="sorted")


def _segment(change: SegmentChange) -> SegmentRecord:
    return SegmentRecord(
        profile_id=change.profile_id,
        segment_id=change.segment_id,
        member=change.change == "entered",
        since=change.at,
    )
