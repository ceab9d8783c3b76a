"""Gives templates what is recommended: asked of the database for many messages at once.

It stands before the composer, in the sender's own process: rendering is told plain data. What is
trending and what goes with an item is asked for once a minute, what a person did, and the items,
when a message is made.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from processors.content import facts
from processors.definitions import documents
from processors.definitions.catalogues import LISTS, Catalogue, List
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.templates import Partial, Template
from processors.delivery.grouping import Grouped
from processors.ports import Clock
from processors.recommendations import choosing, shelves
from processors.recommendations.choosing import Counted
from processors.recommendations.shelves import Shelf
from schemas.commands import Command
from schemas.recommendations import HOUR_MS, Asked, Interest, Rank

TOGETHER = 200
"""Messages that are asked for at once."""
FRESH_MS = 60_000
"""How long it is known what is trending, and what goes with an item."""
MOST_KNOWN = 1_000
"""Items of which that is known at once: the latest ones."""
RETRY_S = 1.0
RETRY_MAX_S = 60.0

Sleep = Callable[[float], Awaitable[None]]
Lists = dict[str, list[dict[str, Any]]]
Key = tuple[str, str]
"""An item's catalogue and id."""

logger = logging.getLogger(__name__)


class Store(Protocol):
    """What was counted, and the items: `connectors.stores.recommendations` by shape.

    Raises:
        OSError: it can not be asked now; ask again.
    """

    async def interests(
        self, people: Collection[Asked], *, since: int
    ) -> Mapping[Asked, list[Interest]]:
        """Returns what people viewed and bought, the latest first."""
        ...

    async def beside(
        self, wanted: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], list[Rank]]:
        """Returns for items, by catalogue and id, what was bought with each."""
        ...

    async def trending(
        self, catalogue: str, what: str, *, hours: tuple[int, int], most: int
    ) -> list[Rank]:
        """Returns what was viewed or bought most often."""
        ...

    async def items(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Returns the JSON of items by catalogue and id."""
        ...


class Wanted(NamedTuple):
    """What one message shows."""

    catalogue: Catalogue
    lists: tuple[List, ...]
    profile_id: str
    properties: Mapping[str, Any]

    @property
    def asked(self) -> Asked:
        """Whose of what catalogue."""
        return Asked(self.catalogue.id, self.profile_id)


class Offers:
    """Tells commands what is recommended, for those templates that show it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        retention_ms: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Takes where to ask.

        Args:
            store: the database.
            clock: says what is trending now.
            retention_ms: what somebody did longer ago is not told.
            sleep: waits before asking again.
        """
        self._store = store
        self._clock = clock
        self._retention_ms = retention_ms
        self._sleep = sleep
        self._shelf = Shelf()
        self._showing: Mapping[str, tuple[Template, tuple[List, ...]]] = {}
        self._trending: dict[str, tuple[int, list[Rank]]] = {}
        self._beside: dict[Key, tuple[int, Sequence[Rank]]] = {}
        self._grouped = Grouped(self._find, most=TOGETHER)

    def take(self, written: Iterable[Mapping[str, Any]]) -> None:
        """Takes definitions in the place of all before; what can not be read is not told of."""
        found = list(written)
        self._shelf, _ = shelves.of(found)
        self._showing = showing(found)
        self._trending = {}

    async def told(self, command: Command) -> Command:
        """Does what `ask` does, and waits while the database is away."""
        wait_s = RETRY_S
        while True:
            try:
                return await self.ask(command)
            except OSError as error:
                logger.warning("does not work, trying again", extra={"error_type": repr(error)})
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MAX_S)

    async def ask(self, command: Command) -> Command:
        """Returns the command, with what is recommended among its traits where that is shown.

        Raises:
            OSError: the database is away.
        """
        shown = self._showing.get(command.template or "")
        if shown is None:
            return command
        template, lists = shown
        catalogue = self._shelf.catalogues.get(template.catalogue or "")
        found: Lists = {name: [] for name in lists}
        if catalogue is not None:
            wanted = Wanted(catalogue, lists, command.profile_id, command.properties)
            found = await self._grouped.ask(wanted)
        said = {facts.RECOMMENDED: facts.recommended(template, found)}
        return msgspec.structs.replace(command, traits={**command.traits, **said})

    async def _find(self, batch: Sequence[Wanted]) -> list[Lists]:
        """Returns the lists of each, by three questions at most for all of them."""
        now_ms = self._clock.now_ms()
        since = now_ms - self._retention_ms
        people = await self._store.interests({each.asked for each in batch}, since=since)
        seeds = [
            choosing.seeds(each.catalogue, people.get(each.asked, ()), each.properties)
            if "also_bought" in each.lists
            else ()
            for each in batch
        ]
        keys = {
            (each.catalogue.id, item)
            for each, some in zip(batch, seeds, strict=True)
            for item in some
        }
        beside = await self._besides(keys, now_ms)
        chosen = []
        for each, some in zip(batch, seeds, strict=True):
            ranks = choosing.together([beside[each.catalogue.id, item] for item in some])
            trending = await self._trends(each, now_ms)
            counted = Counted(people.get(each.asked, ()), some, ranks, trending)
            chosen.append(
                choosing.choose(each.catalogue, counted, wanted=each.lists, now_ms=now_ms)
            )
        return await self._shown(batch, chosen)

    async def _besides(self, keys: Collection[Key], now_ms: int) -> dict[Key, Sequence[Rank]]:
        """Returns what was bought with items, as it is known or asked for now."""
        known = self._beside
        found: dict[Key, Sequence[Rank]] = {
            key: known[key][1] for key in keys if key in known and now_ms - known[key][0] < FRESH_MS
        }
        missing = [key for key in keys if key not in found]
        if missing:
            told = await self._store.beside(missing)
            found |= {key: told.get(key, ()) for key in missing}
            for key in missing:
                known.pop(key, None)
                known[key] = (now_ms, found[key])
            for key in list(known)[: max(0, len(known) - MOST_KNOWN)]:
                del known[key]
        return found

    async def _trends(self, wanted: Wanted, now_ms: int) -> list[Rank]:
        catalogue = wanted.catalogue
        if "trending" not in wanted.lists:
            return []
        at, found = self._trending.get(catalogue.id, (None, []))
        if at is None or now_ms - at >= FRESH_MS:
            until = now_ms // HOUR_MS
            found = await self._store.trending(
                catalogue.id,
                catalogue.trend,
                hours=(until - catalogue.trending.within // HOUR_MS, until),
                most=choosing.reserve(catalogue),
            )
            self._trending[catalogue.id] = (now_ms, found)
        return found

    async def _shown(
        self, batch: Sequence[Wanted], chosen: Sequence[Mapping[List, Sequence[str]]]
    ) -> list[Lists]:
        keys = {
            (each.catalogue.id, item)
            for each, lists in zip(batch, chosen, strict=True)
            for some in lists.values()
            for item in some
        }
        found = {
            key: msgspec.json.decode(value)
            for key, value in (await self._store.items(keys)).items()
        }
        made = []
        for each, lists in zip(batch, chosen, strict=True):
            wanted = {item for some in lists.values() for item in some}
            own = {
                item: found[each.catalogue.id, item]
                for item in wanted
                if (each.catalogue.id, item) in found
            }
            made.append(choosing.shown(each.catalogue, lists, own))
        return made


def showing(written: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Template, tuple[List, ...]]]:
    """Returns the templates that name a catalogue, each with the lists that it may show.

    A list is shown where its name stands in a text of the template, or of any partial.
    """
    parsed = [each for document in written if (each := _parsed(document)) is not None]
    partials = [text for each in parsed if isinstance(each, Partial) for _, text in each.texts()]
    return {
        each.id: (each, _lists([*partials, *(text for _, text in each.texts())]))
        for each in parsed
        if isinstance(each, Template) and each.catalogue is not None
    }


def _parsed(document: Mapping[str, Any]) -> Template | Partial | None:
    if document.get("kind") not in ("template", "partial"):
        return None
    try:
        found = documents.parse(document)
    except InvalidDefinitions:
        return None
    return found if isinstance(found, Template | Partial) else None


def _lists(texts: Sequence[str]) -> tuple[List, ...]:
    return tuple(name for name in LISTS if any(name in text for text in texts))
