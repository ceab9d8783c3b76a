"""The agent that takes up what marketers publish: `definitions` in, the active set changed.

Each worker reads all of the topic. The records of one `beckon publish` are taken up together: a
change waits a moment for more of them.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from processors.agents import apps
from processors.decisions.compiled import Compiled, compile_set
from processors.metrics import Counter, Metrics
from processors.runtime import catalogues
from processors.runtime.catalogues import Catalogue
from schemas.letters import DeadLetter, Record
from schemas.topics import full_name

if TYPE_CHECKING:
    from processors.agents.hosting import App

TOGETHER_S = 0.2

logger = logging.getLogger(__name__)


def build(
    app: "App",
    catalogue: Catalogue,
    activate: Callable[[Compiled], None],
    *,
    prefix: str,
    is_first: Callable[[], bool],
    metrics: Metrics,
) -> None:
    """Adds the agent to the app.

    Args:
        app: whose consumer group is this worker's alone.
        catalogue: what was published before the app started.
        activate: takes the set that is active from the next batch on.
        prefix: of all topics.
        is_first: tells whether this worker is the one that writes dead letters for all.
        metrics: counts what is refused.
    """
    bury = partial(apps.publish, apps.raw_topic(app, full_name(prefix, "dead-letters")))

    async def refuse(letter: DeadLetter) -> None:
        metrics.add(Counter.DEFINITIONS_REFUSED)
        logger.error("a definition is refused", extra=catalogues.refusal(letter))
        if is_first():
            await bury(letter.record.key, letter.value(), letter.headers())

    async def take_up(records: Any) -> None:
        async for event in records.events():
            came = event.message
            refused = catalogue.take(
                Record(came.topic, came.partition, came.offset, came.key, came.value)
            )
            if refused is not None:
                await refuse(refused)

    async def activate_changes() -> None:
        while not app.should_stop:
            await asyncio.sleep(TOGETHER_S)
            if not catalogue.is_changed:
                continue
            active, misfits = catalogue.build()
            for letter in misfits:
                await refuse(letter)
            if not misfits:
                activate(compile_set(active))
                logger.info("definitions are active", extra={"set": active.id})

    app.agent(apps.raw_topic(app, full_name(prefix, "definitions")), name="definitions")(take_up)
    app.task(activate_changes)
