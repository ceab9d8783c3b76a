"""What turns if nothing happens: the engine's own timers, run ahead on a copy of the profile.

A promise (`Answer`) says only until when a condition surely holds; here is when it really turns,
also where that hangs on a segment, a score or an action that the clock brings about first.
"""

from collections.abc import Callable, Sequence
from typing import Any

from processors.decisions import decide
from processors.decisions.compiled import Compiled
from processors.decisions.decide import Due
from processors.decisions.moments import Decision
from processors.state import profiles
from processors.state.duplicates import Seen
from processors.state.profiles import NEVER, Profile

MAX_STEPS = 10_000
"""How many instants are looked at."""

Watch = Callable[[Profile, int], tuple[Any, int]]
"""`(profile, now) -> (what is seen, until when it surely is so)`."""


def copy(profile: Profile) -> Profile:
    """Returns a profile that may be changed without changing this one."""
    return profiles.decode(profile.id, profiles.encode(profile))


def advance(compiled: Compiled, profile: Profile, until_ms: int) -> Decision:
    """Fires the timers of a profile up to an instant, in place; returns what came of them."""
    decision = Decision()
    decide.on_timers(compiled, profile, Seen(profile), Due(until_ms, until_ms // 1000), decision)
    return decision


def turns(
    compiled: Compiled, profile: Profile, now_ms: int, watches: Sequence[Watch]
) -> tuple[list[int | None], int | None]:
    """Returns for each watch when it sees something else, and how far was looked.

    Args:
        compiled: the definitions.
        profile: as it is at `now_ms`; not changed.
        now_ms: from when on.
        watches: what to look at.

    Returns:
        The instants, None where none comes; and the last instant that was looked at, or None where
        nothing turns after it.
    """
    ahead = copy(profile)
    seen = [watch(ahead, now_ms) for watch in watches]
    turned: list[int | None] = [None] * len(watches)
    for _ in range(MAX_STEPS):
        waiting = [place for place, at in enumerate(turned) if at is None]
        next_ms = min([ahead.due, *(seen[place][1] for place in waiting)])
        if next_ms >= NEVER or not waiting:
            return turned, None
        now_ms = max(now_ms + 1, next_ms)
        advance(compiled, ahead, now_ms)
        for place in waiting:
            found = watches[place](ahead, now_ms)
            if found[0] != seen[place][0]:
                turned[place] = now_ms
            seen[place] = found
    return turned, now_ms
