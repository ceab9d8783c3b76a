"""The command for the items of catalogues: `beckon items import`.

`cli` gives it its name; what it does is in `processors.operations`.
"""

from typing import Annotated

import typer

from processors.progress import Progress
from processors.terminal import configured, told

cli = typer.Typer(help="The items of catalogues.", no_args_is_help=True)


@cli.callback()
def items() -> None:
    """The items of catalogues."""


@cli.command("import")
@told
def bring(
    catalogue: Annotated[str, typer.Argument(help="Its id.")],
    file: Annotated[str, typer.Argument(help="*.csv or *.jsonl, also packed as *.zst.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="End the items that the file does not have.")
    ] = False,
) -> None:
    """Loads the items of a catalogue: each with an id, a title, and what else it has."""
    from processors import app
    from processors.operations import publishing, stocking

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    stocking.check(publishing.published(cluster, prefix), catalogue)
    with Progress("sent", "items") as progress:
        found = stocking.stock(
            cluster, prefix, catalogue, source=file, prune=prune, progress=progress
        )
    ended = f", {found.ended:,} ended" if prune else ""
    typer.echo(f"{catalogue}: {found.loaded:,} items loaded{ended}")
