"""Messages that a product shows: laid down once, listed, counted, marked."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.channels import inbox
from connectors.channels.inbox import Inbox
from connectors.stores import tables
from connectors.stores.engines import Database
from schemas.messages import Reply
from tests.providers.messengers import message


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'senders.db'}")
    tables.METADATA.create_all(found.engine)
    yield found
    found.close()


def put(database: Database, key: str, *, at: int = 1_000, **changes: Any) -> Reply:
    one = Inbox(database, now_ms=lambda: at)
    return asyncio.run(one.send(message("inbox", key, to="ada", subject="Hi", **changes)))


def ids(database: Database, *, who: str = "ada", now_ms: int = 5_000, **changes: Any) -> list[str]:
    found = database.run_now(lambda one: inbox.listed(one, who, now_ms=now_ms, **changes))
    return [each.id for each in found]


def unread(database: Database, now_ms: int = 5_000) -> int:
    return database.run_now(lambda one: inbox.count_unread(one, "ada", now_ms=now_ms))


def test_message_is_shown_as_it_was_composed(database: Database) -> None:
    data = {"order": 7, "expires_at": 9_000}
    given: dict[str, Any] = {"url": "/orders/7", "image": "/a.png", "data": data}

    reply = put(database, "c-1", text="Grüße", **given)

    [found] = database.run_now(lambda one: inbox.listed(one, "ada", now_ms=5_000))
    assert (reply.fate, reply.provider_id) == ("accepted", "c-1")
    assert (found.title, found.body, found.url, found.image) == (
        "Hi",
        "Grüße",
        "/orders/7",
        "/a.png",
    )
    assert (found.data, found.at, found.read_at) == ({"order": 7}, 1_000, None)


def test_repeat_changes_nothing(database: Database) -> None:
    put(database, "c-1", text="first")
    put(database, "c-1", text="second", at=2_000)

    [found] = database.run_now(lambda one: inbox.listed(one, "ada", now_ms=5_000))
    assert (found.body, found.at) == ("first", 1_000)


def test_latest_come_first_a_page_at_a_time(database: Database) -> None:
    for number in range(5):
        put(database, f"c-{number}", at=1_000 + number // 2)

    first = ids(database, limit=2)
    found = database.run_now(lambda one: inbox.listed(one, "ada", now_ms=5_000, limit=2))
    last = found[-1]
    assert first == ["c-4", "c-3"]
    assert ids(database, before=(last.at, last.id)) == ["c-2", "c-1", "c-0"]
    assert ids(database, limit=0) == ["c-4"]


def test_expired_and_archived_messages_are_gone(database: Database) -> None:
    put(database, "c-1", data={"expires_at": 5_000})
    put(database, "c-2")
    put(database, "c-3", data={"expires_at": "soon"})

    assert ids(database, now_ms=4_999) == ["c-3", "c-2", "c-1"]
    assert ids(database, now_ms=5_000) == ["c-3", "c-2"]
    count = database.run_now(lambda one: inbox.archive(one, "ada", ["c-2"], at=4_000))
    again = database.run_now(lambda one: inbox.archive(one, "ada", ["c-2"], at=4_000))
    assert (count, again) == (1, 0)
    assert ids(database) == ["c-3"]
    assert unread(database) == 1


def test_unread_are_counted_until_they_are_marked(database: Database) -> None:
    for number in range(3):
        put(database, f"c-{number}")

    def mark(who: str, chosen: list[str]) -> int:
        return database.run_now(lambda one: inbox.mark_read(one, who, chosen, at=2_000))

    assert unread(database) == 3
    assert mark("bob", ["c-0"]) == 0
    assert mark("ada", ["c-0", "c-0", "c-9"]) == 1
    assert mark("ada", ["c-0"]) == 0
    assert unread(database) == 2
    assert mark("ada", ["c-1", "c-2"]) == 2
    assert unread(database) == 0
    assert mark("ada", []) == 0


def test_what_is_unread_is_told_by_its_id_as_far_as_it_is_shown(database: Database) -> None:
    put(database, "c-2", at=2_000)
    put(database, "c-1", at=1_000)
    put(database, "c-3", data={"expires_at": 4_000})

    def ids_of(who: str, only: str | None = None) -> list[str]:
        return database.run_now(lambda one: inbox.unread_ids(one, who, now_ms=5_000, only=only))

    assert (ids_of("ada"), ids_of("bob")) == (["c-1", "c-2"], [])
    assert [ids_of("ada", only) for only in ("c-2", "c-3", "c-9")] == [["c-2"], [], []]
    assert ids_of("bob", "c-2") == []
    database.run_now(lambda one: inbox.mark_read(one, "ada", ["c-1"], at=5_000))
    assert ids_of("ada") == ["c-2"]


def test_what_has_expired_is_neither_marked_nor_taken_off(database: Database) -> None:
    put(database, "c-1", data={"expires_at": 5_000})
    put(database, "c-2")

    def mark(at: int) -> int:
        return database.run_now(lambda one: inbox.mark_read(one, "ada", ["c-1", "c-2"], at=at))

    assert (unread(database), mark(5_000)) == (1, 1)
    assert database.run_now(lambda one: inbox.archive(one, "ada", ["c-1"], at=5_000)) == 0
    assert mark(4_999) == 1


def test_people_see_their_own_only(database: Database) -> None:
    put(database, "c-1")

    assert ids(database, who="bob") == []


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"text": "x" * 70_000}, "content-too-large"),
        ({"text": "a\0b"}, "content-invalid"),
    ],
)
def test_content_that_a_database_does_not_hold_is_refused(
    database: Database, changes: dict[str, Any], detail: str
) -> None:
    assert put(database, "c-1", **changes).detail == detail
    assert ids(database) == []


def test_message_without_words_is_refused(database: Database) -> None:
    one = Inbox(database, now_ms=lambda: 0)

    reply = asyncio.run(one.send(message("inbox", "c-1", text=None)))

    assert reply.detail == "content-invalid"
