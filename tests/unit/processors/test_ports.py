"""What the shell needs from the world."""

from pathlib import Path
from typing import Literal

import pytest

from connectors.channels.jsonl import JsonlSender
from connectors.channels.memory import MemorySender
from connectors.channels.webhook import WebhookSender
from connectors.http import Client, Options
from processors.clock import WallClock
from processors.ports import Clock, Sender, Status

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("state", "expected"),
    [("starting", False), ("restoring", False), ("running", True), ("stopping", False)],
)
def test_process_is_ready_only_while_it_runs(
    state: Literal["starting", "restoring", "running", "stopping"], expected: bool
) -> None:
    assert Status(state=state).ready is expected


def test_connectors_fit_the_ports(tmp_path: Path) -> None:
    clock: Clock = WallClock()
    senders: list[Sender] = [
        WebhookSender(Client(Options(), clock.now_ms), [SECRET], now_ms=clock.now_ms),
        JsonlSender(tmp_path, now_ms=clock.now_ms),
        MemorySender("email", now_ms=clock.now_ms),
    ]

    assert [one.channel for one in senders] == ["webhook", "jsonl", "email"]
