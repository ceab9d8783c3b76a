"""The inbox and the tasks on both databases: laid down once, however many try at once."""

import asyncio

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from connectors.channels import inbox
from connectors.channels.inbox import Inbox
from connectors.channels.task import Tasks
from connectors.stores.engines import Database
from connectors.stores.tables import TASKS
from schemas.messages import Reply
from tests.providers.messengers import message


def test_message_is_laid_down_once_and_read_by_its_person(database: Database) -> None:
    one = Inbox(database, now_ms=lambda: 1_000)

    async def send() -> list[Reply]:
        given = [message("inbox", f"c-{number % 3}", text="Grüße 😀") for number in range(9)]
        return list(await asyncio.gather(*(one.send(each) for each in given)))

    assert {reply.fate for reply in asyncio.run(send())} == {"accepted"}

    def look(now_ms: int) -> tuple[list[str], int]:
        def ask(connection: Connection) -> tuple[list[str], int]:
            found = inbox.listed(connection, "ada", now_ms=now_ms)
            return [each.id for each in found], inbox.count_unread(connection, "ada", now_ms=now_ms)

        return database.run_now(ask)

    assert look(2_000) == (["c-2", "c-1", "c-0"], 3)
    assert database.run_now(lambda each: inbox.mark_read(each, "ada", ["c-1"], at=2_000)) == 1
    assert database.run_now(lambda each: inbox.archive(each, "ada", ["c-2"], at=2_000)) == 1
    assert look(3_000) == (["c-1", "c-0"], 1)


def test_task_is_laid_down_once(database: Database) -> None:
    one = Tasks(database, now_ms=lambda: 1_000)
    call = message("task", "c-1", data={"title": "Call", "due_at": 9_000_000_000_000})

    async def send() -> list[Reply]:
        return list(await asyncio.gather(*(one.send(call) for _ in range(5))))

    assert {reply.fate for reply in asyncio.run(send())} == {"accepted"}
    count = select(func.count(), func.max(TASKS.c.due_at)).select_from(TASKS)
    assert tuple(database.run_now(lambda each: each.execute(count).one())) == (1, 9_000_000_000_000)
