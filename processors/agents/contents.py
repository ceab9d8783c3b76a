"""The task that keeps a sender's templates as they are published: `definitions` in, texts changed.

Each process reads all of the topic, by a consumer that belongs to no group: senders share theirs.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from processors.content import dependencies
from processors.definitions.documents import CONTENT_KINDS
from processors.delivery.grouping import Grouped
from processors.runtime import clients, readers
from processors.runtime.clients import Cluster, Polled
from schemas import codec, definitions
from schemas.commands import Command
from schemas.errors import BadRecord, Unsendable
from schemas.intents import Published
from schemas.messages import Message
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

POLL_S = 0.5
TOGETHER_S = 0.2
"""The records of one `beckon publish` are taken up together."""

TOGETHER = 64
"""Messages that are made at one go."""

logger = logging.getLogger(__name__)


class Documents(Protocol):
    """What is kept up to date."""

    def take(self, written: Iterable[Mapping[str, Any]]) -> Sequence[object]:
        """Takes documents in the place of all before; returns what is wrong with some."""
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...


class Templates(Documents, Protocol):
    """Makes messages by templates that can be changed."""

    def compose_all(self, commands: Sequence[Command]) -> Sequence[Sequence[Message] | Unsendable]:
        """Returns of each command the messages, or why there are none."""
        ...


class Recommended(Protocol):
    """Tells commands what is recommended, by the same documents."""

    def take(self, written: Iterable[Mapping[str, Any]]) -> None:
        """Takes documents in the place of all before."""
        ...

    async def told(self, command: Command) -> Command:
        """Returns the command with what its template shows."""
        ...


class Followed:
    """Keeps documents of content as they are published."""

    def __init__(self, documents: Documents, cluster: Cluster, prefix: str) -> None:
        """Takes what is to be kept up to date.

        Args:
            documents: closed with this; asked by one thread.
            cluster: where the topic is.
            prefix: of all topics.
        """
        self._documents = documents
        self._cluster = cluster
        self._topic = full_name(prefix, "definitions")
        self._written: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._thread = ThreadPoolExecutor(1, "templates")
        self._loaded = asyncio.Event()
        self._is_closed = False
        self._read: dict[int, int] = {}
        """The next offset of each partition."""

    def host(self, app: "App") -> None:
        """Has an app keep the templates up to date, and close them at its end."""

        async def follow() -> None:
            await self.follow(lambda: bool(app.should_stop))

        async def close(*_: Any, **__: Any) -> None:
            self._is_closed = True
            self._thread.shutdown(wait=False)
            self._documents.close()

        app.task(follow)
        app.on_before_shutdown.connect(close, weak=False)

    async def loaded(self) -> None:
        """Returns once all that is published has been read."""
        await self._loaded.wait()

    async def follow(self, should_stop: Any) -> None:
        """Reads the topic to its end, then what comes, until it is to stop.

        Raises:
            RuntimeFailure: there is no such topic, or it can not be read at the beginning.
        """
        loop = asyncio.get_running_loop()
        reader = clients.reader(self._cluster, f"{self._topic}-templates")
        with ThreadPoolExecutor(1, "definitions") as thread:
            try:
                await loop.run_in_executor(thread, self._load, reader)
                has_changed = True
                while not self._is_closed:  # it may be told to stop before all is read
                    if has_changed:
                        await loop.run_in_executor(self._thread, self._settle)
                    self._loaded.set()
                    if should_stop():
                        break
                    has_changed = await loop.run_in_executor(thread, self._poll, reader)
            finally:
                await loop.run_in_executor(thread, reader.close)

    def _load(self, reader: Any) -> None:
        partitions = readers.partitions(reader, self._topic)
        for stretch in readers.read(reader, self._topic, dict.fromkeys(partitions, readers.NO_END)):
            self._take(stretch)

    def _poll(self, reader: Any) -> bool:
        """Returns whether templates have changed."""
        found = clients.take(reader, readers.MAX_RECORDS, POLL_S)
        changed = self._take(_records(found))
        if changed:
            self._take(_records(clients.take(reader, readers.MAX_RECORDS, TOGETHER_S)))
        return changed

    def _take(self, records: Iterable[Polled]) -> bool:
        changed = False
        for record in records:
            self._read[record.partition()] = record.offset() + 1
            try:
                kind, id_, number = definitions.parse_key(record.key())
                if kind not in CONTENT_KINDS or number is not None:
                    continue
                value = record.value()
                if value is None:
                    self._written.pop((kind, id_), None)
                else:
                    self._written[kind, id_] = codec.decode_definition(value).document
            except BadRecord as error:
                logger.warning("a definition is passed over", extra={"why": str(error)})
            else:
                changed = True
        return changed

    def _settle(self) -> None:
        for problem in self._documents.take(self._written.values()):
            logger.error("a template can not be used", extra={"why": str(problem)})
        logger.info("templates are active", extra={"templates": len(self._written)})


class Contents(Followed):
    """Makes messages by what is published at the time."""

    def __init__(
        self,
        templates: Templates,
        cluster: Cluster,
        prefix: str,
        *,
        recommended: Recommended | None = None,
    ) -> None:
        """Takes what is to be kept up to date.

        Args:
            templates: closed with this; asked by one thread.
            cluster: where the topic is.
            prefix: of all topics.
            recommended: what templates show of catalogues; None: nothing.
        """
        super().__init__(templates, cluster, prefix)
        self._templates = templates
        self._recommended = recommended
        self._made = Grouped(self._compose, most=TOGETHER, at_once=2)  # one waits for the thread
        self._published = Published(read=0, versions={})

    async def compose(self, command: Command) -> Sequence[Message]:
        """Returns the messages of a command, once all that is published has been read.

        Raises:
            schemas.errors.Unsendable: none can be made.
        """
        await self.loaded()
        if self._recommended is not None:
            command = await self._recommended.told(command)
        made = await self._made.ask(command)
        if isinstance(made, Unsendable):
            raise made
        return made

    async def published(self) -> Published:
        """Returns the versions of templates with all that is in them, once all has been read.

        They are there no sooner than messages are made by them.
        """
        await self.loaded()
        return self._published

    async def _compose(
        self, commands: Sequence[Command]
    ) -> Sequence[Sequence[Message] | Unsendable]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._templates.compose_all, commands)

    def _settle(self) -> None:
        read = sum(self._read.values())
        if self._recommended is not None:
            self._recommended.take(self._written.values())
        super()._settle()
        versions = dependencies.whole_versions(self._written.values())
        self._published = Published(read=read, versions=versions)


def _records(found: list[Any]) -> list[Polled]:
    return [each for each in found if each.error() is None]
