"""Puts people on static lists, or takes them off: one event each, like any other on the topic.

Workers do it in the person's own order, as they do what triggers say; see `schemas.events`.
"""

from collections.abc import Sequence
from typing import Literal

from processors.definitions import suggestions
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.sending import Request
from processors.operations.standings import Standing
from schemas import events

MAX_NAMED = 10
"""How many of the lists there are a message names."""

Change = Literal["added", "removed"]


def check(archive: Archive, list_id: str) -> None:
    """Passes the id of a list that is published.

    Raises:
        OperationFailed: there is no such list.
    """
    lists = archive.ids("list")
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


def request(list_id: str, change: Change) -> Request:
    """Returns what puts people on a list that `check` passes, or takes them off it."""
    return Request(
        name="list",
        asked=(list_id, change),
        event=events.LIST_CHANGED,
        properties={events.LIST: list_id, events.CHANGE: change},
        failed="Kafka did not take all: do it again, which changes nothing for those it took",
    )
