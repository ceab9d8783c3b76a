"""Points for a time: which end when, and how many lots there are at most."""

from processors.state import adjustments
from processors.state.adjustments import MAX_ADJUSTMENTS, Adjustments


def test_lots_stand_by_their_ends() -> None:
    kept: Adjustments = []
    assert [adjustments.add(kept, at_ms, at_ms + 1) for at_ms in (20, 30, 10)] == [0, 0, 0]
    assert kept == [(10, 11), (20, 21), (30, 31)]


def test_a_lot_ends_at_its_instant_and_not_before() -> None:
    kept: Adjustments = [(10, 5), (20, 7)]
    assert (adjustments.expire(kept, 9), kept) == ([], [(10, 5), (20, 7)])
    assert (adjustments.expire(kept, 10), kept) == ([5], [(20, 7)])
    assert (adjustments.expire(kept, 30), kept) == ([7], [])


def test_for_one_too_many_the_lot_that_ends_first_ends() -> None:
    kept: Adjustments = [(100 + place, place) for place in range(MAX_ADJUSTMENTS)]
    assert adjustments.add(kept, 500, 9) == 0
    assert adjustments.add(kept, 501, 9) == 1
    assert adjustments.add(kept, 50, 3) == 3
    assert (len(kept), kept[0], kept[-1]) == (MAX_ADJUSTMENTS, (102, 2), (501, 9))
