"""What happens to runs of journeys, written down, and the ends that they come to."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from processors.decisions.moments import Moment
from processors.state.profiles import NEVER, Profile
from processors.state.runs import ENDED, Journeys, Run
from schemas.records import RunRecord, What

MAX_DATA_BYTES = 4_096
"""How much a run knows, as JSON."""


def run_id(journey: str, profile_id: str, occurrence: str) -> int:
    """Returns the id of a run: 64 bits of the SHA-256 of what makes it the one it is."""
    named = msgspec.json.encode([journey, profile_id, occurrence])
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big")


def shown(run: Run) -> str:
    """Returns a run's id as records have it.

    >>> shown(Run(id=255, version="", step="a", entered=0, since=0, due=0))
    '00000000000000ff'
    """
    return f"{run.id:016x}"


def held(profile: Profile, journey: str) -> list[Run]:
    """Returns somebody's runs of a journey, in the order in which they began."""
    return profile.journeys.runs.get(journey, []) if profile.journeys is not None else []


def journeys_of(profile: Profile) -> Journeys:
    """Returns what is remembered of somebody's journeys, to be added to."""
    if profile.journeys is None:
        profile.journeys = Journeys()
    return profile.journeys


class Telling(msgspec.Struct, frozen=True):
    """Whose run is told of, and when."""

    journey: str
    profile: Profile
    moment: Moment

    def tell(
        self,
        run: Run,
        what: What,
        *,
        step: str = "",
        choice: str | None = None,
        until_ms: int = NEVER,
        models: str | None = None,
    ) -> None:
        """Writes down one thing that happened to a run."""
        moment = self.moment
        moment.turned = True
        moment.decision.runs.append(
            RunRecord(
                run_id=shown(run),
                profile_id=self.profile.id,
                journey_id=self.journey,
                version=run.version,
                step=step,
                what=what,
                choice=choice,
                until=until_ms if until_ms < NEVER else None,
                visit=run.visit,
                at=moment.now,
                cause=moment.cause,
                late=moment.late,
                models=models,
            )
        )

    def end(self, run: Run, reason: str | None, goal_until_ms: int = 0) -> None:
        """Ends a run: it has completed, or exited for a reason.

        Args:
            run: one that goes on.
            reason: None where it has come to its end.
            goal_until_ms: until when its goal counts still.
        """
        if reason is None:
            self.tell(run, "completed")
        else:
            self.tell(run, "exited", step=run.step, choice=reason)
        run.state = ENDED
        run.parent = 0
        if self.moment.now < goal_until_ms:
            run.due = goal_until_ms
            run.step = ""
        else:
            self.drop(run)

    def drop(self, run: Run) -> None:
        """Forgets a run."""
        assert self.profile.journeys is not None
        self.profile.journeys.drop(self.journey, run)


def known(found: Mapping[str, Any], kept: frozenset[str]) -> dict[str, Any] | None:
    """Returns what a run keeps to know: all, or where that is too much what its journey reads."""
    data = dict(found)
    if len(msgspec.json.encode(data)) > MAX_DATA_BYTES:
        data = {key: value for key, value in data.items() if key in kept}
        if len(msgspec.json.encode(data)) > MAX_DATA_BYTES:
            data = {}
    return data or None


def learn(
    data: Mapping[str, Any], step: str, found: Mapping[str, Any], kept: frozenset[str]
) -> dict[str, Any] | None:
    """Returns what a run knows once a step has heard something; too much of it is left out."""
    learnt = known({**data, step: dict(found)}, kept)
    return learnt or known({**data, step: {}}, kept)
