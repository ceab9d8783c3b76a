"""What the state costs: bytes a profile in the worker, and how fast it comes from the changelog."""

from collections.abc import Mapping

import msgspec

from benchmarks import clusters, measures, reports, workers
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.processes import Mark, Process
from benchmarks.reports import Report
from benchmarks.workers import START_S
from benchmarks.workloads import Workload
from processors.runtime.clients import Cluster

RESTORE_S = 600.0
TARGET_BYTES = 700
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Has glibc give back at once what the Kafka client's buffers took: they would hide the rest."""
FEW = 10
"""People of the log that memory is compared with: next to no state, as many events."""
TARGET_PER_S = 100_000


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What restoring all partitions took, and what was in them."""

    records: int
    seconds: float
    cpu_s: float
    sizes: dict[str, int]


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """The same as a worker tells of it that starts anew."""

    seconds: float
    """From when its partitions came to when it had the last of them."""
    rss_grown: int


def measure_memory(cluster: Cluster, workload: Workload, runs: int) -> Report:
    """Runs a worker over the log, and over one by few people, and looks at what it holds then.

    Each as often as `runs` says; the medians count.

    What the client buffers and the allocator keeps is in both, so the difference is the profiles.

    Raises:
        BenchFailed: it did not get to the end.
    """
    small = _held(clusters.log(cluster, of_few(workload)), runs)
    large = _held(clusters.log(cluster, workload), runs)
    sizes = large.restored.sizes
    count = sizes["profiles"]
    more = count - small.restored.sizes["profiles"]
    if more < 1:
        raise BenchFailed(f"there must be more than {FEW} people")
    table = sum(sizes[name] for name in ("values", "keys", "dicts"))
    rows = (
        (f"a worker that ran (target {TARGET_BYTES})", large.run_rss - small.run_rss, more),
        ("a worker that restored", large.restart_rss - small.restart_rss, more),
        ("the table: values, keys and dicts as Python objects", table, count),
        ("the values as serialized", sizes["serialized"], count),
        ("the dicts without what is in them", sizes["dicts"], count),
    )
    return reports.report(
        "memory",
        f"{_arguments(workload)} --runs {runs}",
        settings={"profiles": f"{count:,}", "timers": f"{sizes['timers']:,}"},
        rows=[
            {"": what, "MB": f"{total / 1e6:,.1f}", "bytes a profile": f"{total / of:,.0f}"}
            for what, total, of in rows
        ],
        figures={
            "bytes_a_profile_ran": rows[0][1] / more,
            "bytes_a_profile_restored": rows[1][1] / more,
            "bytes_a_profile_table": table / count,
            "bytes_a_profile_serialized": sizes["serialized"] / count,
        },
        notes=(
            f"Of a worker: how much more its resident set grew with {count:,} profiles than with"
            f" {count - more:,}, over as many events. It grew by {large.run_rss / 1e6:,.0f} MB in"
            f" all by running, by {large.restart_rss / 1e6:,.0f} MB by restoring: the Kafka"
            " client's buffers and what the allocator keeps are in that.",
        ),
    )


def of_few(workload: Workload) -> Workload:
    """Returns a workload of as many events by few people."""
    return msgspec.structs.replace(workload, people=FEW)


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker holds after a run over a log."""

    run_rss: float
    restart_rss: float
    restored: Restored


def _held(log: Log, runs: int) -> _Held:
    run_rss, restart_rss = [], []
    for _ in range(runs):
        run_rss.append(workers.run(log, env=GIVE_BACK).rss_grown)
        restart_rss.append(restart(log, env=GIVE_BACK).rss_grown)
    return _Held(
        run_rss=measures.median(run_rss),
        restart_rss=measures.median(restart_rss),
        restored=restore(log),
    )


def measure_restore(cluster: Cluster, workload: Workload) -> Report:
    """Restores the state that a run over the log leaves.

    Raises:
        BenchFailed: the run did not get to the end.
    """
    log = clusters.log(cluster, workload)
    with clusters.commits(log, log.group) as committed:
        is_there = committed() == workload.events
    if not is_there:
        workers.run(log)
    restored, again = restore(log), restart(log)
    figures = {
        "records_per_cpu_s": restored.records / restored.cpu_s,
        "records_per_s": restored.records / restored.seconds,
    }
    row = {
        "records": f"{restored.records:,}",
        "profiles": f"{restored.sizes['profiles']:,}",
        "seconds": f"{restored.seconds:.2f}",
        "CPU s": f"{restored.cpu_s:.2f}",
        "records/s": f"{figures['records_per_s']:,.0f}",
        "records/s of CPU": f"{figures['records_per_cpu_s']:,.0f} (target {TARGET_PER_S:,})",
    }
    return reports.report(
        "restore",
        _arguments(workload),
        settings={"partitions": f"{PARTITIONS}, one after the other"},
        rows=[row],
        figures=figures,
        notes=(
            "CPU: of the whole process, the Kafka client's threads too.",
            f"A worker that starts had all partitions {again.seconds:.2f} s after they came.",
        ),
    )


def restore(log: Log) -> Restored:
    """Restores all partitions in a process of their own."""
    env = {"BECKON_KAFKA__BOOTSTRAP_SERVERS": log.cluster.bootstrap}
    arguments = ["-m", "benchmarks.restoring", log.prefix, str(PARTITIONS)]
    with Process(arguments, env, name="the restore") as process:
        parts = [each.fields for each in process.wait_for("restored", RESTORE_S, count=PARTITIONS)]
        sizes = dict(process.wait_for("tables", START_S)[0].fields)
    del sizes["message"], sizes["cpu_s"]
    if not sizes["profiles"]:
        raise BenchFailed("there is no state to restore")
    return Restored(
        records=sum(each["records"] for each in parts),
        seconds=sum(each["seconds"] for each in parts),
        cpu_s=sum(each["used_s"] for each in parts),
        sizes=sizes,
    )


def restart(log: Log, *, env: Mapping[str, str] = workers.NOTHING) -> Restart:
    """Starts a worker on the state that is there, and looks at it once it has all of it."""
    with workers.start(log, env=env) as worker:
        came: Mark = worker.wait_for("partitions came", START_S)[0]
        last = worker.wait_for("partition ready", RESTORE_S, count=PARTITIONS)[-1]
    return Restart(seconds=last.at_s - came.at_s, rss_grown=last.rss_bytes - came.rss_bytes)


def _arguments(workload: Workload) -> str:
    return f"--events {workload.events} --people {workload.people}"
