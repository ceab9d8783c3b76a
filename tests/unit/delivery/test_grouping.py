"""Many ask alone, and are answered together."""

import asyncio
from collections.abc import Sequence

import pytest

from processors.delivery.grouping import Grouped


class Work:
    """Doubles numbers, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, given: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(given))
        await asyncio.sleep(0)
        if 13 in given:
            raise ValueError("13")
        return [2 * one for one in given]


def test_those_who_ask_together_are_one_batch_in_their_order() -> None:
    async def run() -> tuple[list[int], Work]:
        work = Work()
        grouped = Grouped(work, most=100)
        return list(await asyncio.gather(*map(grouped.ask, range(5)))), work

    found, work = asyncio.run(run())
    assert found == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2, 3, 4]]


def test_batches_are_bounded_and_come_one_after_the_other() -> None:
    async def run() -> Work:
        work = Work()
        grouped = Grouped(work, most=2)
        await asyncio.gather(*map(grouped.ask, range(5)))
        return work

    assert asyncio.run(run()).batches == [[0, 1], [2, 3], [4]]


def test_next_batch_begins_before_the_last_one_ends_where_that_is_allowed() -> None:
    async def run() -> tuple[list[int], int, int]:
        under_way = most = 0
        batches: list[int] = []

        async def work(given: Sequence[int]) -> Sequence[int]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            batches.extend(given)
            await asyncio.sleep(0.01)
            under_way -= 1
            return given

        grouped = Grouped(work, most=1, at_once=2)
        await asyncio.gather(*map(grouped.ask, range(6)))
        return batches, most, await grouped.ask(7)

    assert asyncio.run(run()) == ([0, 1, 2, 3, 4, 5, 7], 2, 7)


def test_failure_is_told_to_its_batch_only() -> None:
    async def run() -> list[object]:
        grouped = Grouped(Work(), most=2)
        asked = map(grouped.ask, (1, 13, 3, 4))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    first, second, *rest = asyncio.run(run())
    assert isinstance(first, ValueError)
    assert isinstance(second, ValueError)
    assert rest == [6, 8]


def test_who_gave_up_does_not_spoil_it_for_others() -> None:
    async def run() -> int:
        grouped = Grouped(Work(), most=10)
        gone, stays = (asyncio.ensure_future(grouped.ask(one)) for one in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(run()) == 4
