"""The worker as it is run in production, on a log, from its first event to its last commit."""

import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks import clusters
from benchmarks.clusters import JOB, PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.processes import Mark, Process

START_S = 60.0
RUN_S = 3_600.0
POLL_S = 0.05
SLOT = "bench"
NOTHING: Mapping[str, str] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run over a log took."""

    contender: str
    events: int
    cpu_s: float
    """User and system, of the whole process, from where it was ready to where all was done."""
    seconds: float
    commands: int | None = None
    entered: Mapping[str, int] = {}
    rss_grown: int = 0

    @property
    def cpu_us(self) -> float:
        """CPU time an event, µs."""
        return self.cpu_s / self.events * 1e6

    @property
    def per_s(self) -> float:
        """Events a second, by the clock on the wall."""
        return self.events / self.seconds


def start(log: Log, *, env: Mapping[str, str] = NOTHING) -> Process:
    """Starts a worker on the topics of a log; `env` is laid over its environment."""
    told = {
        "BECKON_KAFKA__BOOTSTRAP_SERVERS": log.cluster.bootstrap,
        "BECKON_TOPICS__PREFIX": log.prefix,
        "BECKON_SLOT": SLOT,
        "BECKON_HEALTH__PORT": "0",
        "BECKON_LOG__FORMAT": "json",
        "BECKON_LOG__LEVEL": "info",
        **env,
    }
    return Process(["-m", "processors", "worker"], told, name="the worker")


def run(
    log: Log, *, env: Mapping[str, str] = NOTHING, definitions: Sequence[str | Path] = (JOB,)
) -> Run:
    """Runs a fresh worker over the log.

    Raises:
        BenchFailed: it did not get to the end, or not with every event.
    """
    clusters.fresh(log, definitions=definitions)
    with start(log, env=env) as worker, clusters.commits(log, log.group) as committed:
        begin = ready(worker)[0]
        events = log.workload.events
        worker.wait_until(lambda: committed() >= events, RUN_S, every_s=POLL_S)
        seconds, cpu_s = time.monotonic() - begin.at_s, worker.cpu_s - begin.cpu_s
        rss_grown = worker.rss_bytes - begin.rss_bytes
        counted = metrics(worker)["beckon_events_total"]
    if counted != events:
        raise BenchFailed(f"the worker decided on {counted:,.0f} of {events:,} events")
    found = clusters.results(log)
    return Run(
        contender="beckon",
        events=events,
        cpu_s=cpu_s,
        seconds=seconds,
        commands=found.commands,
        entered=found.entered,
        rss_grown=rss_grown,
    )


def ready(worker: Process) -> list[Mark]:
    """Waits until a worker has all partitions; returns how it was when it got each.

    It begins with a partition right after it said so.
    """
    first = worker.wait_for("partition ready", START_S)
    return first + worker.wait_for("partition ready", START_S, count=PARTITIONS)[1:]


def metrics(worker: Process) -> dict[str, float]:
    """Returns the sum of each metric of a worker over its labels.

    Raises:
        BenchFailed: the worker does not answer.
    """
    port = worker.wait_for("health server listens", START_S)[0].fields["port"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError as error:
        raise BenchFailed(f"the worker does not answer ({error})\n{worker.last}") from error
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            plain = name.partition("{")[0]
            found[plain] = found.get(plain, 0.0) + float(value)
    return found
