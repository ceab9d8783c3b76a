"""What ingesting promises: each line once under its person's id, bad lines told, and a way on."""

import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from processors.operations import ingesting
from processors.operations.errors import OperationFailed
from processors.operations.ingesting import Report, all_lines, ingest, lines, send_tick
from processors.operations.producing import Writer
from processors.runtime.batches import read_tick
from tests.builders import T0, encoded, track
from tests.embedded import Broker


def written(path: Path, *events: Any) -> str:
    path.write_bytes(b"".join(line_of(each) for each in events))
    return str(path)


def line_of(event: Any) -> bytes:
    return (event if isinstance(event, bytes) else encoded(event)) + b"\n"


def read(source: str) -> list[bytes]:
    with lines(source) as found:
        return list(found)


class Stopped(Exception):
    """The ingest is broken off here."""


class Stdin:
    """A standard input that holds bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_plain_and_packed_files_and_standard_input_have_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b'{"a":1}\n{"b":2}\n'
    (tmp_path / "e.jsonl").write_bytes(content)
    (tmp_path / "e.jsonl.zst").write_bytes(zstandard.compress(content))
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    expected = [b'{"a":1}\n', b'{"b":2}\n']
    assert read(str(tmp_path / "e.jsonl")) == expected
    assert read(str(tmp_path / "e.jsonl.zst")) == expected
    assert read("-") == expected


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_bytes(b"a\n")
    second.write_bytes(b"b\n")
    assert list(all_lines([str(second), str(first)])) == [b"b\n", b"a\n"]


@pytest.mark.parametrize("name", ["absent.jsonl", "absent.jsonl.zst", "."])
def test_file_that_can_not_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperationFailed, match="can not read"):
        read(str(tmp_path / name))


def test_packed_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "e.zst").write_bytes(b"no zstandard")
    with pytest.raises(OperationFailed, match="can not read"):
        read(str(tmp_path / "e.zst"))


def test_line_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "MAX_LINE_BYTES", 10)
    (tmp_path / "e.jsonl").write_bytes(b"x" * 25)
    assert [len(line) for line in read(str(tmp_path / "e.jsonl"))] == [10, 10, 5]


def test_each_line_is_sent_as_it_came_under_its_persons_id(broker: Broker, tmp_path: Path) -> None:
    topic = broker.topic("events")
    events = [track("A", person="ada"), track("A", person="bob")]
    source = written(tmp_path / "e.jsonl", *events)
    with Writer(broker.cluster) as writer:
        report = ingest(writer, topic, source)
    assert (report.lines, report.sent, report.bad) == (2, 2, 0)
    found = {record.key(): record.value() for record in broker.records(topic)}
    assert found == {b"ada": encoded(events[0]), b"bob": encoded(events[1])}


def test_visitor_who_is_not_known_is_keyed_by_the_anonymous_id(
    broker: Broker, tmp_path: Path
) -> None:
    topic = broker.topic("events")
    event = track("A") | {"anonymousId": "visitor"}
    del event["userId"]
    with Writer(broker.cluster) as writer:
        ingest(writer, topic, written(tmp_path / "e.jsonl", event))
    assert [record.key() for record in broker.records(topic)] == [b"visitor"]


def test_bad_lines_are_left_out_and_told_and_empty_ones_passed_over(
    broker: Broker, tmp_path: Path
) -> None:
    topic = broker.topic("events")
    source = written(tmp_path / "e.jsonl", b"", b"{", track("A"), b"  ", b'{"type":"track"}')
    with Writer(broker.cluster) as writer:
        report = ingest(writer, topic, source)
    assert (report.sent, report.bad) == (1, 2)
    assert [(bad.number, bad.reason) for bad in report.examples] == [
        (2, "not-json"),
        (5, "field-invalid"),
    ]
    assert len(broker.records(topic)) == 1


def test_only_the_first_bad_lines_are_kept(broker: Broker, tmp_path: Path) -> None:
    source = written(tmp_path / "e.jsonl", *[b"{"] * (ingesting.MAX_SHOWN + 5))
    with Writer(broker.cluster) as writer:
        report = ingest(writer, broker.topic("events"), source)
    assert report.bad == ingesting.MAX_SHOWN + 5
    assert len(report.examples) == ingesting.MAX_SHOWN


def test_missing_topic_is_told_before_anything_is_sent(broker: Broker, tmp_path: Path) -> None:
    source = written(tmp_path / "e.jsonl", track("A"))
    with Writer(broker.cluster) as writer, pytest.raises(OperationFailed, match="is missing"):
        ingest(writer, f"{broker.prefix}absent", source)


def break_off_after(count: int) -> Any:
    def progress(report: Report) -> None:
        if report.sent >= count:
            raise Stopped

    return progress


def broken_off(broker: Broker, topic: str, source: str, after: int) -> None:
    with Writer(broker.cluster) as writer, pytest.raises(Stopped):
        ingest(writer, topic, source, progress=break_off_after(after))


def test_ingest_that_broke_off_goes_on_where_kafka_has_the_file(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "STEP", 2)
    topic = broker.topic("events")
    events = [track("A", T0 + number, person="ada") for number in range(7)]
    source = written(tmp_path / "e.jsonl", *events)
    broken_off(broker, topic, source, after=4)

    with Writer(broker.cluster) as writer:
        report = ingest(writer, topic, source, resume=True)

    assert (report.skipped, report.sent) == (4, 3)
    assert [record.value() for record in broker.records(topic)] == [*map(encoded, events)]


def test_ingest_without_resume_begins_anew(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "STEP", 2)
    topic = broker.topic("events")
    source = written(tmp_path / "e.jsonl", *(track("A", T0 + number) for number in range(5)))
    broken_off(broker, topic, source, after=4)
    with Writer(broker.cluster) as writer:
        assert ingest(writer, topic, source).sent == 5


def test_finished_ingest_leaves_nothing_beside_the_file(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "STEP", 1)
    source = written(tmp_path / "e.jsonl", track("A"), track("B"))
    with Writer(broker.cluster) as writer:
        ingest(writer, broker.topic("events"), source)
    assert [each.name for each in tmp_path.iterdir()] == ["e.jsonl"]


def test_ingest_that_is_killed_while_it_notes_how_far_it_is_has_the_note_before(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "STEP", 2)
    topic = broker.topic("events")
    source = written(tmp_path / "e.jsonl", *(track("A", T0 + number) for number in range(5)))
    write = Path.write_text

    def killed_at_four(path: Path, text: str) -> int:
        if text != "4\n":
            return write(path, text)
        write(path, "")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", killed_at_four)
    with Writer(broker.cluster) as writer, pytest.raises(KeyboardInterrupt):
        ingest(writer, topic, source)
    monkeypatch.undo()
    with Writer(broker.cluster) as writer:
        assert ingest(writer, topic, source, resume=True).skipped == 2
    assert [each.name for each in tmp_path.iterdir()] == ["e.jsonl"]


def test_mark_that_says_nothing_is_not_guessed_at(broker: Broker, tmp_path: Path) -> None:
    source = written(tmp_path / "e.jsonl", track("A"))
    (tmp_path / "e.jsonl.ingested").write_text("far")
    with Writer(broker.cluster) as writer, pytest.raises(OperationFailed, match="remove it"):
        ingest(writer, broker.topic("events"), source, resume=True)


def test_standard_input_is_ingested_without_a_mark(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Stdin(line_of(track("A"))))
    with Writer(broker.cluster) as writer:
        assert ingest(writer, broker.topic("events"), "-", resume=True).sent == 1
    assert not list(tmp_path.iterdir())


def test_tick_puts_a_clock_record_into_every_partition(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        assert send_tick(writer, topic, T0) == 4
    records = broker.records(topic)
    assert [record.partition() for record in records] == [0, 1, 2, 3]
    assert [read_tick(record.value()) for record in records] == [T0] * 4
    assert msgspec.json.decode(records[0].value() or b"") == {
        "type": "clock",
        "timestamp": "2026-01-01T00:00:00.000Z",
    }


class Deaf(Writer):
    """A writer whose records never arrive."""

    def finish(self) -> int:
        return 3


def test_records_that_kafka_does_not_take_end_it_with_a_way_on(
    broker: Broker, tmp_path: Path
) -> None:
    topic = broker.topic("events")
    with Deaf(broker.cluster) as writer:
        with pytest.raises(OperationFailed, match="--resume"):
            ingest(writer, topic, written(tmp_path / "e.jsonl", track("A")))
        with pytest.raises(OperationFailed, match="again"):
            send_tick(writer, topic, T0)
