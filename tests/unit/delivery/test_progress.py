"""What may be committed: nothing that lies behind what is not finished."""

from hypothesis import given
from hypothesis import strategies as st

from processors.delivery.progress import Partitions, Progress


def owned(*partitions: int) -> Partitions:
    found = Partitions()
    found.come(partitions)
    return found


def test_nothing_came_and_nothing_is_committed() -> None:
    assert Progress().position is None
    assert owned(0).due() == {}


@given(st.lists(st.integers(1, 3), max_size=20), st.randoms(use_true_random=False))
def test_position_is_the_first_that_is_open_whatever_the_order(
    steps: list[int], chance: object
) -> None:
    progress, offsets, offset = Progress(), [], -1
    for step in steps:
        offset += step
        offsets.append(offset)
        progress.take(offset)
    left = list(offsets)
    chance.shuffle(left)  # type: ignore[attr-defined]
    while left:
        assert progress.position == min(left)
        progress.finish(left.pop())
    assert progress.position == (offset + 1 if offsets else None)


def test_partition_that_comes_again_is_another() -> None:
    partitions = owned(0)
    before = partitions.now(0)
    assert before is partitions.now(0)
    partitions.leave([0])
    assert partitions.now(0) is None
    partitions.come([0])
    assert partitions.now(0) not in (None, before)


def test_what_is_about_to_leave_does_not_count_any_more() -> None:
    partitions = owned(0, 1, 2)
    assert len(partitions) == 3
    partitions.shut([1, 7])
    assert len(partitions) == 2
    partitions.leave([1, 7])
    partitions.come([7])
    assert len(partitions) == 3


def test_what_moved_is_due_once() -> None:
    partitions = owned(0, 1)
    assert [partitions.take(0, 5), partitions.take(1, 7), partitions.take(2, 1)] == [
        True,
        True,
        False,
    ]
    partitions.finish(0, 5)
    assert partitions.due() == {0: 6, 1: 7}
    assert partitions.due() == {}
    partitions.finish(1, 7)
    assert partitions.due() == {1: 8}


def test_end_that_is_reached_counts_where_nothing_is_open() -> None:
    partitions = owned(0)
    partitions.reach({0: 9, 3: 4})
    assert partitions.due() == {0: 9}
    partitions.take(0, 12)
    partitions.reach({0: 13})
    assert partitions.due() == {0: 12}


def test_partition_that_is_about_to_leave_takes_nothing_more_and_finishes_what_it_has() -> None:
    partitions = owned(0, 1)
    partitions.take(0, 1)
    partitions.shut([0])
    assert not partitions.take(0, 2)
    assert partitions.take(1, 2)
    partitions.finish(0, 1)
    assert partitions.leave([0]) == {0: 2}
    assert partitions.now(0) is None
    partitions.finish(0, 1)  # is nobody's any more, and harms nobody
    partitions.come([0])
    assert partitions.take(0, 2)
    assert partitions.leave([0, 1, 5]) == {0: 2, 1: 2}
