"""How long it takes from an event to the command that it leads to, at a steady rate of events."""

import threading
import time

import msgspec
from confluent_kafka import TopicPartition

from benchmarks import clusters, measures, reports, workers
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.pacing import sent_ns
from benchmarks.processes import Process
from benchmarks.reports import Report
from benchmarks.workers import START_S
from benchmarks.workloads import Workload
from processors.runtime import clients
from processors.runtime.clients import Cluster
from schemas.commands import Command

CHANNEL = "inbox"
DEFINITIONS = ("job", "probe")
LATE_S = 30.0
POLL_S = 0.05
TARGETS_MS = {"p50_ms": 25.0, "p99_ms": 100.0}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How many events, for how long."""

    rate: int = 5_000
    """Events a second."""
    seconds: int = 30
    warm_up: int = 5
    """Seconds before these, of which nothing is told."""
    every: int = 20
    """One event of so many leads to a command that is timed."""
    people: int = 100_000
    seed: int = 1

    @property
    def workload(self) -> Workload:
        """The same as a workload."""
        return Workload(events=self.events, people=self.people, seed=self.seed)

    @property
    def events(self) -> int:
        """How many in all."""
        return self.rate * (self.warm_up + self.seconds)

    @property
    def probes(self) -> int:
        """How many commands in all."""
        return -(-self.events // self.every)

    @property
    def untimed(self) -> int:
        """How many of them, the first ones, nothing is told of."""
        return -(-self.rate * self.warm_up // self.every)


class Arrivals:
    """Takes the commands as they come, in a thread: as a sender would, only what is committed."""

    def __init__(self, log: Log) -> None:
        self.taken: list[tuple[int, int]] = []
        """When the event left and when its command came, ns."""
        self._decoder = msgspec.json.Decoder(Command)
        self._topic = log.topic(f"commands.{CHANNEL}")
        self._consumer = clients.reader(log.cluster, "bench-latency")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._take)

    def __enter__(self) -> "Arrivals":
        """Begins."""
        self._consumer.assign([TopicPartition(self._topic, each, 0) for each in range(PARTITIONS)])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def _take(self) -> None:
        while not self._ended.is_set():
            message = self._consumer.poll(POLL_S)
            if message is None or message.error() is not None:
                continue
            now_ns = time.time_ns()
            command = self._decoder.decode(message.value() or b"")
            self.taken.append((sent_ns(command.occurrence), now_ns))


def measure(cluster: Cluster, options: Options) -> Report:
    """Sends events and times their commands.

    Raises:
        BenchFailed: a command did not come, or the events did not leave at the rate.
    """
    workload = options.workload
    log = Log(cluster=cluster, workload=workload, prefix=f"bench-latency-{workload.id}.")
    clusters.fresh(log, definitions=DEFINITIONS, keep_events=False)
    with workers.start(log) as worker, Arrivals(log) as arrivals:
        workers.ready(worker)
        cpu_s = worker.cpu_s
        arguments = [log.topic("events"), options.rate, options.warm_up + options.seconds]
        arguments += [options.every, options.people]
        env = {"BECKON_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap}
        told = list(map(str, arguments))
        with Process(["-m", "benchmarks.pacing", *told], env, name="the producer") as producer:
            producer.wait_for("ready", START_S)
            patience_s = 2.0 * (options.warm_up + options.seconds) + LATE_S
            done = producer.wait_for("done", patience_s)[0].fields
        worker.wait_until(lambda: len(arrivals.taken) >= options.probes, LATE_S, every_s=POLL_S)
        cpu_s = worker.cpu_s - cpu_s
    if done["events"] != options.events:
        raise BenchFailed(f"only {done['events']:,} events left")
    timed = sorted(arrivals.taken)[options.untimed :]
    waits_ms = [(to - since) / 1e6 for since, to in timed]
    return report(options, waits_ms, cpu_s=cpu_s, behind_s=done["behind_s"])


def report(options: Options, waits_ms: list[float], *, cpu_s: float, behind_s: float) -> Report:
    """Returns the times as a report."""
    figures = {
        f"p{share * 100:g}_ms": measures.percentile(waits_ms, share)
        for share in (0.5, 0.9, 0.95, 0.99, 1.0)
    }
    row = {name: f"{value:.1f}" for name, value in figures.items()}
    for name, most in TARGETS_MS.items():
        row[name] += f" (target {most:g})"
    row |= {
        "commands": f"{len(waits_ms):,}",
        "events/s": f"{options.rate:,}",
        "CPU µs/event": f"{cpu_s / options.events * 1e6:.1f}",
    }
    return reports.report(
        "latency",
        f"--rate {options.rate} --seconds {options.seconds}",
        settings={
            "warm-up": f"{options.warm_up} s",
            "timed": f"1 event of {options.every}",
            "partitions": str(PARTITIONS),
            "definitions": "8 score rules, 4 segments, 3 triggers",
        },
        rows=[row],
        figures=figures,
        notes=(
            "From before the event is handed to its producer (linger 1 ms) to where its command is"
            " read by a read_committed consumer; all on this machine, with the broker.",
            f"The producer was at most {behind_s * 1000:.0f} ms behind its rate.",
        ),
    )
