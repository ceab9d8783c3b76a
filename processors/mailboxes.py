"""`beckon mailbox`: shows what the providers `mailbox` and `recorder` have laid into a folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from processors.definitions.errors import one_line
from processors.operations.errors import OperationFailed
from processors.settings import PREFIX
from processors.terminal import configured, show, told
from schemas.events import iso

if TYPE_CHECKING:
    from connectors.channels.recorder import Kept

MAX_LINE_CHARS = 10_000
HEADERS = ("From", "To", "Reply-To", "Subject", "Date", "List-Unsubscribe")


@told
def mailbox(
    id: Annotated[str | None, typer.Argument(help="One of them, in full.")] = None,
    html: Annotated[
        bool, typer.Option("--html", help="The HTML of a mail, for a browser.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list.")] = 20,
) -> None:
    """Lists the messages that went into the local folder, the latest first, or shows one."""
    from connectors.channels import mailbox as mails
    from connectors.channels import recorder

    folder = configured().mailbox.folder
    try:
        if id is None:
            _list(mails.kept(folder / mails.FOLDER) + recorder.kept(folder), folder, most)
        else:
            typer.echo(_one(folder, id, html=html))
    except OSError as error:
        said = f"{PREFIX}MAILBOX__FOLDER: {folder} can not be read ({error.strerror})"
        raise OperationFailed(said) from error


def _list(found: "Iterable[Kept]", folder: Path, most: int) -> None:
    latest = sorted(found, key=lambda one: (one.at, one.id), reverse=True)
    if not latest:
        typer.echo(f"nothing is in {folder}/ yet")
        return
    table = Table("when", "channel", "to", "what it says", "id", box=None)
    for one in latest[:most]:
        table.add_row(
            iso(one.at), one.channel, one_line(one.to, 60), one_line(one.title, 80), one.id
        )
    show(table)
    if len(latest) > most:
        typer.echo(f"and {len(latest) - most:,} more: --most lists them")


def _one(folder: Path, id: str, *, html: bool) -> str:
    from connectors.channels import mailbox as mails
    from connectors.channels import recorder

    mail = mails.opened(folder / mails.FOLDER, id)
    if mail is None:
        found = recorder.opened(folder, id)
        if found is None:
            raise OperationFailed(f"there is no message {id} in {folder}/")
        return found.rstrip("\n")
    body = mail.get_body(("html",) if html else ("plain", "html"))
    text = "" if body is None else str(body.get_content()).rstrip("\n")
    if html:
        return text
    said = [
        f"{name}: {one_line(str(mail[name]), MAX_LINE_CHARS)}"
        for name in HEADERS
        if mail[name] is not None
    ]
    return "\n".join([*said, "", *(one_line(line, MAX_LINE_CHARS) for line in text.splitlines())])
