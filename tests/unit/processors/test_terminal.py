"""What goes wrong is told in words, and a bug is not."""

import subprocess
import sys

import pytest
import typer

from processors.definitions.errors import InvalidDefinitions, Problem
from processors.operations.errors import OperationFailed
from processors.runtime.errors import StateLost
from processors.settings import InvalidSettings
from processors.terminal import told


def ended(error: BaseException) -> int:
    """Returns the exit code of a command that raises."""

    @told
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command()
    return caught.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OperationFailed("not done"), 1, "not done"),
        (StateLost("state was lost"), 1, "state was lost"),
        (InvalidSettings("no such setting"), 1, "no such setting"),
        (InvalidDefinitions([Problem("a.yaml", 3, "when", "wrong")]), 1, "a.yaml:3: when: wrong"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_failure_is_told_in_words(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(error) == code
    captured = capsys.readouterr()
    assert text in captured.err
    assert "Traceback" not in captured.err


def test_bug_is_not_dressed_up_as_a_failure() -> None:
    @told
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        command()


def test_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from processors.terminal import told\n@told\ndef f():\n    raise BrokenPipeError\nf()\n"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
