"""What the callbacks' server is promised by its database, on SQLite and on a real Postgres."""

import asyncio
import random
from collections import Counter

from sqlalchemy import select

from connectors.stores import tables
from connectors.stores.engines import Database
from connectors.stores.ledger import Ledger
from connectors.stores.postings import Postings
from schemas.consents import ConsentRecord, SuppressionRecord
from schemas.messages import Report
from schemas.postings import Posting, Row
from tests import sites
from tests.builders import T0
from tests.stores import gate, intent

WRITERS = 6


def posting(number: int) -> Posting:
    person = f"p-{number % 7}"
    return Posting(
        source="ses",
        id=f"r-{number}",
        rows=(Row(id=f"e-{number}", topic="events", key=person, value="{}"),),
        suppressions=(
            SuppressionRecord(
                profile_id=person, channel="email", reason="complaint", at=T0 + number
            ),
        ),
        denials=(
            ConsentRecord(
                profile_id=person, channel="email", topic="news", state="denied", at=T0 + number
            ),
        ),
    )


def test_each_report_is_taken_once_however_many_bring_it_at_once(database: Database) -> None:
    store, dice = Postings(database), random.Random(7)
    postings = [posting(number) for number in range(300)]
    batches = [dice.sample(postings, 120) for _ in range(WRITERS * 4)]

    async def work() -> list[list[Posting]]:
        return await asyncio.gather(*(store.post(each, now_ms=T0) for each in batches))

    taken = Counter(one.id for batch in asyncio.run(work()) for one in batch)
    assert set(taken) == {one.id for batch in batches for one in batch}
    assert set(taken.values()) == {1}
    with database.engine.begin() as connection:
        held = set(connection.execute(select(tables.OUTBOX.c.id)).scalars())
        stops = connection.execute(select(tables.SUPPRESSIONS.c.profile_id)).scalars().all()
    assert held == {f"e-{each.removeprefix('r-')}" for each in taken}
    assert len(stops) == 7


def test_standing_is_that_of_the_latest_report(database: Database) -> None:
    store, dice = Postings(database), random.Random(3)
    numbers = list(range(0, 70, 7))
    dice.shuffle(numbers)

    async def work() -> tuple[int, int]:
        await asyncio.gather(*(store.post([posting(each)], now_ms=T0) for each in numbers))
        found = await store.standing("p-0")
        [stopped], [denied] = found.suppressions, found.consents
        return stopped.at, denied.at

    assert asyncio.run(work()) == (T0 + 63, T0 + 63)


def test_nothing_goes_to_the_person_once_the_answer_left(database: Database) -> None:
    store, ledger = Postings(database), Ledger(database, owner="one")
    ids = [f"c-{number}" for number in range(60)]

    async def work() -> tuple[set[str], set[str]]:
        epoch = await ledger.epoch()
        wanted = [intent(each, profile_id="p-0") for each in ids]
        await ledger.claim(wanted, epoch=epoch, at=T0)
        late: set[str] = set()
        went: set[str] = set()
        answered = False

        async def send(id_: str) -> None:
            was_answered = answered
            entries = await ledger.dispatch([gate(id_, epoch=epoch)], at=T0)
            if entries[id_].state == "dispatching":
                (late if was_answered else went).add(id_)

        async def withdraw() -> None:
            nonlocal answered
            await store.post([posting(0)], now_ms=T0)
            answered = True

        half = len(ids) // 2
        await asyncio.gather(*map(send, ids[:half]), withdraw(), *map(send, ids[half:-5]))
        await asyncio.gather(*map(send, ids[-5:]))
        return late, went

    late, went = asyncio.run(work())
    assert late == set()
    assert went.isdisjoint(ids[-5:])


def test_message_is_found_by_the_id_that_its_provider_gave(database: Database) -> None:
    store = Postings(database)
    with database.engine.begin() as connection:
        connection.execute(tables.LEDGER.insert(), [sites.ledger_row("c-1", provider="ses")])
    report = Report(id="r", provider="ses", result="delivered", at=T0, provider_id="c-1@mail")
    [found] = asyncio.run(store.find([report]))
    assert found is not None
    assert (found.command_id, found.profile_id) == ("c-1", "ada")


def test_old_reports_are_forgotten(database: Database) -> None:
    store = Postings(database)

    async def work() -> tuple[int, tuple[int, int | None]]:
        await store.post([posting(1)], now_ms=T0)
        gone = await store.forget(now_ms=T0 + 365 * 86_400_000)
        return gone, await store.waiting()

    assert asyncio.run(work()) == (1, (1, T0))
