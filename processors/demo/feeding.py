"""Puts the traffic on `events`, no faster than everybody behind can follow.

The embedded broker keeps little of a partition: what is not read in time would be lost.
"""

import time
from collections.abc import Callable

from processors.demo.traffic import Options, Traffic
from processors.operations.errors import OperationFailed
from processors.operations.ingesting import send_tick
from processors.operations.producing import Writer
from processors.runtime.clients import Cluster

CHUNK = 500
WAIT_S = 0.01


def feed(
    cluster: Cluster,
    topic: str,
    traffic: Traffic,
    *,
    options: Options,
    is_wanted: Callable[[], bool],
    has_room: Callable[[int], bool],
) -> int:
    """Sends the traffic, then moves the clock to the end of it; returns how much was sent.

    Args:
        cluster: where.
        topic: full name of `events`.
        traffic: what.
        options: when it ends.
        is_wanted: asked now and then; it stops early where it is not.
        has_room: is told how many were sent, and says whether more may follow.

    Raises:
        OperationFailed: the broker does not take it.
    """
    sent = 0
    with Writer(cluster) as writer:
        while sent < len(traffic.deliveries) and is_wanted():
            if not has_room(sent):
                time.sleep(WAIT_S)
                continue
            chunk = traffic.deliveries[sent : sent + CHUNK]
            for delivery in chunk:
                writer.write(topic, delivery.key.encode(), delivery.value)
            sent += len(chunk)
        if writer.finish():
            raise OperationFailed("the embedded broker did not take all events")
        if is_wanted():
            send_tick(writer, topic, options.end_ms)
    return sent
