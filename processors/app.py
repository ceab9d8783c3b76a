"""The composition root: puts the parts together as the settings say. Alone knows both sides.

`worker` and `sender` build what `beckon worker` and `beckon sender` run.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import SecretStr

from connectors import registry
from connectors.registry import Registry
from processors import predicates
from processors.agents import apps, definitions, events, senders
from processors.api import health
from processors.clock import WallClock
from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.explanations import reading as persons
from processors.metrics import Metrics
from processors.operations import diffing, reading
from processors.ports import Sender, Status
from processors.runtime.batches import Policy
from processors.runtime.clients import Cluster
from processors.runtime.options import Options
from processors.runtime.streams import Encode, Stream
from processors.settings import InvalidSettings, Kafka, Settings
from schemas import codec, topics

if TYPE_CHECKING:
    from processors.agents.hosting import App


class Role(msgspec.Struct, kw_only=True):
    """One process's work, ready to run."""

    app: "App"
    running: apps.Running
    metrics: Metrics
    status: Callable[[], Status]
    ready: Callable[[bool], None]
    health: health.Options


async def serve(role: Role, stop: asyncio.Event | None = None) -> int:
    """Runs a role until it is told to stop; returns the exit code of the process.

    Args:
        role: from `worker` or `sender`.
        stop: tells it to stop, where several roles share a process; None: signals do.

    Raises:
        InvalidSettings: its health server can not listen where it is told to.
    """
    async with contextlib.AsyncExitStack() as stack:
        server = health.Health(role.status, role.metrics, options=role.health)
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            raise InvalidSettings(
                f"BECKON_HEALTH__PORT: can not listen on {role.health.host}:{role.health.port}"
                f" ({os.strerror(error.errno or 0)}): give each process a port of its own, or 0"
            ) from error
        return await apps.serve(role.app, role.running, ready=role.ready, stop=stop)


def hosted(role: Role) -> "App":
    """Returns the app of a role that somebody else runs; it brings its health server along."""
    server = health.Health(role.status, role.metrics, options=role.health)

    async def close(*_: Any, **__: Any) -> None:
        await server.__aexit__()

    role.app.task(server.__aenter__)
    role.app.on_before_shutdown.connect(close, weak=False)
    return role.app


def worker(settings: Settings) -> Role:
    """Returns the worker: reads what is published, then decides."""
    cluster, metrics, prefix = cluster_of(settings), Metrics(), settings.topics.prefix
    known = registry_of(settings)
    registered = predicates.found(settings.predicates)
    known_predicates = predicates.watched(registered, metrics, most_slow=predicates.MOST_SLOW)
    stream = Stream(
        Options(
            cluster=cluster,
            prefix=prefix,
            group=f"{prefix}decide",
            slot=settings.slot,
            policy=policy_of(settings, known),
            grace_ms=settings.stream.grace_ms,
            max_batch=settings.stream.max_batch,
            poll_ms=settings.stream.poll_ms,
        ),
        compile_set(sets.from_documents([])),
        encoders=encoders_of(prefix, known),
        metrics=metrics,
        clock=WallClock(),
    )
    app = faust_app(settings, f"{prefix}worker-{settings.slot}", instance=settings.slot)
    load = definitions.build(
        app,
        stream.activate,
        options=definitions.Options(
            cluster=cluster,
            prefix=prefix,
            is_first=lambda: stream.owns(0),
            predicates=known_predicates,
        ),
        metrics=metrics,
    )
    events.build(app, stream, first=load)
    return Role(
        app=app,
        running=_running(settings, tuple(topics.full_name(prefix, each) for each in topics.TOPICS)),
        metrics=metrics,
        status=lambda: stream.status,
        ready=lambda _: None,
        health=health_of(settings),
    )


def sender(settings: Settings, carrier: Sender) -> Role:
    """Returns what hands the commands of all channels to one sender, and asks nobody else."""
    metrics, known, prefix = Metrics(), registry_of(settings), settings.topics.prefix
    options = senders.Options(
        prefix=prefix,
        channels=topics.CHANNELS,
        encode=codec.encoder("outcomes", known, prefix=prefix),
        schemas=known,
    )
    app = faust_app(settings, f"{prefix}sender-{carrier.channel}")
    senders.build(app, carrier, options=options, metrics=metrics)
    return sender_role(settings, app, metrics, senders.topics(options))


def sender_role(
    settings: Settings,
    app: "App",
    metrics: Metrics,
    names: tuple[str, ...],
    *,
    has_joined: Callable[[], bool] = lambda: True,
) -> Role:
    """Returns the role of an app that has a sender's agents and needs these topics.

    Args:
        settings: all of them.
        app: see there.
        metrics: its own.
        names: full names of the topics.
        has_joined: whether what reads beside Faust has its partitions.
    """
    readiness = _Readiness(has_joined)
    return Role(
        app=app,
        running=_running(settings, names),
        metrics=metrics,
        status=readiness.status,
        ready=readiness.tell,
        health=health_of(settings),
    )


def history(settings: Settings) -> tuple[diffing.History, Policy]:
    """Returns all that `events` holds now, and what time means in it: what the events say."""
    topic = topics.full_name(settings.topics.prefix, "events")
    policy = policy_of(settings, registry_of(settings))
    return (
        reading.read(cluster_of(settings), topic),
        msgspec.structs.replace(policy, clock="stream"),
    )


def cluster_of(settings: Settings) -> Cluster:
    """Returns how to reach the cluster."""
    kafka = settings.kafka
    given = {
        "security.protocol": kafka.security_protocol,
        "sasl.mechanism": kafka.sasl_mechanism if "SASL" in kafka.security_protocol else None,
        "sasl.username": kafka.sasl_username,
        "sasl.password": _told(kafka.sasl_password),
        "ssl.ca.location": kafka.ssl_ca_file,
        "ssl.certificate.location": kafka.ssl_certificate_file,
        "ssl.key.location": kafka.ssl_key_file,
        "ssl.key.password": _told(kafka.ssl_key_password),
    }
    return Cluster(
        bootstrap=kafka.bootstrap_servers,
        security={name: str(value) for name, value in given.items() if value is not None},
        client_id=f"beckon-{settings.slot}",
        group_protocol=kafka.group_protocol,
        compression=kafka.compression,
        checksums=kafka.checksums,
    )


def security_of(kafka: Kafka) -> apps.Security:
    """Returns the same for Faust."""
    return apps.Security(
        protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=_told(kafka.sasl_password),
        ca_file=kafka.ssl_ca_file,
        certificate_file=kafka.ssl_certificate_file,
        key_file=kafka.ssl_key_file,
        key_password=_told(kafka.ssl_key_password),
    )


def faust_app(settings: Settings, group: str, *, instance: str | None = None) -> "App":
    """Returns an empty Faust app on the settings' cluster.

    Args:
        settings: all of them.
        group: the consumer group.
        instance: a name that this process alone has in it: after a kill, the group need not wait
            until it misses the one before.
    """
    return apps.build(
        apps.Options(
            bootstrap=settings.kafka.bootstrap_servers,
            group=group,
            instance=instance,
            security=security_of(settings.kafka),
            checksums=settings.kafka.checksums,
        )
    )


def registry_of(settings: Settings) -> Registry | None:
    """Returns the schema registry, where there is one."""
    chosen = settings.registry
    if chosen.url is None:
        return None
    return Registry(
        registry.Options(
            url=chosen.url,
            user_info=_told(chosen.user_info),
            ca_path=str(chosen.ca_file) if chosen.ca_file is not None else None,
        )
    )


def encoders_of(prefix: str, known: Registry | None) -> Mapping[str, Encode]:
    """Returns what writes the values of each topic."""
    return {name: codec.encoder(name, known, prefix=prefix) for name in topics.TOPICS}


def policy_of(settings: Settings, known: Registry | None) -> Policy:
    """Returns what time means to the worker."""
    return Policy(
        clock=settings.stream.clock,
        lateness_ms=settings.stream.lateness_s * 1000,
        decode=codec.decode_event if known is None else partial(codec.decode_event, schemas=known),
    )


def explaining_of(settings: Settings) -> persons.Options:
    """Returns what is needed to read what a running system knows of a person."""
    known = registry_of(settings)
    return persons.Options(
        cluster=cluster_of(settings),
        prefix=settings.topics.prefix,
        policy=policy_of(settings, known),
        now_ms=WallClock().now_ms(),
        schemas=known,
        predicates=predicates.watched(predicates.found(settings.predicates)),
    )


def health_of(settings: Settings) -> health.Options:
    """Returns where a process tells how it is."""
    return health.Options(host=settings.health.host, port=settings.health.port)


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _running(settings: Settings, names: tuple[str, ...]) -> apps.Running:
    return apps.Running(topics=names, patience_ms=settings.kafka.patience_s * 1000)


class _Readiness:
    """Whether an app that only hosts Faust agents does its work."""

    def __init__(self, has_joined: Callable[[], bool]) -> None:
        self._status = Status(state="starting")
        self._has_joined = has_joined

    def status(self) -> Status:
        if self._status.state == "running" and not self._has_joined():
            return Status(state="starting")
        return self._status

    def tell(self, ready: bool) -> None:
        self._status = Status(state="running" if ready else "stopping")
