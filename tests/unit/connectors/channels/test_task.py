"""Tasks for the team: laid down once, with what they must have."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.channels.task import Tasks
from connectors.stores import tables
from connectors.stores.engines import Database
from schemas.messages import Reply
from tests.providers.messengers import message

CALL = {
    "title": "Call Ada",
    "description": "about the renewal",
    "assignee": "bob",
    "priority": "high",
    "due_at": 9_000,
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'senders.db'}")
    tables.METADATA.create_all(found.engine)
    yield found
    found.close()


def put(database: Database, data: dict[str, Any], **changes: Any) -> Reply:
    given = {"to": "ada", "text": None, "data": data, **changes}
    return asyncio.run(Tasks(database, now_ms=lambda: 1_000).send(message("task", "c-1", **given)))


def rows(database: Database) -> list[dict[str, Any]]:
    found = database.run_now(lambda one: one.execute(select(tables.TASKS)).mappings().all())
    return [dict(each) for each in found]


def test_task_has_all_that_it_was_given(database: Database) -> None:
    assert put(database, CALL).fate == "accepted"

    [row] = rows(database)
    assert row == {
        **CALL,
        "id": "c-1",
        "profile_id": "ada",
        "at": 1_000,
        "done_at": None,
        "definition_id": "welcome",
        "step": "0",
    }


def test_title_is_enough(database: Database) -> None:
    put(database, {"title": "Call"})

    [row] = rows(database)
    assert (row["description"], row["assignee"], row["due_at"]) == ("", None, None)
    assert row["priority"] == "medium"


def test_words_of_a_template_stand_in_for_title_and_description(database: Database) -> None:
    put(database, {"priority": "low"}, subject="Call", text="soon")

    [row] = rows(database)
    assert (row["title"], row["description"], row["priority"]) == ("Call", "soon", "low")


def test_repeat_changes_nothing(database: Database) -> None:
    put(database, CALL)
    put(database, {"title": "Another"})

    assert [row["title"] for row in rows(database)] == ["Call Ada"]


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"title": ""}, "title-invalid"),
        ({"title": " "}, "title-invalid"),
        ({"title": 5}, "title-invalid"),
        ({"title": "x" * 501}, "title-invalid"),
        ({"title": "a\0"}, "title-invalid"),
        ({"description": 5}, "description-invalid"),
        ({"assignee": "x" * 201}, "assignee-invalid"),
        ({"priority": "urgent"}, "priority-invalid"),
        ({"due_at": "tomorrow"}, "due_at-invalid"),
        ({"due_at": True}, "due_at-invalid"),
        ({"due_at": 2**60}, "due_at-invalid"),
    ],
)
def test_task_that_can_not_be_is_refused(
    database: Database, changes: dict[str, Any], detail: str
) -> None:
    reply = put(database, CALL | changes)

    assert (reply.fate, reply.detail) == ("refused", detail)
    assert rows(database) == []
