import pytest

from benchmarks import timers
from benchmarks.errors import BenchFailed
from benchmarks.timers import Waited

FOUND = Waited(
    waiting={"people": 2_000, "timers": 1_500, "used_s": 0.0003},
    table={"values": 1_200, "keys": 600, "dicts": 300},
    index={"rss": 170, "used_s": 0.000005},
    taken={"timers": 10, "used_s": 0.00001},
    fired={"commands": 10, "used_s": 0.0002},
)


def test_what_a_timer_adds_stands_beside_all_of_the_person() -> None:
    found = timers.report(10, FOUND)

    assert found.figures == {
        "timer_bytes": 150,
        "person_bytes": 350,
        "table_bytes": 227,
        "index_bytes": 17,
        "set_us": 0.5,
        "fire_us": 1,
        "enter_us": 30,
        "leave_us": 20,
    }
    assert len(found.rows) == 8


def test_a_timer_that_did_not_fire_is_told() -> None:
    with pytest.raises(BenchFailed, match="10 commands for 11 timers"):
        timers.report(11, FOUND)
