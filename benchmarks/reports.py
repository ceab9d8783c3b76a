"""What is told of a measurement: a table for the terminal, and files in `results` to keep."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import measures

RESULTS = Path(__file__).parent / "results"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, with all that its figures hang on."""

    mode: str
    command: str
    date: str
    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: dict[str, float]
    """What the targets are about."""
    notes: tuple[str, ...] = ()


def report(
    mode: str,
    arguments: str,
    *,
    settings: dict[str, str],
    rows: Sequence[dict[str, str]],
    figures: dict[str, float],
    notes: Sequence[str] = (),
) -> Report:
    """Returns a report of here and now. All rows have the columns of the first."""
    columns = tuple(rows[0])
    return Report(
        mode=mode,
        command=f"beckon bench {mode} {arguments}".strip(),
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        machine=measures.machine(),
        versions=measures.versions(),
        settings=settings,
        columns=columns,
        rows=tuple(tuple(row[column] for column in columns) for row in rows),
        figures={name: round(value, 4) for name, value in figures.items()},
        notes=tuple(notes),
    )


def show(report: Report) -> None:
    """Prints a report."""
    console = Console()
    table = Table(*report.columns, title=report.command)
    for row in report.rows:
        table.add_row(*row)
    console.print(table)
    for line in _about(report):
        console.print(line, highlight=False)


def save(report: Report, folder: Path = RESULTS) -> Path:
    """Adds a report to the JSON lines of its mode, and writes their page anew; returns that."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / f"{report.mode}.jsonl"
    with lines.open("ab") as file:
        file.write(msgspec.json.encode(report) + b"\n")
    kept = [msgspec.json.decode(line, type=Report) for line in lines.read_bytes().splitlines()]
    page = folder / f"{report.mode}.md"
    page.write_text(render(kept), "utf-8")
    return page


def render(kept: Sequence[Report]) -> str:
    """Returns reports of one mode as a page, the newest first."""
    parts = [f"# {kept[-1].mode}\n"]
    for each in reversed(kept):
        cells = [each.columns, tuple("---" for _ in each.columns), *each.rows]
        table = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        about = "\n".join(f"- {line}" for line in _about(each))
        parts.append(f"## {each.date}\n\n`{each.command}`\n\n{table}\n\n{about}\n")
    return "\n".join(parts)


def _about(report: Report) -> list[str]:
    return [
        *(f"{name}: {value:g}" for name, value in report.figures.items()),
        *report.notes,
        _pairs("settings", report.settings),
        _pairs("machine", report.machine),
        _pairs("versions", report.versions),
    ]


def _pairs(title: str, pairs: dict[str, str]) -> str:
    return f"{title}: " + ", ".join(f"{name} {value}" for name, value in pairs.items())
