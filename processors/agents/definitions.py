"""The agent that takes up what marketers publish: `definitions` in, the active set changed.

Each worker reads all of the topic. The records of one `beckon publish` are taken up together: a
change waits a moment for more of them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from processors.agents import apps
from processors.decisions.compiled import Compiled
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.definitions.predicates import NONE, Predicates
from processors.metrics import Counter, Metrics
from processors.runtime import catalogues
from processors.runtime.catalogues import Catalogue
from processors.runtime.clients import Cluster
from processors.runtime.errors import DefinitionsUnfit
from schemas.letters import DeadLetter, Headers
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

TOGETHER_S = 0.2

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where definitions come from, and who tells of those that are refused."""

    cluster: Cluster
    prefix: str
    """Of all topics."""
    is_first: Callable[[], bool]
    """Whether this worker is the one that writes dead letters for all."""
    predicates: Predicates = field(default_factory=lambda: NONE)
    """That conditions may name."""

    @property
    def topic(self) -> str:
        """Full name of the topic."""
        return full_name(self.prefix, "definitions")


def build(
    app: "App", activate: Callable[[Compiled], None], *, options: Options, metrics: Metrics
) -> Callable[[], Awaitable[None]]:
    """Adds the agent to the app; returns what reads all that is published already.

    Args:
        app: whose consumer group is this worker's alone.
        activate: takes the set that is active from the next batch on.
        options: see there.
        metrics: counts what is refused.
    """
    dead_letters = apps.raw_topic(app, full_name(options.prefix, "dead-letters"))
    taker = Taker(activate, options, bury=partial(apps.publish, dead_letters), metrics=metrics)

    async def watch() -> None:
        while not app.should_stop:
            await asyncio.sleep(TOGETHER_S)
            await taker.build()

    app.agent(apps.raw_topic(app, options.topic), name="definitions")(taker.take_up)
    app.task(watch)
    return taker.load


class Taker:
    """Takes up what is published, and says why it does not."""

    def __init__(
        self,
        activate: Callable[[Compiled], None],
        options: Options,
        *,
        bury: Callable[[bytes | None, bytes | None, Headers], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._activate = activate
        self._options = options
        self._bury = bury
        self._metrics = metrics
        self._catalogue = Catalogue(options.predicates)
        self._loaded = asyncio.Event()

    async def load(self) -> None:
        """Reads the topic to its end and activates what is there; tells of refusals in the log.

        Raises:
            DefinitionsUnfit: it does not fit together. To go on without would end everybody's
                memberships.
        """
        read = partial(catalogues.read, self._options.cluster, self._options.topic, self._catalogue)
        await asyncio.get_running_loop().run_in_executor(None, read)
        misfits = self._build()
        if misfits:
            raise DefinitionsUnfit(
                f"the published definitions do not fit together ({misfits[0].message}):"
                " publish what is missing, then start again"
            )
        self._loaded.set()

    async def take_up(self, records: Any) -> None:
        """The agent: each record is one version of a definition, or its end."""
        async for event in records.events():
            await self._loaded.wait()
            refused = self._catalogue.take(apps.record(event.message))
            if refused is not None:
                await self._refuse(refused)

    async def build(self) -> None:
        """Activates what has been taken up, if it fits together."""
        if self._loaded.is_set() and self._catalogue.is_changed:
            for letter in self._build():
                await self._refuse(letter)

    def _build(self) -> list[DeadLetter]:
        active, misfits = self._catalogue.build()
        if not misfits:
            self._activate(compile_set(active))
            for each in sets.warnings(active):
                logger.warning("a definition may not do what is meant", extra={"why": str(each)})
            logger.info(
                "definitions are active",
                extra={"set": active.id, "definitions": len(active.versions)},
            )
        return misfits

    async def _refuse(self, letter: DeadLetter) -> None:
        self._metrics.add(Counter.DEFINITIONS_REFUSED)
        logger.error("a definition is refused", extra=catalogues.refusal(letter))
        if self._options.is_first():
            await self._bury(letter.record.key, letter.value(), letter.headers())
