"""A sender's templates are those that are published, from its beginning on and while it runs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from processors.agents.contents import Contents
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.definitions.errors import Problem
from schemas import codec
from schemas.commands import Command
from schemas.definitions import DefinitionRecord
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.builders import T0, catalogue, segment
from tests.embedded import Broker
from tests.unit.agents.hosts import Hosting
from tests.unit.content.builders import command, template


class Inside:
    """Templates rendered in this process, `Templates` by shape."""

    def __init__(self) -> None:
        self.library = Library()
        self._renderer = Renderer(self.library)
        self.taken = 0

    def compose_all(self, commands: Sequence[Command]) -> list[Sequence[Message] | Unsendable]:
        return [self._compose(one) for one in commands]

    def _compose(self, command: Command) -> Sequence[Message] | Unsendable:
        try:
            return self._renderer.compose(command)
        except Unsendable as problem:
            return problem

    def take(self, written: Iterable[Mapping[str, Any]]) -> list[Problem]:
        self.taken += 1
        return self.library.take(written)

    def close(self) -> None:
        self.library.take([])


def record(document: Mapping[str, Any]) -> bytes:
    return codec.encode(
        DefinitionRecord(
            kind=document["kind"],
            id=document["id"],
            version="v",
            number=1,
            published_at=T0,
            document=dict(document),
        )
    )


def publish(broker: Broker, topic: str, *documents: Mapping[str, Any], suffix: str = "") -> None:
    for each in documents:
        key = f"{each['kind']}/{each['id']}{suffix}".encode()
        broker.produce(topic, (key, record(each)))


async def subject(contents: Contents) -> str | None:
    (message,) = await contents.compose(command())
    return message.subject


async def until(contents: Contents, wanted: str | None) -> None:
    """Waits until a message is of the wanted subject; None: until there is no template."""
    while True:
        try:
            found = await subject(contents)
        except Unsendable:
            found = None
        if found == wanted:
            return
        await asyncio.sleep(0)


def test_templates_are_those_that_are_published(broker: Broker) -> None:
    topic = broker.topic("definitions")
    publish(broker, topic, template(), segment({"tag": "x"}))
    publish(broker, topic, template(subject="Older"), suffix="@1")
    broker.produce(topic, (b"nonsense", b"x"), (b"template/bad", b"x"))

    async def live() -> None:
        inside, stopped = Inside(), False
        contents = Contents(inside, broker.cluster, broker.prefix)
        waiting = asyncio.ensure_future(contents.compose(command()))
        follower = asyncio.ensure_future(contents.follow(lambda: stopped))
        assert (await waiting)[0].subject == "Hello", "nothing is composed before all is read"
        publish(broker, topic, template(subject="Changed"))
        await until(contents, "Changed")
        assert (await contents.published()).versions.keys() == {"hello"}
        publish(broker, topic, template(subject=None) | {"subject": ""})
        await until(contents, None)
        publish(broker, topic, template(subject="Mended"))
        await until(contents, "Mended")
        broker.produce(topic, (b"template/hello", None))
        await until(contents, None)
        stopped = True
        await follower

    asyncio.run(asyncio.wait_for(live(), 30))


def test_segments_change_no_template(broker: Broker) -> None:
    topic = broker.topic("definitions")
    publish(broker, topic, template())

    async def live() -> int:
        inside, turns = Inside(), iter([False, True])
        publish(broker, topic, segment({"tag": "x"}))
        await Contents(inside, broker.cluster, broker.prefix).follow(lambda: next(turns))
        return inside.taken

    assert asyncio.run(asyncio.wait_for(live(), 30)) == 1


def test_app_follows_and_closes(broker: Broker) -> None:
    topic = broker.topic("definitions")
    publish(broker, topic, template())
    app = Hosting()
    app.should_stop = True

    async def live() -> None:
        inside = Inside()
        contents = Contents(inside, broker.cluster, broker.prefix)
        contents.host(app)  # type: ignore[arg-type]
        await app.tasks[0]()
        assert await subject(contents) == "Hello"
        await app.ends[0]()
        with pytest.raises(RuntimeError):
            await subject(contents)
        assert not inside.library.stock.templates

    asyncio.run(asyncio.wait_for(live(), 30))


class Recommending:
    """Tells commands of the documents that it has taken, `Recommended` by shape."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def take(self, written: Iterable[Mapping[str, Any]]) -> None:
        self.taken = sorted(str(each["kind"]) for each in written)

    async def told(self, command: Command) -> Command:
        return msgspec.structs.replace(command, traits=command.traits | {"taken": self.taken})


def test_templates_are_told_what_is_recommended_by_what_is_published(broker: Broker) -> None:
    topic = broker.topic("definitions")
    publish(broker, topic, template(subject="{{ taken | join }}"), catalogue())

    async def live() -> str | None:
        contents = Contents(Inside(), broker.cluster, broker.prefix, recommended=Recommending())
        stopped = False
        follower = asyncio.ensure_future(contents.follow(lambda: stopped))
        found = await subject(contents)
        stopped = True
        await follower
        return found

    assert asyncio.run(asyncio.wait_for(live(), 30)) == "catalogue template"


def test_app_that_is_stopped_before_all_is_read_ends_cleanly(broker: Broker) -> None:
    topic = broker.topic("definitions")
    publish(broker, topic, template())
    app = Hosting()

    async def live() -> None:
        contents = Contents(Inside(), broker.cluster, broker.prefix)
        contents.host(app)  # type: ignore[arg-type]
        following = asyncio.create_task(app.tasks[0]())
        await asyncio.sleep(0)
        await app.ends[0]()
        await following

    asyncio.run(asyncio.wait_for(live(), 30))
