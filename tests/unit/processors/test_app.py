"""What the composition root makes of the settings. What is composed runs in tests/integration."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.channels.jsonl import JsonlSender
from processors import app, settings
from processors.runtime.clients import Cluster
from processors.settings import InvalidSettings, Kafka, Settings
from schemas import codec, topics
from schemas.events import Event
from tests.builders import encoded, track
from tests.embedded import Broker

HUSH = SecretStr("hush")


@pytest.fixture
def chosen(broker: Broker) -> Iterator[Settings]:
    """Settings that lead to a broker that answers."""
    quiet = logging.getLogger("processors.runtime.clients")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)
    yield with_kafka(bootstrap_servers=broker.cluster.bootstrap)
    quiet.setLevel(level)


def with_kafka(**values: Any) -> Settings:
    return Settings(
        slot="w1",
        kafka=Kafka(**values),
        topics=settings.Topics(prefix="x."),
        health=settings.Health(port=0),
    )


def test_cluster_without_passwords_has_no_words_about_them() -> None:
    found = app.cluster_of(with_kafka(bootstrap_servers="one:9092"))
    assert found == Cluster(
        bootstrap="one:9092", security={"security.protocol": "PLAINTEXT"}, client_id="beckon-w1"
    )


def test_password_reaches_librdkafka_and_no_text(tmp_path: Path) -> None:
    found = app.cluster_of(
        with_kafka(
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="beckon",
            sasl_password=HUSH,
            ssl_ca_file=tmp_path / "ca.pem",
            ssl_key_password=HUSH,
        )
    )
    assert found.security == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "beckon",
        "sasl.password": "hush",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
        "ssl.key.password": "hush",
    }
    assert "hush" not in repr(found)


def test_faust_is_let_in_by_the_same_words(tmp_path: Path) -> None:
    chosen = Kafka(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_username="beckon",
        sasl_password=HUSH,
        ssl_ca_file=tmp_path / "ca.pem",
    )
    found = app.security_of(chosen)
    assert (found.protocol, found.mechanism) == ("SASL_SSL", "SCRAM-SHA-256")
    assert (found.username, found.password) == ("beckon", "hush")
    assert found.ca_file == tmp_path / "ca.pem"
    assert "hush" not in repr(found)


def test_there_is_no_registry_unless_one_is_named() -> None:
    assert app.registry_of(with_kafka()) is None


def test_every_topic_has_what_writes_its_values() -> None:
    assert app.encoders_of("x.", None).keys() == topics.TOPICS.keys()


def test_time_means_what_the_settings_say() -> None:
    streamed = Settings(stream=settings.Stream(clock="stream", lateness_s=60))
    policy = app.policy_of(streamed, None)
    assert (policy.clock, policy.lateness_ms) == ("stream", 60_000)
    assert app.policy_of(with_kafka(), None).clock == "wall"


def test_events_are_decoded_without_a_registry_as_json() -> None:
    event = app.policy_of(with_kafka(), None).decode(encoded(track("A")))
    assert isinstance(event, Event)
    assert event == codec.decode_event(encoded(track("A")))


def test_worker_waits_for_all_topics_and_is_not_ready_at_first(chosen: Settings) -> None:
    role = app.worker(chosen)
    assert set(role.running.topics) == {f"x.{name}" for name in topics.TOPICS}
    assert role.status().state == "starting"
    assert not role.status().ready
    assert role.app.conf.id == "x.worker-w1"


def test_worker_and_explanations_know_the_predicates_of_the_settings(
    chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app_predicates.py").write_text(
        "from processors.predicates import Person, predicate\n"
        '@predicate("asked", reads=["tags"], version="1")\n'
        "def asked(person: Person):\n    return True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    custom = chosen.model_copy(update={"predicates": "app_predicates"})
    assert list(app.explaining_of(custom).predicates) == ["asked"]
    assert b'beckon_predicate_off{predicate="asked"} 0.0' in app.worker(custom).metrics.text()
    missing = chosen.model_copy(update={"predicates": "app_missing"})
    with pytest.raises(InvalidSettings, match="BECKON_PREDICATES: app_missing can not be imported"):
        app.worker(missing)


def test_each_worker_hears_of_all_definitions(chosen: Settings) -> None:
    other = chosen.model_copy(update={"slot": "w2"})
    assert app.worker(chosen).app.conf.id != app.worker(other).app.conf.id


def files(chosen: Settings, folder: Path) -> app.Role:
    return app.sender(chosen, JsonlSender(folder, now_ms=lambda: 0))


def test_sender_waits_for_its_topics_and_becomes_ready_when_told(
    chosen: Settings, tmp_path: Path
) -> None:
    role = files(chosen, tmp_path)
    commands = {f"x.commands.{one}" for one in topics.CHANNELS}
    assert set(role.running.topics) == {*commands, "x.outcomes", "x.dead-letters"}
    assert role.app.conf.id == "x.sender-jsonl"
    states = [role.status().state]
    for ready in (True, False):
        role.ready(ready)
        states.append(role.status().state)
    assert states == ["starting", "running", "stopping"]


def test_senders_of_one_kind_share_the_commands(chosen: Settings, tmp_path: Path) -> None:
    other = chosen.model_copy(update={"slot": "w2"})
    assert len({files(each, tmp_path).app.conf.id for each in (chosen, other)}) == 1


async def asked(port: int, path: str) -> bytes:
    """Returns the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line


def test_app_that_somebody_else_runs_serves_its_health_until_it_stops(chosen: Settings) -> None:
    port = free_port()
    role = app.worker(chosen.model_copy(update={"health": settings.Health(port=port)}))

    async def run() -> None:
        hosted = app.hosted(role)
        assert hosted is role.app
        await hosted._app_tasks[-1]()
        assert b" 200 " in await asked(port, "/health")
        assert b" 503 " in await asked(port, "/ready")
        await hosted.on_before_shutdown.send()
        with pytest.raises(OSError, match="Connect call failed"):
            await asked(port, "/health")

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
