"""What the shell needs from the world."""

from pathlib import Path
from typing import Literal

import pytest

from connectors.channels.jsonl import JsonlSender
from processors.clock import WallClock
from processors.ports import Clock, Sender, Status


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
    sender: Sender = JsonlSender(tmp_path, now_ms=clock.now_ms)

    assert sender.channel == "jsonl"
