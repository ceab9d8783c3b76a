"""Made-up logs in the vocabulary of `worlds`.

Times lie on each other's edges on purpose: a gap is as long as a window, or 1 ms off.
"""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from schemas.events import iso
from tests.builders import DAY, HOUR, MINUTE, SECOND, T0, Json, event
from tests.worlds import DAYS, EVENTS, GAPS, LISTS, NOTHING, VALUES, ZONES, dates, once, one

PEOPLE = ("p", "q")
LATE = (0, 0, 0, 0, 1, SECOND, MINUTE, HOUR, DAY, 3 * DAY, 7 * DAY, 7 * DAY + 1)

known_values = st.sampled_from(VALUES)
contents = st.one_of(
    st.builds(
        lambda name, number, date: ("track", {"event": name, "properties": {"n": number} | date}),
        st.sampled_from(EVENTS),
        known_values,
        st.one_of(NOTHING, one(d=dates)),
    ),
    st.builds(lambda name: ("track", {"event": name}), st.sampled_from(EVENTS)),
    st.builds(
        lambda id: ("track", {"event": "Trigger Requested", "properties": {"trigger": id}}),
        st.sampled_from(["t0", "t1", "t2", "nobody"]),
    ),
    st.builds(
        lambda id, change: (
            "track",
            {"event": "List Changed", "properties": {"list": id, "change": change}},
        ),
        st.sampled_from([*LISTS, "l9"]),
        st.sampled_from(["added", "added", "removed", "moved"]),
    ),
    st.builds(
        lambda traits: ("identify", {"traits": traits}),
        st.one_of(
            one(plan=known_values),
            one(born=dates),
            one(due=st.sampled_from(DAYS)),
            one(due=st.sampled_from(DAYS)),
            one(timezone=st.sampled_from([*ZONES, "Nowhere/At_All", None, 5])),
        ),
    ),
    st.builds(lambda value: ("group", {"traits": {"tier": value}}), known_values),
)
entries = st.tuples(st.sampled_from(GAPS), st.sampled_from(PEOPLE), contents, st.sampled_from(LATE))


busy_entries = st.tuples(
    st.sampled_from(GAPS),
    st.just("p"),
    st.builds(
        lambda name, number: ("track", {"event": name, "properties": {"n": number}}),
        st.sampled_from(EVENTS),
        st.sampled_from([1, 2, 1.5, "x"]),
    ),
    st.sampled_from(LATE),
)
"""Of one person who does little else than what conditions ask."""


@st.composite
def histories(
    draw: st.DrawFn, entries: st.SearchStrategy[Any] = entries, most: int = 16, least: int = 4
) -> list[Json]:
    """Draws a log in which events come late and twice, and clock records stand between them."""
    log: list[Json] = []
    now, high_water = T0 + 8 * DAY, 0
    logged: dict[str, list[int]] = {}
    for number, (gap, person, (kind, fields), late) in enumerate(
        draw(st.lists(entries, min_size=least, max_size=most))
    ):
        now += gap
        at_ms = now - late
        high_water = max(high_water, at_ms)
        log.append(event(kind, at_ms, id=f"m{number}", person=person, **fields))
        logged[f"m{number}"] = [high_water]
        extra = draw(st.integers(0, 9))
        if extra == 0:
            again = draw(st.sampled_from(log))
            times = logged.get(again.get("messageId", ""), [])
            if times and not is_on_edge(high_water, times):
                log.append(again)
                times.append(high_water)
        elif extra == 1:
            now += draw(st.sampled_from(GAPS))
            high_water = max(high_water, now)
            log.append({"type": "clock", "timestamp": iso(now)})
    return log


def is_on_edge(log_ms: int, times: Sequence[int]) -> bool:
    """Returns whether a repeat comes at the end of the memory, which is kept in whole seconds."""
    return any(abs(log_ms - at - 7 * DAY) < SECOND for at in times)


@once
@st.composite
def sorted_histories(draw: st.DrawFn) -> list[Json]:
    """Draws a log in order, in which no two events tell of traits at the same time."""
    log: list[Json] = []
    now, told = T0, -1
    for number, (gap, person, (kind, fields), _) in enumerate(
        draw(st.lists(entries, min_size=4, max_size=14))
    ):
        now += gap
        if kind != "track":
            now = max(now, told + 1)
            told = now
        log.append(event(kind, now, id=f"m{number}", person=person, **fields))
    return log
