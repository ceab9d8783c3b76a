"""Puts a sender with a ledger together: a part of the composition root, for `beckon sender`."""

from collections.abc import Mapping

from connectors.stores.ledger import Ledger
from connectors.stores.standing import Standing
from processors import app, providers, stores
from processors.agents import deliveries
from processors.clock import WallClock
from processors.composing import composing
from processors.delivery import intake
from processors.delivery.books import Books
from processors.delivery.couriers import Courier
from processors.delivery.desk import Desk, Outlets
from processors.delivery.intake import Intake
from processors.delivery.routes import Routes
from processors.metrics import Metrics
from processors.settings import Settings
from schemas import codec


def delivering(
    settings: Settings, channel: str, makers: Mapping[str, providers.Maker] = providers.MAKERS
) -> app.Role:
    """Returns a sender service with a ledger: carries out the commands of a channel.

    Raises:
        InvalidSettings: no provider, or the database can not be used.
    """
    carriers = providers.of(settings, channel, makers)
    database = stores.migrated(settings)
    metrics, known, clock = Metrics(), app.registry_of(settings), WallClock()
    ledger = Ledger(database, owner=settings.slot)
    options = deliveries.Options(
        prefix=settings.topics.prefix,
        channel=channel,
        places=settings.senders.places,
        retention_ms=settings.database.retention_d * deliveries.DAY_MS,
        schemas=known,
    )
    hosted = app.faust_app(settings, f"{options.prefix}sender-{channel}", instance=settings.slot)
    books = Books(ledger, most=options.places, metrics=metrics, clock=clock)
    routes = Routes(
        carriers, providers.limits(settings, carriers, channel), metrics=metrics, clock=clock
    )
    words = composing(settings)
    desk = Desk(
        words.compose,
        Courier(
            books,
            routes,
            policy=providers.policy(settings, channel),
            metrics=metrics,
            clock=clock,
        ),
        taken=Intake(
            intake.Options(name=channel, channels=(channel,), schemas=known),
            deliveries.into(hosted, options, "dead-letters"),
            metrics=metrics,
        ),
        outlets=Outlets(
            outcomes=deliveries.into(hosted, options, "outcomes"),
            events=deliveries.into(hosted, options, "events"),
            encode=codec.encoder("outcomes", known, prefix=options.prefix),
        ),
        metrics=metrics,
        clock=clock,
    )

    async def close() -> None:
        await routes.close()
        words.close()
        database.close()

    service = deliveries.Service(desk, books, ledger, options=options, metrics=metrics, clock=clock)
    service.host(hosted, Standing(database), close)
    hosted.task(words.follow)
    return app.sender_role(settings, hosted, metrics, deliveries.topics(options))
