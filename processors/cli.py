"""The command line: `beckon …`. Each command says what it did, and what to do next.

Exit codes: 0 done, 1 it could not be done, 2 wrong use, 3 two sets differ (`diff --exit-code`), 69
the cluster did not answer in time, 70 it did not stop in time.
"""

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

from processors import logs
from processors.agents.apps import EXIT_STUCK
from processors.clock import WallClock
from processors.definitions import files
from processors.definitions.errors import InvalidDefinitions
from processors.operations.errors import OperationFailed
from processors.progress import Progress
from processors.runtime.errors import RuntimeFailure
from processors.settings import InvalidSettings, Settings

EXIT_FAILED = 1
EXIT_DIFFERENT = 3
PLAIN_WIDTH = 160
"""Of tables that go to no terminal."""

cli = typer.Typer(
    name="beckon",
    help="Real-time marketing automation on Kafka: events in; scores, segments and commands out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics_cli = typer.Typer(help="The topics on the cluster.", no_args_is_help=True)
cli.add_typer(topics_cli, name="topics")

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

logger = logging.getLogger(__name__)


def main() -> None:
    """Runs the command line."""
    cli()


def told(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Has a command's failures told in words, with the exit code that belongs to them."""

    @functools.wraps(command)
    def run(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        try:
            command(*arguments, **options)
        except InvalidDefinitions as error:
            _fail(files.render(error.problems))
        except (InvalidSettings, OperationFailed, RuntimeFailure) as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("stopped", 130)
        except BrokenPipeError:
            sys.stderr.close()

    return run


@cli.command()
@told
def check(folder: Folder) -> None:
    """Checks definitions, and says what is wrong with file and line."""
    found = files.load(folder)
    counts = {
        "segments": len(found.segments),
        "scores": len(found.scores),
        "triggers": len(found.triggers),
        "lists": len(found.lists),
    }
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    typer.echo(f"{folder}: {said or 'no definitions'}; all fit together (set {found.id})")


@cli.command()
@told
def replay(
    events: Annotated[list[str], typer.Option("--events", help="JSON lines: FILE, FILE.zst or -.")],
    definitions: Annotated[Path, typer.Option("--definitions", exists=True, help="The folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; made if need be.")],
    until: Until = None,
) -> None:
    """Runs recorded events through the same engine in virtual time, without a broker."""
    from processors.decisions.compiled import compile_set
    from processors.operations.ingesting import all_lines
    from processors.runtime.replays import replay as run

    compiled = compile_set(files.load(definitions))
    until_ms = None if until is None else round(until.timestamp() * 1000)
    with Progress("replayed", "events") as progress:
        summary = run(compiled, all_lines(events), out, until_ms=until_ms, progress=progress)
    typer.echo(
        f"{summary.events:,} events of {summary.profiles:,} people:"
        f" {summary.segment_changes:,} segment changes, {summary.commands:,} commands,"
        f" {summary.dead_letters:,} dead letters. Results are in {out}/"
    )


@cli.command()
@told
def diff(  # noqa: PLR0913 - each is an option of the command
    old: Annotated[Path, typer.Argument(exists=True, help="Definitions as they are.")],
    new: Annotated[Path, typer.Argument(exists=True, help="Definitions as they are to be.")],
    events: Annotated[
        list[str] | None, typer.Option("--events", help="JSON lines: FILE, FILE.zst or -.")
    ] = None,
    from_topic: Annotated[
        bool, typer.Option("--from-topic", help="All that the topic `events` holds now.")
    ] = False,
    until: Until = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for all differences; made if need be.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=0, help="People shown of each.")] = 5,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 3 if something differs.")
    ] = False,
) -> None:
    """Shows what other definitions would have made of the same history. Sends nothing."""
    from processors.operations import diffing, ingesting, telling
    from processors.runtime.batches import Policy

    if bool(events) == from_topic:
        raise typer.BadParameter("give either --events or --from-topic")
    policy = Policy(clock="stream")
    if events:
        history = diffing.of_lines(ingesting.all_lines(events))
    else:
        from processors import app

        history, policy = app.history(_settings())
    options = diffing.Options(
        until_ms=None if until is None else round(until.timestamp() * 1000),
        samples=samples,
        out=out,
        policy=policy,
    )
    with Progress("compared", "events") as progress:
        summary = diffing.compare(
            files.load(old), files.load(new), history, options=options, progress=progress
        )
    for table in telling.tables(summary):
        _show(table)
    for line in telling.samples(summary):
        typer.echo(line)
    typer.echo(telling.total(summary) + (f"; all are in {out}/" if out else ""))
    if exit_code and summary.differences:
        raise typer.Exit(EXIT_DIFFERENT)


@topics_cli.command("create")
@told
def create_topics() -> None:
    """Makes all topics that are not there yet."""
    from processors import app
    from processors.operations import administration

    settings = _settings()
    chosen = settings.topics
    layout = administration.Layout(
        prefix=chosen.prefix,
        partitions=chosen.partitions,
        output_partitions=chosen.output_partitions,
        replication=chosen.replication,
    )
    created = administration.create(app.cluster_of(settings), layout)
    typer.echo(f"{len(created.made)} topics made, {len(created.present)} were there")
    for name, difference in created.differing.items():
        typer.echo(f"note: {name} {difference}", err=True)
    typer.echo("next: beckon publish FOLDER")


@cli.command()
@told
def publish(
    folder: Folder,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking: for CI.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="End what is published and not in the folder.")
    ] = False,
) -> None:
    """Shows what publishing changes, asks, and does it: running workers take it up."""
    from processors import app
    from processors.operations import plans, publishing, telling

    settings = _settings()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    chosen = files.load(folder)

    def look() -> plans.Plan:
        return plans.plan(publishing.published(cluster, prefix), chosen, prune=prune)

    plan = look()
    _show(telling.plan_table(plan))
    for line in telling.documents(plan):
        typer.echo(line)
    deed = telling.deed(plan)
    if deed and not yes:
        _ask(deed)
        if look() != plan:
            raise OperationFailed("somebody has published meanwhile: do it again")
    if deed:
        publishing.carry_out(cluster, prefix, plan, now_ms=WallClock().now_ms())
    typer.echo(f"{telling.done(plan)}; next: beckon worker")


@cli.command()
@told
def definitions(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show this document: id, or kind/id.")
    ] = None,
) -> None:
    """Shows what is published now."""
    from processors import app
    from processors.operations import publishing, telling, texts

    settings = _settings()
    catalogue = publishing.published(app.cluster_of(settings), settings.topics.prefix)
    if name is not None:
        typer.echo(texts.text(publishing.named(catalogue, name).document), nl=False)
        return
    records = [catalogue.records[key] for key in sorted(catalogue.records)]
    _show(telling.catalogue_table(records))
    typer.echo(f"{len(records)} published; beckon definitions ID shows one")


@cli.command()
@told
def ingest(
    source: Annotated[list[str], typer.Argument(help="JSON lines: FILE, FILE.zst or -.")],
    raw: Annotated[bool, typer.Option("--raw", help="Into events.raw: before identity.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it broke off.")] = False,
) -> None:
    """Sends JSON lines as events, each under its person's id."""
    from processors import app
    from processors.operations.ingesting import ingest as run
    from processors.operations.producing import Writer
    from schemas.topics import full_name

    settings = _settings()
    topic = full_name(settings.topics.prefix, "events.raw" if raw else "events")
    bad = 0
    with Writer(app.cluster_of(settings)) as writer:
        for one in source:
            with Progress("ingested", "events") as progress:
                report = run(
                    writer, topic, one, resume=resume, progress=lambda found: progress(found.sent)
                )
            for line in report.examples:
                typer.echo(f"{one}:{line.number}: {line.reason}: {line.message}", err=True)
            bad += report.bad
            typer.echo(f"{one}: {report.sent:,} events sent to {topic}, {report.bad:,} bad lines")
    if bad:
        raise typer.Exit(EXIT_FAILED)


@cli.command()
@told
def tick(
    instant: Annotated[
        datetime,
        typer.Argument(help="To when.", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"]),
    ],
) -> None:
    """Moves the stream's clock to an instant (where workers run with the clock of the stream)."""
    from processors import app
    from processors.operations.ingesting import send_tick
    from processors.operations.producing import Writer
    from schemas.topics import full_name

    settings = _settings()
    topic = full_name(settings.topics.prefix, "events")
    with Writer(app.cluster_of(settings)) as writer:
        count = send_tick(writer, topic, round(instant.timestamp() * 1000))
    typer.echo(f"a clock record in each of {count} partitions of {topic}")


@cli.command()
@told
def worker() -> None:
    """Decides: events in; scores, segments and commands out. Ctrl-C stops cleanly."""
    from processors import app

    settings = _settings()
    _run(app.serve(app.worker(settings)))


@cli.command()
@told
def sender(
    channel: Annotated[str, typer.Argument(help="webhook, or jsonl: all channels into files.")],
    out: Annotated[Path, typer.Option(help="For jsonl: the folder.")] = Path("commands"),
) -> None:
    """Carries out the commands of a channel."""
    from connectors.channels.jsonl import JsonlSender
    from processors import app
    from processors.ports import Sender
    from schemas.topics import CHANNELS

    settings = _settings()
    carrier: Sender
    if channel == "webhook":
        carrier = app.webhook_sender(settings)
    elif channel == "jsonl":
        carrier = JsonlSender(out, now_ms=WallClock().now_ms)
    else:
        raise typer.BadParameter("there are webhook and jsonl in this version")
    channels = CHANNELS if channel == "jsonl" else (channel,)
    _run(app.serve(app.sender(settings, carrier, channels)))


@cli.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    },
    add_help_option=False,
)
@told
def bench(context: typer.Context) -> None:
    """Measures speed, latency, memory and restore on a real Kafka (in a checkout)."""
    try:
        from benchmarks import commands
    except ModuleNotFoundError as error:
        _fail(
            f"the measurements are not part of the installed package ({error}):"
            " run `make venv` and `.venv/bin/beckon bench` in a checkout of Beckon"
        )
    commands.main(context.args)


@cli.command()
@told
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("demo-out"),
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 3_000,
    days: Annotated[int, typer.Option(min=1, max=60, help="Of simulated time.")] = 28,
    seed: Annotated[int, typer.Option(help="Another one makes up other people.")] = 7,
    plain: Annotated[bool, typer.Option("--plain", help="Lines, for logs.")] = False,
) -> None:
    """Shows the whole flow on this machine: a made-up shop on an embedded broker."""
    from processors.demo import demo as shown
    from processors.demo.traffic import Options

    traffic = Options(people=people, days=days, seed=seed)
    raise SystemExit(shown.run(shown.Options(out=out, traffic=traffic, is_plain=plain)))


@cli.command()
@told
def config() -> None:
    """Shows all settings as they are now; secrets are masked."""
    for branch, held in _settings().model_dump(mode="json").items():
        rows = held.items() if isinstance(held, dict) else [("", held)]
        for name, value in rows:
            typer.echo(f"{branch}.{name} = {value!r}".replace(". =", " ="))


def _settings() -> Settings:
    settings = Settings.from_env()
    logs.configure(settings.log.level, settings.log.format)
    return settings


def _show(table: Table) -> None:
    """Prints a table; what people have written in it is no markup."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _ask(deed: str) -> None:
    """Asks whether to do it; ends the command if not, or if there is nobody to ask."""
    if not sys.stdin.isatty():
        raise OperationFailed(f"would {deed}: --yes does it without asking")
    if not typer.confirm(f"{deed[0].upper()}{deed[1:]}?"):
        _fail("nothing is changed")


def _run(work: Coroutine[Any, Any, int]) -> NoReturn:
    code = asyncio.run(work)
    if code == EXIT_STUCK:  # Python would wait for the thread that hangs
        logging.shutdown()
        os._exit(code)
    raise SystemExit(code)


def _fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
