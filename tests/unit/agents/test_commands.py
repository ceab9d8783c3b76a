"""Records worked on side by side: those of a key in their order, and none committed too early."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from processors.agents import apps, commands
from processors.agents.commands import Commands
from processors.runtime import clients, feeds
from processors.runtime.errors import RuntimeFailure
from schemas.letters import Record
from tests.embedded import Broker
from tests.faults import Request
from tests.unit.agents.hosts import LIMIT_S, beside, until

PLACES = 4


pytestmark = pytest.mark.usefixtures("collector")


class Service:
    """The agent and its feeder in an app that is not started; the work waits for its gate."""

    def __init__(self, broker: Broker, topic: str | None = None) -> None:
        self.broker = broker
        self.topic = topic or broker.topic("commands.email")
        self.group = f"{broker.prefix}sender"
        self.renewed = 0
        self.shares: list[float] = []
        self.done: dict[bytes, list[bytes]] = defaultdict(list)
        self.begun = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Exception | None = None
        self.app = apps.build(apps.Options(bootstrap=broker.mock.bootstrap, group="commands"))
        options = commands.Options(
            feed=feeds.Options(cluster=broker.cluster, group=self.group, topic=self.topic),
            places=PLACES,
            grace_ms=300,
        )
        self.commands = Commands(
            self.app, options, self._work, renew=self._renew, share=self.shares.append
        )
        self._is_stopped = False

    def produce(self, *pairs: tuple[bytes, bytes]) -> None:
        self.broker.produce(self.topic, *pairs)

    async def stop(self) -> None:
        if not self._is_stopped:
            self._is_stopped = True
            await self.commands.close()

    @property
    def count(self) -> int:
        return sum(map(len, self.done.values()))

    @property
    def crash(self) -> BaseException | None:
        reason: BaseException | None = self.app.crash_reason
        return reason

    def committed(self) -> int:
        consumer = Consumer(
            {"bootstrap.servers": self.broker.mock.bootstrap, "group.id": self.group}
        )
        with contextlib.closing(consumer):
            places = [TopicPartition(self.topic, one) for one in range(4)]
            return sum(max(0, one.offset) for one in consumer.committed(places, LIMIT_S))

    def _renew(self) -> None:
        self.renewed += 1

    async def _work(self, record: Record) -> None:
        self.begun += 1
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        await asyncio.sleep(0)
        self.done[record.key or b""].append(record.value or b"")


def run(broker: Broker, story: Callable[[Service], Awaitable[None]]) -> Service:
    """Runs a story beside the agent and its feeder, which must end with it."""

    async def told() -> Service:
        service = Service(broker)
        turns = service.commands.batches.clone(is_iterator=True)
        taking, feeding = service.commands.take(turns), service.commands.feed()
        await beside(taking, feeding, story=story(service), stop=service.stop)
        return service

    return asyncio.run(told())


def test_records_of_a_key_keep_their_order_and_all_are_committed(broker: Broker) -> None:
    pairs = [(b"p%d" % (one % 7), b"%d" % one) for one in range(200)]

    async def story(service: Service) -> None:
        await service.commands.joined.wait()
        assert service.renewed == 1
        service.produce(*pairs)
        await until(lambda: service.count == 200)

    service = run(broker, story)
    assert service.crash is None
    for person, values in service.done.items():
        assert values == [value for key, value in pairs if key == person]
    assert service.committed() == 200


def test_while_places_are_full_nothing_is_lost_and_the_rest_waits(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PATIENCE_S", 0.05)

    async def story(service: Service) -> None:
        service.gate.clear()
        service.produce(*((b"p%d" % one, b"%d" % one) for one in range(60)))
        await until(lambda: service.begun == PLACES)
        await asyncio.sleep(0.5)  # it polls on, and must not take more than it has places for
        assert (service.begun, len(service.commands)) == (PLACES, PLACES)
        service.gate.set()
        await until(lambda: service.count == 60)
        service.produce((b"last", b"60"))
        await until(lambda: service.count == 61)

    service = run(broker, story)
    assert sorted(int(one) for values in service.done.values() for one in values) == [*range(61)]
    assert service.committed() == 61


def test_what_was_polled_before_its_partition_left_is_left_to_come_again(broker: Broker) -> None:
    async def story(service: Service) -> None:
        await service.commands.joined.wait()
        service.gate.clear()
        polled, poll = list[object](), service.commands._poll

        async def watched(wait_s: float) -> Sequence[commands.Taken]:
            found = await poll(wait_s)
            polled.extend(found)
            return found

        service.commands._poll = watched  # type: ignore[method-assign]
        service.produce(*((b"p%d" % one, b"%d" % one) for one in range(60)))
        # one more waits for its place already, and those after it in their batch
        await until(lambda: service.begun == PLACES and len(polled) > PLACES + 1)
        await asyncio.sleep(0.1)
        await service.commands._give_up(range(4))
        service.commands._take_up(range(4))
        service.gate.set()
        service.produce((b"last", b"60"))
        await until(lambda: b"last" in service.done)

    service = run(broker, story)
    assert service.crash is None
    assert service.count < 61, "that which waited is none of the partitions that came"


def test_what_is_not_finished_at_the_end_is_not_committed(broker: Broker) -> None:
    async def story(service: Service) -> None:
        service.produce(*((b"ann", b"%d" % one) for one in range(3)))
        await until(lambda: service.count == 3)
        service.gate.clear()
        service.produce(*((b"ann", b"%d" % one) for one in range(3, 30)))
        await until(lambda: service.begun == 4)

    service = run(broker, story)
    assert service.begun == 4, "nothing is begun once it is to stop"
    assert service.committed() == 3


def test_work_that_raises_ends_the_app_and_its_record_comes_again(broker: Broker) -> None:
    async def story(service: Service) -> None:
        service.fails = ValueError("a bug")
        service.produce((b"ann", b"1"))
        await until(lambda: service.crash is not None)

    service = run(broker, story)
    assert isinstance(service.crash, ValueError)
    assert service.committed() == 0


def test_topic_that_may_not_be_read_ends_the_app(broker: Broker) -> None:
    async def story(service: Service) -> None:
        await service.commands.joined.wait()
        broker.mock.fail(Request.FETCH, KafkaError.TOPIC_AUTHORIZATION_FAILED)
        service.produce((b"ann", b"1"))
        await until(lambda: service.crash is not None)

    service = run(broker, story)
    assert isinstance(service.crash, RuntimeFailure)


def test_it_may_be_told_to_stop_before_it_began(broker: Broker) -> None:
    async def story(service: Service) -> None:
        await service.stop()

    assert run(broker, story).crash is None


def test_share_is_all_once_all_partitions_are_ours(broker: Broker) -> None:
    async def story(service: Service) -> None:
        assert service.shares == [0]
        await until(lambda: len(service.shares) == 2)

    assert run(broker, story).shares == [0, 1, 0]


def test_share_falls_before_partitions_leave_and_grows_once_they_were_counted(
    broker: Broker,
) -> None:
    async def story(service: Service) -> None:
        await until(lambda: service.shares[-1] == 1)
        service.gate.clear()
        service.produce((b"ann", b"1"))
        await until(lambda: service.begun == 1)
        leaving = asyncio.ensure_future(service.commands._give_up([1, 2, 3]))
        await asyncio.sleep(0)
        assert (service.shares, leaving.done()) == ([0, 1, 0.25], False)
        await leaving
        service.commands._take_up([1, 2])
        assert service.shares[-1] == 0.25
        await until(lambda: service.shares[-1] == 0.75)
        service.gate.set()

    run(broker, story)


def test_share_does_not_grow_while_nobody_says_how_many_partitions_there_are(
    broker: Broker,
) -> None:
    async def story(service: Service) -> None:
        await until(lambda: service.shares[-1] == 1)
        await service.commands._give_up([3])
        count, asked, is_away = service.commands._feed.count, list[None](), asyncio.Event()

        def away() -> int | None:
            asked.append(None)
            return None if is_away.is_set() else count()

        service.commands._feed.count = away  # type: ignore[method-assign]
        is_away.set()
        service.commands._take_up([3])
        await until(lambda: len(asked) >= 2)
        await service.commands._give_up([2, 3])
        assert service.shares[-1] == 0.5
        is_away.clear()
        service.commands._take_up([2, 3])
        await until(lambda: service.shares[-1] == 1)
        assert service.shares == [0, 1, 0.75, 0.5, 1]

    run(broker, story)


@pytest.mark.parametrize(("some_came", "waits"), [(True, "AGAIN_S"), (False, "COUNT_S")])
def test_while_nobody_says_how_many_partitions_there_are_nobody_is_asked_at_each_poll(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, some_came: bool, waits: str
) -> None:
    asked_s = list[float]()

    async def story(service: Service) -> None:
        await until(lambda: service.shares[-1] == 1)

        def away() -> None:
            asked_s.append(time.monotonic())

        service.commands._feed.count = away  # type: ignore[method-assign]
        if some_came:
            service.commands._take_up([3])
        await until(lambda: len(asked_s) == 3)

    monkeypatch.setattr(commands, "COUNT_S", 3_600)
    monkeypatch.setattr(commands, waits, 0.4)
    run(broker, story)
    assert min(then - before for before, then in pairwise(asked_s)) >= 0.4


def test_partitions_that_are_added_make_the_share_smaller(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "COUNT_S", 0.1)

    async def story(service: Service) -> None:
        await until(lambda: service.shares[-1] == 1)
        service.commands._feed.count = lambda: 16  # type: ignore[method-assign]
        await until(lambda: service.shares[-1] == 0.25)

    run(broker, story)


def test_shares_of_two_processes_are_one_together_at_most_while_partitions_move(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "SESSION_MS", 4_000)  # of another process one hears each second
    together: list[float] = []

    async def story(first: Service) -> None:
        await until(lambda: first.shares[-1] == 1)
        second = Service(broker, first.topic)

        class Watched(list[float]):
            def __init__(self, other: list[float]) -> None:
                super().__init__(other[-1:])

            def append(self, share: float) -> None:
                super().append(share)
                together.append(first_told[-1] + second_told[-1])

        first_told, second_told = Watched(first.shares), Watched(second.shares)
        first.commands._share = first_told.append
        second.commands._share = second_told.append
        feeding = asyncio.create_task(second.commands.feed())
        await until(lambda: second_told[-1] == 0.5 == first_told[-1])
        await second.stop()
        await feeding
        await until(lambda: first_told[-1] == 1)
        assert max(together) == 1
        assert min(together) >= 0.5

    run(broker, story)
