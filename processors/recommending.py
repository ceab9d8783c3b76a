"""Puts together what counts items and what tells templates of them: a part of the composition root.

`counting` is what `beckon recommendations` runs; senders and previews ask `offers`.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from connectors.stores.engines import Database
from connectors.stores.recommendations import Ages, Recommendations
from connectors.stores.standing import Standing
from processors import app, stores
from processors.agents import apps, recommendations
from processors.agents.contents import Followed
from processors.clock import WallClock
from processors.definitions.catalogues import MAX_WITHIN_MS
from processors.metrics import Metrics
from processors.operations.errors import OperationFailed
from processors.ports import Clock
from processors.recommendations.offers import Offers
from processors.settings import Settings
from schemas.commands import Command
from schemas.topics import DAY_MS, full_name


def counting(settings: Settings) -> app.Role:
    """Returns the service that counts what people do with the items of catalogues.

    Raises:
        InvalidSettings: the database can not be used.
    """
    database = stores.migrated(settings)
    store, metrics, clock = Recommendations(database), Metrics(), WallClock()
    options = recommendations.Options(
        prefix=settings.topics.prefix, schemas=app.registry_of(settings)
    )
    hosted = app.faust_app(
        settings, f"{options.prefix}{recommendations.NAME}", instance=settings.slot
    )
    dead = apps.raw_topic(hosted, full_name(options.prefix, "dead-letters"))
    catalogues = recommendations.Catalogues()
    taker = recommendations.Taker(
        store,
        Standing(database),
        catalogues,
        taken=recommendations.taken(options, partial(apps.publish, dead), metrics),
        options=options,
        metrics=metrics,
    )
    followed = Followed(catalogues, app.cluster_of(settings), options.prefix)
    service = recommendations.Service(taker, followed, metrics=metrics, clock=clock)

    async def expire() -> None:
        at = ages(settings, clock.now_ms())
        await store.expire(at, most=recommendations.EXPIRE_MOST)

    service.host(hosted, options.prefix, expire, database.close)
    return app.sender_role(settings, hosted, metrics, recommendations.topics(options))


def offers(settings: Settings, database: Database, clock: Clock) -> Offers:
    """Returns what tells templates what is recommended."""
    retention_ms = settings.recommendations.retention_d * DAY_MS
    return Offers(Recommendations(database), clock, retention_ms=retention_ms)


def told(settings: Settings, documents: Iterable[Mapping[str, Any]], command: Command) -> Command:
    """Returns a command with what is recommended now.

    Raises:
        InvalidSettings: there is no such database.
        OperationFailed: it can not be asked.
    """
    database = stores.opened_by(settings)
    try:
        found = offers(settings, database, WallClock())
        found.take(documents)
        return asyncio.run(found.ask(command))
    except (OSError, SQLAlchemyError) as error:
        said = f"the database can not be asked what is recommended ({type(error).__name__})"
        raise OperationFailed(f"{said}: is it up to date? `beckon database upgrade`") from error
    finally:
        database.close()


def ages(settings: Settings, now_ms: int) -> Ages:
    """Returns before when what was counted is forgotten."""
    chosen = settings.recommendations
    return Ages(
        interests=now_ms - chosen.retention_d * DAY_MS,
        pairs=now_ms - chosen.pairs_d * DAY_MS,
        trends=now_ms - MAX_WITHIN_MS,
    )
