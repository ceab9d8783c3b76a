"""The command line: `beckon …`. Each command says what it did, and what to do next.

Exit codes: 0 done, 1 it could not be done, 2 wrong use, 3 two sets differ, or a segment is above
its limit (`--exit-code`), 69 the cluster did not answer in time, 70 it did not stop in time.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from processors import contents, databases, items, journeys, letters, lists, reports, revisions
from processors.agents.apps import EXIT_STUCK
from processors.clock import WallClock
from processors.definitions import files
from processors.definitions.errors import InvalidDefinitions
from processors.mailboxes import mailbox
from processors.progress import Progress
from processors.terminal import EXIT_FAILED, Folder, Until, custom, instant_ms, told, warn, whole
from processors.terminal import configured as _settings
from processors.terminal import fail as _fail

cli = typer.Typer(
    name="beckon",
    help="Real-time marketing automation on Kafka: events in; scores, segments and commands out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics_cli = typer.Typer(help="The topics on the cluster.", no_args_is_help=True)
cli.add_typer(topics_cli, name="topics")
cli.add_typer(lists.cli, name="list")
cli.add_typer(letters.cli, name="dead-letters")
cli.add_typer(databases.cli, name="database")
cli.add_typer(contents.cli, name="templates")
cli.add_typer(items.cli, name="items")

Loop = Callable[[], asyncio.AbstractEventLoop]

logger = logging.getLogger(__name__)


def main() -> None:
    """Runs the command line."""
    cli()


@cli.command()
@told
def check(folder: Folder) -> None:
    """Checks definitions, and says what is wrong with file and line."""
    found = whole(files.load(folder, predicates=custom()))
    warn(found)
    counts = {
        "segments": len(found.segments),
        "scores": len(found.scores),
        "triggers": len(found.triggers),
        "journeys": len(found.journeys),
        "lists": len(found.lists),
        "topics": len(found.topics),
        "policies": len(found.policies),
        "templates": len(found.templates),
        "partials": len(found.partials),
        "catalogues": len(found.catalogues),
    }
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    typer.echo(f"{folder}: {said or 'no definitions'}; all fit together (set {found.id})")


@cli.command("test")
@told
def run_tests(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Definitions with their tests.")
    ],
    holding: Annotated[
        str, typer.Option("-k", help="Only cases with this text in their name or file.")
    ] = "",
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results as JUnit XML.")
    ] = None,
) -> None:
    """Runs the tests beside definitions (*.test.yaml) in simulated time.

    Ends with 0 if all pass, 1 if any fails, 2 if there is nothing that could be run.
    """
    from processors.cases import files as cases
    from processors.cases import reports, runs

    try:
        definitions, found = cases.load(folder, custom())
        results = list(runs.run(whole(definitions), found, holding=holding))
    except InvalidDefinitions as error:
        _fail(files.render(error.problems), 2)
    if not results:
        _fail(f"{folder}: no case and no file of tests is named {holding!r}", 2)
    reports.tell(results)
    if junit is not None:
        try:
            reports.write_junit(results, junit)
        except OSError as error:
            _fail(f"{junit}: can not be written: {error.strerror}")
    if not all(each.has_passed for each in results):
        raise typer.Exit(EXIT_FAILED)


@cli.command()
@told
def replay(
    events: Annotated[list[str], typer.Option("--events", help="JSON lines: FILE, FILE.zst or -.")],
    definitions: Annotated[Path, typer.Option("--definitions", exists=True, help="The folder.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; made if need be.")],
    until: Until = None,
) -> None:
    """Runs recorded events through the same engine in virtual time, without a broker."""
    from processors.decisions.compiling import compile_set
    from processors.operations.ingesting import all_lines
    from processors.runtime.replays import replay as run

    compiled = compile_set(files.load(definitions, predicates=custom()))
    until_ms = None if until is None else instant_ms(until)
    with Progress("replayed", "events") as progress:
        summary = run(compiled, all_lines(events), out, until_ms=until_ms, progress=progress)
    typer.echo(
        f"{summary.events:,} events of {summary.profiles:,} people:"
        f" {summary.segment_changes:,} segment changes, {summary.commands:,} commands,"
        f" {summary.dead_letters:,} dead letters. Results are in {out}/"
    )


cli.command()(revisions.diff)


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


cli.command()(revisions.publish)
cli.command()(revisions.definitions)
cli.command()(revisions.import_rules)
cli.command()(reports.segments)
cli.command()(reports.effectiveness)
cli.command()(lists.lists)
cli.command()(contents.preview)
cli.command("send-test")(contents.send_test)
cli.command()(databases.held)
cli.command()(mailbox)


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
        count = send_tick(writer, topic, instant_ms(instant))
    typer.echo(f"a clock record in each of {count} partitions of {topic}")


cli.command()(journeys.fire)
cli.command()(journeys.journeys)
cli.command()(journeys.runs)
cli.command()(journeys.pause)
cli.command()(journeys.resume)
cli.command()(journeys.drain)
cli.command()(journeys.archive)


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
    channel: Annotated[
        str, typer.Argument(help="email, sms, push …; jsonl: all channels into files.")
    ],
    out: Annotated[Path, typer.Option(help="For jsonl: the folder.")] = Path("commands"),
) -> None:
    """Carries out the commands of a channel, through the providers that settings name for it."""
    from connectors.channels.jsonl import JsonlSender
    from processors import app
    from schemas.topics import CHANNELS

    settings = _settings()
    if channel == "jsonl":
        role = app.sender(settings, JsonlSender(out, now_ms=WallClock().now_ms))
    elif channel in CHANNELS:
        from processors import sending

        role = sending.delivering(settings, channel)
    else:
        raise typer.BadParameter(f"there are {', '.join(CHANNELS)}, and jsonl")
    _run(app.serve(role), loop=_quick_loop())


@cli.command()
@told
def recommendations() -> None:
    """Counts what people view and buy of catalogues, for what messages recommend."""
    from processors import app, recommending

    _run(app.serve(recommending.counting(_settings())))


@cli.command("callbacks")
@told
def serve_callbacks() -> None:
    """Hears what became of messages: providers' callbacks, opens, clicks, unsubscribing."""
    from processors import callbacks

    _run(callbacks.serve(_settings()))


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
def explain(
    profile: Annotated[str, typer.Argument(help="The person's id.")],
    definition: Annotated[
        str | None, typer.Option("--definition", help="One definition: ID or KIND/ID.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            help="As of when; none: now, or the last event's time of the files.",
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
        ),
    ] = None,
    definitions: Annotated[
        Path | None, typer.Option("--definitions", exists=True, help="With --events: the folder.")
    ] = None,
    events: Annotated[
        list[str] | None, typer.Option("--events", help="From JSON lines: FILE, FILE.zst or -.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Says why a person is in a segment, has a score, was sent something, or not."""
    from rich.console import Console

    from processors.explanations import asking

    if (definitions is None) != (not events):
        raise typer.BadParameter("--definitions and --events go together")
    at_ms = None if at is None else instant_ms(at)
    question = asking.Question(profile_id=profile, definition=definition, at_ms=at_ms)
    with Progress("read", "records") as progress:
        if definitions is not None and events:
            chosen = files.load(definitions, predicates=custom())
            found = asking.of_files(question, chosen, events, progress)
        else:
            from processors import app

            options = app.explaining_of(_settings())
            found = asking.of_topics(question, options, progress)
    asking.tell(found, Console(), as_json=as_json)


@cli.command()
@told
def config() -> None:
    """Shows all settings as they are now; secrets are masked."""
    for branch, held in _settings().model_dump(mode="json").items():
        rows = held.items() if isinstance(held, dict) else [("", held)]
        for name, value in rows:
            typer.echo(f"{branch}.{name} = {value!r}".replace(". =", " ="))


def _quick_loop() -> Loop | None:
    """Returns what makes a loop for thousands of requests a second; None: the usual one."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop


def _run(work: Coroutine[Any, Any, int], *, loop: Loop | None = None) -> NoReturn:
    with asyncio.Runner(loop_factory=loop) as runner:
        code = runner.run(work)
    if code == EXIT_STUCK:  # Python would wait for the thread that hangs
        logging.shutdown()
        os._exit(code)
    raise SystemExit(code)
