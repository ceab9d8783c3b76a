"""What the senders' database keeps of contents: held commands and mails to view, on both."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
import pytest
from sqlalchemy import select

from connectors.channels.inbox import Inbox
from connectors.channels.task import Tasks
from connectors.stores.engines import Database
from connectors.stores.held import HeldCommands
from connectors.stores.ledger import Ledger
from connectors.stores.standing import Standing
from connectors.stores.tables import INBOX, TASKS
from connectors.stores.views import Views
from schemas.commands import Command
from schemas.consents import SuppressionRecord
from schemas.intents import End, HeldCommand, Holding, Published, View
from schemas.messages import Message
from tests import stores
from tests.builders import command
from tests.stores import gate, intent

Found = TypeVar("Found")


def run(work: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(work)


LEFT = select(INBOX.c.profile_id).union_all(select(TASKS.c.profile_id))


def order(id: str = "c-1", template: str = "hello", **keys: Any) -> Command:
    said = {"id": id, "template": template, "channel": "email", "profile_id": "ada"} | keys
    return msgspec.structs.replace(command(at=1), **said)


def published(version: str = "v2", read: int = 6) -> Published:
    return Published(read=read, versions={"hello": version, "other": "o1"})


def view(message_id: str, **keys: Any) -> View:
    said: dict[str, Any] = {"profile_id": "ada", "html": "x", "until": 20}
    return View(message_id=message_id, **(said | keys))


class TestHeldCommands:
    @pytest.fixture
    def held(self, database: Database) -> HeldCommands:
        return HeldCommands(database)

    def keep(self, held: HeldCommands, *orders: Command, until: int = 100) -> None:
        for place, one in enumerate(orders):
            kept = HeldCommand(command=one, tried="v1", tried_at=5, held_at=place, until=until)
            run(held.keep(kept))

    def take(
        self,
        held: HeldCommands,
        version: str = "v2",
        *,
        read: int = 6,
        at: int = 10,
        most: int = 9,
    ) -> Sequence[str]:
        taken = run(
            held.take("email", published(version, read), at=at, busy_until=at + 10, most=most)
        )
        return [one.command.id for one in taken]

    def test_command_is_as_it_was(self, held: HeldCommands) -> None:
        one = order(traits={"name": "Jürgen\n'{{ x }}'"}, properties={"n": [1, None]})
        self.keep(held, one)
        [taken] = run(held.take("email", published(), at=1, busy_until=2, most=1))
        assert (taken.command, taken.tried, taken.until) == (one, "v2", 100)

    def test_those_under_another_version_are_taken_the_oldest_first(
        self, held: HeldCommands
    ) -> None:
        others = (order("c-3", "gone"), order("c-4", channel="sms"), order("c-5", "other"))
        self.keep(held, order("c-2"), order("c-1"), *others)
        run(
            held.keep(
                HeldCommand(
                    command=order("c-6", "other"), tried="o1", tried_at=0, held_at=0, until=99
                )
            )
        )
        assert self.take(held, "v1") == ["c-5"]
        assert self.take(held, most=1) == ["c-2"]
        assert self.take(held) == ["c-1"]

    def test_what_somebody_has_is_nobody_elses_until_they_are_late(
        self, held: HeldCommands
    ) -> None:
        self.keep(held, order())
        assert self.take(held, at=10) == ["c-1"]
        assert self.take(held, "v3", at=20) == []
        run(held.extend(["c-1"], busy_until=30))
        assert self.take(held, at=30) == []
        assert self.take(held, at=31) == ["c-1"]

    def test_what_was_put_back_waits_for_the_next_version(self, held: HeldCommands) -> None:
        self.keep(held, order())
        self.take(held)
        run(held.put_back(["c-1"]))
        run(held.extend(["c-1"], busy_until=1))
        assert self.take(held, at=50, read=7) == []
        assert self.take(held, "v3", at=50, read=7) == ["c-1"]

    def test_who_has_read_less_does_not_try_what_another_tried(self, held: HeldCommands) -> None:
        self.keep(held, order())
        assert self.take(held, "v0", read=5) == []
        assert self.take(held, "v2", read=9) == ["c-1"]
        run(held.put_back(["c-1"]))
        assert self.take(held, "v1", read=8) == []
        assert self.take(held, "v3", read=10) == ["c-1"]

    def test_first_word_of_a_command_stays(self, held: HeldCommands) -> None:
        self.keep(held, order(), order(traits={"late": True}))
        [taken] = run(held.take("email", published(), at=1, busy_until=2, most=9))
        assert taken.command == order()

    def test_after_its_end_a_command_is_gone(self, held: HeldCommands) -> None:
        self.keep(held, order("c-1"), order("c-2"), order("c-3"), until=20)
        assert self.take(held, at=20) == []
        assert self.take(held, at=19, most=1) == ["c-1"]
        assert run(held.expire(at=19, most=9)) == 0
        assert run(held.expire(at=20, most=1)) == 1
        assert run(held.expire(at=20, most=9)) == 1
        assert self.take(held, at=30) == ["c-1"], "what was begun is seen to its end"

    def test_two_who_look_at_once_share(self, held: HeldCommands) -> None:
        self.keep(held, *(order(f"c-{one}") for one in range(40)))

        async def look() -> Sequence[HeldCommand]:
            return await held.take("email", published(), at=1, busy_until=2, most=30)

        async def together() -> list[str]:
            found = await asyncio.gather(*(look() for _ in range(4)))
            return [one.command.id for several in found for one in several]

        taken = run(together())
        assert len(taken) == len(set(taken))
        assert len(taken) >= 30

    def test_what_has_ended_is_gone_with_the_row_that_it_was_held_by(
        self, database: Database, held: HeldCommands
    ) -> None:
        ledger = Ledger(database, owner="one")
        names = ("c-1", "c-2")
        self.keep(held, *map(order, names))
        run(ledger.claim([intent(one) for one in names], epoch=7, at=1))
        ends = [End(id=one, epoch=7, state="held", detail="variable-missing") for one in names]
        run(ledger.conclude(ends, at=2))
        run(ledger.told(names, at=3))
        assert run(held.holdings()) == [
            Holding(
                channel="email", template="hello", detail="variable-missing", messages=2, oldest=0
            )
        ]
        run(ledger.reopen(["c-1"], at=4))
        run(held.end(names))
        assert run(held.holdings()) == []
        again = run(ledger.claim([intent("c-1")], epoch=1, at=5))["c-1"]
        assert (again.state, again.told_at, again.epoch) == ("claimed", None, 1)
        assert stores.states(database) == {"c-1": "claimed"}


class TestViews:
    def test_mail_is_there_as_it_was_until_its_end(self, database: Database) -> None:
        views, html = Views(database), "<p>Grüße</p>\n" * 1000
        run(views.keep([view("m-1", html=html)]))
        assert run(views.find("m-1", at=19)) == html
        assert run(views.find("m-1", at=20)) is None
        assert run(views.find("m-2", at=1)) is None

    def test_mail_is_the_one_of_the_last_attempt_before_it_went(self, database: Database) -> None:
        views, ledger = Views(database), Ledger(database, owner="one")
        seen = []
        for html in ("first", "second", "third", "fourth"):
            run(views.keep([view("c-1", html=html)]))
            seen.append(run(views.find("c-1", at=1)))
            if html != "first":
                run(ledger.claim([intent()], epoch=1, at=5))
            if html == "third":
                run(ledger.dispatch([gate()], at=6))
        assert seen == ["first", "second", "third", "third"]

    def test_what_was_not_sent_or_is_old_is_gone(self, database: Database) -> None:
        views = Views(database)
        run(views.keep([view(name) for name in ("m-1", "m-2", "m-3")]))
        run(views.drop("m-1"))
        assert run(views.find("m-1", at=1)) is None
        assert [run(views.expire(at=at, most=9)) for at in (19, 20)] == [0, 2]


def test_of_who_is_erased_nothing_is_kept(database: Database) -> None:
    views, held, standing = Views(database), HeldCommands(database), Standing(database)
    inbox, tasks = Inbox(database, now_ms=lambda: 1), Tasks(database, now_ms=lambda: 1)
    for one in ("ada", "bob"):
        for provider in (inbox, tasks):
            channel = provider.channels[0]
            said = Message(id=one, channel=channel, profile_id=one, to=one, subject="x", text="y")
            assert run(provider.send(said)).fate == "accepted"
        kept = HeldCommand(
            command=order(one, profile_id=one), tried="v", tried_at=0, held_at=0, until=9
        )
        run(held.keep(kept))
        run(views.keep([view(one, profile_id=one)]))
    stop = SuppressionRecord(profile_id="ada", channel="*", reason="manual", at=1)
    run(standing.apply([stop]))
    assert sum(one.messages for one in run(held.holdings())) == 2
    run(standing.apply([msgspec.structs.replace(stop, reason="erased", at=2)]))
    assert [run(views.find(one, at=1)) for one in ("ada", "bob")] == [None, "x"]
    assert sum(one.messages for one in run(held.holdings())) == 1
    left = run(database.run(lambda connection: list(connection.execute(LEFT).scalars())))
    assert left == ["bob", "bob"]
