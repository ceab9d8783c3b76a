"""Whatever the order of arrival, within the allowed lateness people end where they belong."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.decisions.compiled import Compiled
from processors.decisions.fading import Scored
from processors.runtime.memory import Driver
from processors.runtime.tables import WAKE_BYTES
from processors.state import profiles
from processors.state.amounts import NOTHING
from processors.state.profiles import NEVER, Profile
from schemas.events import time_ms
from tests.builders import (
    DAY,
    MINUTE,
    T0,
    Document,
    Json,
    Partition,
    compiled,
    decoded,
    on,
    score,
    segment,
    track,
)
from tests.logs import sorted_histories
from tests.properties import budget
from tests.simulation.results import of_engine
from tests.worlds import DURATIONS, GAPS, STATIC, is_combined, states_of_any_past

WIDTHS = {"1s": 1_000, "1m": MINUTE, "1h": 60 * MINUTE, "1d": DAY, "3d": 3 * DAY, "7d": 7 * DAY}
WEEK = 7 * DAY


def standing(driver: Driver, now: int) -> dict[str, Any]:
    """Returns of each person what they have done lately, and where they are."""
    widths = driver.compiled.kept
    found = {}
    for profile_id, value in driver.table.profiles.items():
        profile = profiles.decode(profile_id, value[WAKE_BYTES:])
        times = {}
        measured = profile.measured or NOTHING
        for key, kept in profile.times.items():
            width_ms = widths[key] or NEVER
            pairs = zip(kept, measured.amounts.get(key, [0] * len(kept)), strict=True)
            times[key] = sorted(pair for pair in pairs if now < pair[0] + width_ms)
        found[profile_id] = {
            "segments": set(profile.segments),
            "scores": worths(driver, profile, now),
            "points": {
                one: state.points
                for one, state in profile.scores.items()
                if state.points and not is_combined(one)
            },
            "decays": profile.decays or {},
            "counts": profile.counts,
            "times": {key: kept for key, kept in times.items() if kept},
            "sums": measured.sums,
            "traits": profile.traits,
            "account": profile.account,
        }
    return found


def worths(driver: Driver, profile: Profile, now: int) -> dict[str, Any]:
    """Returns the scores that are not as if nothing had ever counted."""
    found = {one: worth(driver, profile, one, now) for one in profile.scores}
    return {one: at for one, at in found.items() if at != driver.compiled.scales[one].empty}


def worth(driver: Driver, profile: Profile, score_id: str, now: int) -> Any:
    """Returns a score as it is now, not as it was last told."""
    node = driver.compiled.nodes[driver.compiled.places[f"score/{score_id}"]]
    assert isinstance(node, Scored)
    return node.course(profile, now).at(now)


def is_close(first: Any, second: Any) -> bool:
    """Returns whether two values are the same, but for what adding in another order changes."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            is_close(first[key], second[key]) for key in first
        )
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_close, first, second))
    if isinstance(first, float) or isinstance(second, float):
        return bool(abs(first - second) <= 1e-9)
    return bool(first == second)


def ended(definitions: Compiled, log: list[Json], until_ms: int) -> dict[str, Any]:
    _, driver = of_engine(definitions, log, until_ms)
    assert driver.dead_letters == []
    return standing(driver, until_ms)


@budget(100)
@given(
    states_of_any_past,
    sorted_histories(),
    st.lists(st.integers(0, WEEK), min_size=14, max_size=14),
    st.sampled_from(GAPS),
)
def test_any_order_of_arrival_ends_like_the_sorted_one(
    documents: list[Document], log: list[Json], delays: list[int], more_ms: int
) -> None:
    times = [time_ms(decoded(each)) for each in log]
    arrivals = sorted(range(len(log)), key=lambda place: times[place] + delays[place])
    definitions = compiled(*STATIC, *documents)
    until_ms = times[-1] + more_ms
    in_disorder = ended(definitions, [log[place] for place in arrivals], until_ms)
    in_order = ended(definitions, log, until_ms)
    assert is_close(in_disorder, in_order), (in_disorder, in_order)


@budget(100)
@given(
    st.lists(st.integers(0, 4 * MINUTE), min_size=1, max_size=8),
    st.integers(1, 3),
    st.sampled_from(["1m", "1h"]),
    st.sampled_from(["at_least", "at_most", "exactly"]),
)
def test_windows_are_exact_to_the_millisecond(
    offsets: list[int], times: int, width: str, count: str
) -> None:
    """At each edge, and 1 ms before: in as long as the occurrences inside are as many as asked."""
    partition = Partition(
        segment({"event": "a", "within": width, count: times}),
        score(on("a", 1, within=width, max_occurrences=times)),
    )
    told = sorted(T0 + at for at in offsets)
    partition.each(track("a", at, id=f"m{place}") for place, at in enumerate(told))
    edges = {at + WIDTHS[width] + step for at in told for step in (-1, 0)}
    for now in sorted(edge for edge in edges if edge >= told[-1]):
        partition.driver.advance(now)
        inside = sum(now < at + WIDTHS[width] for at in told)
        is_in = {
            "at_least": inside >= times,
            "at_most": inside <= times,
            "exactly": inside == times,
        }[count]
        profile = profiles.decode("p", partition.driver.table.profiles["p"][WAKE_BYTES:])
        state = profile.scores.get("fit")
        assert ("s" in profile.segments) is is_in
        assert (state.value if state else 0) == min(inside, times)


@budget(60)
@given(st.sampled_from(DURATIONS), st.integers(1, 3), st.data())
def test_changes_are_told_at_the_instants_at_which_they_are_due(
    width: str, times: int, data: st.DataObject
) -> None:
    """However late the clock comes round, the records name the instants themselves."""
    gaps = data.draw(st.lists(st.sampled_from(GAPS), min_size=1, max_size=6))
    told = [T0 + sum(gaps[:place]) for place in range(len(gaps))]
    partition = Partition(segment({"event": "a", "within": width, "at_least": times}))
    partition.feed(*(track("a", at, id=f"m{place}") for place, at in enumerate(told)))
    partition.driver.advance(told[-1] + 30 * DAY)
    expected = []
    spans: list[list[int]] = []
    for place in range(times - 1, len(told)):
        begin, end = told[place], told[place - times + 1] + WIDTHS[width]
        if begin < end and spans and begin < spans[-1][1]:
            spans[-1][1] = end
        elif begin < end:
            spans.append([begin, end])
    for begin, end in spans:
        expected += [("entered", begin), ("exited", end)]
    changes = [value for _, value in partition.out.of("segment-changes")]
    assert [(one.change, one.at) for one in changes] == expected
