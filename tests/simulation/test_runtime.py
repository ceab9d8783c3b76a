"""Batches, aborts, restarts and replays: none of them can be seen in what comes out."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from processors.runtime import replays
from processors.runtime.tables import WAKE_BYTES, Table
from processors.state import duplicates, profiles
from processors.state.profiles import Profile
from tests.builders import DAY, T0, Document, Json, compiled, encoded
from tests.logs import histories
from tests.properties import budget
from tests.simulation.results import STREAMS, of_engine, of_records, tables
from tests.simulation.workers import Worker, timers
from tests.worlds import definitions

END = T0 + 60 * DAY

steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["take", "abort"]), st.integers(0, 5)),
        st.tuples(st.sampled_from(["fire", "abort firing"]), st.integers(1, 2)),
        st.tuples(st.just("die"), st.just(0)),
    ),
    max_size=8,
)


def act(worker: Worker, what: str, size: int) -> None:
    if what == "die":
        worker.dies()
    elif what in ("take", "abort"):
        worker.take(size, is_aborted=what == "abort")
    else:
        high_water = worker.table.progress.high_water
        worker.fire(high_water, size, is_aborted=what == "abort firing")


def decoded(table: Table) -> dict[str, Profile]:
    return {
        profile_id: profiles.decode(profile_id, value[WAKE_BYTES:])
        for profile_id, value in table.profiles.items()
    }


def without_memory(table: Table) -> dict[str, dict[str, Any]]:
    """Returns all that is known of people, but for the ids of messages and their times."""
    found = {}
    for profile_id, profile in decoded(table).items():
        found[profile_id] = msgspec.structs.asdict(profile)
        del found[profile_id]["seen"], found[profile_id]["seen_at"]
    return found


def ids_known(table: Table) -> dict[str, bytes]:
    """Returns the ids of messages that can still matter."""
    found = {}
    for profile_id, profile in decoded(table).items():
        duplicates.forget(profile, table.progress.high_water // 1000)
        found[profile_id] = bytes(profile.seen)
    return found


@budget(60)
@given(definitions(), histories(), steps)
def test_batches_aborts_and_restarts_leave_no_trace(
    documents: list[Document], log: list[Json], how: list[tuple[str, int]]
) -> None:
    out, driver = of_engine(compiled(*documents), log, END)
    worker = Worker(documents, log)
    for what, size in how:
        act(worker, what, size)
    worker.end(END)
    found, expected = of_records(worker.out), of_records(out)
    for kind in STREAMS:
        assert found[kind] == expected[kind], kind
    assert tables(worker.out) == tables(out)
    assert without_memory(worker.table) == without_memory(driver.table)
    if not out.of("events"):
        assert ids_known(worker.table) == ids_known(driver.table)


@budget(60)
@given(definitions(), histories(), steps)
def test_changelog_gives_the_table_back_after_every_batch(
    documents: list[Document], log: list[Json], how: list[tuple[str, int]]
) -> None:
    worker = Worker(documents, log)
    for what, size in how:
        act(worker, what, size)
        table = worker.restored()
        assert table.profiles == worker.table.profiles
        assert table.progress == worker.table.progress
        assert timers(table) == timers(worker.table)
        assert table.outdated == worker.table.outdated


@budget(40)
@given(definitions(), histories())
def test_bytes_of_profiles_give_them_back(documents: list[Document], log: list[Json]) -> None:
    worker = Worker(documents, log)
    worker.end(END)
    for profile_id, value in worker.table.profiles.items():
        profile = profiles.decode(profile_id, value[WAKE_BYTES:])
        assert profiles.encode(profile) == value[WAKE_BYTES:]
        assert profile.due == min(profile.timers.values(), default=profiles.NEVER)


@budget(60)
@given(definitions(), definitions(), histories(), st.integers(0, 10), steps)
def test_it_does_not_matter_when_people_come_under_new_definitions(
    first: list[Document],
    second: list[Document],
    log: list[Json],
    place: int,
    how: list[tuple[str, int]],
) -> None:
    """All at once, or bit by bit between batches, aborts and restarts."""
    at_once, by_and_by = Worker(first, log), Worker(first, log)
    for worker in (at_once, by_and_by):
        worker.take(place)
        worker.fire_all(worker.table.progress.high_water)
        worker.compiled = compiled(*second)
    at_once.settle_all()
    for what, size in how:
        act(by_and_by, what, size)
        by_and_by.settle(size % 2, is_aborted=what.startswith("abort"))
    by_and_by.settle_all()
    for worker in (at_once, by_and_by):
        worker.end(END)
    found, expected = of_records(by_and_by.out), of_records(at_once.out)
    for kind in STREAMS:
        assert found[kind] == expected[kind], kind
    assert tables(by_and_by.out) == tables(at_once.out)
    assert without_memory(by_and_by.table) == without_memory(at_once.table)


def replay(documents: list[Document], lines: list[bytes], until_ms: int) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        replays.replay(compiled(*documents), lines, out, until_ms=until_ms)
        return {path.name: path.read_bytes() for path in out.iterdir()}


@budget(25)
@given(definitions(), histories())
def test_a_replay_gives_the_same_bytes_again(documents: list[Document], log: list[Json]) -> None:
    lines = [encoded(each) for each in log]
    once = replay(documents, lines, END)
    assert replay(documents[::-1], lines, END) == once
    assert len(once) == len(replays.STREAMS) + 4  # and scores, segments, consents, suppressions
