"""The ledger is waited for, asked in batches, and fenced by epochs."""

import asyncio
from pathlib import Path

import pytest

from processors.delivery.books import Fenced
from processors.metrics import Counter
from schemas.intents import End
from tests.deliveries import Scripted, run, world
from tests.stores import gate, intent


def test_ledger_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        found.ledger.failures = 5
        assert run(found.books.claim(intent())).state == "claimed"
        assert found.metrics.read(Counter.LEDGER_RETRIES) == 5
        assert 1 < sum(found.time.slept) < 10


def test_messages_that_come_together_are_one_question(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:

        async def many() -> None:
            names = [f"c-{one}" for one in range(50)]
            claimed = await asyncio.gather(*(found.books.claim(intent(one)) for one in names))
            gates = [gate(one.id, one.epoch) for one in claimed]
            await asyncio.gather(*map(found.books.dispatch, gates))
            await asyncio.gather(*map(found.books.release, gates[:10]))
            ends = [End(id=one.id, epoch=one.epoch, state="sent", detail="") for one in gates]
            await asyncio.gather(*map(found.books.conclude, ends))
            await asyncio.gather(*map(found.books.tell, names))

        run(many())
        assert set(found.states().values()) == {"sent"}
        assert run(found.ledger.expire(found.time.now + 1, most=100)) == 50


def test_partitions_that_come_bring_the_next_epoch(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        first = run(found.books.claim(intent("c-1"))).epoch
        found.books.renew()
        assert run(found.books.claim(intent("c-2"))).epoch == first + 1


def test_message_of_a_later_epoch_is_left_alone(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        late, books = found.another_process(), found.books
        mine = run(books.claim(intent()))
        run(late.claim(intent()))
        for ask in (
            books.claim(intent()),
            books.dispatch(gate(epoch=mine.epoch)),
            books.conclude(End(id="c-1", epoch=mine.epoch, state="sent", detail="")),
        ):
            with pytest.raises(Fenced):
                run(ask)
        assert found.states() == {"c-1": "claimed"}


def test_partitions_that_come_while_an_epoch_is_taken_bring_another(tmp_path: Path) -> None:
    with world(tmp_path, Scripted()) as found:
        books, take = found.books, found.ledger.epoch

        async def slow() -> int:
            taken = await take()
            if taken == 1:
                books.renew()
            return taken

        found.ledger.epoch = slow  # type: ignore[method-assign]
        assert run(books.claim(intent())).epoch == 2
