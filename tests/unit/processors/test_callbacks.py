"""What `beckon callbacks` runs, from HTTP to Kafka."""

import asyncio
import json
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
import pytest
from pydantic import SecretStr

from processors import callbacks, composers, provider_settings, settings
from processors.clock import WallClock
from processors.delivery import drains, notes
from processors.delivery.links import Links
from processors.logs import JsonFormatter
from processors.ports import Callbacks
from processors.runtime import readers as readers_of_topics
from processors.settings import InvalidSettings, Settings
from schemas.errors import BadRecord, Forged
from schemas.messages import CallbackRequest, Report
from tests import sites
from tests.builders import command
from tests.embedded import Broker

Found = TypeVar("Found")

CANARY = "ada.canary@example.com"


class Word:
    """A provider that shows itself by a word."""

    name = "word"

    def read(self, request: CallbackRequest) -> Sequence[Report]:
        if request.query.get("word") != "right":
            raise Forged("the word is wrong")
        try:
            return msgspec.json.decode(request.body, type=list[Report])
        except msgspec.DecodeError as error:
            raise BadRecord("callback-invalid", "it is no list of reports") from error


def readers(_: Settings) -> list[Callbacks]:
    return [Word()]


@pytest.fixture
def chosen(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a database in a file and the embedded broker."""
    for name in ("events", "outcomes", "dead-letters", "definitions"):
        broker.topic(name)
    monkeypatch.setattr(callbacks, "READERS", (readers,))
    monkeypatch.setattr(notes, "HOLD_MS", 40)
    return Settings(
        kafka=settings.Kafka(bootstrap_servers=broker.mock.bootstrap, checksums=False),
        topics=settings.Topics(prefix=broker.prefix),
        health=settings.Health(port=sites.free()),
        callbacks=settings.Callbacks(port=sites.free(), signing_keys=SecretStr(sites.KEYS)),
        database=provider_settings.Database(url=SecretStr(f"sqlite:///{tmp_path}/db")),
    )


def changed(found: Settings, branch: str, **values: Any) -> Settings:
    held = getattr(found, branch).model_copy(update=values)
    return found.model_copy(update={branch: held})


def served(chosen: Settings, use: Callable[[httpx2.AsyncClient, Links], Awaitable[Found]]) -> Found:
    """Returns what a visit returns; the server runs from before it until it is told to stop."""

    async def work() -> Found:
        stop = asyncio.Event()
        running = asyncio.ensure_future(callbacks.serve(chosen, stop))
        base = f"http://127.0.0.1:{chosen.callbacks.port}"
        agent = {"User-Agent": sites.BROWSER}
        async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=agent) as client:
            try:
                await until_ready(client, chosen.health.port, running)
                return await use(client, composers.links_of(chosen))
            finally:
                stop.set()
                assert await running == 0

    return asyncio.run(work())


async def until_ready(
    client: httpx2.AsyncClient, port: int, running: "asyncio.Future[int]"
) -> None:
    async with asyncio.timeout(20):
        while not running.done():
            if await status_of(client, port) == 200:
                return
            await asyncio.sleep(0.02)
    await running


async def status_of(client: httpx2.AsyncClient, port: int) -> int:
    """Returns what `/ready` says; 0 while nobody answers."""
    try:
        return (await client.get(f"http://127.0.0.1:{port}/ready")).status_code
    except httpx2.TransportError:
        return 0


def path(address: str) -> str:
    return address.removeprefix("http://localhost:8090")


def told(broker: Broker, name: str = "events") -> list[dict[str, Any]]:
    return [json.loads(one.value() or b"") for one in broker.records(f"{broker.prefix}{name}")]


def test_unsubscribing_reaches_kafka(chosen: Settings, broker: Broker) -> None:
    mail = command(channel="email", topic="news", profile_id="ada")

    async def use(client: httpx2.AsyncClient, links: Links) -> int:
        answer = await client.post(path(links.unsubscribe(mail)))
        return answer.status_code

    assert served(chosen, use) == 200
    [event] = told(broker)
    assert (event["event"], event["userId"]) == ("email.unsubscribed", "ada")
    [outcome] = told(broker, "outcomes")
    assert (outcome["result"], outcome["command_id"]) == ("unsubscribed", "c-1")


def test_opens_reach_kafka_at_the_latest_when_it_stops(chosen: Settings, broker: Broker) -> None:
    now_ms = WallClock().now_ms()
    mail = command(channel="email", topic="news", profile_id="ada", at=now_ms)

    async def use(client: httpx2.AsyncClient, links: Links) -> int:
        return (await client.get(path(links.pixel(mail)))).status_code

    assert served(chosen, use) == 200
    assert [one["event"] for one in told(broker)] == ["email.opened"]


def test_what_can_not_be_read_becomes_a_dead_letter(chosen: Settings, broker: Broker) -> None:
    async def use(client: httpx2.AsyncClient, _: Links) -> int:
        return (await client.post("/callbacks/word?word=right", content=b"{")).status_code

    assert served(chosen, use) == 400
    [letter] = broker.records(f"{broker.prefix}dead-letters")
    headers = dict(letter.headers() or [])
    assert (headers["reason"], headers["topic"]) == (b"callback-invalid", b"callbacks.word")
    assert letter.value() == b"{"


def test_kafka_away_at_the_start_is_no_reason_not_to_hear(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "FLUSH_S", 0.2)
    monkeypatch.setattr(readers_of_topics, "CALL_S", 0.2)
    away = changed(chosen, "kafka", bootstrap_servers="127.0.0.1:1")
    mail = command(channel="email", topic="news", profile_id="ada")

    async def use(client: httpx2.AsyncClient, links: Links) -> list[int]:
        return [
            (await client.post(path(links.unsubscribe(mail)))).status_code,
            (await client.post("/callbacks/word?word=right", content=b"{")).status_code,
        ]

    assert served(away, use) == [200, 503]


def test_metrics_are_served(chosen: Settings) -> None:
    async def use(client: httpx2.AsyncClient, _: Links) -> str:
        await client.post("/callbacks/word?word=wrong")
        return (await client.get(f"http://127.0.0.1:{chosen.health.port}/metrics")).text

    text = served(chosen, use)
    assert 'beckon_callbacks_refused_total{provider="word",reason="forged"} 1.0' in text
    assert "beckon_outbox_records 0.0" in text


def test_nothing_of_a_person_and_no_token_is_in_the_log(
    chosen: Settings, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens: list[str] = []
    mail = command(channel="email", topic="news", profile_id=CANARY, at=WallClock().now_ms())

    async def use(client: httpx2.AsyncClient, links: Links) -> None:
        addresses = [
            links.unsubscribe(mail),
            links.preferences(mail),
            links.confirm(mail),
            links.pixel(mail),
            links.click(mail, f"https://shop.example/?to={CANARY}"),
        ]
        tokens.extend(address.rpartition("/")[2] for address in addresses)
        for address in addresses:
            for wrong in ("", "x"):
                await client.get(path(address) + wrong)
                await client.post(path(address) + wrong, data={"on": CANARY})
        bad = f'[{{"address": "{CANARY}"}}'.encode()
        await client.post(f"/callbacks/word?word=right&to={CANARY}", content=bad)
        await client.post(f"/callbacks/word?word={CANARY}", content=bad)
        await client.get(f"/nowhere/{CANARY}")

    served(chosen, use)
    ours = [each for each in caplog.records if not re.match("http|asyncio", each.name)]
    text = "\n".join(JsonFormatter().format(each) + str(vars(each)) for each in ours)
    assert "a callback can not be read" in text
    assert "canary" not in text
    assert not [token for token in tokens if token in text]
    assert len(told(broker)) >= 4


def test_inboxes_are_served_where_somebody_may_ask(chosen: Settings) -> None:
    headers = {"Authorization": f"Bearer {'k' * 32}", "Beckon-Person": "ada"}

    async def use(client: httpx2.AsyncClient, _: Links) -> tuple[int, str]:
        answer = await client.get("/inbox/unread", headers=headers)
        return answer.status_code, answer.text

    assert served(chosen, use)[0] == 404
    allowed = changed(chosen, "inbox", keys=SecretStr(f" {'k' * 32} ,"))
    assert served(allowed, use) == (200, '{"unread":0}')


@pytest.mark.parametrize(
    "values", [{"keys": SecretStr("hush")}, {"token_secrets": SecretStr("hush")}]
)
def test_keys_that_are_too_short_are_refused_by_the_settings_name(
    chosen: Settings, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidSettings, match=r"^BECKON_INBOX__KEYS") as caught:
        callbacks.Role(changed(chosen, "inbox", **values))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (None, "there is no key"),
        ("k1:c2hvcnQ=", "5 bytes"),
        ("k1=abc", "id:base64"),
    ],
)
def test_keys_that_do_not_sign_are_refused_by_the_settings_name(
    chosen: Settings, keys: str | None, said: str
) -> None:
    held = None if keys is None else SecretStr(keys)
    found = changed(chosen, "callbacks", signing_keys=held)
    with pytest.raises(InvalidSettings, match=f"BECKON_CALLBACKS__SIGNING_KEYS: .*{said}"):
        asyncio.run(callbacks.serve(found, asyncio.Event()))


@pytest.mark.parametrize("branch", ["health", "callbacks"])
def test_port_that_is_taken_is_refused_by_the_settings_name(chosen: Settings, branch: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        found = changed(chosen, branch, port=held.getsockname()[1])
        with pytest.raises(InvalidSettings, match=f"BECKON_{branch.upper()}__PORT"):
            asyncio.run(callbacks.serve(found, asyncio.Event()))


def test_it_waits_for_its_database_and_can_be_stopped_meanwhile(
    chosen: Settings, tmp_path: Path
) -> None:
    nowhere = SecretStr(f"sqlite:///{tmp_path}/no/such/folder/db")
    found = changed(chosen, "database", url=nowhere)

    async def work() -> tuple[int, int]:
        stop = asyncio.Event()
        running = asyncio.ensure_future(callbacks.serve(found, stop))
        async with httpx2.AsyncClient(trust_env=False) as client:
            async with asyncio.timeout(20):
                while (status := await status_of(client, found.health.port)) == 0:
                    await asyncio.sleep(0.02)
        stop.set()
        return status, await running

    assert asyncio.run(work()) == (503, 0)


def test_part_that_fails_ends_the_server(chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise LookupError

    monkeypatch.setattr(drains, "drain", fail)

    async def work() -> int:
        async with asyncio.timeout(20):
            return await callbacks.serve(chosen, asyncio.Event())

    assert asyncio.run(work()) == 1
