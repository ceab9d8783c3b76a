"""The task by which a sender tries held messages again, as soon as their templates have changed."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from processors.agents import apps
from processors.delivery.mending import Mender

if TYPE_CHECKING:
    from processors.agents.hosting import App

LOOK_S = 5.0
"""How often one looks for templates that are others now."""

logger = logging.getLogger(__name__)


def host(app: "App", mender: Mender, *, grace_ms: int, look_s: float = LOOK_S) -> None:
    """Has an app look after held messages as long as it runs.

    Args:
        app: when it stops, what is under way ends.
        mender: tries them.
        grace_ms: how long that is waited for; the rest is tried again after the restart.
        look_s: how often.
    """
    running: set[asyncio.Task[None]] = set()

    async def look() -> None:
        task = asyncio.ensure_future(_look(mender))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.shield(task)

    async def end(*_: Any, **__: Any) -> None:
        if running:
            ended = await asyncio.wait(set(running), timeout=grace_ms / 1000)
            for task in ended[1]:
                task.cancel()

    app.task(partial(apps.every, app, look_s, look))
    app.on_before_shutdown.connect(end, weak=False)


async def _look(mender: Mender) -> None:
    try:
        while await mender.look():
            pass
        await mender.count()
    except OSError as error:
        logger.info("held messages are not looked at", extra={"error_type": repr(error)})
