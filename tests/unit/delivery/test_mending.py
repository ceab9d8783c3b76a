"""Held messages: tried again once under each new version of their template, and under one id."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec

from connectors.stores.held import HeldCommands
from processors.delivery import desk, mending
from processors.delivery.breakers import Limits
from processors.delivery.mending import LEASE_MS, Keeper, Mender
from processors.metrics import Counter, Gauge
from schemas.errors import Unsendable
from schemas.intents import End, Published
from tests.deliveries import Scripted, World, run, world
from tests.stores import intent
from tests.unit.delivery.offices import COMMAND, Office

DAY_MS = 86_400_000
MISSING = Unsendable("variable-missing", "name", is_held=True)
ONE = msgspec.structs.replace(COMMAND, template="hello")


class Shop:
    """A sender whose template can be mended."""

    def __init__(self, found: World, ses: Scripted) -> None:
        self.world, self.ses, self.version = found, ses, "v1"
        self.read = 0
        self.held = HeldCommands(found.database)
        self.keeper = Keeper(
            self.held,
            self.published,
            found.books,
            options=mending.Options(channel="email", retention_ms=DAY_MS),
            metrics=found.metrics,
            clock=found.time,
        )
        self.office = Office(found, problem=MISSING, keeper=self.keeper)
        self.mender = self.hired(asyncio.sleep)

    def hired(self, sleep: Callable[[float], Awaitable[None]]) -> Mender:
        return Mender(
            self.keeper,
            self.office.desk.again,
            has_share=lambda: self.world.routes.has_share,
            sleep=sleep,
        )

    async def published(self) -> Published:
        return Published(read=self.read, versions={"hello": self.version})

    def mend(self, version: str = "v2", problem: Unsendable | None = None) -> None:
        self.version, self.office.problem = version, problem
        self.read += 1

    def look(self) -> int:
        return run(self.mender.look())

    def told(self) -> list[tuple[str, str]]:
        return [(one.result, one.detail) for one in self.office.told()]

    def kept(self) -> int:
        return sum(each.messages for each in run(self.held.holdings()))


@contextlib.contextmanager
def shop(directory: Path) -> Iterator[Shop]:
    ses = Scripted()
    with world(directory, ses) as found:
        yield Shop(found, ses)


def test_held_message_is_sent_under_its_id_once_its_template_is_mended(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        assert (found.look(), found.kept()) == (0, 1)
        found.mend()
        assert (found.look(), found.look()) == (1, 0)
        assert found.ses.sent == [ONE.id]
        assert found.told() == [("held", "variable-missing: name"), ("sent", "http-200")]
        assert {one.command_id for one in found.office.told()} == {ONE.id}
        assert found.world.states() == {ONE.id: "sent"}
        assert found.kept() == 0
        assert found.world.metrics.read(Counter.MENDED, "email") == 1


def test_each_version_is_tried_once(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.mend("v2", Unsendable("variable-missing", "city", is_held=True))
        assert [found.look() for _ in range(3)] == [1, 0, 0]
        assert found.told()[-1] == ("held", "variable-missing: city")
        assert (found.world.states(), found.kept()) == ({ONE.id: "held"}, 1)
        found.mend("v3", MISSING)
        assert [found.look() for _ in range(2)] == [1, 0]
        run(found.mender.count())
        assert found.world.metrics.read(Gauge.HELD, "email") == 1


def test_what_was_held_before_it_could_be_kept_is_kept_when_it_is_read_again(
    tmp_path: Path,
) -> None:
    with shop(tmp_path) as found:
        entry = run(found.world.books.claim(intent(ONE.id)))
        end = End(id=ONE.id, epoch=entry.epoch, state="held", detail="variable-missing: name")
        run(found.world.books.conclude(end))
        found.mend()
        found.office.handle(ONE)
        assert (found.ses.sent, found.kept()) == ([], 1)
        assert found.look() == 1
        assert found.told() == [("held", "variable-missing: name"), ("sent", "http-200")]


def test_rows_of_several_messages_take_the_place_of_the_one_that_was_held(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.office.to = ("a@example.org", "b@example.org")
        found.mend()
        assert found.look() == 1
        made = [desk.message_id(ONE.id, address) for address in found.office.to]
        assert found.world.states() == dict.fromkeys(made, "sent")
        assert [result for result, _ in found.told()] == ["held", "sent", "sent"]


def test_message_that_waited_longer_than_it_may_is_held_for_good(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        soon = found.world.time.now + 1_000
        found.office.handle(msgspec.structs.replace(ONE, expires_at=soon))
        found.office.handle(msgspec.structs.replace(ONE, id="c-2"))
        found.world.time.now = soon
        found.mend("v2", MISSING)
        assert (found.look(), found.kept()) == (1, 1)
        found.world.time.now += DAY_MS
        found.mend("v3")
        assert (found.look(), found.kept()) == (0, 0)
        assert found.world.states() == {ONE.id: "held", "c-2": "held"}


def test_who_withdrew_meanwhile_gets_nothing(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        run(found.world.standing.withdraw("ada", "email", topic="news", at=1))
        found.mend()
        assert found.look() == 1
        assert (found.ses.sent, found.kept()) == ([], 0)
        assert found.told()[-1] == ("dropped", "consent-denied")


def test_what_a_process_left_in_the_middle_is_taken_up_by_another(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.mend()
        now = found.world.time.now
        taken = run(
            found.held.take(
                "email", run(found.published()), at=now, busy_until=now + LEASE_MS, most=9
            )
        )
        assert [each.command for each in taken] == [ONE]
        late = found.world.another_process()
        run(late.reopen(ONE.id))
        late.renew()
        run(late.claim(intent(ONE.id)))
        assert found.look() == 0, "somebody has it"
        found.world.time.now += LEASE_MS + 1
        assert found.look() == 1
        assert found.world.states() == {ONE.id: "sent"}
        assert found.kept() == 0


def test_what_takes_long_stays_with_whoever_tries_it(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.mend()
        others = list[int]()

        async def slow() -> None:
            before = found.world.time.now
            while found.world.time.now < before + 2 * LEASE_MS:
                await asyncio.sleep(0)
            others.append(await found.mender.look())

        found.ses.before.append(slow())
        found.mender = found.hired(found.world.time.sleep)
        assert found.look() == 1
        assert others == [0]
        assert found.ses.sent == [ONE.id]


def test_process_without_a_share_of_the_rate_leaves_what_is_held_to_others(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.mend()
        found.world.routes.share(0)
        assert (found.look(), found.kept()) == (0, 1)
        found.world.routes.share(0.25)
        assert found.look() == 1
        assert found.ses.sent == [ONE.id]


def test_what_was_begun_goes_to_others_once_the_share_is_gone(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(ONE)
        found.mend()
        others = list[int]()

        async def lose() -> None:
            found.world.routes.share(0)
            before = found.world.time.now
            while found.world.time.now < before + 2 * LEASE_MS:
                await asyncio.sleep(0)
            taken = await found.held.take(
                "email", await found.published(), at=found.world.time.now, busy_until=9**15, most=9
            )
            others.append(len(taken))

        found.ses.before.append(lose())
        found.mender = found.hired(found.world.time.sleep)
        assert found.look() == 1
        assert others == [1]


def test_held_messages_keep_to_the_rate(tmp_path: Path) -> None:
    with world(tmp_path, Scripted(), limits=Limits(rate_per_s=10)) as found:
        shops = Shop(found, Scripted())
        for one in range(20):
            shops.office.handle(msgspec.structs.replace(ONE, id=f"c-{one}"))
        shops.mend()
        begin = found.time.now
        assert shops.look() == 20
        assert found.time.now - begin >= 1_900


def test_messages_of_a_person_go_in_their_order(tmp_path: Path) -> None:
    names = [f"c-{one}" for one in range(5)]
    with shop(tmp_path) as found:
        for name in names:
            found.world.time.now += 1
            found.office.handle(msgspec.structs.replace(ONE, id=name))
        found.mend()
        assert found.look() == 5
        assert found.ses.sent == names


def test_what_says_all_by_itself_or_is_too_large_is_not_kept(tmp_path: Path) -> None:
    with shop(tmp_path) as found:
        found.office.handle(COMMAND)
        large = {"a": "x" * mending.MAX_COMMAND_BYTES}
        found.office.handle(msgspec.structs.replace(ONE, id="c-2", properties=large))
        assert found.kept() == 0
        assert [result for result, _ in found.told()] == ["held", "held"]
