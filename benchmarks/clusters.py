"""The Kafka that is measured on, the log on it, and what a run leaves behind."""

import collections
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from benchmarks import workloads
from benchmarks.errors import BenchFailed
from benchmarks.processes import ROOT
from benchmarks.workloads import Workload
from processors import app
from processors.definitions import files
from processors.operations import administration, publishing
from processors.progress import Progress
from processors.runtime import clients
from processors.runtime.clients import CALL_S, Cluster
from processors.settings import Settings
from schemas import topics

BOOTSTRAP = "BECKON_KAFKA__BOOTSTRAP_SERVERS"
SCRIPT = ROOT / "deploy" / "local" / "kafka.sh"
PLACE = ROOT / ".local" / "bench"
DEFINITIONS = ROOT / "benchmarks" / "definitions"
JOB = "job"
PARTITIONS = 4
GONE_S = 60.0
LEADERLESS = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError._TRANSPORT,
)
"""A broker that has just begun says so until it leads its partitions."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A workload that lies on a cluster, and whose prefix all topics of its runs have."""

    cluster: Cluster
    workload: Workload
    prefix: str

    def topic(self, name: str) -> str:
        """Returns the full name of a topic."""
        return topics.full_name(self.prefix, name)

    @property
    def group(self) -> str:
        """The worker's consumer group."""
        return f"{self.prefix}decide"


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What a run led to, counted in the topics that it wrote."""

    commands: int
    entered: Mapping[str, int]
    """By segment, how often somebody entered it."""


@contextlib.contextmanager
def broker() -> Iterator[Cluster]:
    """Yields the cluster that the environment names, else a local broker for as long.

    Raises:
        BenchFailed: none can be had.
    """
    if BOOTSTRAP in os.environ:
        yield app.cluster_of(Settings.from_env())
        return
    found = subprocess.run(
        [str(SCRIPT), "status", "--dir", str(PLACE)], capture_output=True, text=True, check=False
    )
    is_ours = found.returncode != 0
    bootstrap = _script("start", "--port", "0") if is_ours else found.stdout.strip()
    os.environ[BOOTSTRAP] = bootstrap
    try:
        yield app.cluster_of(Settings.from_env())
    finally:
        del os.environ[BOOTSTRAP]
        if is_ours:
            _script("stop")


def log(cluster: Cluster, workload: Workload) -> Log:
    """Returns the log of a workload; it is written where it does not lie there already.

    Raises:
        BenchFailed: Kafka did not take it.
    """
    found = Log(cluster=cluster, workload=workload, prefix=f"bench-{workload.id}.")
    if sum(ends(found).values()) != workload.events:
        _delete(found.cluster, lambda name: name.startswith(found.prefix))
        _create(found)
        _write(found)
    return found


def fresh(
    log: Log, *, definitions: Sequence[str | Path] = (JOB,), keep_events: bool = True
) -> None:
    """Takes away what a run has left, so that the next one begins with nothing but the log.

    Args:
        log: that of the run.
        definitions: folders beside the job's, by name, or anywhere.
        keep_events: whether the log itself stays.
    """
    kept = log.topic("events") if keep_events else ""
    _delete_group(log)
    _delete(log.cluster, lambda name: name.startswith(log.prefix) and name != kept)
    _create(log)
    for name in definitions:
        publish(log, name)


def publish(log: Log, name: str | Path) -> None:
    """Publishes a folder beside the job's, by name, or anywhere."""
    chosen = files.load(DEFINITIONS / name)
    publishing.publish(log.cluster, log.prefix, chosen, now_ms=int(time.time() * 1000))


def fresh_outputs(log: Log, prefix: str) -> None:
    """Makes all topics anew that begin with a prefix within the log's, for a peer to write to."""
    _delete(log.cluster, lambda name: prefix in name)
    _create(msgspec.structs.replace(log, prefix=prefix))


def remove(cluster: Cluster, workload: Workload) -> None:
    """Takes away the log of a workload, and what its runs have left."""
    _delete(cluster, lambda name: workload.id in name)


def ends(log: Log) -> dict[int, int]:
    """Returns up to where each partition of the events goes; empty where they are missing."""
    consumer = clients.reader(log.cluster, "bench-ends")
    try:
        found = consumer.list_topics(timeout=CALL_S).topics.get(log.topic("events"))
        if found is None:
            return {}
        return {each: _end(consumer, log.topic("events"), each) for each in found.partitions}
    finally:
        consumer.close()


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    """Returns where a partition ends, once it has a leader: at its start a broker has none yet."""
    until_s = time.monotonic() + CALL_S
    while True:
        try:
            return consumer.get_watermark_offsets(TopicPartition(topic, partition), CALL_S)[1]
        except KafkaException as error:
            if clients.code(error) not in LEADERLESS or time.monotonic() > until_s:
                raise BenchFailed(f"no end of {topic} ({clients.words(error)})") from error
            time.sleep(0.1)


@contextlib.contextmanager
def commits(log: Log, group: str) -> Iterator[Callable[[], int]]:
    """Yields what returns how many events a group has committed; it does not join it."""
    consumer = Consumer(
        {
            **clients.common(log.cluster),
            "group.id": group,
            "isolation.level": "read_uncommitted",
            "enable.auto.commit": False,
        },
        logger=clients.logger,
    )
    asked = [TopicPartition(log.topic("events"), each) for each in range(PARTITIONS)]
    try:
        yield lambda: sum(max(0, each.offset) for each in consumer.committed(asked, CALL_S))
    finally:
        consumer.close()


def results(log: Log, *, prefix: str | None = None) -> Results:
    """Counts what a run has written.

    Raises:
        BenchFailed: a command is there twice.
    """
    begins = prefix or log.prefix
    ids = [
        msgspec.json.decode(value)["id"]
        for channel in topics.CHANNELS
        for value in values(log.cluster, topics.full_name(begins, f"commands.{channel}"))
    ]
    if len(set(ids)) != len(ids):
        raise BenchFailed(f"{len(ids) - len(set(ids))} commands are there twice")
    entered: collections.Counter[str] = collections.Counter()
    for value in values(log.cluster, topics.full_name(begins, "segment-changes")):
        change: dict[str, Any] = msgspec.json.decode(value)
        entered[change["segment_id"]] += change["change"] == "entered"
    return Results(commands=len(ids), entered=dict(sorted(entered.items())))


def values(cluster: Cluster, topic: str) -> Iterator[bytes]:
    """Gives all committed values that a topic has now."""
    reader = clients.reader(cluster, "bench-values")
    try:
        found = reader.list_topics(topic, CALL_S).topics[topic]
        waiting = set(found.partitions)
        reader.assign([TopicPartition(topic, each, 0) for each in waiting])
        until_s = time.monotonic() + GONE_S
        while waiting:
            if time.monotonic() > until_s:
                raise BenchFailed(f"{topic} can not be read")
            for message in reader.consume(5_000, 0.05):
                error, value = message.error(), message.value()
                if error is None and value is not None:
                    yield value
                elif error is not None and error.code() == KafkaError._PARTITION_EOF:
                    waiting.discard(message.partition())
    finally:
        reader.close()


def _write(log: Log) -> None:
    """Produces the events, each with its own time as that of the record."""
    producer = clients.producer(log.cluster, None, clients.logger)
    topic, failed = log.topic("events"), 0

    def told(error: KafkaError | None, _: object) -> None:
        nonlocal failed
        failed += error is not None

    with Progress("written", "events") as progress:
        made = workloads.make(log.workload, int(time.time() * 1000))
        for count, one in enumerate(made, 1):
            while True:
                try:
                    producer.produce(
                        topic, one.value, one.key, timestamp=one.at_ms, on_delivery=told
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            if count % 1_000 == 0:
                producer.poll(0)
                progress(count)
    if producer.flush(GONE_S) or failed:
        raise BenchFailed("Kafka did not take all events")


def _create(log: Log) -> None:
    """Makes all topics that are missing, and waits until the broker tells of them."""
    administration.create(
        log.cluster,
        administration.Layout(
            prefix=log.prefix, partitions=PARTITIONS, output_partitions=PARTITIONS
        ),
    )
    admin = _admin(log.cluster)
    wanted, until_s = {log.topic(name) for name in topics.TOPICS}, time.monotonic() + GONE_S
    while missing := wanted - set(admin.list_topics(timeout=CALL_S).topics):
        if time.monotonic() > until_s:
            raise BenchFailed(f"topics do not appear: {', '.join(sorted(missing))}")
        time.sleep(0.05)


def _delete(cluster: Cluster, is_meant: Callable[[str], bool]) -> None:
    """Deletes topics, and waits until they are gone."""
    admin = _admin(cluster)
    until_s = time.monotonic() + GONE_S
    while gone := [name for name in admin.list_topics(timeout=CALL_S).topics if is_meant(name)]:
        if time.monotonic() > until_s:
            raise BenchFailed(f"topics can not be deleted: {', '.join(gone)}")
        for done in admin.delete_topics(gone).values():
            with contextlib.suppress(KafkaException):
                done.result(CALL_S)


def _delete_group(log: Log) -> None:
    """Deletes the worker's group. A static member that is gone stays in it for a session."""
    admin = _admin(log.cluster)
    until_s = time.monotonic() + GONE_S
    while True:
        try:
            admin.delete_consumer_groups([log.group])[log.group].result(CALL_S)
        except KafkaException as error:
            if clients.code(error) == KafkaError.GROUP_ID_NOT_FOUND:
                return
            if time.monotonic() > until_s:
                raise BenchFailed(f"the group {log.group} can not be deleted: {error}") from error
            time.sleep(0.2)
        else:
            return


def _admin(cluster: Cluster) -> AdminClient:
    return AdminClient(clients.common(cluster), logger=clients.logger)


def _script(verb: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(SCRIPT), verb, "--dir", str(PLACE), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchFailed("no local Kafka: see what is said above")
    return done.stdout.strip().rpartition("\n")[2]
