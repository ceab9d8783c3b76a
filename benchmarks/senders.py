"""How fast one sender posts webhooks to a receiver on this machine, its ledger on Postgres."""

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from benchmarks import reports
from benchmarks.errors import BenchFailed
from benchmarks.processes import ROOT, Process
from benchmarks.receivers import EVERY
from benchmarks.reports import Report
from processors.operations import administration
from processors.runtime.clients import Cluster
from schemas import codec
from schemas.commands import Command, derive_id

SCRIPT = ROOT / "deploy" / "local" / "postgres.sh"
DATABASE = "BECKON_DATABASE__URL"
SECRET = "whsec_" + "QUJD" * 8
LIMIT_S = 900.0
MIB = 2**20

Say = Callable[[str], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement."""

    commands: int = 100_000
    people: int = 20_000
    partitions: int = 4


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yields the database that the environment names, else a local one for as long."""
    if DATABASE in os.environ:
        yield os.environ[DATABASE]
        return
    with tempfile.TemporaryDirectory(prefix="beckon-bench-") as made:
        Path(made).chmod(0o755)
        try:
            yield _script("start", "--dir", made, "--port", "0")
        finally:
            _script("stop", "--dir", made)


def measure(cluster: Cluster, options: Options, say: Say) -> Report:
    """Returns how many a second, and what each costs.

    Raises:
        BenchFailed: a process ended, or it took too long.
    """
    prefix = f"bench-senders-{secrets.token_hex(4)}."
    layout = administration.Layout(
        prefix=prefix, partitions=1, output_partitions=options.partitions, replication=1
    )
    administration.create(cluster, layout)
    with database() as url, Process(["-m", "benchmarks.receivers"], {}, name="receiver") as posts:
        [listens] = posts.wait_for("listens", LIMIT_S)
        say(f"writing {options.commands:,} commands")
        _write(cluster, prefix, options, int(listens.fields["port"]))
        env = {**_settings(cluster, prefix), DATABASE: url}
        with Process(["-m", "processors", "sender", "webhook"], env, name="sender") as sender:
            return _measured(posts, sender, options, say)


def _measured(posts: Process, sender: Process, options: Options, say: Say) -> Report:
    whole = options.commands // EVERY
    warm = max(1, whole // 10)
    from_s = posts.wait_for("received", LIMIT_S, count=warm)[-1].at_s
    cpu_s, rss = sender.cpu_s, sender.rss_bytes
    say(f"{warm * EVERY:,} are posted: the measurement begins")
    until_s = posts.wait_for("received", LIMIT_S, count=whole)[-1].at_s
    count = (whole - warm) * EVERY
    figures = {
        "commands_per_s": count / (until_s - from_s),
        "cpu_us_per_command": (sender.cpu_s - cpu_s) / count * 1e6,
        "rss_mib_at_first": rss / MIB,
        "rss_mib_at_last": sender.rss_bytes / MIB,
    }
    row = {name: f"{value:,.0f}" for name, value in figures.items()}
    settings = {"commands": f"{options.commands:,}", "people": f"{options.people:,}"}
    return reports.report("senders", "", settings=settings, rows=[row], figures=figures)


def _write(cluster: Cluster, prefix: str, options: Options, port: int) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 20})
    for number in range(options.commands):
        person = f"p-{number % options.people}"
        one = Command(
            id=derive_id(prefix, "v", person, "0", str(number)),
            channel="webhook",
            profile_id=person,
            definition_id="bench",
            version="0123456789ab",
            step="0",
            occurrence=str(number),
            at=1_714_566_896_789,
            url=f"http://127.0.0.1:{port}/hook",
            body={"number": number},
        )
        producer.produce(f"{prefix}commands.webhook", codec.encode(one), person.encode())
        if number % 10_000 == 0:
            producer.flush(LIMIT_S)
    if producer.flush(LIMIT_S):
        raise BenchFailed("Kafka did not take the commands")


def _settings(cluster: Cluster, prefix: str) -> dict[str, str]:
    return {
        "BECKON_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap,
        "BECKON_TOPICS__PREFIX": prefix,
        "BECKON_HEALTH__PORT": "0",
        "BECKON_WEBHOOK__SECRETS": SECRET,
        "BECKON_WEBHOOK__ALLOW_HTTP": "true",
        "BECKON_WEBHOOK__ALLOW_PRIVATE": "true",
        "BECKON_WEBHOOK__PORTS": "[]",
    }


def _script(verb: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(SCRIPT), verb, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchFailed(f"postgres.sh {verb} failed: {done.stderr.strip()}")
    return done.stdout.strip().rpartition("\n")[2]
