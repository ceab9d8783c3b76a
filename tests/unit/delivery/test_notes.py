"""Opens and clicks on their way to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.stores.postings import Postings
from processors.delivery import notes
from processors.delivery.notes import HOLD_MS, Notebook
from processors.metrics import Counter, Metrics
from schemas.messages import Report
from schemas.outcomes import Result
from schemas.postings import OWN, Sent
from tests import sites
from tests.builders import T0
from tests.sites import Site

SENT = Sent(command_id="c-1", message_id="c-1", profile_id="ada", channel="email")


def report(at: int, url: str | None = None, *, machine: bool = False, id: str = "") -> Report:
    result: Result = "opened" if url is None else "clicked"
    return Report(
        id=id or f"{result} {url} {at}",
        provider=OWN,
        result=result,
        at=at,
        command_id="c-1",
        url=url,
        machine=machine,
    )


def told(folder: Path, *reports: Report, flushes: tuple[int | None, ...] = (None,)) -> list[Any]:
    """Returns url and machine of what was told, in its order."""

    async def use(site: Site) -> list[Any]:
        await site.sent()
        site.clock.now = max(one.at for one in reports)
        for one in reports:
            site.notebook.take(one, SENT)
        for each in flushes:
            await site.notebook.flush(each)
        events = sorted(await site.events(), key=lambda one: one["timestamp"])
        return [
            (one["properties"].get("url"), one["properties"].get("machine", False))
            for one in events
        ]

    return sites.run(folder, use)


def test_people_are_no_machines(tmp_path: Path) -> None:
    found = told(tmp_path, report(T0), report(T0 + 5_000, "a"), report(T0 + 9_000, "b"))
    assert found == [(None, False), ("a", False), ("b", False)]


def test_several_links_at_once_are_followed_by_a_machine(tmp_path: Path) -> None:
    found = told(tmp_path, report(T0, "a"), report(T0 + 1_500, "b"), report(T0 + 9_000, "c"))
    assert found == [("a", True), ("b", True), ("c", False)]


def test_one_link_twice_is_no_burst(tmp_path: Path) -> None:
    assert told(tmp_path, report(T0, "a"), report(T0 + 500, "a")) == [("a", False), ("a", False)]


def test_burst_is_seen_across_what_is_written_apart(tmp_path: Path) -> None:
    parts = (report(T0, "a"), report(T0 + 1_500, "b"))
    assert told(tmp_path, *parts, flushes=(T0, T0 + 1_500)) == [("a", True), ("b", True)]


def test_nobody_opens_within_a_second_of_the_sending(tmp_path: Path) -> None:
    sent_at = T0 - 3_600_000
    found = told(tmp_path, report(sent_at + 999), report(sent_at + 1_000))
    assert found == [(None, True), (None, False)]


def test_repeat_is_told_once(tmp_path: Path) -> None:
    again = report(T0, "a", id="same")
    assert told(tmp_path, again, again, flushes=(None, None)) == [("a", False)]


def test_notes_wait_for_others_of_their_message(tmp_path: Path) -> None:
    assert told(tmp_path, report(T0, "a"), flushes=(T0 - 1,)) == []


def test_database_away_keeps_the_notes(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[int, int, list[Any]]:
        site.notebook.take(report(T0), SENT)
        await site.database.run(
            lambda connection: connection.exec_driver_sql("alter table reports rename to gone")
        )
        await site.notebook.flush(None)
        waiting = len(site.notebook)
        await site.database.run(
            lambda connection: connection.exec_driver_sql("alter table gone rename to reports")
        )
        await site.notebook.flush(None)
        return waiting, len(site.notebook), await site.events()

    waiting, left, events = sites.run(tmp_path, use)
    assert (waiting, left, len(events)) == (1, 0, 1)


def test_notes_are_bounded_and_those_lost_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MAX_NOTES", 2)

    async def use(site: Site) -> tuple[int, float]:
        for at in range(5):
            site.notebook.take(report(T0 + at), SENT)
        return len(site.notebook), site.metrics.read(Counter.NOTES_LOST)

    assert sites.run(tmp_path, use) == (2, 3)


def test_end_writes_all_that_is_left(tmp_path: Path) -> None:
    database = sites.opened(tmp_path)
    store, metrics = Postings(database), Metrics()

    async def work() -> int:
        book = Notebook(store, now_ms=lambda: T0 + HOLD_MS // 2, metrics=metrics)
        stop = asyncio.Event()
        running = asyncio.ensure_future(book.run(stop))
        book.take(report(T0), SENT)
        await asyncio.sleep(0)
        stop.set()
        await running
        return len(book)

    assert asyncio.run(work()) == 0
    assert metrics.read(Counter.TRACKED, "opened", "no") == 1
    database.close()


def test_notes_are_written_as_their_time_comes(tmp_path: Path) -> None:
    database = sites.opened(tmp_path)
    store, metrics = Postings(database), Metrics()

    async def work(wait: Callable[[], Awaitable[None]]) -> None:
        book = Notebook(store, now_ms=lambda: T0 + 1_000, metrics=metrics, hold_ms=40)
        stop = asyncio.Event()
        running = asyncio.ensure_future(book.run(stop))
        book.take(report(T0), SENT)
        async with asyncio.timeout(10):
            while len(book):
                await wait()
        stop.set()
        await running

    asyncio.run(work(lambda: asyncio.sleep(0.01)))
    assert metrics.read(Counter.TRACKED, "opened", "no") == 1
    database.close()
