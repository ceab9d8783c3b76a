"""Swings: what a score was lately."""

from processors.state import swings
from processors.state.swings import MAX_SWINGS, Swings


def test_what_stood_before_the_first_change_after_an_instant_stood_then() -> None:
    kept: Swings = [(10, 0), (20, 5), (30, 7)]
    found = [swings.stood(kept, at_ms, 9) for at_ms in (9, 10, 19, 20, 29, 30)]
    assert found == [0, 5, 5, 7, 7, 9]


def test_changes_outside_of_the_window_are_forgotten() -> None:
    kept: Swings = [(10, 0), (20, 5), (30, 7)]
    swings.remember(kept, 40, 9, 20)
    assert kept == [(30, 7), (40, 9)]


def test_of_one_instant_the_first_value_stays() -> None:
    kept: Swings = []
    for old in (1, 2, 3):
        swings.remember(kept, 10, old, 5)
    assert kept == [(10, 1)]


def test_so_many_changes_are_kept_at_most() -> None:
    kept: Swings = []
    for at_ms in range(MAX_SWINGS + 5):
        swings.remember(kept, at_ms, at_ms, 1 << 40)
    assert (len(kept), kept[0]) == (MAX_SWINGS, (5, 5))
