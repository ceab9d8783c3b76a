"""What definitions count that those before did not, and how it joins what is held."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from processors.decisions import backfills
from processors.decisions.backfills import ACTIVITY, IDLE_SINCE_LONG, Backfill, lacking
from processors.runtime.backfills import Backfilling
from processors.runtime.batches import Policy
from processors.runtime.tables import Crash
from processors.state.amounts import total
from processors.state.profiles import NEVER, Profile
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    Json,
    compiled,
    encoded,
    event,
    identify,
    keyed,
    on,
    score,
    segment,
    track,
    trigger,
)

NOTHING: list[Document] = []


def missing(before: Iterable[Document], after: Iterable[Document]) -> tuple[str, ...]:
    return lacking(compiled(*before), compiled(*after))


def of_set(*documents: Document, since: Iterable[Document] = ()) -> Backfill:
    after = compiled(*documents)
    return backfills.backfill(after, lacking(compiled(*since), after))


def filled(backfill: Backfill, *log: Json, told: Iterable[Json] = (), held: Profile) -> Profile:
    """Returns a profile with what was counted of a log laid into it."""
    filling = Backfilling(backfill, Policy(clock="stream"), crash=Crash())
    records = [(False, each) for each in log] + [(True, each) for each in told]
    filling.take(
        (is_told, (*keyed(each), offset, 0)) for offset, (is_told, each) in enumerate(records)
    )
    filling.fill(held)
    return held


def only(found: Mapping[str, Any]) -> Any:
    [value] = found.values()
    return value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"event": "a"}, {"event": "a"}),
        ({"event": "a", "at_least": 3}, {"event": "a", "at_least": 2}),
        ({"event": "a", "within": "7d"}, {"event": "a", "within": "1d"}),
        ({"event": "a"}, {"trait": "plan", "equals": "gold"}),
    ],
)
def test_what_is_counted_already_lacks_nothing(before: Document, after: Document) -> None:
    assert missing([segment(before)], [segment(after)]) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"event": "a"}, {"event": "b"}),
        ({"event": "a"}, {"event": "a", "where": [{"property": "n", "equals": 1}]}),
        ({"event": "a"}, {"event": "a", "since": "2026-01-01T00:00:00Z"}),
        ({"event": "a", "at_least": 2}, {"event": "a", "at_least": 3}),
        ({"event": "a", "within": "1d"}, {"event": "a", "within": "7d"}),
        ({"event": "a", "within": "7d"}, {"event": "a"}),
        ({"event": "a"}, {"event": "a", "sum": {"property": "n", "at_least": 1}}),
    ],
)
def test_what_reaches_further_is_lacking(before: Document, after: Document) -> None:
    assert len(missing([segment(before)], [segment(after)])) == 1


def test_when_people_did_anything_last_is_lacking_once_somebody_asks() -> None:
    idle = trigger({"inactive": "3d"})
    assert missing(NOTHING, [idle]) == (ACTIVITY,)
    assert missing([idle], [idle, trigger({"inactive": "9d"}, id="later")]) == ()


# How far back it reads


def test_windows_are_read_back_as_far_as_the_longest() -> None:
    both = of_set(
        segment({"event": "a", "within": "2d"}), trigger({"inactive": "3d"}), score(on("b"))
    )
    assert both.needs(T0) == 0
    short = of_set(segment({"event": "a", "within": "2d"}), trigger({"inactive": "3d"}))
    assert short.needs(T0) == T0 - 3 * DAY


def test_an_instant_is_read_back_to_itself() -> None:
    since = of_set(segment({"event": "a", "since": "2026-01-01T00:00:00Z"}))
    assert since.needs(T0 + 9 * DAY) == T0
    assert since.needs(T0 - 9 * DAY) == T0 - 9 * DAY


# What joins


def test_counts_are_those_of_the_log_unless_more_was_known() -> None:
    backfill = of_set(segment({"event": "a", "at_least": 5}))
    [key] = backfill.keys
    log = [track("a", T0 + at, id=f"m{at}") for at in range(3)]
    assert only(filled(backfill, *log, held=Profile(id="p")).counts) == 3
    assert only(filled(backfill, *log, held=Profile(id="p", counts={key: 4})).counts) == 4


def test_only_what_meets_the_conditions_is_counted() -> None:
    backfill = of_set(segment({"event": "a", "where": [{"property": "n", "equals": 1}]}))
    log = [track("a", T0 + at, id=f"m{at}", n=at) for at in range(3)]
    assert only(filled(backfill, *log, held=Profile(id="p")).counts) == 1


def test_times_are_those_of_both_and_the_latest_of_them() -> None:
    """The log may begin later than what is held."""
    backfill = of_set(segment({"event": "a", "at_least": 3, "within": "9d"}))
    [key] = backfill.keys
    log = [track("a", T0 + at, id=f"m{at}") for at in (DAY, 2 * DAY)]
    held = Profile(id="p", times={key: [T0 - 1, T0, T0 + 2 * DAY]})
    assert only(filled(backfill, *log, held=held).times) == [T0, T0 + DAY, T0 + 2 * DAY]


def test_amounts_are_those_of_both() -> None:
    paid = {"event": "a", "within": "9d", "sum": {"property": "n", "at_least": 1}}
    backfill = of_set(segment(paid))
    [key] = backfill.keys
    log = [track("a", T0 + DAY, n=2), track("a", T0 + DAY, id="m2", n=3)]
    first = filled(backfill, track("a", T0, n=1), log[0], held=Profile(id="p"))
    both = filled(backfill, *log, held=first)
    assert both.times[key] == [T0, T0 + DAY, T0 + DAY]
    assert both.measured is not None
    assert sorted(both.measured.amounts[key]) == [1_000_000, 2_000_000, 3_000_000]


def test_sums_and_what_fades_are_those_of_the_log() -> None:
    spent = segment({"event": "a", "sum": {"property": "n", "at_least": 1}})
    faded = score(on("a", 10) | {"decay": {"half_life": "1d"}})
    held = filled(of_set(spent, faded), track("a", T0, n=7), held=Profile(id="p"))
    assert held.measured is not None
    assert [total(each) for each in held.measured.sums.values()] == [7_000_000]
    assert list((held.decays or {}).values()) == [(T0, 1.0)]
    assert filled(of_set(score(on("b"))), track("a"), held=held).decays == held.decays


def test_who_did_nothing_for_as_long_as_is_read_has_done_nothing_for_long() -> None:
    idle = of_set(trigger({"inactive": "3d"}))
    assert filled(idle, track("a", T0 + HOUR), held=Profile(id="p")).active == T0 + HOUR
    assert filled(idle, track("a", T0 + HOUR), held=Profile(id="q")).active == IDLE_SINCE_LONG


def test_what_triggers_tell_counts_but_is_nothing_that_people_do() -> None:
    watched = (segment({"event": "a"}), trigger({"inactive": "3d", "event": "a"}))
    held = filled(of_set(*watched), told=[track("a", T0 + HOUR)], held=Profile(id="p"))
    assert only(held.counts) == 1
    assert held.times == {}


def test_nothing_but_what_is_lacking_is_kept_of_the_log() -> None:
    backfill = of_set(segment({"event": "a", "within": "1d"}))
    filling = Backfilling(backfill, Policy(clock="stream"), crash=Crash())
    log = [identify(T0, plan="gold"), track("b", T0 + 1), event("group", T0 + 2, traits={"n": 1})]
    filling.take((False, (b"p", encoded(each), offset, 0)) for offset, each in enumerate(log))
    held = Profile(id="p")
    filling.fill(held)
    assert (held.traits, held.account, held.counts, held.times) == ({}, {}, {}, {})
    assert backfill.width_ms == DAY
    assert backfill.since_ms == NEVER
