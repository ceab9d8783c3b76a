"""What commands have in common: failures in words, settings, tables, a question, arguments.

The commands themselves are in `cli` and in `revisions`.
"""

import functools
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from processors import logs, predicates
from processors.definitions import calls, files, sets
from processors.definitions.errors import InvalidDefinitions
from processors.definitions.predicates import Predicates
from processors.definitions.sets import DefinitionSet
from processors.operations.errors import OperationFailed
from processors.runtime.errors import RuntimeFailure
from processors.settings import InvalidSettings, Settings

if TYPE_CHECKING:
    from processors.operations.diffing import History
    from processors.runtime.batches import Policy

EXIT_FAILED = 1
PLAIN_WIDTH = 160
"""Of tables that go to no terminal."""

Arguments = ParamSpec("Arguments")

Folder = Annotated[Path, typer.Argument(exists=True, help="Definitions: a folder or a file.")]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        help="To when timers run; none: the last event's time.",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
    ),
]


Events = Annotated[
    list[str] | None, typer.Option("--events", help="JSON lines: FILE, FILE.zst or -.")
]
FromTopic = Annotated[
    bool, typer.Option("--from-topic", help="All that the topic `events` holds now.")
]


def told(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Has a command's failures told in words, with the exit code that belongs to them."""

    @functools.wraps(command)
    def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        try:
            command(*arguments, **options)
        except InvalidDefinitions as error:
            fail(files.render(error.problems))
        except (InvalidSettings, OperationFailed, RuntimeFailure) as error:
            fail(str(error))
        except KeyboardInterrupt:
            fail("stopped", 130)
        except BrokenPipeError:
            sys.stderr.close()

    return run


def configured() -> Settings:
    """Returns the settings of the environment; the log goes where they say."""
    found = Settings.from_env()
    logs.configure(found.log.level, found.log.format)
    return found


def custom(settings: Settings | None = None) -> Predicates:
    """Returns the custom conditions that settings name, for a command's own answers."""
    return predicates.watched(predicates.found((settings or configured()).predicates))


def history(events: list[str] | None, from_topic: bool) -> "tuple[History, Policy]":
    """Returns what files hold, or the topic does, and what time means in it; one must be said."""
    from processors import app
    from processors.operations import diffing, ingesting
    from processors.runtime.batches import Policy

    if bool(events) == from_topic:
        raise typer.BadParameter("give either --events or --from-topic")
    if events:
        return diffing.of_lines(ingesting.all_lines(events)), Policy(clock="stream")
    return app.history(configured())


def instant_ms(at: datetime) -> int:
    """Returns an instant in ms since the epoch."""
    return round(at.timestamp() * 1000)


def show(table: Table) -> None:
    """Prints a table; what people have written in it is no markup."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def warn(definitions: DefinitionSet) -> None:
    """Prints what is allowed in definitions, and most likely not meant."""
    for each in sets.warnings(definitions):
        typer.echo(f"warning: {each}", err=True)
    if _has_texts(definitions):
        from processors.content import checks

        for each in checks.warnings(definitions):
            typer.echo(f"warning: {each}", err=True)


def whole(definitions: DefinitionSet, published: Iterable[Any] = ()) -> DefinitionSet:
    """Returns definitions whose texts can be compiled; `published`: documents beside them.

    Raises:
        InvalidDefinitions: with all that is wrong with templates, and with values of webhooks.
    """
    if _has_texts(definitions):
        from processors.content import checks

        problems = checks.problems(definitions, published)
        if problems:
            raise InvalidDefinitions(problems)
    return definitions


def _has_texts(definitions: DefinitionSet) -> bool:
    """Returns whether something in definitions is Liquid."""
    return bool(definitions.templates or definitions.partials) or any(calls.texts(definitions))


def tell(said: Table | str) -> None:
    """Prints a table, or a line."""
    typer.echo(said) if isinstance(said, str) else show(said)


def ask(deed: str) -> None:
    """Asks whether to do it; ends the command if not, or if there is nobody to ask."""
    if not sys.stdin.isatty():
        raise OperationFailed(f"would {deed}: --yes does it without asking")
    if not typer.confirm(f"{deed[0].upper()}{deed[1:]}?"):
        fail("nothing is changed")


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Ends a command."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
