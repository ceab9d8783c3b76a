"""How a sender comes by its messages: the templates that are published, rendered beside it.

A part of the composition root, for `beckon sender`.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from processors import app, callbacks
from processors.content.facts import Options
from processors.content.isolation import Isolated
from processors.definitions.documents import CONTENT_KINDS
from processors.delivery.bodies import Bodies
from processors.runtime import catalogues
from processors.runtime.clients import Cluster
from processors.runtime.errors import RuntimeFailure
from processors.settings import Settings
from schemas import codec, definitions
from schemas.commands import Command
from schemas.errors import BadRecord, Unsendable
from schemas.letters import DeadLetter, Record
from schemas.messages import Message
from schemas.topics import full_name

FOLLOW_S = 10.0
"""How often the published templates are read again; one that is not known is looked for at once."""

logger = logging.getLogger(__name__)


class Shelf:
    """The documents of templates and partials, as they are published."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Mapping[str, Any]] = {}

    def take(self, record: Record) -> DeadLetter | None:
        """Takes one record of `definitions`; what can not be read is the worker's to refuse."""
        try:
            kind, id_, number = definitions.parse_key(record.key)
            if kind not in CONTENT_KINDS or number is not None:
                return None
            if record.value is None:
                self.documents.pop((kind, id_), None)
            else:
                found = codec.decode_definition(record.value)
                self.documents[kind, id_] = found.document
        except BadRecord:
            return None
        return None


class Composing:
    """Makes the messages of commands."""

    def __init__(self, cluster: Cluster, topic: str, renderer: Isolated) -> None:
        """Takes where templates come from, and what renders them; that is closed with it."""
        self._cluster = cluster
        self._topic = topic
        self._renderer = renderer
        self._bodies = Bodies()
        self._held: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
        self._reading = asyncio.Lock()

    async def compose(self, command: Command) -> Sequence[Message]:
        """Returns one message for each address; see `ports.Composer`.

        Raises:
            Unsendable: it can not be made; the reason says why.
            OSError: templates can not be read now.
        """
        if command.template is None:
            return self._bodies.compose(command)
        if self._held is None:
            await self.read()
        try:
            return await asyncio.to_thread(self._renderer.compose, command)
        except Unsendable as problem:
            if problem.reason != "template-missing":
                raise
        await self.read()  # it may have been published a moment ago
        return await asyncio.to_thread(self._renderer.compose, command)

    async def read(self) -> None:
        """Takes up what is published now.

        Raises:
            OSError: it can not be read.
        """
        async with self._reading:
            shelf = Shelf()
            try:
                await asyncio.to_thread(catalogues.read, self._cluster, self._topic, shelf)
            except RuntimeFailure as error:
                raise OSError(f"templates can not be read: {type(error).__name__}") from error
            if shelf.documents == self._held:
                return
            written = list(shelf.documents.values())
            for problem in await asyncio.to_thread(self._renderer.take, written):
                logger.error("a template can not be used", extra={"why": problem})
            self._held = shelf.documents

    async def follow(self) -> None:
        """Goes on taking up what is published, until it is cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                await self.read()
            except OSError as error:
                logger.warning("templates are not read", extra={"error_type": repr(error)})

    def close(self) -> None:
        """Ends what renders."""
        self._renderer.close()


def composing(settings: Settings) -> Composing:
    """Returns what makes the messages of a sender.

    Raises:
        InvalidSettings: the keys of links are no keys.
    """
    links = None if settings.callbacks.signing_keys is None else callbacks.links_of(settings)
    chosen = settings.content
    options = Options(product_name=chosen.product_name, region=chosen.region, locale=chosen.locale)
    return Composing(
        app.cluster_of(settings),
        full_name(settings.topics.prefix, "definitions"),
        Isolated(tracking=links, options=options),
    )
