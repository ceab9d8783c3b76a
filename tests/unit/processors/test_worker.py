"""What Faust's own command line finds in the worker's module. It runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def faust(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs Faust's command line on the worker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BECKON_")}
    return subprocess.run(
        [sys.executable, "-m", "faust", "-A", "processors.worker:app", *words],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_faust_loads_the_worker_without_any_broker() -> None:
    found = faust("agents", BECKON_KAFKA__BOOTSTRAP_SERVERS="localhost:1", BECKON_SLOT="w1")
    assert found.returncode == 0, found.stderr
    assert "@definitions" in found.stdout
    assert "beckon.definitions" in found.stdout


def test_wrong_settings_are_told_by_their_name() -> None:
    found = faust("agents", BECKON_STREAM__CLOCK="sun")
    assert found.returncode != 0
    assert "BECKON_STREAM__CLOCK" in found.stderr + found.stdout
