"""The commands for the senders' database: `beckon database upgrade`, `beckon held`."""

import asyncio

import typer

from processors.operations.errors import OperationFailed
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


@told
def held() -> None:
    """Shows the messages that are held until their template is mended, and what it lacks."""
    from connectors.stores.held import HeldCommands
    from processors import stores
    from schemas.events import iso

    opened = stores.opened_by(configured())
    try:
        found = asyncio.run(HeldCommands(opened).holdings())
    except OSError as error:
        raise OperationFailed(f"{stores.VARIABLE}: does not answer ({error})") from error
    finally:
        opened.close()
    for one in found:
        since = f"{one.messages} since {iso(one.oldest)}"
        typer.echo(f"{one.channel} {one.template}: {one.detail or 'not known'}: {since}")
    if not found:
        typer.echo("no message is held")
