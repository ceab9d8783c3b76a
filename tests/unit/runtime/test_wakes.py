"""The index of timers: who wakes when, whatever the hours in which they wait."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.runtime import wakes
from processors.runtime.wakes import BUCKET_MS, Wakes, wake_of
from processors.state.profiles import NEVER
from tests.properties import budget

EDGES = [0, 1, BUCKET_MS - 1, BUCKET_MS, BUCKET_MS + 1, 3 * BUCKET_MS, 50 * BUCKET_MS]


class Sleepers:
    """An index beside the profiles that it is of, as a table has them."""

    def __init__(self, *waking: tuple[str, int]) -> None:
        self.profiles: dict[str, bytes] = {}
        self.wakes = Wakes(self.profiles)
        for profile_id, wake in waking:
            self.put(profile_id, wake)

    def put(self, profile_id: str, wake: int) -> None:
        self.profiles[profile_id] = wake.to_bytes(8, "big") + b"profile"
        if wake < NEVER:
            self.wakes.add(profile_id, wake)


def test_those_of_all_hours_come_in_their_order() -> None:
    found = Sleepers(*((f"p{wake}", wake) for wake in reversed(EDGES)))

    assert found.wakes.take(NEVER - 1, 100) == [f"p{wake}" for wake in EDGES]
    assert len(found.wakes) == 0
    assert found.wakes.next() == NEVER


@pytest.mark.parametrize("wake", EDGES)
def test_an_instant_is_exact_whatever_its_place_in_the_hour(wake: int) -> None:
    found = Sleepers(("p", wake), ("later", 60 * BUCKET_MS))

    assert found.wakes.next() == wake
    assert found.wakes.take(wake - 1, 10) == []
    assert (found.wakes.due(wake - 1), found.wakes.due(wake)) == (0, 1)
    assert found.wakes.take(wake, 10) == ["p"]
    assert found.wakes.next() == 60 * BUCKET_MS


def test_who_comes_to_the_hour_at_hand_is_not_forgotten() -> None:
    found = Sleepers(("p", BUCKET_MS + 5))
    assert found.wakes.take(BUCKET_MS + 5, 10) == ["p"]

    found.put("q", BUCKET_MS + 9)
    found.put("r", BUCKET_MS + 7)

    assert [found.wakes.due(BUCKET_MS + at) for at in (6, 7, 8, 9)] == [0, 1, 1, 2]
    assert found.wakes.next() == BUCKET_MS + 7
    assert found.wakes.take(BUCKET_MS + 9, 10) == ["r", "q"]


@pytest.mark.parametrize("wakes", [(20, 10), (10, 10), (10, 20, 10)])
def test_who_was_moved_within_an_hour_wakes_once(wakes: Sequence[int]) -> None:
    found = Sleepers(*(("p", wake) for wake in wakes))

    assert found.wakes.next() == 10
    assert len(found.wakes) == len(wakes)
    assert found.wakes.take(100, 10) == ["p"]


def test_who_is_gone_or_was_moved_away_does_not_wake() -> None:
    found = Sleepers(("gone", 20), ("moved", 20), ("kept", 30))
    del found.profiles["gone"]
    found.put("moved", 2 * BUCKET_MS)

    assert found.wakes.take(100, 10) == ["kept"]


def test_an_hour_of_many_comes_part_by_part_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakes, "PART", 10)
    found = Sleepers(*((f"p{number}", BUCKET_MS + 97 * number % 50) for number in range(35)))

    assert [found.wakes.take(NEVER - 1, 5) for _ in range(3)] == [[], [], []]
    found.put("late", BUCKET_MS)
    assert (found.wakes.next(), len(found.wakes)) == (BUCKET_MS, 36)
    assert found.wakes.due(BUCKET_MS + 24) == 1 + sum(97 * each % 50 <= 24 for each in range(35))
    taken: list[str] = []
    while len(found.wakes):
        taken += found.wakes.take(NEVER - 1, 5)
    assert len(taken) == 36
    times = [wake_of(found.profiles[each]) for each in taken]
    assert times == sorted(times)


def test_who_comes_before_an_hour_that_is_coming_wakes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakes, "PART", 1)
    found = Sleepers(("q", 9 * BUCKET_MS), ("r", 9 * BUCKET_MS + 1))
    assert found.wakes.take(NEVER - 1, 5) == []

    found.put("p", 5 * BUCKET_MS)

    assert found.wakes.next() == 5 * BUCKET_MS
    assert found.wakes.take(NEVER - 1, 5) == ["p", "q", "r"]


def test_no_more_due_timers_are_counted_than_anybody_wants_to_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakes, "MAX_COUNTED", 5)
    found = Sleepers(*((f"p{number}", number * BUCKET_MS) for number in range(50)))

    assert 5 < found.wakes.due(NEVER - 1) < 50
    assert found.wakes.due(3 * BUCKET_MS) == 4
    assert len(found.wakes) == 50
    assert found.wakes.take(0, 5) == ["p0"]
    for number in range(50):
        found.put(f"late{number}", 2)
    assert 5 < found.wakes.due(2) < 20


instants = st.sampled_from([*EDGES, BUCKET_MS // 2, NEVER])
people = st.sampled_from(["p", "q", "r", "ß", "zwölf"])


@budget(200)
@given(st.lists(st.tuples(people, instants, instants, st.integers(0, 3)), max_size=25))
def test_everybody_wakes_at_the_time_that_their_bytes_tell(
    moves: Sequence[tuple[str, int, int, int]],
) -> None:
    found = Sleepers()
    for profile_id, wake, until_ms, limit in moves:
        found.put(profile_id, wake)
        taken = found.wakes.take(min(until_ms, NEVER - 1), limit)
        waking = [wake_of(found.profiles[each]) for each in taken]
        assert waking == sorted(waking)
        assert all(wake <= until_ms for wake in waking)
        for each in taken:
            found.put(each, NEVER)
    waiting = {each for each, value in found.profiles.items() if wake_of(value) < NEVER}
    assert set(found.wakes.take(NEVER - 1, 100)) == waiting
