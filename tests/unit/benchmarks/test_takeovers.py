import pytest

from benchmarks import takeovers
from benchmarks.errors import BenchFailed
from benchmarks.takeovers import Options, Takeover
from processors.runtime.tables import Progress

FOUND = Takeover(
    profiles=1_000_000,
    entered=9,
    seconds=50,
    cpu_s=40,
    waits_ms=[*map(float, range(1, 1_001))],
    before_ms=[*map(float, range(1, 101))],
    slice_ms=31.0,
)


def test_times_meanwhile_stand_beside_those_before() -> None:
    found = takeovers.report(Options(rate=100, every=5), FOUND)

    assert found.figures == {
        "cpu_s": 40,
        "us_a_profile": 40,
        "seconds": 50,
        "p50_ms": 500,
        "p99_ms": 990,
        "p100_ms": 1_000,
        "p99_before_ms": 99,
        "slice_ms": 31,
    }
    assert found.rows[0][-3:] == ("31.0 (target 50)", "1,000,000", "9")
    assert any(note.startswith("slice_ms: ") for note in found.notes)


def test_events_that_did_not_flow_are_told() -> None:
    with pytest.raises(BenchFailed, match=r"1,000 marked events left, not 5,000"):
        takeovers.report(Options(rate=2_000, every=20), FOUND)


@pytest.mark.parametrize(
    ("definitions", "is_settled", "expected"),
    [("new", True, True), ("new", False, False), ("old", True, False)],
)
def test_all_partitions_must_be_through(definitions: str, is_settled: bool, expected: bool) -> None:
    through = Progress(definitions="new")
    last = Progress(definitions=definitions, is_settled=is_settled)

    assert takeovers.is_through([through, through, last, through], {"old"}) is expected
    assert not takeovers.is_through([through, through, through], {"old"})


def test_as_many_people_as_asked_for_do_something() -> None:
    workload = Options(people=1_000_000).workload

    assert (workload.people, workload.events, workload.zipf) == (1_100_000, 2_640_000, 0.0)
