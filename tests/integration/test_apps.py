"""Running an app: let in or not, there or not, crashed or stopped; and the exit code of each."""

import asyncio
import signal

import pytest
from confluent_kafka import Producer

from processors.agents import apps, senders
from processors.metrics import Metrics
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests import services


class Broken:
    """A sender with a bug."""

    channel = "webhook"

    async def send(self, command: Command) -> Outcome:
        raise ZeroDivisionError

    async def close(self) -> None:
        pass


def run(kafka: apps.Options, topics: tuple[str, ...] = (), *, prefix: str = "none.") -> int:
    """Runs a sender service and stops it as soon as it is ready."""
    app = apps.build(kafka)
    options = senders.Options(prefix=prefix, channels=("webhook",))
    senders.build(app, Broken(), options=options, metrics=Metrics())

    def stop(is_ready: bool) -> None:
        if is_ready:
            signal.raise_signal(signal.SIGTERM)

    running = apps.Running(topics=topics, patience_ms=1 if topics == () else 5_000)
    return asyncio.run(apps.serve(app, running, ready=stop))


def test_broker_that_is_away_is_told_and_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    assert run(apps.Options(bootstrap="127.0.0.1:9", group="test")) == apps.EXIT_UNAVAILABLE

    [last] = [one for one in caplog.records if one.name == "processors.agents.apps"]
    assert "the brokers" in vars(last)["missing"]


def test_topics_that_are_missing_are_named(
    kafka: str, topics_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = apps.build(apps.Options(bootstrap=kafka, group="test"))
    running = apps.Running(topics=[f"{topics_prefix}commands.webhook"], patience_ms=1)

    assert asyncio.run(apps.serve(app, running)) == apps.EXIT_UNAVAILABLE
    assert f"{topics_prefix}commands.webhook" in vars(caplog.records[-1])["missing"]


def test_right_password_is_let_in(
    kafka_secured: services.Secured, kafka: str, topics_prefix: str
) -> None:
    security = apps.Security(
        protocol="SASL_PLAINTEXT",
        username=kafka_secured.username,
        password=kafka_secured.password,
    )
    found = apps.Options(bootstrap=kafka_secured.bootstrap, group="test", security=security)
    options = senders.Options(prefix=topics_prefix, channels=("webhook",))
    names = senders.topics(options)
    topics = services.Topics(kafka)
    topics.create(*names)
    try:
        assert run(found, names, prefix=topics_prefix) == 0
    finally:
        topics.remove(topics_prefix)


def test_wrong_password_ends_it(
    kafka_secured: services.Secured, caplog: pytest.LogCaptureFixture
) -> None:
    security = apps.Security(protocol="SASL_PLAINTEXT", username="beckon", password="wrong")
    found = apps.Options(bootstrap=kafka_secured.bootstrap, group="test", security=security)

    assert run(found) == apps.EXIT_UNAVAILABLE
    assert "wrong" not in caplog.text


def test_bug_ends_the_process_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "embedded"})
    [broker] = producer.list_topics(timeout=10).brokers.values()
    options = senders.Options(prefix="bug.", channels=("webhook",))
    for name in senders.topics(options):
        producer.list_topics(name, timeout=10)
    value = (
        b'{"id":"c","channel":"webhook","profile_id":"p","definition_id":"d","version":"v",'
        b'"step":"0","occurrence":"m","at":0}'
    )
    producer.produce(senders.topics(options)[0], value, b"p")
    producer.flush(10)
    app = apps.build(apps.Options(bootstrap=f"{broker.host}:{broker.port}", group="bug"))
    senders.build(app, Broken(), options=options, metrics=Metrics())

    assert apps.run(app, apps.Running(topics=senders.topics(options))) == apps.EXIT_CRASHED

    [crash] = [one for one in caplog.records if one.getMessage() == "the app crashed"]
    assert crash.exc_info is not None
    assert crash.exc_info[0] is ZeroDivisionError
