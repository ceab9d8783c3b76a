"""The peers: the same job in other frameworks, each as well as its documentation says."""

import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

import msgspec

from benchmarks import clusters
from benchmarks.clusters import PARTITIONS, Log
from benchmarks.errors import BenchFailed
from benchmarks.processes import ROOT, Process
from benchmarks.workers import START_S, Run

RUN_S = 1_800.0
POLL_S = 0.05
QUIX = "quixstreams==3.28.1"
QUIX_PLACE = ROOT / ".venv-quix"
STAMP = ".beckon-quix"
INSTALL_S = 600.0


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One framework."""

    name: str
    arguments: tuple[str, ...]
    max_events: int
    """It gets a shorter log where this is less: it takes too long."""
    promise: str


FAUST = Peer(
    name="faust",
    arguments=("-m", "benchmarks.peer_faust"),
    max_events=20_000,
    promise="at least once (its exactly-once does not work), table in memory",
)
QUIX_STREAMS = Peer(
    name="quix",
    arguments=("benchmarks/peer_quix.py",),
    max_events=100_000,
    promise="exactly once, state in RocksDB",
)
PEERS = {peer.name: peer for peer in (FAUST, QUIX_STREAMS)}


def run(peer: Peer, log: Log) -> Run:
    """Runs a peer over the log, with topics of its own.

    Raises:
        BenchFailed: it did not get to the end.
    """
    prefix = f"{log.prefix}{peer.name}."
    clusters.fresh_outputs(log, prefix)
    group = f"{prefix}{time.time_ns()}"
    arguments = [*peer.arguments, log.cluster.bootstrap, log.topic("events"), prefix, group]
    python = quix_python() if peer is QUIX_STREAMS else sys.executable
    with (
        Process([*arguments, str(PARTITIONS)], {}, python=python, name=peer.name) as process,
        clusters.commits(log, group) as committed,
    ):
        begin = process.wait_for("ready", START_S)[0]
        events = log.workload.events
        process.wait_until(lambda: committed() >= events, RUN_S, every_s=POLL_S)
        seconds, cpu_s = time.monotonic() - begin.at_s, process.cpu_s - begin.fields["cpu_s"]
    found = clusters.results(log, prefix=prefix)
    return Run(
        contender=peer.name,
        events=events,
        cpu_s=cpu_s,
        seconds=seconds,
        commands=found.commands,
        entered=found.entered,
    )


def quix_python(place: Path = QUIX_PLACE) -> str:
    """Returns the Python that has Quix Streams; it is installed where it is not yet.

    It gets an environment of its own: it asks for an older Kafka client than we do.

    Raises:
        BenchFailed: it can not be installed.
    """
    python = place / "bin" / "python"
    if has_quix(place):
        return str(python)
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", QUIX]
    if subprocess.run(command, timeout=INSTALL_S, check=False).returncode != 0:
        raise BenchFailed(f"{QUIX} can not be installed: see what is said above")
    (place / STAMP).write_text(QUIX, "utf-8")
    return str(python)


def has_quix(place: Path = QUIX_PLACE) -> bool:
    """Returns whether it is installed already, in the version that we want."""
    stamp = place / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == QUIX
