"""Fixtures for every test: a real Kafka once a session, a topic prefix of its own for each test."""

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import services

hypothesis.settings.register_profile("local", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if services.is_ci() else "local")

NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"kafka", "kafka_secured"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Kafka]:
    """The session's broker with all its listeners; most tests want `kafka`."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(services.kafka(tmp_path_factory.mktemp("kafka")))
        except services.Unavailable as error:
            services.refuse(error)
        yield found


@pytest.fixture(scope="session")
def kafka(kafka_broker: services.Kafka) -> str:
    """Bootstrap server of a real Kafka."""
    return kafka_broker.bootstrap


@pytest.fixture(scope="session")
def kafka_secured(
    kafka_broker: services.Kafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[services.Secured]:
    """A listener of a real Kafka that asks for user and password."""
    if kafka_broker.secured is not None:
        yield services.Secured(kafka_broker.secured)
        return
    with contextlib.ExitStack() as stack:
        directory: Path = tmp_path_factory.mktemp("kafka-secured")
        try:
            found = stack.enter_context(services.local_kafka(directory))
        except services.Unavailable as error:
            services.refuse(error)
        assert found.secured is not None
        yield services.Secured(found.secured)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a database of a real Postgres; most tests want `postgres`."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(services.postgres())
        except services.Unavailable as error:
            services.refuse(error)
        yield found


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """Address of an empty schema of its own in a real Postgres."""
    schema = f"test_{next(NUMBERS)}_{secrets.token_hex(4)}"
    with services.postgres_schema(postgres_server, schema) as address:
        yield address


@pytest.fixture
def topics_prefix() -> str:
    """A prefix that no other test has, in this run or another on the same broker."""
    return f"test-{next(NUMBERS)}-{secrets.token_hex(4)}."


@pytest.fixture
def create_topics(kafka: str, topics_prefix: str) -> Iterator[services.CreateTopics]:
    """`create_topics(*names, partitions=4, config=None)`; removed after the test."""
    topics = services.Topics(kafka)
    yield topics.create
    topics.remove(topics_prefix)
