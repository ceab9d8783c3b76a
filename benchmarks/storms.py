"""What a storm costs: everybody's timer is due in the same second while events flow."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from benchmarks import clusters, measures, reports, workers
from benchmarks.clusters import DEFINITIONS, PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.latency import Arrivals
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.waiting import FOLDER
from benchmarks.workers import START_S
from benchmarks.workloads import Workload
from processors.runtime import clients
from processors.runtime.clients import Cluster
from schemas.commands import Command
from schemas.events import iso

POLL_S = 0.5
FLUSH_S = 60.0
LONGEST_S = 900
TARGET_MS = 500.0
PENDING = "beckon_timers_pending"
GRACE_S = 2.0
"""How long after its instant a worker fires an idle timer."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many people wait, and what flows meanwhile."""

    people: int = 1_000_000
    rate: int = 2_000
    """Events a second."""
    warm_up: int = 5
    """For how many seconds they flow at least before the storm."""
    every: int = 20
    """One event of so many leads to a command that is timed."""
    seed: int = 1

    @property
    def workload(self) -> Workload:
        """Names the topics; its own events are not made."""
        return Workload(events=self.people, people=self.people, seed=self.seed)

    @property
    def wait_s(self) -> int:
        """From when all come to when all are due: enough for the worker to take them in."""
        return 15 + self.people // 6_000


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    commands: int
    """Of as many people."""
    seconds: float
    """From when idle timers may fire to when none was left."""
    cpu_s: float
    """Of the worker meanwhile, for the events too."""
    rss_grown: int
    waits_ms: list[float]
    """Of each marked event that left meanwhile, until its command came."""
    before_ms: list[float]
    """The same right before."""


def measure(cluster: Cluster, options: Options, say: Callable[[str], None]) -> Report:
    """Has everybody come at one instant, and wait for one that is the same for all.

    Raises:
        BenchFailed: a timer was lost or fired twice, or it did not get to the end in time.
    """
    workload = options.workload
    log = Log(cluster=cluster, workload=workload, prefix=f"bench-storm-{workload.id}.")
    with tempfile.TemporaryDirectory() as folder:
        welcome = (DEFINITIONS / FOLDER / "welcome.yaml").read_text("utf-8")
        told = welcome.replace("for: 3d", f"for: {options.wait_s}s")
        (Path(folder) / "welcome.yaml").write_text(told, "utf-8")
        clusters.fresh(log, definitions=("probe", folder), keep_events=False)
    with workers.start(log) as worker, Arrivals(log) as arrivals:
        workers.ready(worker)
        due_s = _all_come(log, options, worker)
        say("everybody waits")
        with _flow(log, options) as producer:
            producer.wait_for("ready", START_S)
            found = _storm(log, options, worker, arrivals, due_s=due_s)
    clusters.remove(cluster, workload)
    return report(options, found)


def _all_come(log: Log, options: Options, worker: Process) -> float:
    """Has everybody come, as of now; returns when the timers are due, in s since the epoch."""
    come_s = time.time()
    producer = clients.producer(log.cluster, None, clients.logger)
    topic, at = log.topic("events"), iso(int(come_s * 1000))
    for number in range(options.people):
        person = f"person-{number:07d}"
        value = (
            f'{{"messageId":"ajs-{number:018x}","type":"track","event":"Signed Up",'
            f'"userId":"{person}","timestamp":"{at}"}}'
        )
        _produce(producer, topic, person, value)
    if producer.flush(FLUSH_S):
        raise BenchFailed("Kafka did not take all events")
    due_s = come_s + options.wait_s + GRACE_S
    left_s = due_s - options.warm_up - time.time()
    worker.wait_until(
        lambda: workers.metrics(worker).get(PENDING, 0) >= options.people,
        max(left_s, POLL_S),
        every_s=POLL_S,
    )
    return due_s


def _produce(producer: Producer, topic: str, person: str, value: str) -> None:
    while True:
        try:
            return producer.produce(topic, value, person)
        except BufferError:
            producer.poll(0.1)


def _flow(log: Log, options: Options) -> Process:
    arguments = [log.topic("events"), options.rate, LONGEST_S, options.every, options.people]
    env = {"BECKON_KAFKA__BOOTSTRAP_SERVERS": log.cluster.bootstrap}
    return Process(["-m", "benchmarks.pacing", *map(str, arguments)], env, name="the producer")


def _storm(
    log: Log, options: Options, worker: Process, arrivals: Arrivals, *, due_s: float
) -> Storm:
    """Waits for the storm, and returns what happened until it was over."""

    def waits_ms(from_s: float, to_s: float) -> list[float]:
        return [
            (came - left) / 1e6
            for left, came in arrivals.taken
            if from_s * 1e9 <= left < to_s * 1e9
        ]

    before_s = time.time() + 1
    time.sleep(max(0.0, due_s - time.time()))
    begin, cpu_s, rss_bytes = time.time(), worker.cpu_s, worker.rss_bytes
    worker.wait_until(lambda: not workers.metrics(worker)[PENDING], LONGEST_S, every_s=POLL_S)
    end, cpu_s = time.time(), worker.cpu_s - cpu_s
    worker.wait_until(
        lambda: bool(arrivals.taken) and arrivals.taken[-1][0] >= end * 1e9,
        LONGEST_S,
        every_s=POLL_S,
    )
    return Storm(
        commands=_commands(log, options.people),
        seconds=end - begin,
        cpu_s=cpu_s,
        rss_grown=worker.rss_bytes - rss_bytes,
        waits_ms=waits_ms(begin, end),
        before_ms=waits_ms(before_s, begin),
    )


def _commands(log: Log, people: int) -> int:
    """Counts who was written to.

    Raises:
        BenchFailed: somebody was twice.
    """
    decoder = msgspec.json.Decoder(Command)
    topic = log.topic("commands.email")
    found = [decoder.decode(value) for value in clusters.values(log.cluster, topic)]
    if len({each.id for each in found}) < len(found) or len(
        {each.profile_id for each in found}
    ) < len(found):
        raise BenchFailed("somebody was written to twice")
    return len(found)


def report(options: Options, found: Storm) -> Report:
    """Returns what happened as a report.

    Raises:
        BenchFailed: a timer was lost, or the events did not leave at the rate.
    """
    if found.commands != options.people:
        raise BenchFailed(f"{found.commands:,} commands for {options.people:,} timers")
    wanted = options.rate / options.every * found.seconds
    if len(found.waits_ms) < 0.9 * wanted:
        raise BenchFailed(f"{len(found.waits_ms):,} marked events left, not {wanted:,.0f}")
    figures = {
        "p50_ms": measures.percentile(found.waits_ms, 0.5),
        "p99_ms": measures.percentile(found.waits_ms, 0.99),
        "p100_ms": measures.percentile(found.waits_ms, 1.0),
        "p99_before_ms": measures.percentile(found.before_ms, 0.99),
        "seconds": found.seconds,
        "timers_per_s": options.people / found.seconds,
        "us_a_timer": found.cpu_s / options.people * 1e6,
    }
    row = {name: f"{value:,.1f}" for name, value in figures.items()}
    row["p99_ms"] += f" (target {TARGET_MS:g})"
    row |= {"timers": f"{options.people:,}", "fired": f"{found.commands:,}"}
    return reports.report(
        "timers",
        f"--storm --people {options.people} --rate {options.rate}",
        settings={"events/s meanwhile": f"{options.rate:,}", "partitions": str(PARTITIONS)},
        rows=[row],
        figures=figures,
        notes=(
            "All timers are due in the same second; each sends one command, and these are counted:"
            " none is missing, none is there twice.",
            "ms: from before a marked event is handed to its producer to where its command is read;"
            f" {len(found.waits_ms):,} of them during the storm, and {len(found.before_ms):,} right"
            " before.",
            "us_a_timer: of the whole worker process, with the events that came meanwhile. It grew"
            f" by {found.rss_grown / 1e6:,.0f} MB.",
        ),
    )
