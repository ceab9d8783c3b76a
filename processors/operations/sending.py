"""Asks workers to do something for each of many people: one event each, like any other."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from schemas import commands, events

STEP = 5_000
"""People between two words on how far it is."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    name: str
    """Begins the ids of its messages."""
    asked: tuple[str, ...]
    """What tells it from others of its name."""
    event: str
    properties: dict[str, Any]
    failed: str
    """What to say where Kafka does not take all."""

    def of(self, profile_id: str, now_ms: int) -> bytes:
        """Returns the event for one person; the same again at the same instant is a repeat."""
        named = msgspec.json.encode([*self.asked, profile_id, now_ms]).decode()
        return msgspec.json.encode(
            {
                "messageId": f"{self.name}-{uuid.uuid5(commands.NAMESPACE, named)}",
                "type": "track",
                "event": self.event,
                "userId": profile_id,
                "timestamp": events.iso(now_ms),
                "properties": self.properties,
            }
        )


def send(
    writer: Writer,
    topic: str,
    request: Request,
    *,
    profile_ids: Iterable[str],
    now_ms: int,
    progress: Callable[[int], None] = lambda sent: None,
) -> int:
    """Writes the event for each person; returns how many.

    Args:
        writer: to the cluster.
        topic: full name of `events`.
        request: what is asked for.
        profile_ids: well formed.
        now_ms: when it is asked.
        progress: is told how many were written, now and then.

    Raises:
        OperationFailed: Kafka does not take all.
    """
    writer.partitions(topic)
    count = 0
    for count, profile_id in enumerate(profile_ids, 1):
        writer.write(topic, profile_id.encode(), request.of(profile_id, now_ms))
        if count % STEP == 0:
            progress(count)
    if writer.finish():
        raise OperationFailed(request.failed)
    progress(count)
    return count
