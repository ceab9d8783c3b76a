"""The senders' database as the callbacks' server needs it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import select

from connectors.stores import tables
from connectors.stores.engines import Away, Database
from connectors.stores.postings import CHUNK, RETENTION_MS, Postings
from schemas.consents import ConsentRecord, SuppressionRecord
from schemas.messages import Report
from schemas.postings import Posting, Row
from tests import sites
from tests.builders import T0

Found = TypeVar("Found")


def asked(folder: Path, use: Callable[[Database, Postings], Awaitable[Found]]) -> Found:
    database = sites.opened(folder)
    try:
        return asyncio.run(use(database, Postings(database)))  # type: ignore[arg-type]
    finally:
        database.close()


async def rows(database: Database, table: Any) -> list[dict[str, Any]]:
    return await database.run(
        lambda connection: [dict(row._mapping) for row in connection.execute(select(table))]
    )


async def put(database: Database, table: Any, *given: dict[str, Any]) -> None:
    await database.run(lambda connection: connection.execute(table.insert(), list(given)))


def report(**fields: Any) -> Report:
    given: dict[str, Any] = {"id": "r", "provider": "smtp", "result": "delivered", "at": T0}
    return Report(**given | fields)


def row(id: str) -> Row:
    return Row(id=id, topic="events", key="ada", value="{}")


def suppression(at: int = T0, **fields: Any) -> SuppressionRecord:
    given: dict[str, Any] = {
        "profile_id": "ada",
        "channel": "email",
        "reason": "complaint",
        "at": at,
    }
    return SuppressionRecord(**given | fields)


def denial(topic: str = "news", at: int = T0) -> ConsentRecord:
    return ConsentRecord(profile_id="ada", channel="email", topic=topic, state="denied", at=at)


def test_message_is_found_by_its_id_or_by_that_of_the_provider(tmp_path: Path) -> None:
    async def use(database: Database, store: Postings) -> list[str | None]:
        await put(
            database,
            tables.LEDGER,
            sites.ledger_row("c-1", provider_id="x"),
            sites.ledger_row("c-2", provider_id="x", provider="ses"),
            sites.ledger_row("m-3", provider_id="y", part_of="c-3"),
        )
        found = await store.find(
            [
                report(command_id="c-1"),
                report(provider_id="x"),
                report(provider_id="x", provider="ses"),
                report(provider_id="y"),
                report(command_id="gone", provider_id="x"),
                report(command_id="gone"),
                report(provider_id="gone"),
                report(),
            ]
        )
        return [None if one is None else one.command_id for one in found]

    found = asked(tmp_path, use)
    assert found == ["c-1", "c-1", "c-2", "c-3", "c-1", None, None, None]


def test_what_is_found_is_what_the_ledger_says(tmp_path: Path) -> None:
    async def use(database: Database, store: Postings) -> Any:
        await put(database, tables.LEDGER, sites.ledger_row("m-3", part_of="c-3", attempts=4))
        [found] = await store.find([report(command_id="m-3")])
        return found

    found = asked(tmp_path, use)
    assert (found.message_id, found.command_id, found.attempts) == ("m-3", "c-3", 4)
    assert (found.profile_id, found.channel, found.provider) == ("ada", "email", "smtp")


def test_many_are_found_at_once(tmp_path: Path) -> None:
    ids = [f"c-{number}" for number in range(2 * CHUNK + 1)]

    async def use(database: Database, store: Postings) -> int:
        await put(database, tables.LEDGER, *(sites.ledger_row(each) for each in ids))
        found = await store.find([report(command_id=each) for each in ids])
        theirs = await store.find([report(provider_id=f"{each}@mail") for each in ids])
        return sum(one is not None for one in [*found, *theirs])

    assert asked(tmp_path, use) == 2 * len(ids)


def test_posting_is_taken_once(tmp_path: Path) -> None:
    one = Posting(source="ses", id="r-1", rows=(row("e-1"), row("e-2")))
    other = Posting(source="smtp", id="r-1", rows=(row("e-3"),))

    async def use(database: Database, store: Postings) -> tuple[list[list[Posting]], int]:
        taken = [
            await store.post([one, other, one], now_ms=T0),
            await store.post([one], now_ms=T0 + 1),
            await store.post([], now_ms=T0),
        ]
        return taken, len(await rows(database, tables.OUTBOX))

    assert asked(tmp_path, use) == ([[one, other], [], []], 3)


def test_posting_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    posting = Posting(
        source="ses",
        id="r-1",
        rows=(row("e-1"),),
        suppressions=(suppression(),),
        denials=(denial(),),
    )

    async def use(database: Database, store: Postings) -> list[int]:
        await database.run(lambda connection: connection.exec_driver_sql("drop table outbox"))
        with pytest.raises(Away):
            await store.post([posting], now_ms=T0)
        return [
            len(await rows(database, table))
            for table in (tables.REPORTS, tables.SUPPRESSIONS, tables.CONSENTS)
        ]

    assert asked(tmp_path, use) == [0, 0, 0]


def test_repeat_does_not_bring_back_what_was_lifted(tmp_path: Path) -> None:
    posting = Posting(source="ses", id="r-1", suppressions=(suppression(),))

    async def use(database: Database, store: Postings) -> int:
        await store.post([posting], now_ms=T0)
        await database.run(
            lambda connection: connection.execute(tables.SUPPRESSIONS.update().values(lifted=True))
        )
        await store.post([posting], now_ms=T0 + 9)
        return len((await store.standing("ada")).suppressions)

    assert asked(tmp_path, use) == 0


def test_later_word_wins_whatever_the_order(tmp_path: Path) -> None:
    postings = [
        Posting(source="s", id="2", suppressions=(suppression(2),), denials=(denial(at=2),)),
        Posting(
            source="s",
            id="1",
            suppressions=(suppression(1, reason="unsubscribe"),),
            denials=(denial(at=1),),
        ),
    ]

    async def use(database: Database, store: Postings) -> list[Any]:
        for one in postings:
            await store.post([one], now_ms=T0)
        await store.post(
            [
                Posting(source="s", id="3", suppressions=(suppression(4),)),
                Posting(source="s", id="4", suppressions=(suppression(3, reason="manual"),)),
            ],
            now_ms=T0,
        )
        standing = await store.standing("ada")
        return [
            [(one.reason, one.at) for one in standing.suppressions],
            [(one.topic, one.at) for one in standing.consents],
        ]

    assert asked(tmp_path, use) == [[("complaint", 4)], [("news", 2)]]


@pytest.mark.parametrize(
    ("posting", "dropped"),
    [
        (Posting(source="s", id="1", suppressions=(suppression(),)), {"news", "tips", "receipt"}),
        (
            Posting(source="s", id="1", suppressions=(suppression(channel="*"),)),
            {"news", "tips", "receipt", "sms"},
        ),
        (Posting(source="s", id="1", denials=(denial(),)), {"news"}),
        (Posting(source="s", id="1", denials=(denial("*"),)), {"news", "tips"}),
    ],
    ids=["channel", "all", "topic", "all topics"],
)
def test_what_was_claimed_for_the_person_is_dropped(
    tmp_path: Path, posting: Posting, dropped: set[str]
) -> None:
    async def use(database: Database, store: Postings) -> set[str]:
        claimed = {"state": "claimed", "provider": None, "provider_id": None}
        await put(
            database,
            tables.LEDGER,
            sites.ledger_row("news", **claimed),
            sites.ledger_row("tips", topic="tips", **claimed),
            sites.ledger_row("receipt", transactional=True, **claimed),
            sites.ledger_row("sms", channel="sms", **claimed),
            sites.ledger_row("bob", profile_id="bob", **claimed),
        )
        await put(database, tables.LEDGER, sites.ledger_row("going", state="dispatching"))
        await store.post([posting], now_ms=T0)
        return {
            one["command_id"]
            for one in await rows(database, tables.LEDGER)
            if one["state"] == "dropped"
        }

    assert asked(tmp_path, use) == dropped


def test_waiting_records_are_counted_with_their_age(tmp_path: Path) -> None:
    async def use(_: Database, store: Postings) -> list[tuple[int, int | None]]:
        before = await store.waiting()
        await store.post([Posting(source="s", id="1", rows=(row("a"),))], now_ms=5)
        await store.post([Posting(source="s", id="2", rows=(row("b"),))], now_ms=6)
        return [before, await store.waiting()]

    assert asked(tmp_path, use) == [(0, None), (2, 5)]


def test_old_reports_are_forgotten(tmp_path: Path) -> None:
    async def use(database: Database, store: Postings) -> tuple[int, list[str]]:
        for at in (T0, T0 + 1):
            await store.post([Posting(source="s", id=str(at))], now_ms=at)
        gone = await store.forget(now_ms=T0 + 1 + RETENTION_MS)
        return gone, [one["id"] for one in await rows(database, tables.REPORTS)]

    assert asked(tmp_path, use) == (1, [str(T0 + 1)])
