"""How fast one sender posts webhooks or mails on this machine, its ledger on Postgres.

Mails are rendered in two languages and posted as SendGrid takes them: a cart of three items, or a
greeting.
"""

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from confluent_kafka import Producer

from benchmarks import rendering, reports
from benchmarks.errors import BenchFailed
from benchmarks.processes import ROOT, Process
from benchmarks.receivers import EVERY
from benchmarks.reports import Report
from processors.definitions import files, sets
from processors.operations import administration, publishing
from processors.runtime.clients import Cluster
from schemas import codec
from schemas.commands import Command, derive_id

SCRIPT = ROOT / "deploy" / "local" / "postgres.sh"
DATABASE = "BECKON_DATABASE__URL"
SECRET = "whsec_" + "QUJD" * 12
LIMIT_S = 900.0
MIB = 2**20

Say = Callable[[str], None]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement."""

    channel: Literal["webhook", "email"] = "webhook"
    template: str = rendering.CART
    """Of mails, one of `examples/messages`."""
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
        to = f"http://127.0.0.1:{listens.fields['port']}"
        say(f"writing {options.commands:,} commands")
        _publish(cluster, prefix)
        _write(cluster, prefix, options, to)
        env = {**_settings(cluster, prefix, to), DATABASE: url}
        arguments = ["-m", "processors", "sender", options.channel]
        with Process(arguments, env, name="sender") as sender:
            return _measured(posts, sender, options, say)


def _measured(posts: Process, sender: Process, options: Options, say: Say) -> Report:
    whole = options.commands // EVERY
    warm = max(1, whole // 10)
    from_s = _posted(posts, sender, warm)
    cpu_s, rendering_s, rss = sender.cpu_s, sender.children_cpu_s, sender.rss_bytes
    say(f"{warm * EVERY:,} are posted: the measurement begins")
    until_s = _posted(posts, sender, whole)
    count = (whole - warm) * EVERY
    figures = {
        "commands_per_s": count / (until_s - from_s),
        "cpu_us_per_command": (sender.cpu_s - cpu_s) / count * 1e6,
        "rendering_us_per_command": (sender.children_cpu_s - rendering_s) / count * 1e6,
        "rss_mib_at_first": rss / MIB,
        "rss_mib_at_last": sender.rss_bytes / MIB,
    }
    row = {name: f"{value:,.0f}" for name, value in figures.items()}
    settings = {"commands": f"{options.commands:,}", "people": f"{options.people:,}"}
    is_mail = options.channel == "email"
    arguments = f"--channel {options.channel} --commands {options.commands}"
    if is_mail:
        arguments += f" --template {options.template}"
    found = reports.report("senders", arguments, settings=settings, rows=[row], figures=figures)
    return msgspec.structs.replace(found, mode="mails") if is_mail else found


def _posted(posts: Process, sender: Process, count: int) -> float:
    """Returns when so many thousands had been posted."""
    sender.wait_until(lambda: posts.counted("received") >= count, LIMIT_S, every_s=0.02)
    return posts.wait_for("received", LIMIT_S, count=count)[-1].at_s


def _publish(cluster: Cluster, prefix: str) -> None:
    found = sets.from_documents(files.load(rendering.FOLDER).documents.values())
    publishing.publish(cluster, prefix, found, now_ms=rendering.AT_MS)


def _write(cluster: Cluster, prefix: str, options: Options, to: str) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 20})
    for number in range(options.commands):
        person = f"p-{number % options.people}"
        one = _command(options, number, to)
        one = msgspec.structs.replace(
            one, id=derive_id(prefix, "v", person, "0", str(number)), profile_id=person
        )
        topic = f"{prefix}commands.{options.channel}"
        producer.produce(topic, codec.encode(one), person.encode())
        if number % 10_000 == 0:
            producer.flush(LIMIT_S)
    if producer.flush(LIMIT_S):
        raise BenchFailed("Kafka did not take the commands")


def _command(options: Options, number: int, to: str) -> Command:
    if options.channel == "email":
        return rendering.command(number, options.template)
    return Command(
        id="",
        channel="webhook",
        profile_id="",
        definition_id="bench",
        version="0123456789ab",
        step="0",
        occurrence=str(number),
        at=1_714_566_896_789,
        url=f"{to}/hook",
        body={"number": number},
    )


def _settings(cluster: Cluster, prefix: str, to: str) -> dict[str, str]:
    return {
        "BECKON_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap,
        "BECKON_TOPICS__PREFIX": prefix,
        "BECKON_HEALTH__PORT": "0",
        "BECKON_WEBHOOK__SECRETS": SECRET,
        "BECKON_WEBHOOK__ALLOW_HTTP": "true",
        "BECKON_WEBHOOK__ALLOW_PRIVATE": "true",
        "BECKON_WEBHOOK__PORTS": "[]",
        "BECKON_SENDERS__EMAIL": "sendgrid",
        "BECKON_SENDGRID__KEY": "not-a-secret",
        "BECKON_SENDGRID__SENDER": "Shop <news@shop.example>",
        "BECKON_SENDGRID__URL": to,
        "BECKON_CALLBACKS__PUBLIC_URL": "https://mail.shop.example",
        "BECKON_CALLBACKS__SIGNING_KEYS": f"one:{SECRET[6:]}",
    }


def _script(verb: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(SCRIPT), verb, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchFailed(f"postgres.sh {verb} failed: {done.stderr.strip()}")
    return done.stdout.strip().rpartition("\n")[2]
