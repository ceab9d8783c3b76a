"""Work side by side, in order for each key."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.agents.lanes import Lanes


class Gates:
    """Pieces of work that end when they are told to."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self._open: dict[str, asyncio.Event] = {}

    def work(self, name: str) -> Callable[[], Awaitable[None]]:
        gate = self._open[name] = asyncio.Event()

        async def run() -> None:
            self.started.append(name)
            await gate.wait()
            self.ended.append(name)

        return run

    async def open(self, *names: str) -> None:
        for name in names:
            self._open[name].set()
        await turns()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def broken() -> None:
    raise ZeroDivisionError


def test_work_of_different_keys_runs_side_by_side() -> None:
    async def run() -> None:
        lanes, gates = Lanes(2, print), Gates()
        await lanes.put(b"ada", gates.work("1"))
        await lanes.put(b"bob", gates.work("2"))
        await turns()
        assert gates.started == ["1", "2"]
        assert len(lanes) == 2
        await gates.open("1", "2")
        assert len(lanes) == 0

    asyncio.run(run())


def test_work_of_one_key_runs_in_its_order() -> None:
    async def run() -> None:
        lanes, gates = Lanes(3, print), Gates()
        for name in ("1", "2", "3"):
            await lanes.put(b"ada", gates.work(name))
        await gates.open("3", "2")
        assert gates.started == ["1"]
        await gates.open("1")
        assert gates.ended == ["1", "2", "3"]

    asyncio.run(run())


def test_nothing_more_is_taken_while_no_place_is_free() -> None:
    async def run() -> None:
        lanes, gates = Lanes(1, print), Gates()
        await lanes.put(b"ada", gates.work("1"))
        third = asyncio.ensure_future(lanes.put(b"bob", gates.work("2")))
        await turns()
        assert not third.done()
        await gates.open("1")
        assert third.done()
        await gates.open("2")

    asyncio.run(run())


def test_error_is_told_and_what_follows_it_for_the_key_does_not_run() -> None:
    async def run() -> None:
        errors: list[BaseException] = []
        lanes, gates = Lanes(4, errors.append), Gates()
        await lanes.put(b"ada", broken)
        await lanes.put(b"ada", gates.work("2"))
        await turns()
        await lanes.put(b"ada", gates.work("3"))
        await lanes.put(b"bob", gates.work("4"))
        await gates.open("2", "3", "4")
        assert [type(one) for one in errors] == [ZeroDivisionError]
        assert gates.started == ["4"]

    asyncio.run(run())


def test_drain_waits_for_what_was_taken_up_to_its_bound() -> None:
    async def run() -> None:
        lanes, gates = Lanes(4, print), Gates()
        assert await lanes.drain(0)
        await lanes.put(b"ada", gates.work("1"))
        assert not await lanes.drain(1)
        await gates.open("1")
        assert await lanes.drain(1)

    asyncio.run(run())


def test_close_gives_up_what_is_late() -> None:
    async def run() -> None:
        lanes, gates = Lanes(4, print), Gates()
        await lanes.put(b"ada", gates.work("1"))
        await lanes.put(b"ada", gates.work("2"))
        assert not await lanes.close(1)
        assert gates.started == ["1"]
        assert gates.ended == []
        assert len(lanes) == 0

    asyncio.run(run())


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 5))
def test_any_order_of_keys_is_kept_for_each(keys: list[str], places: int) -> None:
    async def run() -> None:
        done: list[tuple[str, int]] = []
        most = 0
        lanes = Lanes(places, print)
        for number, key in enumerate(keys):

            async def work(key: str = key, number: int = number) -> None:
                nonlocal most
                most = max(most, len(lanes))
                for _ in range(number % 3):
                    await asyncio.sleep(0)
                done.append((key, number))

            await lanes.put(key.encode(), work)
        assert await lanes.close(1_000)
        assert most <= places
        assert sorted(number for _, number in done) == list(range(len(keys)))
        for one in set(keys):
            mine = [number for key, number in done if key == one]
            assert mine == sorted(mine)

    asyncio.run(run())


def test_finished_work_leaves_nothing_behind() -> None:
    async def run() -> None:
        lanes, gates = Lanes(4, print), Gates()
        watched = weakref.WeakSet[Callable[[], Awaitable[None]]]()

        async def put(key: bytes, name: str) -> None:
            work = gates.work(name)
            watched.add(work)
            await lanes.put(key, work)

        await put(b"ada", "1")
        await put(b"bob", "2")
        assert len(watched) == 2
        await gates.open("1", "2")
        gc.collect()
        assert not watched

    asyncio.run(run())


class Hosting:
    """An app, as far as lanes know it."""

    def __init__(self) -> None:
        self.unfinished: list[Callable[[], Awaitable[object]]] = []
        self.crashes: list[BaseException] = []

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)


def test_app_waits_for_its_lanes_and_crashes_where_work_raises() -> None:
    async def run() -> None:
        app: Any = Hosting()
        lanes, gates = Lanes.of(app, 4, grace_ms=1), Gates()
        await lanes.put(b"ada", gates.work("1"))
        assert [await one() for one in app.unfinished] == [False]
        await gates.open("1")
        assert [await one() for one in app.unfinished] == [True]
        await lanes.put(b"bob", broken)
        await turns()
        assert [type(one) for one in app.crashes] == [ZeroDivisionError]

    asyncio.run(run())
