"""What a new segment costs: everybody is evaluated under it while events flow, and these wait."""

import time
from collections.abc import Callable

import msgspec
from confluent_kafka import Consumer, KafkaError, TopicPartition

from benchmarks import clusters, latency, measures, reports, workers
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.latency import Arrivals
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.workers import START_S
from benchmarks.workloads import Workload
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster
from processors.runtime.tables import PROGRESS_KEY, Progress, Table

NEW = "takeover"
"""The folder of the segment that comes."""
POLL_S = 0.25
TAIL = 10
"""Of so many last records of a partition's changelog one is how far it is."""
LONGEST_S = 600
TARGETS = {"cpu_s": 60.0, "p99_ms": 250.0, "slice_ms": 50.0}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many people there are, and what flows meanwhile."""

    people: int = 1_000_000
    """About: so many people would have to be drawn for that many to have done something."""
    rate: int = 2_000
    """Events a second."""
    warm_up: int = 10
    """For how many seconds they flow before the segment comes."""
    every: int = 20
    """One event of so many leads to a command that is timed."""
    seed: int = 1

    @property
    def workload(self) -> Workload:
        """Some 2.4 events of each; nine of ten of those that are drawn from do any."""
        drawn = self.people * 11 // 10
        return Workload(events=drawn * 12 // 5, people=drawn, zipf=0.0, seed=self.seed)


class Takeover(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    profiles: int
    entered: int
    seconds: float
    cpu_s: float
    """Of the worker, for the events that came meanwhile too."""
    waits_ms: list[float]
    """Of each marked event that left meanwhile, until its command came."""
    before_ms: list[float]
    """The same right before."""
    slice_ms: float
    """The longest time for which the worker evaluated people between two polls."""


def measure(cluster: Cluster, options: Options, say: Callable[[str], None]) -> Report:
    """Runs a worker over the log, then publishes a segment while events flow.

    Raises:
        BenchFailed: it did not get to the end, or the events did not leave at the rate.
    """
    log = clusters.log(cluster, options.workload)
    clusters.fresh(log, definitions=latency.DEFINITIONS)
    with workers.start(log) as worker, Arrivals(log) as arrivals:
        workers.ready(worker)
        with clusters.commits(log, log.group) as committed:
            worker.wait_until(
                lambda: committed() >= log.workload.events, workers.RUN_S, every_s=POLL_S
            )
        say("everybody is there")
        with _flow(log, options) as producer:
            producer.wait_for("ready", START_S)
            found = _take_over(log, options, worker, arrivals)
    clusters.remove(cluster, log.workload)  # events have come to the log: nobody can use it again
    return report(options, found)


def _flow(log: Log, options: Options) -> Process:
    arguments = [log.topic("events"), options.rate, LONGEST_S, options.every, log.workload.people]
    env = {"BECKON_KAFKA__BOOTSTRAP_SERVERS": log.cluster.bootstrap}
    return Process(["-m", "benchmarks.pacing", *map(str, arguments)], env, name="the producer")


def _take_over(log: Log, options: Options, worker: Process, arrivals: Arrivals) -> Takeover:
    """Publishes the segment, and returns what happened until all partitions were through."""

    def reach(at_ns: int) -> int:
        """Waits for the command of an event that left by then or later; returns when it came."""
        worker.wait_until(
            lambda: bool(arrivals.taken) and arrivals.taken[-1][0] >= at_ns,
            LONGEST_S,
            every_s=POLL_S,
        )
        return time.time_ns()

    def waits_ms(from_ns: int, to_ns: int) -> list[float]:
        return [(came - left) / 1e6 for left, came in arrivals.taken if from_ns <= left < to_ns]

    half_ns = options.warm_up * 500_000_000
    half = reach(time.time_ns() + half_ns)
    begin, cpu_s = reach(half + half_ns), worker.cpu_s
    reader = clients.reader(log.cluster, "bench-takeover")
    try:
        before = {each.definitions for each in progress(log, reader)}
        clusters.publish(log, NEW)
        worker.wait_until(
            lambda: is_through(progress(log, reader), before), LONGEST_S, every_s=POLL_S
        )
        end, cpu_s = time.time_ns(), worker.cpu_s - cpu_s
    finally:
        reader.close()
    reach(end)
    told = workers.metrics(worker)
    return Takeover(
        profiles=int(told["beckon_profiles"]),
        slice_ms=told["beckon_slice_seconds_most"] * 1000,
        entered=clusters.results(log).entered["undecided"],
        seconds=(end - begin) / 1e9,
        cpu_s=cpu_s,
        waits_ms=waits_ms(begin, end),
        before_ms=waits_ms(half, begin),
    )


def is_through(found: list[Progress], before: set[str]) -> bool:
    """Returns whether everybody in all partitions is under other definitions than before."""
    return len(found) == PARTITIONS and all(
        each.is_settled and each.definitions not in before for each in found
    )


def progress(log: Log, reader: Consumer) -> list[Progress]:
    """Returns how far the partitions are, of those that told it last in their changelog."""
    topic, found = log.topic("profiles"), []
    for partition in range(PARTITIONS):
        _, end = reader.get_watermark_offsets(TopicPartition(topic, partition), CALL_S)
        reader.assign([TopicPartition(topic, partition, max(0, end - TAIL))])
        table, is_told = Table(), False
        while (message := reader.poll(CALL_S)) is not None and message.error() is None:
            if message.key() == PROGRESS_KEY:
                table.restore(PROGRESS_KEY, message.value())
                is_told = True
        error = message.error() if message is not None else None
        if error is None or error.code() != KafkaError._PARTITION_EOF:
            raise BenchFailed(f"{topic} can not be read")
        found += [table.progress] if is_told else []
    return found


def report(options: Options, found: Takeover) -> Report:
    """Returns what happened as a report.

    Raises:
        BenchFailed: the events did not leave at the rate.
    """
    wanted = options.rate / options.every * found.seconds
    if len(found.waits_ms) < 0.9 * wanted:
        raise BenchFailed(f"{len(found.waits_ms):,} marked events left, not {wanted:,.0f}")
    figures = {
        "cpu_s": found.cpu_s,
        "us_a_profile": found.cpu_s / found.profiles * 1e6,
        "seconds": found.seconds,
        "p50_ms": measures.percentile(found.waits_ms, 0.5),
        "p99_ms": measures.percentile(found.waits_ms, 0.99),
        "p100_ms": measures.percentile(found.waits_ms, 1.0),
        "p99_before_ms": measures.percentile(found.before_ms, 0.99),
        "slice_ms": found.slice_ms,
    }
    row = {name: f"{value:.1f}" for name, value in figures.items()}
    for name, most in TARGETS.items():
        row[name] += f" (target {most:g})"
    row |= {"profiles": f"{found.profiles:,}", "entered": f"{found.entered:,}"}
    return reports.report(
        "takeover",
        f"--people {options.people} --rate {options.rate}",
        settings={
            "definitions": "those of `latency`, and one segment more",
            "events/s meanwhile": f"{options.rate:,}",
            "partitions": str(PARTITIONS),
        },
        rows=[row],
        figures=figures,
        notes=(
            "cpu_s: of the whole worker process, from before the segment is published to where all"
            " partitions are through; the events that came meanwhile are in it.",
            "ms: from before a marked event is handed to its producer to where its command is read;"
            f" {len(found.waits_ms):,} of them while everybody was evaluated, and"
            f" {len(found.before_ms):,} right before.",
            "slice_ms: the longest slice of evaluating people, all partitions of one turn together:"
            " events wait behind it, and behind the writing of what came of it.",
        ),
    )
