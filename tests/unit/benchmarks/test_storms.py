import pytest

from benchmarks import storms
from benchmarks.errors import BenchFailed
from benchmarks.storms import Options, Storm

FOUND = Storm(
    commands=1_000,
    seconds=50,
    cpu_s=0.07,
    rss_grown=1_000_000,
    waits_ms=[*map(float, range(1, 1_001))],
    before_ms=[*map(float, range(1, 101))],
)


def test_times_in_the_storm_stand_beside_those_before() -> None:
    found = storms.report(Options(people=1_000, rate=100, every=5), FOUND)

    assert found.figures == {
        "p50_ms": 500,
        "p99_ms": 990,
        "p100_ms": 1_000,
        "p99_before_ms": 99,
        "seconds": 50,
        "timers_per_s": 20,
        "us_a_timer": 70,
    }
    assert found.rows[0][-2:] == ("1,000", "1,000")


def test_a_timer_that_was_lost_is_told() -> None:
    with pytest.raises(BenchFailed, match="1,000 commands for 1,001 timers"):
        storms.report(Options(people=1_001, rate=100, every=5), FOUND)


def test_events_that_did_not_flow_are_told() -> None:
    with pytest.raises(BenchFailed, match=r"1,000 marked events left, not 5,000"):
        storms.report(Options(people=1_000, rate=2_000, every=20), FOUND)


def test_the_more_come_the_longer_they_wait() -> None:
    assert [Options(people=people).wait_s for people in (400, 1_000_000)] == [15, 181]
