"""The engine against the oracle: whatever the definitions and the log, both say the same."""

from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    DAY,
    T0,
    Document,
    Json,
    emit,
    group,
    identify,
    on,
    score,
    tag,
    track,
    trigger,
)
from tests.logs import busy_entries, histories
from tests.properties import budget
from tests.simulation.results import compare
from tests.worlds import (
    DAYS,
    EVENTS,
    GAPS,
    MARKS,
    STATIC,
    ZONES,
    about_amounts,
    about_events,
    appointments,
    crossings,
    definitions,
    durations,
    sequences,
    timed,
)


def end_of(log: list[Json], more_ms: int) -> int:
    """Returns when a log is over: both New York and Lord Howe have changed their clocks by then."""
    return T0 + 100 * DAY + more_ms


@budget(500)
@given(definitions(), histories(), st.sampled_from(GAPS))
def test_engine_gives_what_the_oracle_recomputes(
    documents: list[Document], log: list[Json], more_ms: int
) -> None:
    result = compare(documents, log, end_of(log, more_ms))
    for kind in ("segment_changes", "score_changes", "commands", "too_late", "duplicates"):
        note(f"{kind}: {'some' if getattr(result, kind) else 'none'}")


def segment(when: Document) -> Document:
    return {"kind": "segment", "id": "s", "name": "s", "when": when}


@budget(1_500)
@given(st.one_of(about_amounts(), sequences()), histories(busy_entries, 24), st.sampled_from(GAPS))
def test_engine_gives_what_the_oracle_recomputes_of_amounts_and_sequences(
    when: Document, log: list[Json], more_ms: int
) -> None:
    result = compare([segment(when)], log, end_of(log, more_ms))
    changes = [row["change"] for row in result.segment_changes]
    note(f"{'sequence' if 'sequence' in when else 'amount'}: {changes[:3]}")


@budget(100)
@given(
    st.tuples(
        st.sampled_from([1, -3]), st.sampled_from([0.1, 1, 4]), st.sampled_from([None, "1h"])
    ),
    histories(busy_entries, 24),
    st.sampled_from(GAPS),
)
def test_points_for_an_amount_are_as_the_oracle_adds_them_up(
    rule: tuple[int, float, str | None], log: list[Json], more_ms: int
) -> None:
    worth, amount, within = rule
    span = {"within": within} if within else {}
    each = on("a", worth, for_each={"property": "n", "amount": amount}, **span)
    result = compare([score(each, floor=None)], log, end_of(log, more_ms))
    note(f"{min(len(result.score_changes), 5)} or more changes")


@budget(60)
@given(definitions(timed), histories(), st.sampled_from(GAPS))
def test_triggers_that_wait_for_instants_are_woken_as_the_oracle_finds(
    documents: list[Document], log: list[Json], more_ms: int
) -> None:
    result = compare(documents, log, end_of(log, more_ms))
    on = {each["id"]: next(iter(each["on"])) for each in documents if each["kind"] == "trigger"}
    for row in result.decisions:
        note(f"{on[row['definition_id']]}: {row['reason']}")


@budget(100)
@given(
    st.lists(appointments(), min_size=1, max_size=3),
    st.lists(
        st.tuples(st.sampled_from(GAPS), st.sampled_from(DAYS), st.sampled_from(ZONES)),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(GAPS),
)
def test_dates_of_people_are_due_when_the_oracle_finds(
    dates: list[Document], told: list[tuple[int, str, str]], more_ms: int
) -> None:
    documents = [trigger(on | {"date": "due"}, id=f"t{n}") for n, on in enumerate(dates)]
    log, now = [], T0
    for number, (gap_ms, day, zone) in enumerate(told):
        now += gap_ms
        log.append(identify(now, id=f"m{number}", due=day, timezone=zone))
    result = compare(documents, log, end_of(log, more_ms))
    note(f"{len(result.decisions)} due")


MOVED = [
    *STATIC,
    score(id="k", groups=[group(on("a", 6, within="1h"), on("b", -4, within="1d"))], floor=None),
    trigger("a", tag("t1"), {"add_to_list": "l1"}, id="give"),
    trigger("b", {"remove_tag": "t1"}, {"remove_from_list": "l1"}, id="take"),
    trigger("c", {"add_points": {"score": "k", "points": 3}}, id="add"),
]


@budget(200)
@given(
    st.lists(st.one_of(crossings(["k"]), crossings(["k"]), MARKS), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(GAPS), st.sampled_from(EVENTS)), min_size=3, max_size=12),
)
def test_what_moved_and_how_far_is_as_the_oracle_finds(
    watched: list[Document], told: list[tuple[int, str]]
) -> None:
    documents = [*MOVED, *(trigger(each, id=f"t{n}") for n, each in enumerate(watched))]
    log, now = [], T0
    for number, (gap_ms, name) in enumerate(told):
        now += gap_ms
        log.append(track(name, now, id=f"m{number}"))
    result = compare(documents, log, end_of(log, 0))
    note(f"{sum(row['definition_id'] in {'t0', 't1'} for row in result.decisions)} woken")


@st.composite
def local_times(draw: st.DrawFn) -> Document:
    """Draws hours whose ends lie on quarters, around when clocks are changed too."""
    ends = sorted(draw(st.permutations(["00:00", "00:45", "02:30", "09:00", "17:15"]))[:2])
    days = sorted(draw(st.sets(st.sampled_from(["mon", "wed", "sat", "sun"]), min_size=1)))
    asked: Document = {"from": ends[0], "to": ends[1], "timezone": draw(st.sampled_from(ZONED))}
    if draw(st.booleans()):
        asked["days"] = days
    if draw(st.booleans()):
        asked["holidays"] = ["2026-01-03", "2026-03-08"]
    return {"local_time": asked}


ZONED = ["profile", "UTC", "America/New_York", "Australia/Lord_Howe"]


@budget(10)
@given(
    local_times(),
    st.lists(st.tuples(st.sampled_from(GAPS), st.sampled_from(ZONES)), min_size=1, max_size=3),
    st.sampled_from(GAPS),
)
def test_hours_turn_when_the_oracle_finds(
    when: Document, told: list[tuple[int, str]], more_ms: int
) -> None:
    log, now = [], T0
    for number, (gap_ms, zone) in enumerate(told):
        now += gap_ms
        log.append(identify(now, id=f"m{number}", timezone=zone))
    result = compare([segment(when)], log, end_of(log, more_ms))
    note(f"{min(len(result.segment_changes), 5)} or more changes")


@budget(100)
@given(
    st.one_of(about_events(), about_amounts(), sequences()),
    st.lists(durations, min_size=1, max_size=2),
    histories(busy_entries, 24),
    st.sampled_from(GAPS),
)
def test_membership_has_lasted_from_the_instant_that_the_oracle_finds(
    when: Document, widths: list[str], log: list[Json], more_ms: int
) -> None:
    asked: Document = {"any": [{"segment": "s", "for": width} for width in widths]}
    documents = [
        segment(when),
        segment(asked) | {"id": "long"},
        segment({"not": asked}) | {"id": "a-short"},
        trigger("a", tag("t1"), when=asked),
    ]
    result = compare(documents, log, end_of(log, more_ms))
    changes = [row["change"] for row in result.segment_changes if row["segment_id"] == "long"]
    note(f"{changes[:3]}")


def add(points: int, **more: str) -> Document:
    return {"add_points": {"score": "k", "points": points} | more}


LENT = [
    *STATIC,
    score(id="k", groups=[group(on("d", 6, within="1h"))], floor=None),
    segment({"score": "k", "at_least": 5}),
    trigger("a", add(6, **{"for": "1h"}), id="a"),
    trigger("b", add(-4, **{"for": "1d"}), add(4, **{"for": "1h"}, reason="b"), id="b"),
    trigger("c", add(3, reason="c"), id="c"),
]


@budget(200)
@given(
    st.lists(
        st.tuples(
            st.one_of(crossings(["k"]), MARKS, st.just({"segment": "s", "change": "exited"})),
            st.sampled_from([add(5, **{"for": "1h"}), add(-3), tag("t1"), emit("a")]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(
        st.tuples(st.sampled_from(GAPS), st.sampled_from([*EVENTS, "d"])), min_size=3, max_size=12
    ),
)
def test_points_for_a_time_end_as_the_oracle_finds(
    watched: list[tuple[Document, Document]], told: list[tuple[int, str]]
) -> None:
    woken = [trigger(on, do, id=f"t{n}") for n, (on, do) in enumerate(watched)]
    log, now = [], T0
    for number, (gap_ms, name) in enumerate(told):
        now += gap_ms
        log.append(track(name, now, id=f"m{number}"))
    result = compare([*LENT, *woken], log, end_of(log, 0))
    for reason in {row["reason"] for row in result.decisions}:
        note(reason)
