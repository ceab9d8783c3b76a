"""What a definition set counts that the set before it did not, to be counted from recorded events.

The engine itself does it, under a set that counts just that and decides nothing. So an occurrence
means the same whether it was counted when it came or is read back.
"""

from collections import Counter

import msgspec

from processors.decisions.alarms import IdleNode
from processors.decisions.compiled import Compiled, Plan
from processors.decisions.features import Feature
from processors.decisions.measures import Measure
from processors.decisions.moments import Moment
from processors.decisions.nodes import Bits
from processors.state import windows
from processors.state.amounts import Measured
from processors.state.profiles import NEVER, Profile
from schemas.events import LIST_CHANGED

ACTIVITY = "activity"
"""Stands among the keys for when a person did anything last."""
IDLE_SINCE_LONG = 1
"""When a person did anything last of whom nothing was found, ms: before any time that matters."""

Kept = Feature | Measure


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be counted."""

    keys: tuple[str, ...]
    """Of features and measures, sorted."""
    asked: tuple[tuple[str, int | None, int], ...]
    """The same with how long each matters, ms, and how many are kept."""
    own: Compiled
    """Counts what people did,"""
    told: Compiled
    """and what triggers told."""
    measures: dict[str, Measure]
    capacities: dict[str, int]
    """How many times each feature keeps."""
    width_ms: int
    """How far back from now it matters; NEVER where all that was ever counts."""
    since_ms: int
    """What lies before this instant does not matter either way."""

    def needs(self, now_ms: int) -> int:
        """Returns the event time from which on it must read, ms."""
        return max(0, min(now_ms - self.width_ms, self.since_ms))

    def fill(self, profile: Profile, found: Profile | None) -> None:
        """Lays what was found over what a profile holds, which may reach further back.

        Args:
            profile: changed in place.
            found: who was counted under `own` and `told`; None where there was nobody.
        """
        if ACTIVITY in self.keys:
            profile.active = (found and found.active) or IDLE_SINCE_LONG
        if found is None:
            return
        for key, count in found.counts.items():
            profile.counts[key] = max(count, profile.counts.get(key, 0))
        if found.decays is not None:
            profile.decays = (profile.decays or {}) | found.decays
        self._fill_amounts(profile, found)
        for key, times in found.times.items():
            if key not in self.measures:
                profile.times[key] = self._joined(key, times, profile.times.get(key, []))

    def _joined(self, key: str, found: list[int], held: list[int]) -> list[int]:
        """Returns the times of both; what both know is the same."""
        for at_ms in (Counter(held) - Counter(found)).elements():
            windows.insert(found, at_ms, self.capacities[key])
        return found

    def _fill_amounts(self, profile: Profile, found: Profile) -> None:
        if found.measured is None:
            return
        if profile.measured is None:
            profile.measured = Measured()
        profile.measured.sums.update(found.measured.sums)
        for key, amounts in found.measured.amounts.items():
            times, measure = found.times[key], self.measures[key]
            before = zip(
                profile.times.get(key, []), profile.measured.amounts.get(key, []), strict=True
            )
            known = Counter(zip(times, amounts, strict=True))
            for pair in (Counter(before) - known).elements():
                measure.put(times, amounts, pair)
            profile.times[key], profile.measured.amounts[key] = times, amounts


def lacking(before: Compiled, after: Compiled) -> tuple[str, ...]:
    """Returns the keys of what a set counts and the one before did not, or not as far back."""
    had = counted(before)
    found = [key for key, each in counted(after).items() if not _covers(had.get(key), each)]
    if after.idlers and not before.idlers:
        found.append(ACTIVITY)
    return tuple(sorted(found))


def backfill(compiled: Compiled, keys: tuple[str, ...]) -> Backfill:
    """Returns what counts these of a set."""
    known = counted(compiled)
    wanted = [known[key] for key in keys if key in known]
    stirs = ACTIVITY in keys
    idle = [(ACTIVITY, _idle_ms(compiled), 1)] if stirs else []
    widths = [*map(_width_ms, wanted), *(width_ms for _, width_ms, _ in idle)]
    since = [each.since_ms for each in wanted if each.since_ms is not None]
    own = [each for each in wanted if isinstance(each, Measure) or not each.is_own]
    return Backfill(
        keys=keys,
        asked=(*((each.key, each.width_ms, each.capacity) for each in wanted), *idle),
        own=_counting(compiled.id, wanted, stirs=stirs),
        told=_counting(compiled.id, own, stirs=False),
        measures={each.key: each for each in wanted if isinstance(each, Measure)},
        capacities={each.key: each.capacity for each in wanted},
        width_ms=max(widths, default=0),
        since_ms=min(since, default=NEVER),
    )


def counted(compiled: Compiled) -> dict[str, Kept]:
    """Returns all that a set counts and measures, by key."""
    found: dict[str, Kept] = {}
    for plan in compiled.plans.values():
        features = [*plan.plain, *(feature for feature, _ in plan.asking)]
        found |= {each.key: each for each in features}
        found |= {each.key: each for each in plan.measuring}
    return found


def _covers(had: Kept | None, wanted: Kept) -> bool:
    """Returns whether what was kept is all that is wanted."""
    if had is None or had.capacity < wanted.capacity:
        return False
    return had.width_ms is None or (wanted.width_ms is not None and had.width_ms >= wanted.width_ms)


def _width_ms(kept: Kept) -> int:
    """Returns how far back from now something matters; 0 where that is an instant."""
    if kept.width_ms is not None:
        return kept.width_ms
    return NEVER if kept.since_ms is None else 0


def _idle_ms(compiled: Compiled) -> int:
    """Returns the longest that anybody may have done nothing."""
    return max(
        each.width_ms
        for each in compiled.nodes
        if isinstance(each, IdleNode) and each.feature is None
    )


def _counting(id_: str, wanted: list[Kept], *, stirs: bool) -> Compiled:
    """Returns a set that counts and decides nothing."""
    plans = {LIST_CHANGED: Plan(lists=frozenset())}
    for each in wanted:
        plan = plans.setdefault(each.event, Plan())
        if isinstance(each, Measure):
            plan.measuring.append(msgspec.structs.replace(each, users=0))
            plan.reads_properties = True
            continue
        silent = msgspec.structs.replace(each, users=0)
        if silent.where is None:
            plan.plain.append(silent)
        else:
            plan.asking.append((silent, silent.where))
    return Compiled(
        id=f"{id_}/backfill",
        plans=plans,
        nodes=[],
        evaluators=[_nothing],
        everything=0,
        newcomers=0,
        places={},
        users={},
        reads_properties=False,
        learns=False,
        scales={},
        segments=frozenset(),
        kept={},
        triggers=frozenset(),
        woken={},
        alarms={},
        remembered=frozenset(),
        idlers=1 if stirs else 0,
    )


def _nothing(profile: Profile, moment: Moment) -> Bits:
    """Stands for those who wait for a person to do nothing."""
    return 0
