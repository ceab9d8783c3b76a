"""The demo's settings are its own; a run as a whole is in tests/integration."""

from pathlib import Path

import pytest

from processors.demo import demo, traffic
from processors.demo.broker import PARTITIONS
from processors.operations.errors import OperationFailed


def test_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", "production:9092")
    monkeypatch.setenv("BECKON_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("BECKON_TOPICS__PREFIX", "production.")
    monkeypatch.setenv("BECKON_REGISTRY__URL", "https://registry.example")

    found = demo.configured("127.0.0.1:1")

    assert found.kafka.bootstrap_servers == "127.0.0.1:1"
    assert found.kafka.security_protocol == "PLAINTEXT"
    assert found.topics.prefix == demo.PREFIX
    assert found.registry.url is None


def test_time_is_what_events_say_and_any_port_will_do() -> None:
    found = demo.configured("127.0.0.1:1")

    assert found.stream.clock == "stream"
    assert found.health.port == 0
    assert found.topics.partitions == found.topics.output_partitions == PARTITIONS


def test_folder_that_can_not_be_used_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    options = demo.Options(out=tmp_path / "out", traffic=traffic.Options())

    with pytest.raises(OperationFailed, match="can not use the folder"):
        demo.run(options)
