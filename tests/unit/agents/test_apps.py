"""What an app is made of; how it runs is in tests/integration."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from processors.agents import apps
from processors.agents.apps import Options, Security

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("bootstrap", "expected"),
    [
        ("one:9092", "kafka://one:9092"),
        ("one:9092,two:9093", "kafka://one:9092;kafka://two:9093"),
        (" one:9092 , two:9093, ", "kafka://one:9092;kafka://two:9093"),
    ],
)
def test_brokers_are_named_as_faust_wants_them(bootstrap: str, expected: str) -> None:
    assert apps.broker_url(bootstrap) == expected


def test_app_opens_no_port_and_makes_no_topic() -> None:
    conf = apps.build(Options(bootstrap="one:9092", group="beckon.sender-webhook")).conf

    assert not conf.web_enabled
    assert (conf.web_host, conf.web_bind) == ("127.0.0.1", "127.0.0.1")
    assert (conf.topic_allow_declare, conf.topic_disable_leader) == (False, True)


def test_group_is_the_name_that_was_given() -> None:
    assert apps.build(Options(bootstrap="one:9092", group="x.worker")).conf.id == "x.worker"


def test_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "kafka://evil:9092")
    monkeypatch.setenv("WEB_ENABLED", "yes")
    monkeypatch.setenv("DATADIR", "/evil")

    conf = apps.build(Options(bootstrap="one:9092", group="x")).conf

    assert [str(url) for url in conf.broker] == ["kafka://one:9092"]
    assert not conf.web_enabled
    assert "evil" not in str(conf.datadir)


def test_app_makes_no_directory_unless_it_is_told_where(tmp_path: Path) -> None:
    apps.build(Options(bootstrap="one:9092", group="x"))._create_directories()
    told = apps.build(Options(bootstrap="one:9092", group="x", data_dir=tmp_path / "data"))
    told._create_directories()

    assert (tmp_path / "data").is_dir()


def credentials(security: Security) -> Any:
    return apps.build(
        Options(bootstrap="one:9092", group="x", security=security)
    ).conf.broker_credentials


def test_password_becomes_credentials_and_is_not_shown() -> None:
    security = Security(
        protocol="SASL_SSL", mechanism="SCRAM-SHA-512", username="beckon", password="hunter2"
    )

    found = credentials(security)

    assert found.protocol.value == "SASL_SSL"
    assert found.mechanism.value == "SCRAM-SHA-512"
    assert found.password == "hunter2"
    assert found.ssl_context.check_hostname
    assert "hunter2" not in repr(security) + repr(found)


def test_tls_without_a_password_checks_the_brokers() -> None:
    security = Security(protocol="SSL")

    found = credentials(security)

    assert found.protocol.value == "SSL"
    assert found.context.check_hostname


def test_no_security_is_no_credentials() -> None:
    assert apps.build(Options(bootstrap="one:9092", group="x")).conf.broker_credentials is None


def test_faust_is_loaded_late_and_does_not_see_the_command_line(tmp_path: Path) -> None:
    script = """
import sys
from processors.agents import apps
assert "faust" not in sys.modules
import os
apps.build(apps.Options(bootstrap="one:9092", group="x"))
assert "faust" in sys.modules
assert sys.argv[1:] == ["--datadir", "evil", "-L", "gevent"], sys.argv
assert not any(name.startswith(("FAUST", "F_")) for name in os.environ)
"""
    words = [sys.executable, "-c", script, "--datadir", "evil", "-L", "gevent"]

    done = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []
