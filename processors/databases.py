"""The commands for the senders' database: `beckon database upgrade`."""

import typer

from processors.terminal import configured, told

cli = typer.Typer(help="The database of the senders.", no_args_is_help=True)


@cli.callback()
def database() -> None:
    """The database of the senders."""


@cli.command()
@told
def upgrade() -> None:
    """Makes the tables, or brings them to what this version needs. Senders do so as they start."""
    from processors import stores

    opened = stores.opened_by(configured())
    before, now = stores.upgraded(opened, 0)
    opened.close()
    typer.echo(f"the database is at step {now}" + (" already" if before == now else ""))
