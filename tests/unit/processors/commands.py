"""Commands, called as from a shell."""

from pathlib import Path

from typer.testing import CliRunner, Result

from processors.cli import cli

SHOP = Path(__file__).parents[3] / "examples" / "shop"


def beckon(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path
