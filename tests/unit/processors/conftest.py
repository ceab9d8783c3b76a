"""Commands run here: with no settings from outside, and on a broker in this process."""

import logging
import os
from collections.abc import Iterator

import pytest

from processors import logs, settings
from tests.embedded import Broker


@pytest.fixture
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings from outside, and the log as pytest had it."""
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BECKON_HEALTH__PORT", "0")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)
    logging.captureWarnings(False)


@pytest.fixture
def on_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Has commands go to a broker in this process."""
    monkeypatch.setenv("BECKON_KAFKA__BOOTSTRAP_SERVERS", broker.cluster.bootstrap)
    monkeypatch.setenv("BECKON_TOPICS__PREFIX", broker.prefix)
    return broker
