"""What a profile holds that no active definition needs any more, and who leaves what has ended."""

from typing import Any

from processors.decisions import people
from processors.decisions.compiled import Compiled
from processors.decisions.moments import DEFINITION, Moment
from processors.state.profiles import Profile
from schemas.records import SegmentChange


def forget(compiled: Compiled, profile: Profile, moment: Moment) -> None:
    """Drops what no active definition needs; people leave the segments that have ended."""
    decision = moment.decision
    for segment_id in sorted(profile.segments.keys() - compiled.segments):
        del profile.segments[segment_id]
        decision.removed.append(("segment", profile.id, segment_id))
        decision.segment_changes.append(_exit(segment_id, profile, moment))
    for score_id in sorted(profile.scores.keys() - compiled.scales.keys()):
        del profile.scores[score_id]
        decision.removed.append(("score", profile.id, score_id))
    for score_id, state in profile.scores.items():
        compiled.scales[score_id].keep(state)
    for held, kept in _held(compiled, profile):
        for key in held.keys() - kept:
            del held[key]
    people.forget(compiled, profile)
    if not compiled.idlers:
        profile.active = 0
    elif not profile.active:
        profile.active = profile.clock  # the latest that is known


def _exit(segment_id: str, profile: Profile, moment: Moment) -> SegmentChange:
    return SegmentChange(
        profile_id=profile.id,
        segment_id=segment_id,
        change="exited",
        at=moment.now,
        cause=DEFINITION,
        version="",
        late=False,
    )


def _held(compiled: Compiled, profile: Profile) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """Returns all that is kept by the key of what asks for it, and the keys that stay."""
    kept = frozenset(compiled.kept)
    added_to = frozenset(id_ for id_, scale in compiled.scales.items() if scale.pair is None)
    found: list[tuple[dict[str, Any], frozenset[str]]] = [
        (profile.counts, kept),
        (profile.times, kept),
        (profile.decays or {}, kept),
        (profile.fired, compiled.limited),
        (profile.swings or {}, compiled.remembered),
        (profile.adjustments or {}, added_to),
    ]
    if profile.measured is not None:
        found += [(profile.measured.amounts, kept), (profile.measured.sums, kept)]
    return found
