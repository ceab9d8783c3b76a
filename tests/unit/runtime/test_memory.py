"""The driver in memory: batches and timers of one partition, in virtual time."""

from typing import Any

from processors.decisions.compiled import Compiled
from processors.runtime import batches, memory
from processors.runtime.batches import Policy
from processors.runtime.memory import Driver
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Partition,
    Recorder,
    compiled,
    emit,
    keyed,
    on,
    score,
    segment,
    track,
    trigger,
)

VISITED = segment({"event": "a", "within": "1h"})


def changes(partition: Partition) -> list[tuple[str, str, int]]:
    found: list[Any] = [value for _, value in partition.out.of("segment-changes")]
    return [(one.profile_id, one.change, one.at - T0) for one in found]


def test_feeding_writes_what_was_decided() -> None:
    partition = Partition(VISITED, score(on("a")))
    partition.feed(track("a"), track("a", person="q"))
    assert changes(partition) == [("p", "entered", 0), ("q", "entered", 0)]
    assert [key for key, _ in partition.out.of("scores")] == ["p/fit", "q/fit"]
    assert partition.driver.events == 2


def test_stream_time_is_moved_by_events_of_others() -> None:
    partition = Partition(VISITED)
    partition.feed(track("a"))
    partition.feed(track("other", T0 + HOUR - 1, person="q"))
    assert changes(partition) == [("p", "entered", 0)]
    partition.feed(track("other", T0 + HOUR, person="q"))
    assert changes(partition)[1:] == [("p", "exited", HOUR)]


def test_stream_time_is_moved_by_clock_records() -> None:
    partition = Partition(VISITED)
    partition.feed(track("a"))
    partition.driver.feed([(b"", batches.tick(T0 + HOUR))])
    assert changes(partition)[1:] == [("p", "exited", HOUR)]
    assert partition.driver.dead_letters == []


def test_time_can_be_moved_by_hand() -> None:
    partition = Partition(VISITED)
    partition.feed(track("a"))
    partition.driver.advance(T0 + HOUR - 1)
    assert len(changes(partition)) == 1
    partition.driver.advance(T0 + DAY)
    assert changes(partition)[1:] == [("p", "exited", HOUR)]
    assert partition.driver.table.progress.high_water == T0 + DAY


def test_time_never_turns_back() -> None:
    partition = Partition(VISITED)
    partition.feed(track("a"))
    partition.driver.advance(T0 - DAY)
    assert partition.driver.table.progress.high_water == T0


def test_wall_time_is_moved_by_hand_only() -> None:
    partition = Partition(VISITED, policy=Policy(clock="wall"))
    partition.feed(track("a"), log_ms=T0)
    partition.feed(track("other", T0 + DAY, person="q"), log_ms=T0 + DAY)
    assert len(changes(partition)) == 1
    partition.driver.fire(T0 + DAY)
    assert changes(partition)[1:] == [("p", "exited", HOUR)]


def test_timers_of_more_people_than_a_slice_all_fire() -> None:
    count = memory.SLICE + 5
    partition = Partition(VISITED)
    partition.feed(*(track("a", person=f"p{n}") for n in range(count)))
    partition.driver.advance(T0 + HOUR)
    assert len(changes(partition)) == 2 * count


def test_offsets_go_on_from_batch_to_batch() -> None:
    partition = Partition(VISITED)
    partition.each([track("a"), track("a", T0 + 1)])
    partition.driver.feed([(b"p", b"{")])
    assert partition.driver.table.progress.offset == 3
    assert [letter.record.offset for letter in partition.driver.dead_letters] == [2]


def test_dead_letters_have_the_place_of_what_was_fed_whatever_was_told() -> None:
    partition = Partition(trigger("a", emit("told")))
    partition.each([track("a"), track("a", T0 + 1)])
    partition.driver.feed([(b"p", b"{")])
    assert [letter.record.offset for letter in partition.driver.dead_letters] == [2]


def test_told_events_are_written_beside() -> None:
    partition = Partition(trigger("a", emit("told", n=1)))
    partition.feed(track("a"))
    ((key, event),) = partition.out.of("events")
    assert (key, event.event) == ("p", "told")


def test_definitions_that_are_activated_reach_everybody() -> None:
    count = memory.SLICE + 5
    partition = Partition(VISITED)
    partition.feed(*(track("a", person=f"p{n}") for n in range(count)))
    partition.driver.activate(compiled(segment({"event": "a", "within": "1h"}, "new")))
    assert len(changes(partition)) == 3 * count
    assert partition.driver.table.progress.is_settled
    partition.driver.advance(T0 + HOUR)
    assert len(changes(partition)) == 4 * count


def test_activating_before_anybody_came_changes_nothing() -> None:
    out = Recorder()
    definitions: Compiled = compiled(VISITED)
    driver = Driver(compiled(), out)
    driver.activate(definitions)
    driver.feed([keyed(track("a"))])
    assert len(out.of("segment-changes")) == 1


def test_an_empty_batch_is_a_batch() -> None:
    partition = Partition(VISITED)
    partition.feed()
    assert partition.out.records == []
