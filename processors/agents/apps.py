"""Makes Faust apps that are safe to run, and runs them in this process to a clean end.

The only way to Faust: its defaults listen on all interfaces, make directories where they stand,
read the environment and commit too early. Faust itself is loaded when the first app is made.
"""

import asyncio
import logging
import signal
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from schemas.letters import Record

if TYPE_CHECKING:
    from faust.types import Message, TopicT

    from processors.agents.hosting import App

MAX_RECORD_BYTES = 1_000_000
"""The largest record that is produced; brokers take 1 MB by default."""

EXIT_CRASHED = 1
EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits: no broker, or no topic, within the patience."""

EXIT_STUCK = 70
"""EX_SOFTWARE of sysexits: something did not stop in time, and may still hang."""

RETRY_S = 2.0

logger = logging.getLogger(__name__)


class Undelivered(OSError):
    """Kafka did not take a record within its time."""


@dataclass(frozen=True, kw_only=True)
class Security:
    """How to be let in by the brokers; the names of librdkafka's settings."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """None = the usual authorities."""
    certificate_file: Path | None = None
    """Our own certificate, where the brokers ask for one."""
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Options:
    """One app: whom it talks to, and as whom."""

    bootstrap: str
    """`host:port,host:port`"""
    group: str
    """Consumer group, and the app's id: prefix and role."""
    security: Security = Security()
    checksums: bool = True
    """Whether the checksums of what is read are checked."""
    data_dir: Path | None = None
    """For tables of agents that have some; None = the app makes no directory."""
    instance: str | None = None
    """Static membership: a name that only this process has, the same after a restart."""
    session_timeout_ms: int = 10_000
    commit_interval_ms: int = 500
    buffer: int = 512
    """Records that are held for each agent."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """How an app is run."""

    topics: Collection[str] = ()
    """Full names of topics that must be there."""
    patience_ms: int = 60_000
    """How long to wait for brokers and topics."""
    stop_ms: int = 30_000
    """How long stopping may take in all."""


Ready = Callable[[bool], None]


def build(options: Options) -> "App":
    """Returns a Faust app that has nothing to do yet: add agents, then `run` it.

    Faust's consumer dies where it has no topic: an app needs an agent on at least one.
    """
    data_dir = options.data_dir or Path(tempfile.gettempdir()) / "beckon-unused"
    return _app_type()(
        options.group,
        env={},  # or stray variables of the environment win over what is said here
        makes_directories=options.data_dir is not None,
        broker=broker_url(options.bootstrap),
        broker_credentials=_credentials(options.security),
        broker_session_timeout=options.session_timeout_ms / 1000,
        broker_heartbeat_interval=options.session_timeout_ms / 5000,
        broker_commit_interval=options.commit_interval_ms / 1000,
        broker_request_timeout=40.0,
        broker_check_crcs=options.checksums,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=options.instance,
        producer_acks=-1,
        producer_max_request_size=MAX_RECORD_BYTES + 50_000,
        processing_guarantee="at_least_once",
        stream_buffer_maxsize=options.buffer,
        stream_wait_empty=False,
        store="memory://",
        datadir=data_dir,
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        web_host="127.0.0.1",
        web_bind="127.0.0.1",
        worker_redirect_stdouts=False,
    )


def broker_url(bootstrap: str) -> str:
    """Returns the brokers as Faust wants them.

    >>> broker_url("one:9092, two:9092")
    'kafka://one:9092;kafka://two:9092'
    """
    return ";".join(f"kafka://{one.strip()}" for one in bootstrap.split(",") if one.strip())


def raw_topic(app: "App", *names: str) -> "TopicT":
    """Returns a topic of bytes, or several as one: decoding is `schemas.codec`'s."""
    return app.topic(
        *names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )


def record(came: "Message") -> Record:
    """Returns a message of an agent's as a record."""
    return Record(came.topic, came.partition, came.offset, came.key, came.value)


def written_at(came: "Message") -> int:
    """Returns when a message of an agent's was written, by its log, in ms."""
    return round(came.timestamp * 1000)


async def publish(
    topic: "TopicT", key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    """Produces a record and waits until Kafka has it.

    Raises:
        Undelivered: Kafka did not take it; it may be tried again.
    """
    from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
    from faust.exceptions import ProducerSendError

    try:
        await (await topic.send(key=key, value=value, headers=headers))
    except (KafkaError, ProducerSendError) as error:
        raise Undelivered(type(error).__name__) from error


async def every(app: "App", wait_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Has work done again and again until the app stops, also while the database is away."""
    while not app.should_stop:
        await asyncio.sleep(wait_s)
        try:
            await work()
        except OSError as error:
            logger.info("the database can not be asked", extra={"error_type": repr(error)})


def run(app: "App", running: Running, *, ready: Ready | None = None) -> int:
    """Runs the app until SIGTERM or SIGINT and returns the exit code of the process.

    Args:
        app: with its agents.
        running: what it needs and how long it may take.
        ready: told True once partitions are assigned, False when the end begins.
    """
    return asyncio.run(serve(app, running, ready=ready))


async def serve(
    app: "App",
    running: Running,
    *,
    ready: Ready | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Does what `run` does, within an event loop of the caller's.

    Args:
        app: see `run`.
        running: see `run`.
        ready: see `run`.
        stop: ends it when it is set, for several apps in one process; None: signals do.
    """
    tell = ready or _nobody
    if stop is None:
        stop = stop_on_signals()
    if not await _first(_reach(app, running), stop):
        return 0 if stop.is_set() else EXIT_UNAVAILABLE
    started = asyncio.ensure_future(app.start())
    try:
        if await _first(_started(started), stop):
            tell(True)
            await _first(app.wait(), stop)
    finally:
        tell(False)
        in_time = await _stop(app, started, running.stop_ms)
    if app.crash_reason is not None:
        logger.critical("the app crashed", exc_info=app.crash_reason)
        return EXIT_CRASHED if in_time else EXIT_STUCK
    return 0 if in_time else EXIT_STUCK


def _nobody(_: bool) -> None:
    """Is told whether the app is ready where nobody else wants to know."""


def stop_on_signals() -> asyncio.Event:
    """Returns an event that the first signal sets; a second one ends the process as usual."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        logger.info("stopping")
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, on_signal)
    return stop


async def _first(work: Any, stop: asyncio.Event) -> Any:
    """Returns what the work returns, or None where the stop came first."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None
    return task.result()


async def _started(start: "asyncio.Future[None]") -> bool:
    await asyncio.shield(start)
    return True


async def _stop(app: "App", started: "asyncio.Future[None]", timeout_ms: int) -> bool:
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            await app.stop()
    except TimeoutError:
        logger.exception("the app did not stop in time")
        return False
    finally:
        started.cancel()
        await asyncio.gather(started, return_exceptions=True)
    return True


async def _reach(app: "App", running: Running) -> bool:
    """Waits for the brokers and the topics; returns whether all were there within the patience."""
    loop = asyncio.get_running_loop()
    until = loop.time() + running.patience_ms / 1000
    while True:
        missing = await _missing(app, running.topics)
        if not missing:
            return True
        if loop.time() + RETRY_S > until:
            logger.error("gave up waiting", extra={"missing": missing})
            return False
        logger.warning("not there yet, trying again", extra={"missing": missing})
        await asyncio.sleep(RETRY_S)


async def _missing(app: "App", topics: Collection[str]) -> str:
    """Returns what is missing, in words; empty where nothing is."""
    from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
    from aiokafka.errors import KafkaError
    from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth, server_list

    conf = app.conf
    client = AIOKafkaClient(
        bootstrap_servers=server_list(conf.broker, 9092),
        request_timeout_ms=10_000,
        **credentials_to_aiokafka_auth(conf.broker_credentials),
    )
    try:
        await client.bootstrap()
        found = (await client.fetch_all_metadata()).topics(exclude_internal_topics=False)
    except (KafkaError, OSError) as error:
        return f"the brokers ({type(error).__name__}): is the address right, and the credentials?"
    finally:
        await client.close()
    absent = sorted(set(topics) - set(found))
    return f"topics {', '.join(absent)}: run `beckon topics create`" if absent else ""


def _credentials(security: Security) -> Any:
    from faust import auth

    context = _ssl_context(security) if security.protocol.endswith("SSL") else None
    if security.protocol.startswith("SASL"):
        return auth.SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.mechanism,
            ssl_context=context,
        )
    return None if context is None else auth.SSLCredentials(context)


def _ssl_context(security: Security) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=security.ca_file)
    if security.certificate_file is not None:
        context.load_cert_chain(security.certificate_file, security.key_file, security.key_password)
    return context


def _app_type() -> "type[App]":
    """Imports Faust, but without our command line: it would take --datadir and -L as its own."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        from processors.agents.hosting import App
    finally:
        sys.argv = arguments
    return App
