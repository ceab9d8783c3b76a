"""`beckon database upgrade` makes the tables, and says so."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from processors.cli import cli


def test_upgrade_says_which_step_the_database_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BECKON_DATABASE__URL", f"sqlite:///{tmp_path}/x.db")
    first = CliRunner().invoke(cli, ["database", "upgrade"])
    again = CliRunner().invoke(cli, ["database", "upgrade"])
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.output.strip() == "the database is at step 0003"
    assert again.output.strip() == "the database is at step 0003 already"


def test_database_that_is_away_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BECKON_DATABASE__URL", f"sqlite:///{tmp_path}/absent/x.db")
    found = CliRunner().invoke(cli, ["database", "upgrade"])
    assert found.exit_code == 1
    assert "BECKON_DATABASE__URL: does not answer" in found.output
