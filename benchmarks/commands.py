"""The command line of the measurements: `beckon bench …`."""

from typing import Annotated, Literal

import typer

from benchmarks import (
    clusters,
    latency,
    rendering,
    reports,
    scaling,
    senders,
    states,
    storms,
    stream,
    takeovers,
    timers,
)
from benchmarks.errors import BenchFailed
from benchmarks.reports import Report
from benchmarks.workloads import Workload
from processors.operations.errors import OperationFailed
from processors.runtime.errors import RuntimeFailure

EXIT_FAILED = 1

cli = typer.Typer(
    help="Measures on a real Kafka: that of BECKON_KAFKA__BOOTSTRAP_SERVERS, else a local one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Events = Annotated[int, typer.Option(min=1, help="How many events the log has.")]
People = Annotated[int, typer.Option(min=1, help="How many people do them.")]
Runs = Annotated[int, typer.Option(min=1, help="Of each; the median counts.")]
Save = Annotated[bool, typer.Option("--save", help="Keep the figures in benchmarks/results.")]


def main(arguments: list[str]) -> None:
    """Runs the command line; failures are told in words."""
    try:
        cli(arguments, prog_name="beckon bench")
    except (BenchFailed, OperationFailed, RuntimeFailure) as error:
        typer.echo(str(error), err=True)
        raise SystemExit(EXIT_FAILED) from error


@cli.command("stream")
def measure_stream(
    events: Events = 1_000_000,
    people: People = 100_000,
    peer: Annotated[list[str] | None, typer.Option(help="floor, faust or quix.")] = None,
    runs: Runs = 5,
    save: Save = False,
) -> None:
    """CPU time an event of the whole worker process, beside its peers."""
    peers = tuple(peer or ())
    if unknown := set(peers) - set(stream.PEERS):
        raise typer.BadParameter(f"there is no peer {', '.join(sorted(unknown))}")
    options = stream.Options(
        workload=Workload(events=events, people=people), peers=peers, runs=runs
    )
    with clusters.broker() as cluster:
        _finish(stream.measure(cluster, options, _say), save)


@cli.command("definitions")
def measure_definitions(
    events: Events = 1_000_000, people: People = 100_000, runs: Runs = 3, save: Save = False
) -> None:
    """CPU time an event under 100 and 1,000 segments, beside the job of `stream`."""
    options = scaling.Options(workload=Workload(events=events, people=people), runs=runs)
    with clusters.broker() as cluster:
        _finish(scaling.measure(cluster, options, _say), save)


@cli.command("senders")
def measure_senders(
    commands: Annotated[int, typer.Option(min=2_000, help="How many messages.")] = 100_000,
    channel: Annotated[
        Literal["webhook", "email"], typer.Option(help="Of which kind.")
    ] = "webhook",
    template: Annotated[
        Literal["cart-reminder", "welcome"], typer.Option(help="Which mail, of `--channel email`.")
    ] = "cart-reminder",
    save: Save = False,
) -> None:
    """Messages a second of one sender, their cost, and its memory, with the ledger on Postgres."""
    options = senders.Options(commands=commands, channel=channel, template=template)
    with clusters.broker() as cluster:
        _finish(senders.measure(cluster, options, _say), save)


@cli.command("latency")
def measure_latency(
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 5_000,
    seconds: Annotated[int, typer.Option(min=1, help="For how long, after a warm-up.")] = 30,
    people: People = 100_000,
    save: Save = False,
) -> None:
    """Time from an event to the command that it leads to, at a steady rate."""
    options = latency.Options(rate=rate, seconds=seconds, people=people)
    with clusters.broker() as cluster:
        _finish(latency.measure(cluster, options), save)


@cli.command("takeover")
def measure_takeover(
    people: Annotated[int, typer.Option(min=100, help="About how many people there are.")] = (
        1_000_000
    ),
    rate: Annotated[int, typer.Option(min=1, help="Events a second meanwhile.")] = 2_000,
    save: Save = False,
) -> None:
    """CPU time until everybody is evaluated under a new segment, and how long events wait."""
    options = takeovers.Options(people=people, rate=rate)
    with clusters.broker() as cluster:
        _finish(takeovers.measure(cluster, options, _say), save)


@cli.command("timers")
def measure_timers(
    people: Annotated[int | None, typer.Option(min=1, help="How many wait.")] = None,
    storm: Annotated[bool, typer.Option("--storm", help="All are due in the same second.")] = False,
    rate: Annotated[int, typer.Option(min=1, help="Events a second during the storm.")] = 2_000,
    save: Save = False,
) -> None:
    """Memory and CPU time of 5,000,000 pending timers; or how long events wait in a storm."""
    if not storm:
        _finish(timers.measure(people or 5_000_000), save)
        return
    options = storms.Options(people=people or 1_000_000, rate=rate)
    with clusters.broker() as cluster:
        _finish(storms.measure(cluster, options, _say), save)


@cli.command("memory")
def measure_memory(
    events: Events = 1_000_000, people: People = 100_000, runs: Runs = 3, save: Save = False
) -> None:
    """Bytes that the worker needs for a profile."""
    workload = Workload(events=events, people=people)
    with clusters.broker() as cluster:
        _finish(states.measure_memory(cluster, workload, runs), save)


@cli.command("restore")
def measure_restore(
    events: Events = 1_000_000, people: People = 100_000, save: Save = False
) -> None:
    """Changelog records that a core restores in a second."""
    workload = Workload(events=events, people=people)
    with clusters.broker() as cluster:
        _finish(states.measure_restore(cluster, workload), save)


@cli.command("rendering")
def measure_rendering(
    messages: Annotated[int, typer.Option(min=1, help="How many mails.")] = 5_000,
    save: Save = False,
) -> None:
    """Mails rendered in a second, in this process and in one of its own; needs no Kafka."""
    _finish(rendering.measure(messages), save)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _finish(report: Report, save: bool) -> None:
    reports.show(report)
    if save:
        typer.echo(f"kept in {reports.save(report).relative_to(reports.RESULTS.parent.parent)}")
