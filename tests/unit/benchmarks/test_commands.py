import sys

import pytest
from typer.testing import CliRunner

from benchmarks import commands, workers
from benchmarks.pacing import probe_id, sent_ns
from processors import cli


def test_all_measurements_can_be_asked_for() -> None:
    names = {command.name for command in commands.cli.registered_commands}

    assert names == {
        *("stream", "definitions", "latency", "takeover", "memory", "restore", "timers"),
        "rendering",
        "senders",
    }


def test_an_unknown_peer_is_refused() -> None:
    result = CliRunner().invoke(commands.cli, ["stream", "--peer", "spark"])

    assert result.exit_code == 2
    assert "spark" in result.output


def test_without_a_checkout_it_says_where_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks", None)

    result = CliRunner().invoke(cli.cli, ["bench", "stream", "--runs", "1"])

    assert result.exit_code == 1
    assert "checkout" in result.output


def test_arguments_of_a_measurement_reach_it() -> None:
    result = CliRunner().invoke(cli.cli, ["bench", "stream", "--peer", "spark"])

    assert result.exit_code == 2


def test_a_probe_tells_when_it_left() -> None:
    assert sent_ns(probe_id(1_700_000_000_123_456_789)) == 1_700_000_000_123_456_789


def test_a_run_tells_its_cost_an_event_and_its_speed() -> None:
    run = workers.Run(contender="beckon", events=1_000, cpu_s=0.010, seconds=0.5)

    assert run.cpu_us == pytest.approx(10.0)
    assert run.per_s == pytest.approx(2_000.0)
