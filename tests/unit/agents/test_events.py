"""The feeder ends cleanly, whenever it is told to."""

import asyncio

from processors.agents import apps, events
from processors.clock import WallClock
from processors.decisions.compiled import compile_set
from processors.definitions import sets
from processors.demo.broker import Broker
from processors.metrics import Metrics
from processors.runtime.clients import Cluster
from processors.runtime.streams import Options, Stream


async def stop_before_it_is_open(bootstrap: str) -> BaseException | None:
    """Closes the feeder while it waits for what comes first; returns why the app crashed."""
    app = apps.build(apps.Options(bootstrap=bootstrap, group="feeder"))
    stream = Stream(
        Options(cluster=Cluster(bootstrap=bootstrap), slot="one"),
        compile_set(sets.from_documents([])),
        encoders={},
        metrics=Metrics(),
        clock=WallClock(),
    )
    loaded = asyncio.Event()

    async def first() -> None:
        await loaded.wait()

    feeder = events.Feeder(app, stream, first)
    feeding = asyncio.create_task(feeder.feed())
    await feeder.close()
    loaded.set()
    await feeding
    crash: BaseException | None = app.crash_reason
    return crash


def test_stop_before_the_stream_is_open_is_no_crash() -> None:
    with Broker() as broker:
        assert asyncio.run(stop_before_it_is_open(broker.bootstrap)) is None
