"""Takes what waits in the database to Kafka: at least once, in its order, and never gives up.

The records were made in the transactions that they tell of; their ids make a repeat count once.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from processors.metrics import Gauge, Metrics
from processors.runtime import clients
from processors.runtime.clients import Cluster
from schemas.letters import Headers
from schemas.topics import full_name

IDLE_S = 0.2
"""How long an empty outbox is left alone."""
AWAY_S = 1.0
"""How long to wait where database or Kafka are away."""
FLUSH_S = 10.0

logger = logging.getLogger(__name__)

Encode = Callable[[str], bytes]


class Waiting(Protocol):
    """A record that waits."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def topic(self) -> str:
        """Without the prefix."""
        ...

    @property
    def key(self) -> str:
        """Its key."""
        ...

    @property
    def value(self) -> str:
        """JSON."""
        ...


class Outbox(Protocol):
    """Where records wait; OSError where it does not answer."""

    async def take(self) -> Sequence[Waiting]:
        """Returns the oldest; they stay."""
        ...

    async def done(self, ids: Sequence[str]) -> None:
        """Lets go of those that Kafka has."""
        ...


class Post:
    """Writes records, and knows when Kafka has them. Does not block the event loop."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        self._producer: Producer = clients.producer(cluster, None, logger)
        self._prefix = prefix

    async def write(
        self, records: Sequence[tuple[str, str | bytes | None, bytes | None, Headers]]
    ) -> None:
        """Returns when Kafka has all of them: topic without prefix, key, value, headers.

        Raises:
            OSError: it has not, or not all; they may be written again.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, partial(self._write, records))

    def close(self) -> None:
        """Lets go of what was not written."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _write(
        self, records: Sequence[tuple[str, str | bytes | None, bytes | None, Headers]]
    ) -> None:
        failed: list[KafkaError] = []

        def told(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        try:
            for topic, key, value, headers in records:
                self._producer.produce(
                    full_name(self._prefix, topic),
                    value,
                    key,
                    headers=dict(headers) if headers else None,
                    on_delivery=told,
                )
            left = self._producer.flush(FLUSH_S)
        except (KafkaException, BufferError) as error:
            raise OSError("Kafka does not take records") from error
        if failed or left:
            raise OSError(f"Kafka does not take records ({failed[0].name() if failed else 'late'})")


async def drain(
    outbox: Outbox,
    post: Post,
    stop: asyncio.Event,
    *,
    encoders: Mapping[str, Encode],
) -> None:
    """Takes records to Kafka until it is told to stop, and then what is there, if that works.

    Args:
        outbox: where they wait.
        post: where they go.
        stop: ends it.
        encoders: makes the bytes of a topic's values of their JSON; the others go as they are.
    """
    while True:
        try:
            moved = await move(outbox, post, encoders=encoders)
        except OSError as error:
            logger.warning("records wait", extra={"error_type": type(error).__name__})
            moved, wait_s = 0, AWAY_S
            if stop.is_set():
                return
        else:
            wait_s = IDLE_S
        if moved:
            continue
        if stop.is_set():
            return
        try:
            async with asyncio.timeout(wait_s):
                await stop.wait()
        except TimeoutError:
            continue


async def move(outbox: Outbox, post: Post, *, encoders: Mapping[str, Encode]) -> int:
    """Takes the oldest records to Kafka; returns how many those were.

    Raises:
        OSError: database or Kafka are away; what was written may be written again.
    """
    found = await outbox.take()
    if found:
        await post.write(
            [
                (one.topic, one.key, encoders.get(one.topic, str.encode)(one.value), [])
                for one in found
            ]
        )
        await outbox.done([one.id for one in found])
    return len(found)


def show(metrics: Metrics, waiting: tuple[int, int | None], *, now_ms: int) -> None:
    """Tells how much waits: how many records, and since when."""
    count, since_ms = waiting
    metrics.set(Gauge.OUTBOX, count)
    metrics.set(Gauge.OUTBOX_AGE, 0 if since_ms is None else max(0, now_ms - since_ms) / 1000)
