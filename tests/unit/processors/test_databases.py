"""`beckon database upgrade` makes the tables; `beckon held` tells what waits in one of them."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.stores.held import HeldCommands
from processors.cli import cli
from schemas.intents import HeldCommand
from tests import stores
from tests.builders import T0, command


def test_upgrade_says_which_step_the_database_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BECKON_DATABASE__URL", f"sqlite:///{tmp_path}/x.db")
    first = CliRunner().invoke(cli, ["database", "upgrade"])
    again = CliRunner().invoke(cli, ["database", "upgrade"])
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert first.output.strip() == "the database is at step 0005"
    assert again.output.strip() == "the database is at step 0005 already"


def test_database_that_is_away_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BECKON_DATABASE__URL", f"sqlite:///{tmp_path}/absent/x.db")
    found = CliRunner().invoke(cli, ["database", "upgrade"])
    assert found.exit_code == 1
    assert "BECKON_DATABASE__URL: does not answer" in found.output


def test_held_messages_are_told_by_template_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    monkeypatch.setenv("BECKON_DATABASE__URL", url)
    absent = CliRunner().invoke(cli, ["held"])
    assert (absent.exit_code, "does not answer" in absent.output) == (1, True)
    with stores.opened(url) as database:
        assert CliRunner().invoke(cli, ["held"]).output == "no message is held\n"
        held = HeldCommands(database)
        for one in ("c-1", "c-2"):
            order = msgspec.structs.replace(command(), id=one, channel="email", template="hello")
            kept = HeldCommand(command=order, tried="v", tried_at=0, held_at=T0, until=T0 + 1)
            asyncio.run(held.keep(kept))
    found = CliRunner().invoke(cli, ["held"])
    assert found.output == "email hello: not known: 2 since 2026-01-01T00:00:00.000Z\n"
