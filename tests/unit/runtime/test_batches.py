"""Batches: an overlay over the table that joins it whole, or not at all."""

import pytest

from processors.decisions.compiled import Compiled
from processors.runtime import batches
from processors.runtime.batches import Batch, Policy
from processors.runtime.outputs import Outputs
from processors.runtime.tables import ADOPTION_KEY, PROGRESS_KEY, WAKE_BYTES, Table
from processors.runtime.wakes import wake_of
from processors.state import profiles
from processors.state.profiles import NEVER, Profile
from schemas.events import iso
from schemas.letters import DeadLetter
from tests.builders import (
    DAY,
    HOUR,
    SECOND,
    T0,
    Json,
    compiled,
    encoded,
    event,
    keyed,
    on,
    score,
    segment,
    set_trait,
    track,
    trigger,
)

STREAM, WALL = Policy(clock="stream"), Policy(clock="wall")
VISITED = (segment({"event": "a", "within": "1h"}), score(on("a")))


class Open:
    """A batch that is open, and what it has to say."""

    def __init__(
        self,
        table: Table,
        definitions: Compiled,
        policy: Policy = STREAM,
        *,
        as_of_ms: int = 0,
    ) -> None:
        self.outputs = Outputs()
        self.batch = Batch(
            table,
            definitions,
            policy=policy,
            outputs=self.outputs,
            source=("events", 3),
            as_of_ms=as_of_ms,
        )

    def add(self, *data: Json, first: int = 0, log_ms: int = T0) -> "Open":
        for offset, each in enumerate(data, first):
            key, value = keyed(each)
            self.batch.add(key, value, offset=offset, log_ms=log_ms)
        return self

    def put(self, key: bytes | None, value: bytes | None, log_ms: int = T0) -> list[DeadLetter]:
        self.batch.add(key, value, offset=7, log_ms=log_ms)
        return self.outputs.dead_letters

    def commit(self) -> Outputs:
        self.batch.finish()
        self.batch.apply()
        return self.outputs


def profile(table: Table, profile_id: str = "p") -> Profile:
    return profiles.decode(profile_id, table.profiles[profile_id][WAKE_BYTES:])


# Joining and dropping


def test_nothing_shows_before_the_batch_is_applied() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED)).add(track("a"))
    one.batch.finish()
    assert table.profiles == {}
    assert table.progress.offset == 0
    one.batch.apply()
    assert set(table.profiles) == {"p"}
    assert (table.progress.offset, table.progress.high_water) == (1, T0)


def test_a_dropped_batch_leaves_no_trace() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a")).commit()
    before = dict(table.profiles)
    one = Open(table, definitions).add(track("a", T0 + HOUR), track("a", person="q"), first=1)
    one.batch.fire(T0 + DAY, 10)
    one.batch.finish()
    one.batch.drop()
    assert table.profiles == before
    assert table.progress.offset == 1
    assert table.take_due(T0 + HOUR, 10) == ["p"]


def test_the_changelog_has_each_profile_once_and_the_progress() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED)).add(
        track("a"), track("a", T0 + 1), track("a", person="q")
    )
    changelog = one.batch.finish()
    one.batch.apply()
    assert [key for key, _ in changelog] == [b"p", b"q", ADOPTION_KEY, PROGRESS_KEY]
    again = Open(table, compiled(*VISITED)).add(track("a", T0 + 2), first=3).batch.finish()
    assert [key for key, _ in again] == [b"p", PROGRESS_KEY]
    assert dict(changelog)[b"p"] == table.profiles["p"]


def test_the_stored_wake_time_is_that_of_the_next_timer() -> None:
    table = Table()
    Open(table, compiled(*VISITED)).add(track("a"), track("b", person="q")).commit()
    assert wake_of(table.profiles["p"]) == T0 + HOUR
    assert wake_of(table.profiles["q"]) == NEVER


def test_records_that_were_applied_already_are_passed_over() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a"), track("a", T0 + 1)).commit()
    outputs = Open(table, definitions).add(track("a", T0 + 2), first=1).commit()
    assert (outputs.events, outputs.decision.score_changes) == (0, [])
    assert table.progress.offset == 2


def test_passing_over_moves_the_offset_alone() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED))
    one.batch.add(None, batches.PASSED_OVER, offset=4, log_ms=T0)
    one.commit()
    assert (table.progress.offset, table.profiles) == (5, {})


def test_duplicates_are_counted() -> None:
    outputs = Open(Table(), compiled(*VISITED)).add(track("a", id="m"), track("b", id="m")).commit()
    assert (outputs.events, outputs.decision.duplicates, len(outputs.decision.score_changes)) == (
        2,
        1,
        1,
    )


def test_ids_that_a_dropped_batch_has_seen_are_new_to_the_next() -> None:
    table, definitions = Table(), compiled(*VISITED)
    many = [track("a", id=f"m{n}") for n in range(300)]
    Open(table, definitions).add(*many).commit()
    dropped = Open(table, definitions).add(track("a", id="more"), first=300)
    dropped.batch.finish()
    dropped.batch.drop()
    outputs = Open(table, definitions).add(track("a", id="more"), many[0], first=300).commit()
    assert (len(outputs.decision.score_changes), outputs.decision.duplicates) == (1, 1)


@pytest.mark.parametrize("count", [40, 300, 2_000])
def test_ids_of_busy_people_are_known_in_the_next_batch(count: int) -> None:
    table, definitions = Table(), compiled(*VISITED)
    many = [track("a", id=f"m{n}") for n in range(count)]
    Open(table, definitions).add(*many).commit()
    said = Open(table, definitions).add(*many, first=count).commit().decision
    assert said.duplicates == count


def test_a_busy_profile_is_the_same_from_bytes_as_kept() -> None:
    definitions = compiled(*VISITED)
    kept, bare, restored = Table(), Table(), Table()
    for first in range(0, 900, 90):
        for table in (kept, bare, restored):
            more = [track("a", T0 + n, id=f"m{n}") for n in range(first, first + 90)]
            one = Open(table, definitions).add(*more, first=first)
            changelog = one.batch.finish()
            one.batch.apply()
            if table is bare:
                table.release("p")
            if table is restored:
                old, restored = table, Table()
                restored.profiles, restored.pages = dict(old.profiles), dict(old.pages)
                for key, value in changelog:
                    restored.restore(key, value)
                restored.restored()
    assert set(kept.busy) == {"p"}
    assert kept.profiles == bare.profiles == restored.profiles
    assert kept.pages == bare.pages == restored.pages
    assert sorted(kept.pages["p"]) == [0, 1, 2, 3, 4, 5]


def test_a_busy_profile_is_read_anew_after_an_abort() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(*(track("a", id=f"m{n}") for n in range(200))).commit()
    before = dict(table.profiles)
    more = [track("a", T0 + 5, id=f"n{n}") for n in range(100)]
    for is_finished in (False, True):
        one = Open(table, definitions).add(*more, first=200)
        if is_finished:
            one.batch.finish()
        one.batch.drop()
        assert (table.busy, table.pages, table.profiles) == ({}, {}, before)
    said = Open(table, definitions).add(*more, first=200).commit().decision
    assert said.duplicates == 0
    assert list(table.pages["p"]) == [0]


def test_ids_before_the_window_are_forgotten() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a", id="m")).commit()
    Open(table, definitions).add(track("a", T0 + 7 * DAY, id="n"), first=1).commit()
    assert len(profile(table).seen) == 8


# Timers


def test_firing_takes_at_most_so_many_profiles() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(*(track("a", T0 + n, person=f"p{n}") for n in range(3))).commit()
    one = Open(table, definitions)
    assert one.batch.fire(T0 + DAY, 2) == 2
    outputs = one.commit()
    assert [change.profile_id for change in outputs.decision.segment_changes] == ["p0", "p1"]
    assert table.next_wake() == T0 + 2 + HOUR


def test_firing_before_anything_is_due_does_nothing() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a")).commit()
    one = Open(table, definitions)
    assert one.batch.fire(T0 + HOUR - 1, 10) == 0
    assert len(one.batch.finish()) == 1


def test_events_and_timers_of_one_batch_see_each_other() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a")).commit()
    one = Open(table, definitions).add(track("a", T0 + HOUR - 1), first=1)
    assert one.batch.fire(T0 + HOUR, 10) == 1
    outputs = one.commit()
    assert outputs.decision.segment_changes == []
    assert table.next_wake() == T0 + 2 * HOUR - 1


def test_a_profile_that_was_fired_can_hear_in_the_same_batch() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a")).commit()
    one = Open(table, definitions)
    one.batch.fire(T0 + HOUR, 10)
    outputs = one.add(track("a", T0 + 2 * HOUR), first=1).commit()
    assert [change.change for change in outputs.decision.segment_changes] == ["exited", "entered"]
    assert table.take_due(T0 + 3 * HOUR, 10) == ["p"]


# Time


@pytest.mark.parametrize(("late", "reasons"), [(7 * DAY, []), (7 * DAY + 1, ["too-late"])])
def test_lateness_is_measured_against_the_largest_event_time(late: int, reasons: list[str]) -> None:
    one = Open(Table(), compiled(*VISITED)).add(
        track("b", T0, person="q"), track("b", T0 - DAY, person="q"), track("a", T0 - late)
    )
    assert [letter.reason for letter in one.outputs.dead_letters] == reasons


def test_an_event_that_is_too_late_is_not_remembered_and_makes_nobody() -> None:
    table, definitions = Table(), compiled(*VISITED)
    one = Open(table, definitions).add(track("b", person="q"), track("a", T0 - 8 * DAY, id="m"))
    one.commit()
    assert set(table.profiles) == {"q"}
    outputs = Open(table, definitions).add(track("a", T0, id="m"), first=2).commit()
    assert len(outputs.decision.score_changes) == 1


def test_in_stream_time_timers_that_the_partition_has_passed_come_first() -> None:
    table, definitions = Table(), compiled(*VISITED)
    one = Open(table, definitions).add(
        track("a"), track("b", T0 + DAY, person="q"), track("b", T0 + 1, id="late")
    )
    outputs = one.commit()
    assert [(each.change, each.at) for each in outputs.decision.segment_changes] == [
        ("entered", T0),
        ("exited", T0 + HOUR),
    ]


def test_in_wall_time_only_timers_due_before_the_event_come_first() -> None:
    table, definitions = Table(), compiled(*VISITED)
    one = Open(table, definitions, WALL).add(
        track("a"), track("b", T0 + DAY, person="q"), track("b", T0 + 1, id="late"), log_ms=T0 + DAY
    )
    assert [each.change for each in one.commit().decision.segment_changes] == ["entered"]


def test_in_wall_time_a_fast_clock_moves_the_partition_by_five_minutes_at_most() -> None:
    table = Table()
    Open(table, compiled(*VISITED), WALL).add(track("a", T0 + DAY), log_ms=T0).commit()
    assert table.progress.high_water == T0 + WALL.max_lead_ms


def test_in_stream_time_event_time_is_all_there_is() -> None:
    table = Table()
    Open(table, compiled(*VISITED)).add(track("a", T0 + DAY), log_ms=T0).commit()
    assert table.progress.high_water == T0 + DAY


def test_in_wall_time_duplicates_are_told_by_the_time_of_the_log() -> None:
    table, definitions = Table(), compiled(*VISITED)
    again = track("a", id="m")
    Open(table, definitions, WALL).add(again, log_ms=T0).commit()
    for first, log_ms, expected in [(1, T0 + 7 * DAY - SECOND, 0), (2, T0 + 7 * DAY, 1)]:
        outputs = Open(table, definitions, WALL).add(again, first=first, log_ms=log_ms).commit()
        assert len(outputs.decision.score_changes) == expected


def test_a_duplicate_moves_the_partitions_time_but_nothing_of_the_person() -> None:
    table, definitions = Table(), compiled(*VISITED)
    Open(table, definitions).add(track("a", id="m"), track("a", T0 + DAY, id="m")).commit()
    assert table.progress.high_water == T0 + DAY
    assert profile(table).clock == T0


def test_a_log_without_times_or_of_a_wild_clock_does_no_harm() -> None:
    for log_ms in (-1, 1 << 62):
        outputs = Open(Table(), compiled(*VISITED), WALL).add(track("a"), log_ms=log_ms).commit()
        assert len(outputs.decision.score_changes) == 1


# Clock records


def test_a_clock_record_moves_the_stream() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED))
    assert one.put(b"", batches.tick(T0 + DAY)) == []
    one.commit()
    assert (table.progress.high_water, table.progress.offset) == (T0 + DAY, 8)


def test_a_clock_record_never_turns_the_stream_back() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED)).add(track("a", T0 + DAY))
    one.put(None, batches.tick(T0))
    one.commit()
    assert table.progress.high_water == T0 + DAY


def test_a_clock_record_means_nothing_in_wall_time() -> None:
    (letter,) = Open(Table(), compiled(*VISITED), WALL).put(None, batches.tick(T0))
    assert letter.reason == "field-invalid"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (batches.tick(T0), T0),
        (batches.tick(T0 + 1), T0 + 1),
        (b'{"type":"clock","timestamp":"2026-01-01T01:00:00+01:00"}', T0),
        (b'{"type":"clock","timestamp":"2026-01-01T00:00:00"}', None),
        (b'{"type":"clock","timestamp":5}', None),
        (b'{"type":"clock"}', None),
        (b'{"type":"clock"', None),
        (b'{"type":"track"}', None),
        (b"", None),
        (None, None),
    ],
)
def test_clock_records_are_told_from_events(value: bytes | None, expected: int | None) -> None:
    assert batches.read_tick(value) == expected


# Dead letters


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"p", None, "empty"),
        (b"p", b"", "empty"),
        (b"p", b"{", "not-json"),
        (b"p", b"[]", "field-invalid"),
        (b"p", b"\xff", "not-utf8"),
        (b"p", encoded(track("a", n="x" * 40_000)), "too-large"),
        (b"q", encoded(track("a")), "key-mismatch"),
        (b"\xff", encoded(track("a")), "key-mismatch"),
        (None, encoded(track("a")), "key-missing"),
        (b"p", encoded(event("track")), "name-missing"),
        (b"p", encoded(event("track", event="a") | {"userId": None}), "id-missing"),
        (b"p", encoded(event("identify", traits=[])), "not-an-object"),
        (b"p", b'{"type":"clock","timestamp":5}', "field-invalid"),
    ],
)
def test_what_can_not_be_read_becomes_a_dead_letter(
    key: bytes | None, value: bytes | None, reason: str
) -> None:
    table = Table()
    one = Open(table, compiled(*VISITED))
    (letter,) = one.put(key, value)
    assert letter.reason == reason
    assert letter.record == ("events", 3, 7, key, value)
    one.commit()
    assert (table.profiles, table.progress.offset, one.outputs.events) == ({}, 8, 0)


def test_an_event_of_somebody_else_is_a_mismatch_also_under_a_key_that_is_known() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED)).add(track("a"))
    (letter,) = one.put(b"p", encoded(track("a", person="q")))
    one.commit()
    assert (letter.reason, set(table.profiles)) == ("key-mismatch", {"p"})


def test_a_dead_letter_leaves_the_others_alone() -> None:
    table = Table()
    one = Open(table, compiled(*VISITED)).add(track("a"))
    one.put(b"p", encoded(event("identify", T0 + 1, id="n", traits=[])))
    one.add(track("a", T0 + 2), first=8).commit()
    assert profile(table).scores["fit"].value == 20


# Definitions


def people(count: int) -> tuple[Table, Compiled]:
    """Returns a table of people who are in segment s."""
    table, definitions = Table(), compiled(segment({"event": "a"}))
    Open(table, definitions).add(*(track("a", T0, person=f"p{n}") for n in range(count))).commit()
    return table, definitions


def settle(table: Table, definitions: Compiled, limit: int) -> Outputs:
    one = Open(table, definitions)
    one.batch.settle(limit)
    return one.commit()


def test_settling_brings_everybody_under_the_active_definitions_bit_by_bit() -> None:
    table, _ = people(5)
    other = compiled(segment({"event": "a"}, "new"))
    found = []
    for _ in range(3):
        outputs = settle(table, other, 2)
        found.append((len(outputs.decision.segment_changes), table.progress.is_settled))
    assert found == [(4, False), (4, False), (2, True)]
    assert {profile(table, one).definitions for one in table.profiles} == {other.id}
    assert table.outdated == []


def test_the_same_definitions_settle_nothing() -> None:
    table, definitions = people(2)
    assert settle(table, definitions, 10).decision.segment_changes == []
    assert table.progress.is_settled


def test_who_has_been_heard_meanwhile_is_not_settled_twice() -> None:
    table, _ = people(2)
    other = compiled(segment({"event": "a"}, "new"))
    Open(table, other).add(track("b", T0 + 1, person="p1"), first=2).commit()
    assert {one.profile_id for one in settle(table, other, 10).decision.segment_changes} == {"p0"}


def test_who_is_heard_in_the_same_batch_is_settled_once() -> None:
    table, _ = people(2)
    other = compiled(segment({"event": "a"}, "new"))
    one = Open(table, other).add(track("b", T0 + 1, person="p1"), first=2)
    one.batch.settle(10)
    changes = one.commit().decision.segment_changes
    assert sorted((each.profile_id, each.segment_id) for each in changes) == [
        ("p0", "new"),
        ("p0", "s"),
        ("p1", "new"),
        ("p1", "s"),
    ]


def test_a_dropped_batch_settles_nobody() -> None:
    table, _ = people(2)
    other = compiled(segment({"event": "a"}, "new"))
    one = Open(table, other)
    one.batch.settle(10)
    one.batch.finish()
    one.batch.drop()
    assert table.progress.is_settled
    assert {each.profile_id for each in settle(table, other, 10).decision.segment_changes} == {
        "p0",
        "p1",
    }


def test_definitions_that_change_while_others_settle_reach_everybody() -> None:
    table, _ = people(3)
    settle(table, compiled(segment({"event": "a"}, "second")), 2)
    third = compiled(segment({"event": "a"}, "third"))
    while not table.progress.is_settled or table.progress.definitions != third.id:
        settle(table, third, 10)
    assert [set(profile(table, one).segments) for one in table.profiles] == [{"third"}] * 3


def test_settling_goes_on_after_a_restart() -> None:
    table, _ = people(3)
    other = compiled(segment({"event": "a"}, "new"))
    settle(table, other, 2)
    again = Table()
    for key, value in table.profiles.items():
        again.restore(key.encode(), value)
    again.progress = table.progress
    again.restored()
    assert len(settle(again, other, 10).decision.segment_changes) == 2
    assert again.progress.is_settled


def test_alarms_before_the_definitions_became_active_are_skipped() -> None:
    """Also where the partition has moved on since, and for who was not settled meanwhile."""
    table, idle = Table(), compiled(trigger({"inactive": "1d"}))
    people = [track("a", person="p"), track("a", T0 + 1, person="q")]
    before = compiled(segment({"event": "a"}))
    Open(table, before).add(*people, track("a", T0 + DAY, person="r")).commit()
    Open(table, idle).add(track("a", T0 + 3 * DAY, person="r"), first=3).commit()
    assert table.progress.adopted == T0 + DAY
    assert settle(table, idle, 9).decision.commands == []
    last = Open(table, idle)
    last.batch.fire(T0 + 3 * DAY, 9)
    assert [one.profile_id for one in last.commit().decision.commands] == ["q"]
    assert table.progress.adopted == T0 + DAY


ACTIVE = (
    segment({"event": "a", "within": "7d"}, "active"),
    trigger({"segment": "active", "change": "exited"}),
)


def test_who_would_have_left_a_new_segment_long_ago_does_not_pass_through_it() -> None:
    table = Table()
    one = Open(table, compiled(segment({"event": "a", "within": "30d"})))
    one.add(track("a", person="p"), track("a", T0 + 10 * DAY, person="q")).commit()
    found = settle(table, compiled(*ACTIVE), 9).decision
    assert table.next_wake() == T0 + 17 * DAY
    told = [(each.profile_id, each.change, each.at - T0) for each in found.segment_changes]
    assert ("q", "entered", 10 * DAY) in told
    assert {each.segment_id for each in found.segment_changes if each.profile_id == "p"} == {"s"}
    assert found.commands == []
    last = Open(table, compiled(*ACTIVE))
    last.batch.fire(T0 + 20 * DAY, 9)
    assert [each.profile_id for each in last.commit().decision.commands] == ["q"]


def test_definitions_take_over_as_of_when_nothing_is_left_to_be_read() -> None:
    table, _ = people(1)
    one = Open(table, compiled(trigger({"inactive": "1d"})), as_of_ms=T0 + 3 * DAY)
    one.batch.settle(9)
    one.commit()
    assert table.progress.adopted == T0 + 3 * DAY
    assert table.next_wake() == NEVER


def test_definitions_take_over_before_the_first_instant_that_is_due() -> None:
    """After an outage timers wait for the events before them: so do those of both sets."""
    table = Table()
    before = [
        segment({"event": "a", "within": "2d"}),
        trigger({"segment": "s", "change": "exited"}),
    ]
    one = Open(table, compiled(*before))
    one.add(track("a", person="p"), track("a", T0 + 10 * DAY, person="q")).commit()
    after = [*before, segment({"event": "a", "within": "3d"}, "longer")]
    settled = settle(table, compiled(*after), 9).decision
    assert table.progress.adopted == T0 + 2 * DAY - 1
    then = Open(table, compiled(*after))
    then.batch.fire(T0 + 10 * DAY, 9)
    found = then.commit().decision
    changes = [*settled.segment_changes, *found.segment_changes]
    told = [(each.segment_id, each.at - T0) for each in changes if each.profile_id == "p"]
    assert told == [("longer", 2 * DAY - 1), ("s", 2 * DAY), ("longer", 3 * DAY)]
    assert [each.at for each in found.commands] == [T0 + 2 * DAY]


def test_new_people_need_no_settling() -> None:
    table, definitions = Table(), compiled(segment({"event": "a"}))
    Open(table, definitions).commit()
    assert table.progress.is_settled
    Open(table, definitions).add(track("a")).commit()
    assert (table.progress.is_settled, table.outdated) == (True, [])


def test_a_trait_that_holds_any_json_travels_through_the_table() -> None:
    value = {"a": [1, 2.5, "x", None, True, {"b": -(2**63)}]}
    table, definitions = Table(), compiled(trigger("a", set_trait("deep", value)))
    Open(table, definitions).add(track("a", at=iso(T0))).commit()
    assert profile(table).traits["deep"] == (value, T0)
