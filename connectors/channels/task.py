"""Tasks: what somebody of the team is to do for a person, kept in the senders' database.

Last in the flow. That one was made is told by the command's outcome, `task.sent`. Promise: key. The
message's id is that of its row, so that a repeat finds it there.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from connectors.channels import inbox, replies
from connectors.stores.engines import Away, Database
from connectors.stores.tables import TASKS
from schemas.messages import Message, Promise, Reply

PRIORITIES = ("low", "medium", "high")
MAX_TITLE_CHARS = 500
MAX_TEXT_CHARS = 16_384
MAX_ASSIGNEE_CHARS = 200


class Tasks:
    """Lays tasks down, a `Provider` by shape.

    Guarantees:
        A task that is called accepted is committed, once.
    """

    name = "task"
    channels = ("task",)
    promise: Promise = "key"

    def __init__(self, database: Database, *, now_ms: Callable[[], int]) -> None:
        """Takes where to keep them; the database is closed with the provider."""
        self._database = database
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns that it is there, or what of its `data` can not be.

        `data` is `{title, description?, assignee?, priority?, due_at?}`, the last in ms since the
        epoch; subject and text stand in for the first two.
        """
        worded = {"title": message.subject, "description": message.text}
        data = {key: value for key, value in worded.items() if value} | dict(message.data)
        wrong = _fault(data)
        if wrong is not None:
            return replies.refused(f"{wrong}-invalid")
        row = _row(message, data, self._now_ms())
        try:
            await self._database.run(lambda connection: inbox.put(connection, TASKS, row))
        except Away:
            return Reply(fate="passing", detail="store-away")
        return Reply(fate="accepted", detail="kept", provider_id=message.id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """Closes the database."""
        await asyncio.to_thread(self._database.close)


def _fault(data: Any) -> str | None:
    """Returns the key whose value can not be."""
    title = data.get("title")
    if not _is_text(title, MAX_TITLE_CHARS) or not title.strip():
        return "title"
    if not _is_text(data.get("description", ""), MAX_TEXT_CHARS):
        return "description"
    if data.get("assignee") is not None and not _is_text(data["assignee"], MAX_ASSIGNEE_CHARS):
        return "assignee"
    if data.get("priority", "medium") not in PRIORITIES:
        return "priority"
    due_at = data.get("due_at")
    is_instant = isinstance(due_at, int) and not isinstance(due_at, bool) and 0 <= due_at < 2**53
    return None if due_at is None or is_instant else "due_at"


def _is_text(found: object, most: int) -> bool:
    return isinstance(found, str) and len(found) <= most and "\0" not in found


def _row(message: Message, data: dict[str, Any], now_ms: int) -> dict[str, Any]:
    return {
        "id": message.id,
        "profile_id": message.profile_id,
        "title": data["title"],
        "description": data.get("description", ""),
        "assignee": data.get("assignee"),
        "priority": data.get("priority", "medium"),
        "due_at": data.get("due_at"),
        "at": now_ms,
        "definition_id": message.definition_id,
        "step": message.step,
    }
