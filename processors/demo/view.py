"""What the demo shows while it runs: a picture of the board on a terminal, or a line for a log.

Pure: numbers in, something to print out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from processors.demo.boards import CommandRow, Picture, TriggerRow
from processors.demo.people import DAY_MS, START_MS

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 32
BAR_WIDTH = 14
LEVEL_STYLES = ("bold red", "yellow", "blue")


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """How far the worker is."""

    phase: str
    """What is going on, in a few words."""
    decided: int = 0
    """Events decided on and committed, repeats included."""
    duplicates: int = 0
    """Events left out as their messageId was known."""
    per_s: float = 0.0
    elapsed_s: float = 0.0


def sparkline(values: Sequence[int], width: int = WIDTH) -> str:
    """Returns a curve in so many characters at most; each shows the last value of its share.

    >>> sparkline([0, 1, 2, 4, 8], 5)
    '▁▁▂▄█'
    """
    if len(values) > width:
        values = [values[(index + 1) * len(values) // width - 1] for index in range(width)]
    top = max(values, default=0) or 1
    return "".join(BARS[max(0, value) * (len(BARS) - 1) // top] for value in values)


def instant(at_ms: int) -> str:
    """Returns an instant for people.

    >>> instant(1_767_571_200_000)
    'Mon 2026-01-05 00:00'
    """
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%a %Y-%m-%d %H:%M}"


def line(picture: Picture, work: Work) -> str:
    """Returns everything in one line."""
    when = instant(picture.at_ms) if picture.at_ms else "(nothing yet)"
    members = ", ".join(f"{each.id} {each.members:,}" for each in picture.segments)
    levels = ", ".join(f"{each.level} {each.people:,}" for each in picture.levels)
    commands = ", ".join(f"{each.channel} {each.commands:,}" for each in picture.channels)
    return (
        f"{work.elapsed_s:5.1f} s | {work.phase} | {when}"
        f" | {work.decided:,} events, {work.per_s:,.0f}/s"
        f" | members: {members} | {levels} | commands: {commands or 'none'}"
    )


def render(picture: Picture, work: Work, end_ms: int) -> RenderableType:
    """Returns everything for a terminal of some 24 lines."""
    beside = Table.grid(expand=True, padding=(0, 2))
    beside.add_row(_levels(picture), _triggers(picture))
    return Group(
        _head(picture, work, end_ms), segments(picture), "", beside, "", _commands(picture)
    )


def segments(picture: Picture, width: int = WIDTH) -> Table:
    """Returns the segments, each with its curve."""
    table = _table("segment", expand=False)
    table.add_column("members", justify="right", style="bold")
    table.add_column("over the simulated time", style="cyan", no_wrap=True)
    table.add_column("entered", justify="right")
    table.add_column("left", justify="right")
    for each in picture.segments:
        table.add_row(
            each.name,
            f"{each.members:,}",
            sparkline(each.curve, width),
            f"{each.entered:,}",
            f"{each.left:,}",
        )
    return table


def reasons(row: TriggerRow) -> str:
    """Returns why a trigger did not fire, by how often.

    >>> reasons(TriggerRow(id="a", name="A", reasons={"fired": 3, "limit": 2}))
    'limit 2'
    """
    others = sorted((reason, count) for reason, count in row.reasons.items() if reason != "fired")
    return ", ".join(f"{reason} {count:,}" for reason, count in others)


def why(row: CommandRow) -> str:
    """Returns the reason of a command: the trigger, what it waits for, and what brought it."""
    return " ← ".join(part for part in (row.trigger, row.stimulus, row.cause) if part)


def _head(picture: Picture, work: Work, end_ms: int) -> Panel:
    share = max(0, picture.at_ms - START_MS) / (end_ms - START_MS)
    grid = Table.grid(expand=True, padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    when = instant(picture.at_ms) if picture.at_ms else "…"
    grid.add_row(
        Text.assemble("simulated time ", (when, "bold")),
        Text.assemble((f"{work.per_s:,.0f}", "bold green"), " events/s"),
    )
    grid.add_row(
        ProgressBar(total=1.0, completed=share, width=WIDTH),
        f"{work.decided:,} events of {picture.people:,} people",
    )
    title = f"Beckon · {work.phase}"
    days = round((end_ms - START_MS) / DAY_MS)
    subtitle = f"{days} days · {work.elapsed_s:.0f} s · Ctrl-C stops"
    return Panel(grid, title=title, subtitle=subtitle)


def _levels(picture: Picture) -> Table:
    table = _table("score", expand=False)
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("people", justify="right", style="bold", no_wrap=True)
    table.add_column("", width=BAR_WIDTH)
    total = sum(each.people for each in picture.levels) or 1
    for index, each in enumerate(picture.levels):
        style = LEVEL_STYLES[min(index, len(LEVEL_STYLES) - 1)]
        bar = ProgressBar(total=total, completed=each.people, width=BAR_WIDTH, complete_style=style)
        name = f"{each.score}: {each.level}"
        table.add_row(name, f"{each.threshold:g}", f"{each.people:,}", bar)
    return table


def _triggers(picture: Picture) -> Table:
    table = _table("trigger", expand=False)
    table.add_column("fired", justify="right", style="bold")
    table.add_column("did not, for")
    for each in picture.triggers:
        table.add_row(each.id, f"{each.reasons.get('fired', 0):,}", reasons(each))
    return table


def _commands(picture: Picture) -> Table:
    counts = ", ".join(
        f"{each.channel} {each.commands:,} ({each.sent:,} sent)" for each in picture.channels
    )
    table = _table("time", caption=f"commands: {counts or 'none yet'}")
    table.add_column("channel", style="magenta")
    table.add_column("to")
    table.add_column("what", overflow="ellipsis", no_wrap=True, max_width=20)
    table.add_column("why", overflow="ellipsis", no_wrap=True, ratio=1)
    for each in picture.latest:
        when = f"{datetime.fromtimestamp(each.at_ms / 1000, UTC):%m-%d %H:%M}"
        table.add_row(when, each.channel, each.profile_id, each.what, why(each))
    return table


def _table(first: str, *, caption: str | None = None, expand: bool = True) -> Table:
    table = Table(box=None, expand=expand, padding=(0, 1), caption=caption, caption_justify="left")
    table.add_column(first, no_wrap=True)
    return table
