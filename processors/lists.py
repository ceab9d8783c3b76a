"""The commands for static lists: `beckon list add`, `remove` and `show`, and `beckon lists`.

`cli` gives them their names; what they do is in `processors.operations`.
"""

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from processors.clock import WallClock
from processors.progress import Progress
from processors.terminal import configured, custom, show, told
from schemas.events import iso

if TYPE_CHECKING:
    from processors.operations.listing import Change

cli = typer.Typer(help="One static list: who is on it.", no_args_is_help=True)

List = Annotated[str, typer.Argument(metavar="LIST", help="Its id.")]
People = Annotated[list[str] | None, typer.Argument(help="Profile ids.", metavar="[PROFILE...]")]
File = Annotated[str | None, typer.Option("--file", help="Ids, one a line: FILE, FILE.zst or -.")]
Column = Annotated[
    str | None, typer.Option("--column", help="The file is CSV; the ids stand in this column.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@cli.command()
@told
def add(list_id: List, people: People = None, file: File = None, column: Column = None) -> None:
    """Puts people on a list. Who is on it already stays so."""
    count = _change(list_id, "added", people=people, file=file, column=column)
    typer.echo(f"{count:,} people are to be on list {list_id}: workers do it as events come")


@cli.command()
@told
def remove(list_id: List, people: People = None, file: File = None, column: Column = None) -> None:
    """Takes people off a list. Who is not on it stays so."""
    count = _change(list_id, "removed", people=people, file=file, column=column)
    typer.echo(f"{count:,} people are to be off list {list_id}: workers do it as events come")


@cli.command("show")
@told
def members(
    list_id: List,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines: who, and since when.")
    ] = False,
) -> None:
    """Prints who is on a list, one id a line: what `--file -` of another one takes."""
    from processors import app
    from processors.operations import listing, publishing
    from processors.operations.members import read

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    listing.check(publishing.published(cluster, prefix), list_id)
    count = 0
    with Progress("read", "records") as progress:
        for found in read(cluster, prefix, progress=progress):
            people = found.get(list_id, {})
            count += len(people)
            for profile_id, since_ms in people.items():
                typer.echo(_row(profile_id, since_ms) if as_json else profile_id)
    typer.echo(f"{count:,} people are on list {list_id}", err=True)


@told
def lists(as_json: AsJson = False) -> None:
    """Shows the published static lists: members, and who uses them."""
    from processors import app
    from processors.operations import publishing, reporting, upkeep
    from processors.operations.errors import OperationFailed
    from processors.operations.members import read

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    published = publishing.published(cluster, prefix).published(custom(settings))
    if not published.lists:
        raise OperationFailed("no list is published: beckon publish FOLDER")
    counts = Counter[str]()
    with Progress("read", "records") as progress:
        for found in read(cluster, prefix, progress=progress):
            counts.update({list_id: len(people) for list_id, people in found.items()})
    rows = upkeep.lists(published, counts)
    if as_json:
        typer.echo(reporting.lists_json(rows, now_ms=WallClock().now_ms()))
    else:
        show(reporting.lists_table(rows))


def _change(
    list_id: str,
    change: "Change",
    *,
    people: list[str] | None,
    file: str | None,
    column: str | None,
) -> int:
    """Sends the change for everybody who is named, once all are found to be ids."""
    from processors import app
    from processors.operations import listing, publishing, rosters, sending, standings
    from processors.operations.producing import Writer
    from schemas.topics import full_name

    if not people and file is None:
        raise typer.BadParameter("give profile ids, or a --file of them")
    if column is not None and file is None:
        raise typer.BadParameter("--column wants a --file")
    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    archive = publishing.published(cluster, prefix)
    listing.check(archive, list_id)
    listed = rosters.of_file(file, column) if file is not None else ()
    ids = rosters.checked(chain(rosters.given(people or ()), listed))
    standing = standings.standings(cluster, prefix)
    if note := listing.doubt(standing, archive.published(custom(settings)).id):
        typer.echo(note, err=True)
    with Writer(cluster) as writer, Progress("sent", "people") as progress:
        return sending.send(
            writer,
            full_name(prefix, "events"),
            listing.request(list_id, change),
            profile_ids=ids,
            now_ms=WallClock().now_ms(),
            progress=progress,
        )


def _row(profile_id: str, since_ms: int | None) -> str:
    since = None if since_ms is None else iso(since_ms)
    return msgspec.json.encode({"profile_id": profile_id, "since": since}).decode()
