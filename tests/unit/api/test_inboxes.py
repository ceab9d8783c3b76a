"""The inbox of a person, asked for over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from sqlalchemy import select

from connectors.channels import inbox
from connectors.channels.inbox import Inbox, Reader
from connectors.stores import tables
from processors.api import inboxes
from processors.api.access import AUDIENCE, Access
from processors.api.inboxes import MAX_BODY_BYTES, MAX_QUERY_CHARS, PERSON
from processors.metrics import Counter
from schemas.events import iso
from tests import sites
from tests.builders import T0
from tests.providers.messengers import message
from tests.sites import Site
from tests.unit.api.test_access import KEY, SECRET, token

ORIGIN = "https://shop.example"
ACCESS = Access([KEY], [SECRET], [ORIGIN])
Found = TypeVar("Found")


def visit(folder: Path, use: Callable[[Site], Awaitable[Found]]) -> Found:
    return sites.run(folder, use, access=ACCESS)


async def laid(site: Site, count: int, who: str = "ada") -> None:
    """Lays messages down, one a second."""
    for number in range(count):
        one = Inbox(site.database, now_ms=lambda at=T0 - 10_000 + number * 1_000: at)  # type: ignore[misc]
        await one.send(message("inbox", f"{who}-{number}", to=who, subject="Hi", profile_id=who))


def of(who: str = "ada") -> dict[str, str]:
    """Returns the headers of a browser."""
    made = token(sub=who, aud=AUDIENCE, iat=T0 // 1000, exp=T0 // 1000 + 60)
    return {"Authorization": f"Bearer {made}"}


def server(who: str = "ada") -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}", PERSON: who}


def ids(answer: httpx2.Response) -> list[str]:
    return [each["id"] for each in answer.json()["messages"]]


def test_pages_follow_each_other_the_latest_message_first(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[list[str]], Any]:
        await laid(site, 5)
        await laid(site, 2, "bob")
        found, query = [], {"limit": "2"}
        while True:
            answer = await site.client.get("/inbox/messages", params=query, headers=of())
            found.append(ids(answer))
            if answer.json()["next"] is None:
                return found, answer.json()["messages"][0]
            query["cursor"] = answer.json()["next"]

    pages, shown = visit(tmp_path, use)
    assert pages == [["ada-4", "ada-3"], ["ada-2", "ada-1"], ["ada-0"]]
    assert shown == {
        "id": "ada-0",
        "title": "Hi",
        "body": "ada-0",
        "url": None,
        "image": None,
        "data": {},
        "at": T0 - 10_000,
        "read_at": None,
    }


@pytest.mark.parametrize("who", [of, server])
def test_messages_are_counted_marked_and_deleted(
    tmp_path: Path, who: Callable[[], dict[str, str]]
) -> None:
    async def use(site: Site) -> list[Any]:
        await laid(site, 4)

        async def ask(method: str, path: str) -> Any:
            return (await site.client.request(method, f"/inbox{path}", headers=who())).json()

        return [
            await ask("GET", "/unread"),
            await ask("POST", "/messages/ada-1/read"),
            await ask("POST", "/messages/ada-1/read"),
            await ask("GET", "/unread"),
            await ask("DELETE", "/messages/ada-2"),
            await ask("POST", "/read"),
            await ask("POST", "/read"),
            await ask("GET", "/unread"),
            [each["id"] for each in (await ask("GET", "/messages"))["messages"]],
        ]

    assert visit(tmp_path, use) == [
        *({"unread": 4}, {}, {}, {"unread": 3}, {}),
        *({"read": 2}, {"read": 0}, {"unread": 0}, ["ada-3", "ada-1", "ada-0"]),
    ]


def test_message_that_is_read_comes_back_as_an_event_once(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[dict[str, Any]], float]:
        await laid(site, 2)
        await site.sent("ada-1", channel="inbox", provider="inbox", provider_id="ada-1")
        for _ in range(3):
            await site.client.get("/inbox/messages", headers=of())
            await site.client.post("/inbox/messages/ada-1/read", headers=of())
        return await site.events(), site.metrics.read(Counter.TRACKED, "opened", "no")

    [event], counted = visit(tmp_path, use)
    assert (event["event"], event["userId"], event["type"]) == ("inbox.opened", "ada", "track")
    assert event["timestamp"].startswith(iso(T0)[:19])
    assert event["properties"] == {
        "command_id": "ada-1",
        "definition_id": "welcome",
        "step": "0",
        "provider": "inbox",
        "result": "opened",
        "detail": "inbox",
    }
    assert counted == 1


def test_all_that_are_read_at_once_are_told_however_many(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[Any, list[dict[str, Any]]]:
        await laid(site, 5)
        await laid(site, 1, "bob")
        await site.client.post("/inbox/messages/ada-3/read", headers=of())
        answer = await site.client.post("/inbox/read", headers=of())
        return answer.json(), await site.events()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "MAX_LISTED", 2)
        answer, events = visit(tmp_path, use)
    assert answer == {"read": 4}
    assert sorted(each["properties"]["command_id"] for each in events) == [
        f"ada-{number}" for number in range(5)
    ]
    assert {each["userId"] for each in events} == {"ada"}


def test_message_that_is_read_from_two_places_at_once_is_told_once(tmp_path: Path) -> None:
    async def use(site: Site) -> list[dict[str, Any]]:
        await laid(site, 3)
        asked = [
            site.client.post(f"/inbox{path}", headers=of())
            for path in ("/read", "/messages/ada-0/read", "/read", "/messages/ada-0/read")
        ]
        assert {each.status_code for each in await asyncio.gather(*asked)} == {200}
        return await site.events()

    events = visit(tmp_path, use)
    assert sorted(each["properties"]["command_id"] for each in events) == [
        "ada-0",
        "ada-1",
        "ada-2",
    ]


def test_what_was_told_before_a_crash_is_not_told_again_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is written first: in between, it may be there without the mark, never without."""

    async def use(site: Site) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]], int]:
        await laid(site, 1)

        async def fail(*_: object) -> int:
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr(Reader, "mark", fail)
            broken = await site.client.post("/inbox/read", headers=of())
            between = await site.events()
        again = await site.client.post("/inbox/read", headers=of())
        return broken.status_code, between, await site.events(), again.json()["read"]

    status, between, after, read = visit(tmp_path, use)
    assert (status, len(between), read) == (503, 1, 1)
    assert after == between


@pytest.mark.parametrize("id_", ["bob-0", "none", "gone", "x" * 65, "a%00b"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/read"), ("DELETE", "")])
def test_messages_of_others_are_as_if_they_were_not_there(
    tmp_path: Path, id_: str, method: str, path: str
) -> None:
    async def use(site: Site) -> tuple[httpx2.Response, list[Any], list[Any]]:
        await laid(site, 1, "bob")
        await laid(site, 1, "gone")
        await site.client.delete("/inbox/messages/gone-0", headers=of("gone"))
        answer = await site.client.request(method, f"/inbox/messages/{id_}{path}", headers=of())
        marked = await site.database.run(
            lambda one: one.execute(select(tables.INBOX.c.read_at)).scalars().all()
        )
        return answer, list(marked), await site.events()

    answer, marked, told = visit(tmp_path, use)
    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})
    assert marked == [None, None]
    assert told == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"Bearer {KEY}x", PERSON: "ada"},
        {"Authorization": f"Bearer {token(exp=T0 // 1000)}"},
        {"Authorization": "Basic YTpi"},
    ],
)
def test_whoever_may_not_ask_gets_one_answer(tmp_path: Path, headers: dict[str, str]) -> None:
    async def use(site: Site) -> list[tuple[int, Any]]:
        await laid(site, 1)
        paths = [
            ("GET", "/messages"),
            ("GET", "/unread"),
            ("POST", "/read"),
            ("DELETE", "/messages/x"),
        ]
        found = [
            await site.client.request(method, f"/inbox{path}", headers=headers)
            for method, path in paths
        ]
        assert site.metrics.read(Counter.INBOX_REFUSED, "401") == len(paths)
        assert {each.headers["www-authenticate"] for each in found} == {"Bearer"}
        return [(each.status_code, each.json()) for each in found]

    assert visit(tmp_path, use) == [(401, {"error": "unauthorized"})] * 4


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400),
        ("limit=201", 400),
        ("limit=0000000051", 400),
        ("limit=-1", 400),
        ("limit=ten", 400),
        ("limit=%C2%B2", 400),
        ("cursor=x", 400),
        ("cursor=WzEsMl0", 400),
        ("cursor=Wy0xLCJhIl0", 400),
        ("cursor=%C3%BC", 400),
        ("limit=200", 200),
        ("cursor=" + "x" * MAX_QUERY_CHARS, 414),
    ],
)
def test_what_is_no_page_is_refused(tmp_path: Path, query: str, status: int) -> None:
    async def use(site: Site) -> int:
        return (await site.client.get(f"/inbox/messages?{query}", headers=of())).status_code

    assert visit(tmp_path, use) == status


def test_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def use(site: Site) -> int:
        large = b"x" * (MAX_BODY_BYTES + 1)
        return (await site.client.post("/inbox/read", content=large, headers=of())).status_code

    assert visit(tmp_path, use) == 413


@pytest.mark.parametrize(("origin", "is_ours"), [(ORIGIN, True), ("https://evil.example", False)])
def test_only_pages_of_our_origins_may_read_the_answers(
    tmp_path: Path, origin: str, is_ours: bool
) -> None:
    async def use(site: Site) -> list[httpx2.Response]:
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        return [
            await site.client.options("/inbox/messages", headers=asked),
            await site.client.get("/inbox/messages", headers={"Origin": origin} | of()),
            await site.client.get("/inbox/messages", headers={"Origin": origin}),
        ]

    found = visit(tmp_path, use)
    assert [each.status_code for each in found] == [204, 200, 401]
    allowed = [each.headers.get("access-control-allow-origin") for each in found]
    assert allowed == [origin if is_ours else None] * 3
    assert all(each.headers["vary"] == "Origin" for each in found)
    assert "access-control-allow-credentials" not in found[0].headers


def test_without_a_database_it_is_asked_to_come_again(tmp_path: Path) -> None:
    async def use(site: Site) -> httpx2.Response:
        await site.database.run(lambda one: tables.INBOX.drop(one))
        return await site.client.get("/inbox/unread", headers=of())

    answer = visit(tmp_path, use)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_only_so_many_are_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "MAX_AT_ONCE", 0)

    async def use(site: Site) -> httpx2.Response:
        return await site.client.get("/inbox/unread", headers=of())

    answer = visit(tmp_path, use)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_without_keys_there_is_no_inbox(tmp_path: Path) -> None:
    async def use(site: Site) -> int:
        return (await site.client.get("/inbox/messages", headers=of())).status_code

    assert sites.run(tmp_path, use) == 404
