"""Puts a sender with a ledger together: a part of the composition root, for `beckon sender`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.stores.engines import Database
from connectors.stores.held import HeldCommands
from connectors.stores.ledger import Ledger
from connectors.stores.standing import Standing
from connectors.stores.views import Views
from processors import app, composers, providers, recommending, stores
from processors.agents import deliveries, menders
from processors.agents.contents import Contents
from processors.clock import WallClock
from processors.content import bodies
from processors.delivery import intake, mending
from processors.delivery.books import Books
from processors.delivery.couriers import Courier
from processors.delivery.desk import Compose, Desk, Outlets
from processors.delivery.galleries import Gallery
from processors.delivery.intake import Intake
from processors.delivery.routes import Routes
from processors.metrics import Metrics
from processors.ports import Clock
from processors.recommendations.offers import Offers
from processors.runtime.publishing import Publisher
from processors.settings import Settings
from schemas import codec
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message
from schemas.topics import DAY_MS

AGAIN_S = 1.0
"""A template that is not known may have been published a moment ago."""


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What all parts of one sender have."""

    settings: Settings
    channel: str
    database: Database
    books: Books
    metrics: Metrics
    clock: Clock
    schemas: codec.SchemaRegistry | None


def delivering(
    settings: Settings, channel: str, makers: Mapping[str, providers.Maker] = providers.MAKERS
) -> app.Role:
    """Returns a sender service with a ledger: carries out the commands of a channel.

    Raises:
        InvalidSettings: no provider, or the database can not be used.
    """
    carriers = providers.of(settings, channel, makers)
    database = stores.migrated(settings)
    metrics, clock = Metrics(), WallClock()
    ledger = Ledger(database, owner=settings.slot)
    shared = _Shared(
        settings=settings,
        channel=channel,
        database=database,
        books=Books(ledger, most=settings.senders.places, metrics=metrics, clock=clock),
        metrics=metrics,
        clock=clock,
        schemas=app.registry_of(settings),
    )
    options = _options(shared)
    hosted = app.faust_app(
        settings, f"{deliveries.group(options.prefix, channel)}.standing", instance=settings.slot
    )
    writer = deliveries.Writer(Publisher(options.cluster, options.prefix))
    limits = providers.limits(settings, carriers, channel)
    routes = Routes(carriers, limits, metrics=metrics, clock=clock)
    contents = contents_of(settings, recommending.offers(settings, database, clock))
    keeper = _keeper(shared, contents)
    desk = _desk(shared, contents, routes, writer=writer, keeper=keeper)

    async def close() -> None:
        await routes.close()
        database.close()

    mender = mending.Mender(
        keeper, desk.again, has_share=lambda: routes.has_share, sleep=asyncio.sleep
    )
    menders.host(hosted, mender, grace_ms=options.grace_ms)
    service = deliveries.Service(
        desk, shared.books, ledger, options=options, metrics=metrics, clock=clock
    )
    service.host(hosted, Standing(database), writer, share=routes.share, close=close)
    contents.host(hosted)
    names = deliveries.topics(options)
    return app.sender_role(settings, hosted, metrics, names, has_joined=lambda: service.has_joined)


def _options(shared: _Shared) -> deliveries.Options:
    settings = shared.settings
    return deliveries.Options(
        prefix=settings.topics.prefix,
        cluster=app.cluster_of(settings),
        slot=settings.slot,
        channel=shared.channel,
        places=settings.senders.places,
        retention_ms=settings.database.retention_d * DAY_MS,
        schemas=shared.schemas,
    )


def _keeper(shared: _Shared, contents: Contents) -> mending.Keeper:
    held_ms = shared.settings.database.held_d * DAY_MS
    return mending.Keeper(
        HeldCommands(shared.database),
        contents.published,
        shared.books,
        options=mending.Options(channel=shared.channel, retention_ms=held_ms),
        metrics=shared.metrics,
        clock=shared.clock,
    )


def _desk(
    shared: _Shared,
    contents: Contents,
    routes: Routes,
    *,
    writer: deliveries.Writer,
    keeper: mending.Keeper,
) -> Desk:
    settings, channel, metrics, clock = (
        shared.settings,
        shared.channel,
        shared.metrics,
        shared.clock,
    )
    view_ms = settings.callbacks.view_d * DAY_MS
    policy = providers.policy(settings, channel)
    prefix = settings.topics.prefix
    return Desk(
        composing(contents),
        Courier(shared.books, routes, policy=policy, metrics=metrics, clock=clock),
        taken=Intake(
            intake.Options(name=channel, channels=(channel,), schemas=shared.schemas),
            writer.into("dead-letters"),
            metrics=metrics,
        ),
        outlets=Outlets(
            write=writer.write,
            encode=codec.encoder("outcomes", shared.schemas, prefix=prefix),
            keeper=keeper,
            gallery=Gallery(
                Views(shared.database), shared.books, retention_ms=view_ms, clock=clock
            ),
        ),
        metrics=metrics,
        clock=clock,
    )


def contents_of(settings: Settings, recommended: Offers | None = None) -> Contents:
    """Returns what makes messages by the templates that are published.

    Raises:
        InvalidSettings: the keys of links are no keys.
    """
    links = None if settings.callbacks.signing_keys is None else composers.links_of(settings)
    composer = composers.isolated(settings, links)
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    return Contents(composer, cluster, prefix, recommended=recommended)


def composing(contents: Contents) -> Compose:
    """Returns what makes messages of commands: rendered, or as they are where nothing is."""

    async def compose(command: Command) -> Sequence[Message]:
        if command.template is None and not command.has_values:
            return [bodies.message(command)]
        try:
            return await contents.compose(command)
        except Unsendable as problem:
            if problem.reason != "template-missing":
                raise
        await asyncio.sleep(AGAIN_S)
        return await contents.compose(command)

    return compose
