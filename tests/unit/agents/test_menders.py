"""A sender looks after held messages as long as it runs, and ends what it has begun."""

import asyncio
from typing import Any

from processors.agents import menders
from tests.unit.agents.hosts import Hosting


class Looking:
    """A `Mender` by shape, that does as it is told."""

    def __init__(self, *answers: int | OSError) -> None:
        self.answers = list(answers)
        self.counts = 0
        self.going = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def look(self) -> int:
        self.going.set()
        await self.free.wait()
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def count(self) -> None:
        self.counts += 1


def hosted(mender: Any, grace_ms: int = 5_000) -> Hosting:
    app: Any = Hosting()
    menders.host(app, mender, grace_ms=grace_ms, look_s=0)
    return app  # type: ignore[no-any-return]


def test_looks_again_at_once_while_there_is_more_and_after_the_database_was_away() -> None:
    async def live() -> None:
        mender = Looking(100, 3, OSError(), 2)
        app = hosted(mender)
        following = asyncio.ensure_future(app.tasks[0]())
        while mender.counts < 3:
            await asyncio.sleep(0)
        app.should_stop = True
        await following
        await app.ends[0]()
        assert mender.answers == []

    asyncio.run(asyncio.wait_for(live(), 30))


def test_what_is_under_way_when_the_app_stops_is_waited_for() -> None:
    async def live() -> None:
        mender = Looking()
        mender.free.clear()
        app = hosted(mender)
        following = asyncio.ensure_future(app.tasks[0]())
        await mender.going.wait()
        following.cancel()
        ending = asyncio.ensure_future(app.ends[0]())
        await asyncio.sleep(0)
        mender.free.set()
        await ending
        assert mender.counts == 1

    asyncio.run(asyncio.wait_for(live(), 30))


def test_what_takes_longer_than_the_grace_is_given_up() -> None:
    async def live() -> None:
        mender = Looking()
        mender.free.clear()
        app = hosted(mender, grace_ms=1)
        following = asyncio.ensure_future(app.tasks[0]())
        await mender.going.wait()
        await app.ends[0]()
        await asyncio.wait([following])
        assert (following.cancelled(), mender.counts) == (True, 0)

    asyncio.run(asyncio.wait_for(live(), 30))
