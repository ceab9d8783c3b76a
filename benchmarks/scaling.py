"""What more definitions cost: the worker over one log under sets of several sizes, turn by turn."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import catalogues, clusters, measures, reports, workers
from benchmarks.catalogues import RULES, SCORES, TOUCHED, TRIGGERS
from benchmarks.clusters import JOB, Log
from benchmarks.reports import Report
from benchmarks.workers import Run
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

SEGMENTS = (100, 1_000)
"""The second is compared with the first."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured."""

    workload: Workload = Workload()
    runs: int = 3


def measure(cluster: Cluster, options: Options, say: Callable[[str], None]) -> Report:
    """Runs the worker under the job of `beckon bench stream` and under each set, in turns.

    Raises:
        BenchFailed: it did not get to the end.
    """
    log = clusters.log(cluster, options.workload)
    runs: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-definitions-") as folder:
        sets: dict[str, str | Path] = {JOB: JOB}
        for segments in SEGMENTS:
            name = f"{segments:,} segments"
            sets[name] = catalogues.write(Path(folder) / str(segments), segments)
        for number in range(1, options.runs + 1):
            for name, definitions in sets.items():
                run = workers.run(log, definitions=(definitions,))
                say(f"{number}/{options.runs} {name}: {run.cpu_us:.2f} µs")
                runs.setdefault(name, []).append(run)
    return report(log, options, runs)


def report(log: Log, options: Options, runs: dict[str, list[Run]]) -> Report:
    """Returns the medians, and what they are to each other."""
    cpu_us = {
        name: measures.median([each.cpu_us for each in found]) for name, found in runs.items()
    }
    job, few, many = cpu_us.values()
    workload = log.workload
    return reports.report(
        "definitions",
        f"--events {workload.events} --people {workload.people} --runs {options.runs}",
        settings={
            "beside the segments": f"{SCORES} scores of {RULES} rules, {TRIGGERS} triggers",
            "an event touches": str(TOUCHED),
        },
        rows=[
            {
                "": name,
                "µs": f"{cpu_us[name]:.2f}",
                "to the job": f"{cpu_us[name] / job:.2f}",
                "each run, µs": " ".join(f"{each.cpu_us:.2f}" for each in found),
                "commands": f"{found[0].commands:,}",
            }
            for name, found in runs.items()
        ],
        figures={
            "cpu_us_job": job,
            "cpu_us_100": few,
            "cpu_us_1000": many,
            "to_the_job_100": few / job,
            "to_100_1000": many / few,
        },
        notes=["µs: CPU time an event of the whole worker process, median of turns over one log."],
    )
