"""The feeder takes turns with the agent, and ends cleanly, whenever and why ever it is told to."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from confluent_kafka import KafkaError

from processors.agents import apps, events
from processors.agents.events import Feeder
from processors.clock import WallClock
from processors.metrics import Counter, Metrics
from processors.runtime.errors import BrokerAway, Fenced
from processors.runtime.options import Options
from processors.runtime.streams import Stream
from schemas import codec, topics
from tests.builders import T0, compiled, keyed, on, score, track
from tests.embedded import Broker
from tests.faults import Mock, Request
from tests.unit.agents.hosts import beside, until

pytestmark = pytest.mark.usefixtures("collector")


class Worker:
    """The feeder and its agent, hosted by an app that is not started: no Faust, no signals."""

    def __init__(self, broker: Broker, *, first: Callable[[], Awaitable[None]]) -> None:
        self.broker = broker
        for name in topics.TOPICS:
            broker.topic(name)
        self.metrics = Metrics()
        self.app = apps.build(apps.Options(bootstrap=broker.mock.bootstrap, group="feeder"))
        self.stream = Stream(
            Options(
                cluster=broker.cluster,
                prefix=broker.prefix,
                group=f"{broker.prefix}decide",
                slot="one",
                poll_ms=20,
            ),
            compiled(score(on("view", 5), id="heat")),
            encoders={name: codec.encoder(name) for name in topics.TOPICS},
            metrics=self.metrics,
            clock=WallClock(),
        )
        self.feeder = Feeder(self.app, self.stream, first)
        self._is_stopped = False

    def tell(self, *ids: str) -> None:
        pairs = [keyed(track("view", T0, id=each, person="ann")) for each in ids]
        self.broker.produce(f"{self.broker.prefix}events", *pairs)

    async def stop(self) -> None:
        if not self._is_stopped:
            self._is_stopped = True
            await self.feeder.close()

    @property
    def crash(self) -> BaseException | None:
        reason: BaseException | None = self.app.crash_reason
        return reason

    @property
    def decided(self) -> float:
        return self.metrics.read(Counter.EVENTS)

    def values(self) -> list[int]:
        found = self.broker.records(f"{self.broker.prefix}score-changes")
        return [msgspec.json.decode(each.value() or b"")["new"] for each in found]


Story = Callable[[Worker], Awaitable[None]]


async def nothing() -> None:
    pass


def run(broker: Broker, story: Story, *, first: Callable[[], Awaitable[None]] = nothing) -> Worker:
    """Runs a story beside a feeder and its agent, which must end with it."""

    async def told() -> Worker:
        worker = Worker(broker, first=first)
        turns = worker.feeder.batches.clone(is_iterator=True)
        deciding, feeding = worker.feeder.decide(turns), worker.feeder.feed()
        await beside(deciding, feeding, story=story(worker), stop=worker.stop)
        return worker

    return asyncio.run(told())


def test_events_are_decided_on_in_their_order_batch_after_batch(broker: Broker) -> None:
    async def story(worker: Worker) -> None:
        worker.tell("a", "b")
        await until(lambda: worker.decided == 2)
        worker.tell("c")
        await until(lambda: worker.decided == 3)

    worker = run(broker, story)
    assert worker.crash is None
    assert worker.values() == [5, 10, 15]


def test_stream_is_opened_only_when_what_comes_first_is_done(broker: Broker) -> None:
    states: list[str] = []
    loaded = asyncio.Event()

    async def story(worker: Worker) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        states.append(worker.stream.status.state)
        loaded.set()
        await until(lambda: worker.stream.status.ready)
        states.append(worker.stream.status.state)

    async def first() -> None:
        await loaded.wait()

    assert run(broker, story, first=first).crash is None
    assert states == ["starting", "running"]


def test_stop_before_the_stream_is_open_is_no_crash(broker: Broker) -> None:
    loaded = asyncio.Event()

    async def story(worker: Worker) -> None:
        await worker.stop()
        loaded.set()

    async def first() -> None:
        await loaded.wait()

    assert run(broker, story, first=first).crash is None


def test_failure_of_what_comes_first_ends_the_app(broker: Broker) -> None:
    async def story(worker: Worker) -> None:
        await until(lambda: worker.crash is not None)

    async def first() -> None:
        raise BrokerAway("nobody is there")

    assert isinstance(run(broker, story, first=first).crash, BrokerAway)


def test_failure_of_a_batch_ends_the_app_and_says_why(
    broker: Broker, mock: Mock, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(worker: Worker) -> None:
        await until(lambda: worker.stream.status.ready)
        mock.fail(Request.END_TRANSACTION, KafkaError.PRODUCER_FENCED)
        worker.tell("a")
        await until(lambda: worker.crash is not None)

    worker = run(broker, story)
    assert isinstance(worker.crash, Fenced)
    assert worker.decided == 0
    [said] = [vars(each) for each in caplog.records if each.msg == "the stream stopped"]
    assert "BECKON_SLOT" in said["why"]


def test_failure_while_polling_ends_the_app(broker: Broker, mock: Mock) -> None:
    async def story(worker: Worker) -> None:
        await until(lambda: worker.stream.status.ready)
        mock.fail(Request.HEARTBEAT, KafkaError.FENCED_INSTANCE_ID)
        await until(lambda: worker.crash is not None)

    assert isinstance(run(broker, story).crash, Fenced)


def test_agent_is_added_to_the_app_with_what_feeds_it(broker: Broker) -> None:
    app = apps.build(apps.Options(bootstrap=broker.mock.bootstrap, group="feeder"))
    stream = Worker(broker, first=nothing).stream
    events.build(app, stream, first=nothing)
    assert [name for name in app.agents if name.endswith("decide")]
    assert app._tasks
