"""Real services for the tests: found where the machine has them, else started.

The order is: the address in the environment, a container where a Docker engine answers, a local
one from `deploy/local`. What can not be had raises `Unavailable` with a reason to act on.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

LOCAL = Path(__file__).parent.parent / "deploy" / "local"
IMAGE = "apache/kafka:4.1.1"
POSTGRES_IMAGE = "postgres:17-alpine"
PASSWORD = "open-sesame"
ADMIN_LIMIT_S = 30
START_LIMIT_S = 300
"""The first start downloads Kafka; each later one takes about three seconds."""


class Unavailable(Exception):
    """The service can not be had on this machine."""


@dataclass(frozen=True)
class Kafka:
    """A broker that answers."""

    bootstrap: str
    secured: str | None = None
    """The listener that asks for a password, where the broker has one."""


@dataclass(frozen=True)
class Secured:
    """A listener that lets in one user with one password (SASL_PLAINTEXT, PLAIN)."""

    bootstrap: str
    username: str = "beckon"
    password: str = PASSWORD


def is_ci() -> bool:
    """Tells whether a missing service is a failure and no reason to skip."""
    return os.environ.get("CI") == "true"


def refuse(error: Unavailable) -> NoReturn:
    """Fails the test where everything must be there, else skips it with the reason."""
    if is_ci():
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


@contextlib.contextmanager
def kafka(directory: Path) -> Iterator[Kafka]:
    """Yields a broker; one that was started for it ends with it, `directory` holds its data."""
    if given := os.environ.get("BECKON_TEST_KAFKA"):
        yield Kafka(given, os.environ.get("BECKON_TEST_KAFKA_SECURED"))
    elif docker_answers():
        with container_kafka() as found:
            yield found
    else:
        with local_kafka(directory) as found:
            yield found


def docker_answers() -> bool:
    """Tells whether a Docker engine is there; a client alone is not one."""
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextlib.contextmanager
def container_kafka() -> Iterator[Kafka]:
    """Yields a broker in a container, on a port that is free here."""
    from testcontainers.core.container import DockerContainer

    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    container = DockerContainer(IMAGE).with_bind_ports(9092, port)
    for name, value in _container_settings(port).items():
        container = container.with_env(name, value)
    with container:
        bootstrap = f"localhost:{port}"
        AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=60)
        yield Kafka(bootstrap)


def _container_settings(port: int) -> Mapping[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }


@contextlib.contextmanager
def local_kafka(directory: Path) -> Iterator[Kafka]:
    """Yields a broker of `deploy/local/kafka.sh`, with both listeners."""
    for tool, what in (("java", "Java 17 or later"), ("mvn", "Maven")):
        if shutil.which(tool) is None:
            raise Unavailable(f"no Docker engine answers and there is no {what} for a local Kafka")
    where = ("--dir", str(directory))
    started = _script("kafka.sh", "start", *where, "--port", "0", "--sasl-password", PASSWORD)
    try:
        yield Kafka(started, (directory / "bootstrap.secured").read_text().strip())
    finally:
        _script("kafka.sh", "stop", *where)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Yields the address of an empty database; a server that was started for it ends with it."""
    if given := os.environ.get("BECKON_TEST_POSTGRES"):
        yield given
    elif docker_answers():
        from testcontainers.postgres import PostgresContainer

        with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
            yield container.get_connection_url()
    else:
        with local_postgres() as found:
            yield found.url


@contextlib.contextmanager
def postgres_schema(url: str, name: str) -> Iterator[str]:
    """Yields the address of a schema that is made for it and goes with it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create schema {name}")
        try:
            joint = "&" if "?" in url else "?"
            yield f"{url}{joint}options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"drop schema {name} cascade")


@dataclass(frozen=True)
class LocalPostgres:
    """A server of `deploy/local/postgres.sh`, which a test may stop and start."""

    url: str
    directory: Path

    def stop(self) -> None:
        _script("postgres.sh", "stop", "--dir", str(self.directory))

    def start(self) -> None:
        port = self.url.rpartition(":")[2].partition("/")[0]
        _script("postgres.sh", "start", "--dir", str(self.directory), "--port", port)


@contextlib.contextmanager
def local_postgres() -> Iterator[LocalPostgres]:
    """Yields a server of its own, in a folder that also the user `postgres` can reach."""
    with tempfile.TemporaryDirectory(prefix="beckon-postgres-") as made:
        directory = Path(made)
        directory.chmod(0o755)
        url = _script("postgres.sh", "start", "--dir", made, "--port", "0")
        try:
            yield LocalPostgres(url, directory)
        finally:
            _script("postgres.sh", "stop", "--dir", made)


def _script(name: str, *arguments: str) -> str:
    """Returns the last line that the script printed."""
    done = subprocess.run(
        [str(LOCAL / name), *arguments],
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(f"{name} {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip().rpartition("\n")[2]


class Topics:
    """Creates topics for one test and removes them after it."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._made: list[str] = []

    def create(
        self, *names: str, partitions: int = 4, config: Mapping[str, str] | None = None
    ) -> None:
        """Creates the topics; returns when the broker has them."""
        wanted = [
            NewTopic(
                name, num_partitions=partitions, replication_factor=1, config=dict(config or {})
            )
            for name in names
        ]
        for name, done in self._admin.create_topics(wanted).items():
            done.result(ADMIN_LIMIT_S)
            self._made.append(name)

    def names(self) -> set[str]:
        """Returns every topic that the broker has now."""
        return set(self._admin.list_topics(timeout=ADMIN_LIMIT_S).topics)

    def remove(self, starting_with: str) -> None:
        """Removes what was made here, and every topic with the prefix."""
        made = {name for name in self.names() if name.startswith(starting_with)} | set(self._made)
        if not made:
            return
        for done in self._admin.delete_topics(sorted(made)).values():
            with contextlib.suppress(KafkaException):
                done.result(ADMIN_LIMIT_S)


CreateTopics = Callable[..., None]
"""`create_topics(*names, partitions=4, config=None)`: the fixture's type, see `Topics.create`."""
