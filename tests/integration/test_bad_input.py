"""Bad input on a real Kafka, through one running worker: nothing is lost, and it goes on.

Each bad record is followed by a good one of a person of its own, all in one partition: what is
refused must be a dead letter with its reason, and the good one after it must be decided on.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from schemas import codec
from tests.builders import T0, Json, encoded, keyed, on, score, segment, track, trigger
from tests.integration.workers import LIMIT_S, Place, Row, Worker, place, prefix_of, until

DEFINITIONS = [
    score(on("good", 1), on("odd", 1), id="heat"),
    segment({"event": "odd"}, id="odd"),
    trigger("good", id="mail"),
]
GOOD = track("odd", id="odd", person="p")
LARGE = 2_097_152


def changed(**fields: Any) -> bytes:
    """Returns an event with other fields; None leaves a field out."""
    return encoded({key: value for key, value in (GOOD | fields).items() if value is not None})


def nested(depth: int) -> bytes:
    return changed(properties="@").replace(b'"@"', b'{"a":' * depth + b"1" + b"}" * depth)


@dataclass(frozen=True)
class Case:
    """A record, and why it is refused; no reason: it is taken."""

    value: bytes | None
    reason: str | None
    key: bytes | None = b"p"


CASES = {
    "empty value": Case(b"", "empty"),
    "tombstone": Case(None, "empty"),
    "invalid UTF-8": Case(changed(event="odd").replace(b"odd", b"o\xffd"), "not-utf8"),
    "invalid JSON": Case(b'{"messageId": ', "not-json"),
    "JSON array": Case(b"[1, 2]", "field-invalid"),
    "JSON null": Case(b"null", "field-invalid"),
    "2 MB": Case(changed(properties={"text": "x" * LARGE}), "too-large"),
    "10,000 levels of objects": Case(nested(10_000), "too-large"),
    "1,000 levels of objects": Case(nested(1_000), "not-json"),
    "10,000 levels of lists": Case(
        changed(properties="@").replace(b'"@"', b"[" * 10_000 + b"]" * 10_000), "not-json"
    ),
    "10,000 brackets never closed": Case(b"[" * 10_000, "not-json"),
    "key twice": Case(b'{"messageId":"once",' + changed(messageId="twice")[1:], None, b"p"),
    "NaN": Case(changed(properties={"n": "@"}).replace(b'"@"', b"NaN"), "not-json"),
    "Infinity": Case(changed(properties={"n": "@"}).replace(b'"@"', b"-Infinity"), "not-json"),
    "number that overflows": Case(
        changed(messageId="huge", properties={"n": "@"}).replace(b'"@"', b"1e999"), None
    ),
    "no messageId": Case(changed(messageId=None), "field-invalid"),
    "empty messageId": Case(changed(messageId=""), "field-invalid"),
    "messageId a number": Case(changed(messageId=7), "field-invalid"),
    "no ids": Case(changed(userId=None), "id-missing"),
    "no type": Case(changed(type=None), "field-invalid"),
    "unknown type": Case(changed(type="purchase"), "field-invalid"),
    "no event name": Case(changed(event=None), "name-missing"),
    "event name of 10 kB": Case(changed(event="n" * 10_000), "field-invalid"),
    "user id of 10 kB": Case(changed(userId="u" * 10_000), "field-invalid", b"u" * 10_000),
    "user id with control characters": Case(
        changed(userId="p\n\x00"), "id-unprintable", b"p\n\x00"
    ),
    "no timestamp": Case(changed(timestamp=None), "field-invalid"),
    "timestamp a number": Case(changed(timestamp=T0), "field-invalid"),
    "timestamp not a time": Case(changed(timestamp="yesterday"), "field-invalid"),
    "year 0": Case(changed(timestamp="0000-01-01T00:00:00Z"), "field-invalid"),
    "year 1": Case(changed(timestamp="0001-01-01T00:00:00Z"), "time-out-of-range"),
    "year 9999": Case(changed(timestamp="9999-12-31T23:59:59Z"), "time-out-of-range"),
    "no zone": Case(changed(timestamp="2026-01-01T00:00:00"), "field-invalid"),
    "Avro with an unknown schema": Case(b"\0\0\0\0\7abc", "unknown-schema"),
    "truncated Avro": Case(b"\0\0\0", "not-avro"),
    "key of another person": Case(changed(messageId="other"), "key-mismatch", b"q"),
    "no key": Case(changed(messageId="keyless"), "key-missing", None),
    "key that is not UTF-8": Case(changed(messageId="bytes"), "key-mismatch", b"\xff\xfe"),
    "10,000 properties": Case(
        changed(messageId="many", properties={f"k{one}": 1 for one in range(10_000)}), "too-large"
    ),
    "2,000 properties": Case(
        changed(messageId="some", properties={f"k{one}": 1 for one in range(2_000)}), None
    ),
    "properties a list": Case(changed(messageId="list", properties=[1]), None),
    "clock record": Case(b'{"type":"clock","timestamp":"2027-01-01T00:00:00Z"}', "field-invalid"),
    "good one": Case(changed(messageId="good"), None),
}
NAMES = list(CASES)
MAX_VALUE = 900_000


@dataclass
class Run:
    """What came of all cases."""

    target: Place
    worker: Worker
    sent: list[Message]
    """The bad ones and the good ones, in turns."""
    letters: dict[int, Message]
    """The dead letters by the offset of the record."""
    decided: set[str]
    """Who has a command."""


def good(person: str) -> Json:
    return track("good", id=f"m-{person}", person=person)


@pytest.fixture(scope="module")
def run(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("bad")
    with place(kafka, prefix_of("bad"), folder) as target:
        allow(target, 2 * LARGE)
        target.publish(*DEFINITIONS)
        worker = target.worker("a")
        pairs = []
        for number, case in enumerate(CASES.values()):
            pairs += [(case.key, case.value), keyed(good(f"good-{number}"))]
        sent = target.produce(pairs, partition=0)
        target.wait_decided()
        letters = {int(headers(each)["offset"]): each for each in target.read("dead-letters")}
        decided = {row["profile_id"] for row in target.rows("commands.email")}
        yield Run(target, worker, sent, letters, decided)


def allow(target: Place, size: int) -> None:
    """Has the topic of events take records of a size that it would refuse by default."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(
        ResourceType.TOPIC, target.topic("events"), incremental_configs=[entry]
    )
    admin = AdminClient({"bootstrap.servers": target.bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(LIMIT_S)
    asked = ConfigResource(ResourceType.TOPIC, target.topic("events"))

    def is_known() -> bool:  # the controller has it before the broker does
        (found,) = admin.describe_configs([asked]).values()
        return bool(found.result(LIMIT_S)["max.message.bytes"].value == str(size))

    until(is_known, "the broker takes large records")


def headers(message: Message) -> dict[str, str]:
    found: Any = message.headers() or []
    return {name: value.decode() for name, value in found}


@pytest.mark.parametrize("name", NAMES)
def test_bad_record_is_a_dead_letter_with_its_reason(run: Run, name: str) -> None:
    case, number = CASES[name], NAMES.index(name)
    came = run.sent[2 * number]
    letter = run.letters.get(came.offset() or 0)
    if case.reason is None:
        assert letter is None
        return
    assert letter is not None
    told = headers(letter)
    assert told["reason"] == case.reason, told
    assert (told["topic"], told["partition"]) == (run.target.topic("events"), "0")
    assert letter.key() == case.key
    if len(case.value or b"") > MAX_VALUE:
        assert letter.value() == (case.value or b"")[:MAX_VALUE]
        assert told["cut"] == str(len(case.value or b""))
    else:
        assert letter.value() == case.value
        assert "cut" not in told


@pytest.mark.parametrize("name", NAMES)
def test_good_event_after_it_is_decided_on(run: Run, name: str) -> None:
    assert f"good-{NAMES.index(name)}" in run.decided


def test_worker_lives_and_counts_what_it_refused(run: Run) -> None:
    assert run.worker.is_ready(run.target.partitions)
    refused = [case for case in CASES.values() if case.reason is not None]
    assert len(run.letters) == len(refused)
    assert run.worker.metric("beckon_dead_letters_total") == len(refused)
    assert run.target.lag() == 0


def test_no_personal_data_is_told(run: Run) -> None:
    for letter in run.letters.values():
        assert "good-" not in headers(letter)["message"]
        assert "uuuu" not in headers(letter)["message"]
    assert "uuuu" not in run.worker.text
    assert "yesterday" not in run.worker.text


def refusals(run: Run) -> list[tuple[str, str]]:
    """Returns key and reason of the dead letters of definitions."""
    found = [(each.key(), headers(each)) for each in run.target.read("dead-letters")]
    topic = run.target.topic("definitions")
    return [
        ((key or b"").decode(), told["reason"]) for key, told in found if told["topic"] == topic
    ]


def definition(kind: str, id: str, document: Row) -> tuple[bytes, bytes]:
    record = {
        "kind": kind,
        "id": id,
        "version": "0123456789ab",
        "number": 2,
        "published_at": T0,
        "document": document,
    }
    return f"{kind}/{id}".encode(), json.dumps(record).encode()


def test_definition_that_can_not_be_read_leaves_the_old_one_active(run: Run) -> None:
    target, worker = run.target, run.worker
    before = worker.metric("beckon_definitions_active")
    bad = [
        (b"trigger/mail", b"{"),
        (b"trigger", b"{}"),
        definition("trigger", "mail", {"kind": "trigger", "id": "mail", "on": {"evnt": "good"}}),
        definition("trigger", "mail", {"kind": "segment", "id": "mail"}),
    ]
    target.produce(bad, name="definitions")
    until(
        lambda: worker.metric("beckon_definitions_refused_total") == len(bad), "definitions refused"
    )
    until(lambda: len(refusals(run)) == len(bad), "dead letters of definitions")
    assert sorted(refusals(run)) == [
        ("trigger", "key-invalid"),
        ("trigger/mail", "definition-invalid"),
        ("trigger/mail", "key-mismatch"),
        ("trigger/mail", "not-json"),
    ]
    target.produce([keyed(good("afterwards"))])
    target.wait_decided()
    assert "afterwards" in {row["profile_id"] for row in target.rows("commands.email")}
    assert worker.metric("beckon_definitions_active") == before


class SchemaHandler(BaseHTTPRequestHandler):
    """A schema registry: id 1 is the event's schema, others are of what is registered."""

    subjects: ClassVar[list[str]] = ["events-value"]

    def do_GET(self) -> None:
        if self.path.startswith("/schemas/ids/1?") or self.path == "/schemas/ids/1":
            self.answer(200, {"schema": codec.schema_text("event")})
        else:
            self.answer(404, {"error_code": 40403, "message": "Schema not found"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.subjects.append(self.path)
        self.answer(200, {"id": len(self.subjects)})

    def answer(self, status: int, body: Row) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        text = json.dumps(body).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def registry() -> Iterator[str]:
    pytest.importorskip("authlib", reason="the optional client needs beckon[registry]")
    with ThreadingHTTPServer(("127.0.0.1", 0), SchemaHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_with_a_registry_avro_is_judged_by_its_schema(
    kafka: str, topics_prefix: str, registry: str, tmp_path: Path
) -> None:
    whole = codec.encode_avro(codec.decode_event(encoded(good("avro"))), 1)
    sent = {
        "a": whole[: len(whole) // 2],
        "b": whole + b"\0",
        "c": b"\0\0\0\1\1" + whole[5:],
        "avro": whole,
    }
    with place(kafka, topics_prefix, tmp_path) as target:
        target.publish(*DEFINITIONS)
        target.worker("a", REGISTRY__URL=registry)
        target.produce((key.encode(), value) for key, value in sent.items())
        target.produce([keyed(good("json"))])
        target.wait_decided()
        letters = target.read("dead-letters")
        assert {(each.key(), headers(each)["reason"]) for each in letters} == {
            (b"a", "not-avro"),
            (b"b", "not-avro"),
            (b"c", "unknown-schema"),
        }
        commands = target.read("commands.email")
        assert {each.key() for each in commands} == {b"avro", b"json"}
        assert all((each.value() or b"").startswith(b"\0") for each in commands)
