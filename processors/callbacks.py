"""What `beckon callbacks` runs, put together as the settings say: a part of the composition root.

Providers and people are heard over HTTP, what they tell goes to the senders' database, and from
there to Kafka.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal

from connectors.channels.inbox import Reader
from connectors.stores import migrating
from connectors.stores.engines import Away
from connectors.stores.outbox import Outbox
from connectors.stores.postings import Postings
from connectors.stores.views import Views
from processors import app, composers, mail_providers, message_providers
from processors.agents import apps
from processors.api import callbacks, health, inboxes, serving, tracking
from processors.api.access import Access, BadAccess
from processors.clock import WallClock
from processors.delivery import drains, topics
from processors.delivery.drains import Encode, Post
from processors.delivery.notes import Notebook
from processors.delivery.topics import Topic
from processors.metrics import Metrics
from processors.ports import Callbacks, Status
from processors.runtime.errors import RuntimeFailure
from processors.settings import InvalidSettings, Settings, several
from processors.stores import VARIABLE, opened_by
from schemas import codec
from schemas.letters import DeadLetter
from schemas.topics import full_name

READERS: Sequence[Callable[[Settings], Sequence[Callbacks]]] = (
    mail_providers.callbacks,
    message_providers.callbacks,
)
"""Each gives what reads the callbacks of some providers, where their proof is in the settings."""

LOOK_S = 5.0
"""How often the database is asked how it is."""
TOPICS_S = 60.0
"""How often the published topics are read."""
FORGET_EVERY = 720
"""Old reports are forgotten once in so many looks: an hour."""
VIEWS_MOST = 1_000
"""Mails that can no longer be seen are forgotten so many at a time."""

State = Literal["starting", "running", "stopping"]

logger = logging.getLogger(__name__)


async def serve(settings: Settings, stop: asyncio.Event | None = None) -> int:
    """Runs the server until it is told to stop; returns the exit code of the process.

    Raises:
        InvalidSettings: a key or a proof can not be one, or a port is taken.
    """
    role = Role(settings)
    stop = apps.stop_on_signals() if stop is None else stop
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(role.close)
        await _listening(
            stack,
            health.Health(role.status, role.metrics, options=app.health_of(settings)),
            "BECKON_HEALTH__PORT",
        )
        if not await role.opened(stop):
            return 0
        await stack.enter_async_context(role.working(stop))
        await _listening(stack, role.http(), "BECKON_CALLBACKS__PORT")
        role.tell("running")
        await stop.wait()
        role.tell("stopping")
    return apps.EXIT_CRASHED if role.has_failed else 0


class Role:
    """The parts of the server, and how it is."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._settings = settings
        self._now_ms = WallClock().now_ms
        self._keyring = composers.keyring_of(settings)
        self._known = {one.name: one for reader in READERS for one in reader(settings)}
        self._access = access_of(settings)
        self._database = opened_by(settings)
        self._store = Postings(self._database)
        self._views = Views(self._database)
        self._post = Post(app.cluster_of(settings), settings.topics.prefix)
        self._notebook = Notebook(self._store, now_ms=self._now_ms, metrics=self.metrics)
        self._topics: Sequence[Topic] = ()
        self._state: State = "starting"
        self._away = False
        self.has_failed = False
        """Whether a part ended by a bug."""

    def status(self) -> Status:
        """Returns how it is; while the database is away, nobody should be led here."""
        state = "starting" if self._state == "running" and self._away else self._state
        return Status(state=state, progress={"notes": len(self._notebook)})

    def tell(self, state: State) -> None:
        """Takes how it is."""
        self._state = state

    def close(self) -> None:
        """Lets go of the database and of Kafka."""
        self._post.close()
        self._database.close()

    async def opened(self, stop: asyncio.Event) -> bool:
        """Waits for the database and brings it up to date; returns False where told to stop.

        Raises:
            InvalidSettings: it is newer than this version.
        """
        while not stop.is_set():
            try:
                await asyncio.to_thread(migrating.upgrade, self._database)
            except migrating.NewerDatabase as error:
                raise InvalidSettings(f"{VARIABLE}: {error}: use a newer version") from error
            except Away as error:
                logger.warning("no database yet", extra={"error_type": str(error)})
                await _pause(stop, 1.0)
            else:
                return True
        return False

    def http(self) -> serving.Http:
        """Returns the server, with all its routes."""
        chosen = self._settings.callbacks
        desk = callbacks.Desk(
            self._known,
            self._store,
            bury=self._bury,
            now_ms=self._now_ms,
            metrics=self.metrics,
        )
        parts = tracking.Parts(
            keyring=self._keyring,
            register=self._store,
            notebook=self._notebook,
            topics=lambda: self._topics,
            public_url=chosen.public_url,
            now_ms=self._now_ms,
            metrics=self.metrics,
            views=self._views,
        )
        routers = [
            callbacks.router(desk, public_url=chosen.public_url, now_ms=self._now_ms),
            tracking.router(parts),
        ]
        if self._access is not None:
            reader = Reader(self._database, now_ms=self._now_ms)
            shown = inboxes.Parts(self._access, reader, self._store, self._now_ms, self.metrics)
            routers.append(inboxes.router(shown))
        return serving.Http(
            routers,
            options=serving.Options(host=chosen.host, port=chosen.port),
        )

    @contextlib.asynccontextmanager
    async def working(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Runs what goes on beside the server; at its end, what was noted is written and told.

        Args:
            stop: is set where a part fails: without it the server is of no use.
        """
        noting, rest = asyncio.Event(), asyncio.Event()
        outbox, encoders = Outbox(self._database), encoders_of(self._settings)
        notes = asyncio.ensure_future(self._notebook.run(noting))
        others = [
            asyncio.ensure_future(drains.drain(outbox, self._post, rest, encoders=encoders)),
            asyncio.ensure_future(self._look(rest)),
            asyncio.ensure_future(self._read_topics(rest)),
        ]

        def ended(task: "asyncio.Future[None]") -> None:
            if task.exception() is not None:
                logger.critical("a part failed", exc_info=task.exception())
                self.has_failed = True
                stop.set()

        for task in (notes, *others):
            task.add_done_callback(ended)
        try:
            yield
        finally:
            noting.set()
            await asyncio.wait([notes])
            rest.set()
            await asyncio.wait(others)

    async def _bury(self, letter: DeadLetter) -> None:
        record = ("dead-letters", letter.record.key, letter.value(), letter.headers())
        await self._post.write([record])

    async def _look(self, stop: asyncio.Event) -> None:
        looks = 0
        while not stop.is_set():
            try:
                waiting = await self._store.waiting()
                if looks % FORGET_EVERY == 0:
                    await self._store.forget(now_ms=self._now_ms())
                while await self._views.expire(at=self._now_ms(), most=VIEWS_MOST):
                    pass
            except OSError:
                self._away = True
            else:
                self._away = False
                drains.show(self.metrics, waiting, now_ms=self._now_ms())
            looks += 1
            await _pause(stop, LOOK_S)

    async def _read_topics(self, stop: asyncio.Event) -> None:
        cluster = app.cluster_of(self._settings)
        name = full_name(self._settings.topics.prefix, "definitions")
        while not stop.is_set():
            try:
                self._topics = await asyncio.to_thread(topics.read, cluster, name)
            except RuntimeFailure as error:
                logger.warning("topics are not read", extra={"error_type": type(error).__name__})
            await _pause(stop, TOPICS_S)


def access_of(settings: Settings) -> Access | None:
    """Returns who may ask for inboxes; None where nobody may.

    Raises:
        InvalidSettings: by a key, secret or origin that can not be used.
    """
    chosen = settings.inbox
    keys, secrets = several(chosen.keys), several(chosen.token_secrets)
    if not keys and not secrets:
        return None
    try:
        return Access(keys, secrets, chosen.origins)
    except BadAccess as error:
        raise InvalidSettings(f"BECKON_INBOX__KEYS, __TOKEN_SECRETS, __ORIGINS: {error}") from error


def encoders_of(settings: Settings) -> Mapping[str, Encode]:
    """Returns what makes the values of a topic of their JSON, where there is a schema registry."""
    known = app.registry_of(settings)
    if known is None:
        return {}
    encode = codec.encoder("outcomes", known, prefix=settings.topics.prefix)
    return {"outcomes": lambda text: encode(codec.decode_outcome(text.encode()))}


async def _listening(
    stack: contextlib.AsyncExitStack,
    server: "health.Health | serving.Http",
    variable: str,
) -> None:
    try:
        await stack.enter_async_context(server)
    except OSError as error:
        raise InvalidSettings(
            f"{variable}: can not listen ({os.strerror(error.errno or 0)}):"
            " give each process a port of its own, or 0"
        ) from error


async def _pause(stop: asyncio.Event, wait_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await stop.wait()
