"""What a batch has to say to the world, gathered over its records and written once.

Changes, commands and decisions leave one by one; of scores and memberships only the latest does.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from processors.decisions.decays import Number
from processors.decisions.moments import Decision
from processors.decisions.scales import Held
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
        for change in said.consent_changes:
            yield "consent-changes", change.profile_id, change
        for decision in said.decisions:
            yield "decisions", decision.profile_id, decision
        for run in said.runs:
            yield "journey-runs", run.profile_id, run
        for event in said.emitted:
            yield "events", event.user_id or "", event
        yield from self._latest()

    def lifted_at(self, key: str) -> int:
        """Returns when it was said, ms, that a suppression holds no more: of a key that is gone."""
        told = self.decision.consent_changes
        return next(
            each.at
            for each in reversed(told)
            if not each.topic and f"{each.profile_id}/{each.channel}" == key
        )

    def _latest(self) -> Iterator[tuple[str, str, msgspec.Struct | None]]:
        said = self.decision
        scores: dict[str, _Scored | None] = {
            f"{each.profile_id}/{each.score_id}": (each, held)
            for each, held in zip(said.score_changes, said.points, strict=True)
        }
        segments: dict[str, SegmentChange | None] = {
            f"{each.profile_id}/{each.segment_id}": each for each in said.segment_changes
        }
        for kind, profile_id, id_ in said.removed:
            ended = segments if kind == "segment" else scores
            ended[f"{profile_id}/{id_}"] = None
        for key, score in scores.items():
            yield "scores", key, score and _score(*score)
        for key, segment in segments.items():
            yield "segments", key, segment and _segment(segment)
        standing = {(topic, key): value for topic, key, value in said.standing}
        for (topic, key), value in standing.items():
            yield topic, key, value


_Scored = tuple[ScoreChange, Held]
"""How a score moved, and what it was made of then."""


def _score(change: ScoreChange, held: Held) -> ScoreRecord:
    return ScoreRecord(
        profile_id=change.profile_id,
        score_id=change.score_id,
        value=change.new,
        level=change.level,
        grade=change.grade,
        at=change.at,
        breakdown=written(held.by_rule()),
        groups=written(held.by_group()),
        recommendations=listed(held.recommendations) if held.recommendations else "[]",
    )


def written(points: Mapping[str, Number]) -> str:
    """Returns points as JSON, by the ids of rules or groups.

    >>> written({"view": 2.5, "buy": 10})
    '{"buy":10,"view":2.5}'
    """
    return _sorted.encode(points).decode()


def listed(texts: Sequence[str]) -> str:
    """Returns texts as JSON."""
    return msgspec.json.encode(texts).decode()


_sorted = msgspec.json.Encoder(order="sorted")


def _segment(change: SegmentChange) -> SegmentRecord:
    return SegmentRecord(
        profile_id=change.profile_id,
        segment_id=change.segment_id,
        member=change.change == "entered",
        since=change.at,
    )
