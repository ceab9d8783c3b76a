"""Puts people on static lists, or takes them off: one event each, like any other on the topic.

Workers do it in the person's own order, as they do what triggers say; see `schemas.events`.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from processors.definitions import suggestions
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.operations.standings import Standing
from schemas import commands, events

STEP = 5_000
"""People between two words on how far it is."""
MAX_NAMED = 10
"""How many of the lists there are a message names."""

Change = Literal["added", "removed"]


def check(archive: Archive, list_id: str) -> None:
    """Passes the id of a list that is published.

    Raises:
        OperationFailed: there is no such list.
    """
    lists = sorted(id_ for kind, id_ in archive.records if kind == "list")
    if list_id in lists:
        return
    more = ", …" if len(lists) > MAX_NAMED else ""
    named = f"; the lists are {', '.join(lists[:MAX_NAMED])}{more}" if lists else "; there is none"
    raise OperationFailed(
        f"no list {list_id} is published{suggestions.hint(list_id, lists) or named}"
    )


def doubt(found: Sequence[Standing], wanted: str) -> str | None:
    """Returns what to say where a list may not be known yet; None where it is.

    Args:
        found: the partitions in which something has been decided.
        wanted: id of the set that is published.
    """
    waiting = sum(each.active != wanted for each in found)
    if not waiting:
        return None
    return (
        f"note: {waiting} of {len(found)} partitions decide by definitions of before: a list that"
        " these do not have is not changed there. Do it again once `beckon definitions` names none"
    )


def send_changes(
    writer: Writer,
    topic: str,
    change: tuple[str, Change],
    *,
    profile_ids: Iterable[str],
    now_ms: int,
    progress: Callable[[int], None] = lambda sent: None,
) -> int:
    """Writes one event for each person; returns how many.

    Args:
        writer: to the cluster.
        topic: full name of `events`.
        change: id of a list that `check` passes (any other does nothing), and what is to happen.
        profile_ids: well formed.
        now_ms: when it is asked; the same again at the same instant is a repeat.
        progress: is told how many were written, now and then.

    Raises:
        OperationFailed: Kafka does not take all.
    """
    writer.partitions(topic)
    count = 0
    for count, profile_id in enumerate(profile_ids, 1):
        writer.write(topic, profile_id.encode(), _event(change, profile_id, now_ms))
        if count % STEP == 0:
            progress(count)
    if writer.finish():
        raise OperationFailed(
            "Kafka did not take all: do it again, which changes nothing for those it took"
        )
    progress(count)
    return count


def _event(change: tuple[str, Change], profile_id: str, now_ms: int) -> bytes:
    named = msgspec.json.encode([*change, profile_id, now_ms]).decode()
    return msgspec.json.encode(
        {
            "messageId": f"list-{uuid.uuid5(commands.NAMESPACE, named)}",
            "type": "track",
            "event": events.LIST_CHANGED,
            "userId": profile_id,
            "timestamp": events.iso(now_ms),
            "properties": {events.LIST: change[0], events.CHANGE: change[1]},
        }
    )
