"""The sender service end to end: commands on Kafka in, verified posts and outcomes out."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from schemas import codec
from schemas.commands import Command
from schemas.outcomes import Outcome
from tests.receivers import SECRET, Receiver, inbox

__all__ = ["inbox"]

ROOT = Path(__file__).parent.parent.parent
TOPICS = (
    "commands.webhook",
    "consents",
    "suppressions",
    "definitions",
    "outcomes",
    "events",
    "dead-letters",
)
LIMIT_S = 40


@dataclass
class Cluster:
    """A broker with the topics of a sender, and where its ledger is."""

    bootstrap: str
    prefix: str
    folder: Path

    def topic(self, name: str) -> str:
        return self.prefix + name

    def produce(self, *commands: Command, raw: tuple[bytes | None, ...] = ()) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})
        for one in commands:
            value = codec.encode(one)
            producer.produce(self.topic("commands.webhook"), value, one.profile_id.encode())
        for bad in raw:
            producer.produce(self.topic("commands.webhook"), bad, b"ada")
        assert producer.flush(LIMIT_S) == 0

    def read(self, name: str, enough: Callable[[list[Message]], bool]) -> list[Message]:
        """Returns the records of a topic, once they are enough."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.prefix}test",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        found: list[Message] = []
        with contextlib.closing(consumer):
            parts = consumer.list_topics(self.topic(name), LIMIT_S).topics[self.topic(name)]
            consumer.assign([TopicPartition(self.topic(name), one, 0) for one in parts.partitions])
            until = time.monotonic() + LIMIT_S
            while not enough(found) and time.monotonic() < until:
                found += consumer.consume(1000, 0.1)
        assert all(one.error() is None for one in found)
        assert enough(found), f"{len(found)} records of {name} came"
        return found

    def outcomes(self, numbers: Iterable[int]) -> list[Outcome]:
        """Returns all outcomes, once there is one for each of these commands."""
        wanted = {f"c-{one:04}" for one in numbers}

        def enough(found: list[Message]) -> bool:
            return wanted <= {decoded(one).command_id for one in found}

        return [decoded(one) for one in self.read("outcomes", enough)]

    def committed(self) -> int:
        """Returns how many commands are committed, over all partitions."""
        group = {"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}sender-webhook"}
        with contextlib.closing(Consumer(group)) as consumer:
            name = self.topic("commands.webhook")
            parts = consumer.list_topics(name, LIMIT_S).topics[name].partitions
            found = consumer.committed([TopicPartition(name, one) for one in parts], LIMIT_S)
            return sum(max(0, one.offset) for one in found)


def decoded(message: Message) -> Outcome:
    return codec.decode_outcome(message.value())


@pytest.fixture(scope="session")
def embedded() -> Iterator[str]:
    """librdkafka's mock cluster: topics come to be when they are written to."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "embedded"})
    brokers = producer.list_topics(timeout=LIMIT_S).brokers.values()
    yield ",".join(f"{one.host}:{one.port}" for one in brokers)
    del producer


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def cluster(request: pytest.FixtureRequest, topics_prefix: str, tmp_path: Path) -> Cluster:
    found = Cluster(request.getfixturevalue(request.param), topics_prefix, tmp_path)
    if request.param == "kafka":
        request.getfixturevalue("create_topics")(*map(found.topic, TOPICS))
    else:
        maker = Producer({"bootstrap.servers": found.bootstrap})
        for name in TOPICS:
            maker.list_topics(found.topic(name), LIMIT_S)
    return found


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Start]:
    with services(cluster) as begin:
        yield begin


def settings(cluster: Cluster) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT),
        "BECKON_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap,
        "BECKON_TOPICS__PREFIX": cluster.prefix,
        "BECKON_DATABASE__URL": f"sqlite:///{cluster.folder}/senders.db",
        "BECKON_WEBHOOK__SECRETS": SECRET,
        "BECKON_WEBHOOK__NAMED_SECRETS": '{"CRM": "a token"}',
        "BECKON_WEBHOOK__ALLOW_HTTP": "true",
        "BECKON_WEBHOOK__ALLOW_PRIVATE": "true",
        "BECKON_WEBHOOK__PORTS": "[]",
        "BECKON_HEALTH__PORT": "0",
    }


@contextlib.contextmanager
def services(cluster: Cluster) -> Iterator[Start]:
    """Starts sender services, waits until they are ready; the rest of them end with the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(slot: str = "one") -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.sender_process"],
            cwd=ROOT,
            env={**os.environ, **settings(cluster), "BECKON_SLOT": slot},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def stop(process: "subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(how)
    return process.wait(LIMIT_S)


def command(number: int, url: str, *, profile_id: str = "ada") -> Command:
    return Command(
        id=f"c-{number:04}",
        channel="webhook",
        profile_id=profile_id,
        definition_id="welcome",
        version="0123456789ab",
        step="0",
        occurrence=f"m-{number}",
        at=1_714_566_896_789,
        url=url,
    )


def test_commands_are_posted_signed_and_their_outcomes_written(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    many = [command(one, inbox.url(), profile_id=f"p{one % 7}") for one in range(100)]
    cluster.produce(*many, command(100, inbox.url("/status/410")))

    process = start()
    outcomes = cluster.outcomes(range(101))

    assert stop(process) == 0
    assert inbox.refused == 0
    assert sorted(inbox.ids) == [f"c-{one:04}" for one in range(101)]
    results = {one.command_id: (one.result, one.detail) for one in outcomes}
    assert len(outcomes) == len(results) == 101
    assert results.pop("c-0100") == ("failed", "http-410")
    assert set(results.values()) == {("sent", "http-200")}
    assert cluster.committed() == 101


def test_commands_of_one_person_are_sent_in_their_order(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    cluster.produce(*(command(one, inbox.url()) for one in range(50)))

    process = start()
    cluster.outcomes(range(50))

    assert stop(process) == 0
    assert inbox.ids == [f"c-{one:04}" for one in range(50)]


def filled(number: int, url: str, name: str | None, **more: Any) -> Command:
    """A command into which its sender fills values."""
    said: dict[str, Any] = {
        "body": {"who": "Dear {{ name }}", "n": ["{{ event.n | default: 0 }}"]},
        "traits": {"email": "ada@example.org"} | ({} if name is None else {"name": name}),
        "properties": {"n": number},
        "has_values": True,
    }
    return msgspec.structs.replace(command(number, url), **(said | more))


HOSTILE = ("../admin", "a?x=1", "@evil.example", "a#b&c=d", "%2e%2e", "{{ secrets.CRM }}", "é")
"""Stay what they are, where they are printed."""
OUTSIDE = ("..", "a;b", "", "x" * 3_000)
BROKEN = ("a\r\nHost: evil.example", "{{ secrets.CRM }}", "é")


def test_values_are_filled_in_and_lead_nowhere_else(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    asked = inbox.url("/ok/{{ name }}?from={{ name }}")
    given = {"X-Name": "to {{ name }}", "X-Key": "{{ secrets.CRM }}"}
    cluster.produce(
        filled(0, asked, "Ada", headers=given),
        *(filled(one, asked, name) for one, name in enumerate(HOSTILE, 10)),
        *(filled(one, asked, name) for one, name in enumerate(OUTSIDE, 20)),
        *(filled(one, inbox.url(), name, headers=given) for one, name in enumerate(BROKEN, 30)),
        filled(40, asked, None),
        command(41, inbox.url()),
    )

    process = start()
    numbers = [0, *range(10, 17), *range(20, 24), *range(30, 33), 40, 41]
    came = {one.command_id: (one.result, one.detail) for one in cluster.outcomes(numbers)}
    assert stop(process) == 0

    assert inbox.refused == 0
    assert inbox.ids == ["c-0000", *(f"c-{one:04}" for one in range(10, 17)), "c-0041"]
    assert inbox.posts[0]["data"] == {"who": "Dear Ada", "n": [0]}
    assert (inbox.headers[0]["x-name"], inbox.headers[0]["x-key"]) == ("to Ada", "a token")
    paths = [urlsplit(each) for each in inbox.seen if each != "/ok"]
    assert [unquote(each.path) for each in paths] == [f"/ok/{one}" for one in ("Ada", *HOSTILE)]
    assert [parse_qs(each.query) for each in paths] == [
        {"from": [one]} for one in ("Ada", *HOSTILE)
    ]
    assert [post["data"] for post in inbox.posts[1:8]] == [
        {"who": f"Dear {name}", "n": [number]} for number, name in enumerate(HOSTILE, 10)
    ]
    assert not any("traits" in post for post in inbox.posts)
    assert [came[f"c-{one:04}"][0] for one in range(20, 24)] == ["failed"] * 4
    assert {came[f"c-{one:04}"] for one in range(30, 33)} == {("failed", "header-invalid: X-Name")}
    assert came["c-0040"] == ("held", "variable-missing: name")


def test_what_can_not_be_read_goes_to_the_dead_letters(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    large = b'{"id": "' + b"x" * 950_000
    cluster.produce(raw=(b"no command", None, b"\xff\xfe", large))
    cluster.produce(command(1, inbox.url()))

    process = start()
    outcomes = cluster.outcomes([1])
    letters = cluster.read("dead-letters", lambda found: len(found) >= 4)

    assert stop(process) == 0
    assert [one.command_id for one in outcomes] == ["c-0001"]
    by_reason: dict[str, Message] = {}
    for letter in letters:
        headers = dict(letter.headers() or ())
        by_reason[str(headers["reason"])] = letter
        assert headers["topic"] == cluster.topic("commands.webhook").encode()
        assert letter.key() == b"ada"
    assert set(by_reason) == {"b'not-json'", "b'empty'", "b'not-utf8'"}
    assert by_reason["b'empty'"].value() in (None, b"")
    assert max(len(one.value() or b"") for one in letters) == 900_000
    assert cluster.committed() == 5


def test_stop_ends_what_is_in_flight_and_commits_it(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    process = start()
    cluster.produce(command(1, inbox.url("/slow")))
    assert inbox.arrived.wait(LIMIT_S)

    process.send_signal(signal.SIGTERM)
    inbox.release.set()  # the receiver cuts the connection: the sender tries again, in its grace

    assert process.wait(LIMIT_S) == 0
    assert [one.result for one in cluster.outcomes([1])] == ["unknown"]
    assert cluster.committed() == 1


def test_what_was_under_way_at_a_kill_is_settled_after_the_restart(
    cluster: Cluster, inbox: Receiver, start: Start
) -> None:
    process = start()
    cluster.produce(command(1, inbox.url("/drop-first")), command(2, inbox.url("/slow")))
    assert inbox.arrived.wait(LIMIT_S)
    cluster.produce(*(command(one, inbox.url(), profile_id=f"p{one}") for one in range(3, 30)))
    cluster.outcomes(range(3, 30))

    stop(process, signal.SIGKILL)
    inbox.release.set()
    again = start()
    outcomes = cluster.outcomes(range(1, 30))

    assert stop(again) == 0
    results = {one.command_id: one.result for one in outcomes}
    assert results.pop("c-0002") == "unknown"
    assert set(results.values()) == {"sent"}
    assert cluster.committed() == 29


@pytest.mark.kafka
def test_second_service_takes_over_a_part_without_loss(
    kafka: str,
    create_topics: Callable[..., None],
    topics_prefix: str,
    inbox: Receiver,
    tmp_path: Path,
) -> None:
    cluster = Cluster(kafka, topics_prefix, tmp_path)
    create_topics(*map(cluster.topic, TOPICS))
    many = [command(one, inbox.url(), profile_id=f"p{one % 50}") for one in range(600)]

    with services(cluster) as begin:
        first = begin()
        cluster.produce(*many[:300])
        assert inbox.arrived.wait(LIMIT_S)
        second = begin("two")
        cluster.produce(*many[300:])
        outcomes = cluster.outcomes(range(600))
        assert stop(first) == 0
        # What the first could not commit, as the group was moving, the second does again.
        until = time.monotonic() + LIMIT_S
        while cluster.committed() < 600 and time.monotonic() < until:
            pass
        assert cluster.committed() == 600
        assert stop(second) == 0

    assert len({one.id for one in outcomes}) == 600
    assert set(inbox.ids) == {one.command_id for one in outcomes}


def test_kill_loses_no_command(cluster: Cluster, inbox: Receiver, start: Start) -> None:
    many = [command(one, inbox.url(), profile_id=f"p{one % 40}") for one in range(400)]
    cluster.produce(*many)
    process = start()
    assert inbox.arrived.wait(LIMIT_S)

    stop(process, signal.SIGKILL)
    again = start()
    outcomes = cluster.outcomes(range(400))

    assert stop(again) == 0
    assert set(inbox.ids) == {one.id for one in many}
    assert {one.command_id for one in outcomes} == {one.id for one in many}
    assert cluster.committed() == 400


@pytest.mark.kafka
def test_command_of_an_aborted_transaction_is_never_sent(
    kafka: str,
    create_topics: Callable[..., None],
    topics_prefix: str,
    inbox: Receiver,
    tmp_path: Path,
) -> None:
    cluster = Cluster(kafka, topics_prefix, tmp_path)
    create_topics(*map(cluster.topic, TOPICS), partitions=1)
    transactions(cluster, inbox.url())

    with services(cluster) as begin:
        process = begin()
        cluster.outcomes([1, 3])
        assert stop(process) == 0
        assert inbox.ids == ["c-0001", "c-0003"]
        again = begin()
        cluster.produce(command(4, inbox.url()))
        cluster.outcomes([4])
        assert stop(again) == 0

    assert inbox.ids == ["c-0001", "c-0003", "c-0004"]


def transactions(cluster: Cluster, url: str) -> None:
    """Writes commands 1 and 3 in committed transactions, ten in an aborted one between them."""
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "transactional.id": cluster.prefix}
    )
    producer.init_transactions(LIMIT_S)
    for numbers, is_kept in (((1,), True), (range(20, 30), False), ((3,), True)):
        producer.begin_transaction()
        for one in numbers:
            value = codec.encode(command(one, url))
            producer.produce(cluster.topic("commands.webhook"), value, b"ada")
        producer.flush(LIMIT_S)
        end = producer.commit_transaction if is_kept else producer.abort_transaction
        end(LIMIT_S)
