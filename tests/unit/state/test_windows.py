"""Windows: the latest times, sorted, and which of them lie inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.state import windows
from tests.properties import budget

times = st.lists(st.integers(0, 30), max_size=12)


def kept(arrivals: list[int], capacity: int) -> list[int]:
    found: list[int] = []
    for at in arrivals:
        windows.insert(found, at, capacity)
    return found


@budget(100)
@given(times, st.integers(1, 5))
def test_the_latest_are_kept_whatever_the_order_of_arrival(
    arrivals: list[int], capacity: int
) -> None:
    assert kept(arrivals, capacity) == sorted(arrivals)[-capacity:]


@budget(100)
@given(times, st.integers(1, 5), st.integers(0, 30))
def test_insert_says_whether_a_place_changed(
    arrivals: list[int], capacity: int, at_ms: int
) -> None:
    before = kept(arrivals, capacity)
    after = list(before)
    assert windows.insert(after, at_ms, capacity) is (after != before)


def test_a_time_before_all_of_a_full_window_changes_nothing() -> None:
    full = [10, 20]
    assert not windows.insert(full, 9, 2)
    assert not windows.insert(full, 10, 2)
    assert full == [10, 20]


def test_a_time_before_all_goes_first_while_there_is_room() -> None:
    found = [10]
    assert windows.insert(found, 5, 2)
    assert found == [5, 10]


@budget(100)
@given(times, st.integers(-1, 31))
def test_count_is_of_those_after_the_instant(arrivals: list[int], after_ms: int) -> None:
    assert windows.count(sorted(arrivals), after_ms) == sum(at > after_ms for at in arrivals)


@budget(100)
@given(times, st.integers(-1, 31))
def test_expire_drops_what_count_leaves_out(arrivals: list[int], before_ms: int) -> None:
    found = sorted(arrivals)
    counted = windows.count(found, before_ms)
    windows.expire(found, before_ms)
    assert len(found) == counted
    assert all(at > before_ms for at in found)


@pytest.mark.parametrize(("after_ms", "expected"), [(9, 1), (10, 0), (11, 0)])
def test_a_time_is_out_at_the_very_instant(after_ms: int, expected: int) -> None:
    assert windows.count([10], after_ms) == expected
