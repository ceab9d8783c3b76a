"""The stream's speed: the worker and its peers over the same log, turn by turn."""

from collections.abc import Callable, Sequence

import msgspec

from benchmarks import clusters, measures, peers, reports, workers
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.workers import START_S, Run
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

FLOOR_S = 600.0


PEERS = ("floor", *peers.PEERS)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured against what."""

    workload: Workload = Workload()
    peers: tuple[str, ...] = ()
    runs: int = 5


def measure(cluster: Cluster, options: Options, say: Callable[[str], None]) -> Report:
    """Runs all contenders in turns, those that need a shorter log over that, beside the worker.

    Raises:
        BenchFailed: one did not get to the end, or found something else than the worker.
    """
    runs: list[Run] = []
    for events, contenders in turns(options):
        log = clusters.log(cluster, msgspec.structs.replace(options.workload, events=events))
        for number in range(1, options.runs + 1):
            for name in contenders:
                run = _run(name, log)
                say(f"{number}/{options.runs} {name}: {run.cpu_us:.2f} µs, {run.per_s:,.0f}/s")
                runs.append(run)
    agree(runs)
    return report(options, runs)


def turns(options: Options) -> list[tuple[int, tuple[str, ...]]]:
    """Returns who runs over how many events: the worker over each log, the first of all."""
    most = options.workload.events
    of: dict[int, list[str]] = {most: ["beckon"]}
    for name in options.peers:
        events = most if name == "floor" else min(most, peers.PEERS[name].max_events)
        of.setdefault(events, ["beckon"]).append(name)
    return [(events, tuple(names)) for events, names in of.items()]


def agree(runs: Sequence[Run]) -> None:
    """Holds what the runs over one log led to against each other.

    Raises:
        BenchFailed: they did not do the same job.
    """
    first: dict[int, Run] = {}
    for run in runs:
        if run.commands is None:
            continue
        other = first.setdefault(run.events, run)
        if (run.commands, run.entered) != (other.commands, other.entered):
            raise BenchFailed(
                f"{run.contender} came to {run.commands} commands and {run.entered},"
                f" but {other.contender} to {other.commands} and {other.entered}"
            )


def _run(name: str, log: Log) -> Run:
    match name:
        case "beckon":
            return workers.run(log)
        case "floor":
            return floor(log)
        case _:
            return peers.run(peers.PEERS[name], log)


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
    cpu_s, seconds = done.fields["used_s"], done.fields["seconds"]
    return Run(contender="floor", events=log.workload.events, cpu_s=cpu_s, seconds=seconds)


def report(options: Options, runs: Sequence[Run]) -> Report:
    """Returns the runs as a report: medians, and what they are to each other over one log."""
    of: dict[tuple[str, int], list[Run]] = {}
    for run in runs:
        of.setdefault((run.contender, run.events), []).append(run)
    cpu_us = {key: measures.median([each.cpu_us for each in found]) for key, found in of.items()}
    figures = {f"{name}_cpu_us_{events}": value for (name, events), value in cpu_us.items()}
    for (name, events), value in cpu_us.items():
        if name == "floor":
            figures["beckon_to_floor"] = cpu_us["beckon", events] / value
        elif name != "beckon":
            figures[f"{name}_to_beckon"] = value / cpu_us["beckon", events]
    return reports.report(
        "stream",
        _arguments(options),
        settings=_settings(options),
        rows=[
            _row(found, cpu_us[name, events] / cpu_us["beckon", events])
            for (name, events), found in of.items()
        ],
        figures=figures,
        notes=[
            "µs: CPU time an event, median; to beckon: as against the worker's over the same log.",
            "entered: how often somebody entered a segment; the contenders agree on each segment.",
            *(f"{name}: {peers.PEERS[name].promise}" for name in options.peers if name != "floor"),
        ],
    )


def _row(runs: Sequence[Run], ratio: float) -> dict[str, str]:
    first = runs[0]
    return {
        "": first.contender,
        "events": f"{first.events:,}",
        "µs": f"{measures.median([each.cpu_us for each in runs]):.2f}",
        "to beckon": f"{ratio:.1f} : 1" if ratio >= 1 else f"1 : {1 / ratio:.2f}",
        "events/s": f"{measures.median([each.per_s for each in runs]):,.0f}",
        "each run, µs": " ".join(f"{each.cpu_us:.2f}" for each in runs),
        "commands": "" if first.commands is None else f"{first.commands:,}",
        "entered": f"{sum(first.entered.values()):,}" if first.entered else "",
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
