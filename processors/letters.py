"""The commands for dead letters: `beckon dead-letters`, and `beckon dead-letters replay`.

`cli` gives them their names; what they do is in `processors.operations`.
"""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from processors.progress import Progress
from processors.terminal import ask, configured, show, told
from schemas.events import iso

if TYPE_CHECKING:
    from processors.operations.letters import Found, Letter, Selection

MAX_SHOWN = 500
"""Characters of a value on a line."""

cli = typer.Typer(help="What could not be read: look at it, and send it again.")

Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only these; several may be.")]
Partition = Annotated[
    int | None, typer.Option("--partition", min=0, help="Only of this one of `dead-letters`.")
]
First = Annotated[int, typer.Option("--from", min=0, help="From this offset there on.")]
Last = Annotated[int | None, typer.Option("--to", min=0, help="Up to this one.")]


@cli.callback(invoke_without_command=True)
@told
def overview(  # noqa: PLR0913 - each is an option of the command
    context: typer.Context,
    reasons: Reasons = None,
    partition: Partition = None,
    first: First = 0,
    last: Last = None,
    samples: Annotated[int, typer.Option("--samples", min=0, help="Shown of each kind.")] = 3,
    values: Annotated[
        bool, typer.Option("--values", help="Show their keys and values: personal data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Counts dead letters by reason and topic, and shows where some of them lie."""
    selection = _selection(reasons, partition, first, last)
    if context.invoked_subcommand is not None:
        if selection != _selection(None, None, 0, None) or values or as_json:
            raise typer.BadParameter(f"options stand behind {context.invoked_subcommand}")
        return
    found = _find(selection, samples=samples)
    if as_json:
        typer.echo(_json(found, values=values))
        return
    show(_table(found))
    for letter in found.samples:
        typer.echo(_line(letter))
        if values:
            typer.echo(f"  {_text(letter.key)[:MAX_SHOWN]}: {_text(letter.value)[:MAX_SHOWN]}")
    typer.echo(_total(found))


@cli.command()
@told
def replay(
    reasons: Reasons = None,
    partition: Partition = None,
    first: First = 0,
    last: Last = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
) -> None:
    """Sends dead letters back to where they came from: once the cause is mended, each once."""
    from processors import app
    from processors.operations import replaying

    selection = _selection(reasons, partition, first, last)
    found = _find(selection, samples=0)
    show(_table(found))
    count = sum(map(len, found.waiting.values()))
    if dry_run or not count:
        typer.echo(f"{_total(found)}; nothing was sent")
        return
    if not yes:
        ask(f"send {count:,} dead letters again")
    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    with Progress("sent", "dead letters") as progress:
        sent = replaying.replay(cluster, prefix, selection, progress=progress)
    typer.echo(f"{sent:,} dead letters were sent again, to where they came from")


def _selection(
    reasons: list[str] | None, partition: int | None, first: int, last: int | None
) -> "Selection":
    from processors.operations.letters import Selection

    if partition is None and (first or last is not None):
        raise typer.BadParameter("--from and --to want a --partition")
    return Selection(reasons=frozenset(reasons or ()), partition=partition, first=first, last=last)


def _find(selection: "Selection", *, samples: int) -> "Found":
    from processors import app
    from processors.operations.letters import Pile

    settings = configured()
    pile = Pile(app.cluster_of(settings), settings.topics.prefix)
    with closing(pile), Progress("read", "records") as progress:
        return pile.find(selection, samples=samples, progress=progress)


def _table(found: "Found") -> Table:
    table = Table("reason", "from", box=None, pad_edge=False)
    for name in ("waiting", "can not be sent", "replayed"):
        table.add_column(name, justify="right")
    table.add_column("latest")
    for (reason, topic), count in sorted(found.counts.items()):
        numbers = (f"{each:,}" for each in (count.waiting, count.kept, count.replayed))
        table.add_row(reason, topic, *numbers, iso(count.latest_ms))
    return table


def _total(found: "Found") -> str:
    counts = found.counts.values()
    waiting, kept, replayed = (
        sum(getattr(each, name) for each in counts) for name in ("waiting", "kept", "replayed")
    )
    return f"{waiting:,} can be sent again, {kept:,} can not, {replayed:,} were"


def _line(letter: "Letter") -> str:
    whence = letter.whence
    source = f"{whence.topic} {whence.partition}:{whence.offset}"
    return f"{letter.place} of {source}, {iso(letter.at_ms)}: {whence.reason}: {whence.message}"


def _json(found: "Found", *, values: bool) -> str:
    kinds = [
        {
            "reason": reason,
            "topic": topic,
            "waiting": count.waiting,
            "can_not_be_sent": count.kept,
            "replayed": count.replayed,
            "latest": iso(count.latest_ms),
        }
        for (reason, topic), count in sorted(found.counts.items())
    ]
    rows = [_row(each) | (_held(each) if values else {}) for each in found.samples]
    held = {"kinds": kinds, "samples": rows}
    return msgspec.json.format(msgspec.json.encode(held), indent=2).decode()


def _row(letter: "Letter") -> dict[str, Any]:
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "at": iso(letter.at_ms),
        "reason": letter.whence.reason,
        "message": letter.whence.message,
        "from": {
            "topic": letter.whence.topic,
            "partition": letter.whence.partition,
            "offset": letter.whence.offset,
        },
    }


def _held(letter: "Letter") -> dict[str, str]:
    return {"key": _text(letter.key), "value": _text(letter.value)}


def _text(held: bytes | None) -> str:
    """Returns bytes as text; what is none is shown as escapes."""
    return "" if held is None else held.decode(errors="backslashreplace")
