"""The stream's speed: the worker and its peers over the same log, turn by turn."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks import clusters, measures, reports, workers
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.workers import START_S, Run
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

FLOOR_S = 600.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured against what."""

    workload: Workload = Workload()
    peers: tuple[str, ...] = ()
    runs: int = 5


def measure(cluster: Cluster, options: Options, say: Callable[[str], None]) -> Report:
    """Runs all contenders in turns.

    Raises:
        BenchFailed: one did not get to the end, or found something else than the worker.
    """
    log = clusters.log(cluster, options.workload)
    runs: list[Run] = []
    for number in range(1, options.runs + 1):
        for contender in ("beckon", *options.peers):
            run = CONTENDERS[contender](log)
            say(f"{number}/{options.runs} {contender}: {run.cpu_us:.2f} µs, {run.per_s:,.0f}/s")
            runs.append(run)
    return report(options, runs)


def floor(log: Log) -> Run:
    """Runs the floor over the log.

    Raises:
        BenchFailed: it did not read every event.
    """
    env = {"BECKON_KAFKA__BOOTSTRAP_SERVERS": log.cluster.bootstrap}
    arguments = ["-m", "benchmarks.floor", log.topic("events"), str(PARTITIONS)]
    with Process(arguments, env, name="the floor") as process:
        process.wait_for("ready", START_S)
        [done] = process.wait_for("done", FLOOR_S)
    if done.fields["events"] != log.workload.events:
        raise BenchFailed(f"the floor read {done.fields['events']:,} events")
    cpu_s, seconds = done.fields["cpu_s"], done.fields["seconds"]
    return Run(contender="floor", events=log.workload.events, cpu_s=cpu_s, seconds=seconds)


CONTENDERS: Mapping[str, Callable[[Log], Run]] = {"beckon": workers.run, "floor": floor}


def report(options: Options, runs: Sequence[Run]) -> Report:
    """Returns the runs as a report: medians, and what they are to each other."""
    of: dict[str, list[Run]] = {}
    for run in runs:
        of.setdefault(run.contender, []).append(run)
    cpu_us = {name: measures.median([each.cpu_us for each in found]) for name, found in of.items()}
    figures = {f"{name}_cpu_us": value for name, value in cpu_us.items()}
    figures |= {
        f"beckon_to_{name}": cpu_us["beckon"] / value
        for name, value in cpu_us.items()
        if name != "beckon"
    }
    return reports.report(
        "stream",
        _arguments(options),
        settings=_settings(options),
        rows=[_row(name, found, cpu_us["beckon"]) for name, found in of.items()],
        figures=figures,
        notes=("µs: CPU time an event, median. entered: how often somebody entered a segment.",),
    )


def _row(name: str, runs: Sequence[Run], beckon_us: float) -> dict[str, str]:
    cpu_us = measures.median([each.cpu_us for each in runs])
    commands = runs[0].commands
    return {
        "": name,
        "events": f"{runs[0].events:,}",
        "µs": f"{cpu_us:.2f}",
        "beckon is": f"{beckon_us / cpu_us:.2f} x",
        "events/s": f"{measures.median([each.per_s for each in runs]):,.0f}",
        "each run, µs": " ".join(f"{each.cpu_us:.2f}" for each in runs),
        "commands": "" if commands is None else f"{commands:,}",
        "entered": f"{sum(runs[0].entered.values()):,}" if runs[0].entered else "",
    }


def _arguments(options: Options) -> str:
    workload = options.workload
    peers = "".join(f" --peer {peer}" for peer in options.peers)
    return f"--events {workload.events} --people {workload.people} --runs {options.runs}{peers}"


def _settings(options: Options) -> dict[str, str]:
    workload = options.workload
    return {
        "event": f"{workload.size_bytes} B",
        "Zipf": f"{workload.zipf}",
        "span": f"{workload.span_ms // 86_400_000} days",
        "partitions": str(PARTITIONS),
        "definitions": "8 score rules, 4 segments, 2 triggers",
    }
