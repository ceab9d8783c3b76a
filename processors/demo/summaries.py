"""What came of the demo: the numbers, the checks that hold them against each other, what is next.

Everything is counted from the topics and the files, but what the worker says of its own work.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from processors.demo import view
from processors.demo.boards import Picture
from processors.demo.traffic import Traffic
from processors.demo.view import Work


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be so, and the numbers that show it."""

    claim: str
    is_true: bool
    evidence: str


def checks(picture: Picture) -> list[Check]:
    """Returns what must be so at any moment."""
    return [
        Check(
            claim="no command was given twice",
            is_true=picture.command_repeats == 0,
            evidence=f"{picture.commands:,} commands, {picture.command_repeats:,} repeated ids",
        ),
        Check(
            claim="members are those who entered and did not leave",
            is_true=all(each.members == each.entered - each.left for each in picture.segments),
            evidence=", ".join(
                f"{each.members:,} = {each.entered:,} - {each.left:,}" for each in picture.segments
            ),
        ),
    ]


def final_checks(
    picture: Picture, work: Work, traffic: Traffic, *, files: Iterable[str]
) -> list[Check]:
    """Returns what must be so when everything has come to its end.

    Args:
        picture: what the topics say.
        work: what the worker says.
        traffic: what was made up.
        files: ids of the commands in the files of the channels.
    """
    sent, written = len(traffic.deliveries), list(files)
    dead = sum(picture.dead_letters.values())
    once = work.decided - work.duplicates
    return [
        Check(
            claim="every event was decided on exactly once",
            is_true=sent == picture.events == once + work.duplicates + dead
            and work.duplicates == picture.repeats,
            evidence=f"{sent:,} sent = {once:,} decided on + {work.duplicates:,} duplicates left"
            f" out + {dead:,} dead letters; {picture.repeats:,} repeats on the topic",
        ),
        Check(
            claim="every command was carried out, once",
            is_true=len(written) == len(set(written)) == picture.commands == picture.outcomes,
            evidence=f"{len(written):,} lines in commands.*.jsonl, {picture.outcomes:,} outcomes",
        ),
        Check(
            claim="what was made up to go wrong was noticed",
            is_true=picture.repeats == traffic.duplicates
            and picture.unreadable == traffic.broken <= dead,
            evidence=f"{traffic.duplicates:,} duplicates, {traffic.broken:,} broken events,"
            f" {dead - traffic.broken:,} a week late",
        ),
        *checks(picture),
    ]


def rows(picture: Picture, work: Work, *, sent: int) -> list[tuple[str, str]]:
    """Returns the numbers, each with its name."""
    dead = ", ".join(
        f"{reason} {count:,}" for reason, count in sorted(picture.dead_letters.items())
    )
    found = [
        ("simulated time", f"up to {view.instant(picture.at_ms)}" if picture.at_ms else "none"),
        ("people", f"{picture.people:,}"),
        ("events sent", f"{sent:,}"),
        ("events decided on", f"{work.decided - work.duplicates:,}"),
        ("duplicates left out", f"{work.duplicates:,}"),
        ("dead letters", dead or "none"),
        ("told by triggers", f"{picture.emitted:,} events"),
    ]
    for level in picture.levels:
        found.append((f"{level.score}: {level.level}", f"{level.people:,} people"))
    for trigger in picture.triggers:
        others = view.reasons(trigger)
        fired = f"fired {trigger.reasons.get('fired', 0):,} times"
        found.append((trigger.id, fired + (f"; did not: {others}" if others else "")))
    for channel in picture.channels:
        found.append(
            (f"{channel.channel} commands", f"{channel.commands:,}, {channel.sent:,} sent")
        )
    found.append(("it took", f"{work.elapsed_s:.1f} s, {work.per_s:,.0f} events/s while they ran"))
    return found


def markdown(picture: Picture, work: Work, found: list[Check], *, sent: int) -> str:
    """Returns the summary as a page."""
    lines = [
        "# Beckon demo",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows(picture, work, sent=sent)),
        "",
        "| segment | members | over the simulated time | entered | left |",
        "|---|---:|---|---:|---:|",
        *(
            f"| {each.name} | {each.members:,} | `{view.sparkline(each.curve)}`"
            f" | {each.entered:,} | {each.left:,} |"
            for each in picture.segments
        ),
        "",
        "| check | | |",
        "|---|---|---|",
        *(
            f"| {each.claim} | {'yes' if each.is_true else 'NO'} | {each.evidence} |"
            for each in found
        ),
    ]
    return "\n".join(lines) + "\n"


def next_steps(definitions: Path, out: Path) -> str:
    """Returns what to try now."""
    shop, out, beckon = _short(definitions), _short(out), _command()
    return f"""\
What to try next
  # what is in the files
  cat {out / "README.txt"}
  # change a definition, and check it: mistakes are told with their line
  {beckon} check {shop}
  # the same engine over a file of events, without any broker
  {beckon} replay --definitions {shop} --events {out / "events.jsonl"} --out {out / "replayed"}
With a Kafka of your own, at BECKON_KAFKA__BOOTSTRAP_SERVERS=host:9092
  {beckon} topics create
  {beckon} publish {shop}
  # decides, until Ctrl-C; the time is what the events say
  BECKON_STREAM__CLOCK=stream {beckon} worker
  # in other terminals: events in, commands carried out into files
  {beckon} ingest {out / "events.jsonl"}
  BECKON_HEALTH__PORT=0 {beckon} sender jsonl --out {out / "sent"}
"""


def _command() -> str:
    """Returns how a person here can call us: by name, if the shell finds it."""
    own = Path(sys.argv[0])
    if shutil.which("beckon") is not None or own.name != "beckon":
        return "beckon"
    return str(_short(own.absolute()))


def _short(path: Path) -> Path:
    """Returns the path from where we are, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def show(console: Console, picture: Picture, work: Work, *, found: list[Check], sent: int) -> None:
    """Prints the summary."""
    numbers = Table(box=None, show_header=False, padding=(0, 1))
    for name, value in rows(picture, work, sent=sent):
        numbers.add_row(name, value)
    console.print(numbers)
    console.print()
    console.print(view.segments(picture))
    console.print()
    for each in found:
        mark = "[green]yes[/]" if each.is_true else "[bold red]NO[/] "
        console.print(f" {mark} {each.claim}: {each.evidence}", soft_wrap=True)
    console.print()
