"""Asks workers to fire a trigger for people: one event each, like any other on the topic."""

import uuid
from collections.abc import Iterable

import msgspec

from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from schemas import codec, commands, events
from schemas.errors import BadEvent


def send_requests(
    writer: Writer, topic: str, trigger_id: str, *, profile_ids: Iterable[str], now_ms: int
) -> int:
    """Writes a request for each person; returns how many.

    Args:
        writer: to the cluster.
        topic: full name of `events`.
        trigger_id: a trigger `on: {manual: true}`; any other does nothing.
        profile_ids: whoever is there twice is asked for once.
        now_ms: when it is asked; the same again at the same instant is a repeat.

    Raises:
        OperationFailed: an id is not well formed, and nothing was sent; or Kafka does not take all.
    """
    requests, bad = {}, []
    for profile_id in profile_ids:
        value = _request(trigger_id, profile_id, now_ms)
        try:
            requests[events.profile_id(codec.decode_event(value))] = value
        except BadEvent as error:
            bad.append(f"{profile_id!r} is no profile id: {error}")
    if bad:
        raise OperationFailed("\n".join([*bad, "nothing was sent"]))
    writer.partitions(topic)
    for profile_id, value in requests.items():
        writer.write(topic, profile_id.encode(), value)
    if writer.finish():
        raise OperationFailed("Kafka did not take all requests: those it took will fire")
    return len(requests)


def _request(trigger_id: str, profile_id: str, now_ms: int) -> bytes:
    named = msgspec.json.encode([trigger_id, profile_id, now_ms]).decode()
    return msgspec.json.encode(
        {
            "messageId": f"fire-{uuid.uuid5(commands.NAMESPACE, named)}",
            "type": "track",
            "event": events.TRIGGER_REQUESTED,
            "userId": profile_id,
            "timestamp": events.iso(now_ms),
            "properties": {events.REQUESTED: trigger_id},
        }
    )
