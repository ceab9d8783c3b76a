"""The policies to begin with: each folder is a set, and its tests pin it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from processors.cli import cli

POLICIES = Path(__file__).parents[2] / "examples" / "policies"


@pytest.mark.parametrize("folder", ["can-spam", "gdpr"])
@pytest.mark.parametrize("command", ["check", "test"])
def test_each_folder_is_a_set(command: str, folder: str) -> None:
    result = CliRunner().invoke(cli, [command, str(POLICIES / folder)])
    assert result.exit_code == 0, result.output


def test_no_folder_is_forgotten() -> None:
    assert {each.name for each in POLICIES.iterdir()} == {"can-spam", "gdpr"}
