"""Ingests JSON lines into a topic of events, and clock records into all its partitions.

An ingest that breaks off can be resumed: how far Kafka has the file is kept beside it. What is sent
twice on the way does no harm, as events are told apart by messageId.
"""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
import zstandard

from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.runtime.batches import tick
from schemas import codec, events
from schemas.errors import BadEvent

STEP = 5_000
"""Lines between two marks of how far it is."""
MAX_LINE_BYTES = 4_194_304
MAX_SHOWN = 10


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no event."""

    number: int
    reason: str
    message: str


class Report(msgspec.Struct, kw_only=True):
    """What came of ingesting one file."""

    lines: int = 0
    sent: int = 0
    skipped: int = 0
    """Lines that Kafka had already, by an earlier try."""
    bad: int = 0
    examples: list[BadLine] = []
    """The first bad lines."""


@contextmanager
def lines(source: str) -> Iterator[Iterator[bytes]]:
    """Gives the lines of a file: `.jsonl`, `.jsonl.zst`, or `-` for standard input.

    Raises:
        OperationFailed: it can not be read.
    """
    try:
        if source == "-":
            yield _bounded(sys.stdin.buffer)
        elif source.endswith(".zst"):
            with Path(source).open("rb") as packed:
                reader = zstandard.ZstdDecompressor().stream_reader(packed)
                yield _bounded(io.BufferedReader(reader))
        else:
            with Path(source).open("rb") as file:
                yield _bounded(file)
    except (OSError, zstandard.ZstdError) as error:
        raise OperationFailed(f"can not read {source}: {error}") from error


def _bounded(file: IO[bytes] | io.BufferedReader) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        yield line


def all_lines(sources: Iterable[str]) -> Iterator[bytes]:
    """Gives the lines of several files, one file after the other; raises as `lines` does."""
    for source in sources:
        with lines(source) as found:
            yield from found


def ingest(
    writer: Writer,
    topic: str,
    source: str,
    *,
    resume: bool = False,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Sends each line as an event under its person's id; bad ones are left out and told.

    Args:
        writer: to the cluster.
        topic: full name.
        source: see `lines`.
        resume: begins where an earlier try ended.
        progress: is told every few thousand lines.

    Raises:
        OperationFailed: the file can not be read, or Kafka does not take its lines.
    """
    report = Report()
    mark = None if source == "-" else Path(f"{source}.ingested")
    report.skipped = _read(mark) if resume else 0
    writer.partitions(topic)
    with lines(source) as found:
        for line in found:
            report.lines += 1
            if report.lines > report.skipped and line.strip():
                _send(writer, topic, line.strip(), report)
            if report.lines % STEP == 0:
                _confirm(writer, mark, report)
                progress(report)
    _confirm(writer, None, report)
    if mark is not None:
        for note in (mark, _beside(mark)):
            note.unlink(missing_ok=True)
    progress(report)
    return report


def send_tick(writer: Writer, topic: str, at_ms: int) -> int:
    """Writes a clock record into every partition of a topic; returns into how many.

    Raises:
        OperationFailed: Kafka does not take them.
    """
    partitions = writer.partitions(topic)
    for partition in partitions:
        writer.write(topic, b"", tick(at_ms), partition)
    if writer.finish():
        raise OperationFailed("Kafka did not take all clock records: do it again")
    return len(partitions)


def _send(writer: Writer, topic: str, line: bytes, report: Report) -> None:
    try:
        key = events.profile_id(codec.decode_event(line))
    except BadEvent as bad:
        report.bad += 1
        if len(report.examples) < MAX_SHOWN:
            report.examples.append(BadLine(report.lines, bad.reason, str(bad)))
        return
    writer.write(topic, key.encode(), line)
    report.sent += 1


def _confirm(writer: Writer, mark: Path | None, report: Report) -> None:
    """Waits for Kafka and notes how far it has the file."""
    lost = writer.finish()
    if lost:
        raise OperationFailed(f"Kafka did not take {lost} records: go on with --resume")
    if mark is not None:
        _note(mark, report.lines)


def _note(mark: Path, number: int) -> None:
    """Writes beside and moves over: who is killed meanwhile leaves the older note whole."""
    beside = _beside(mark)
    beside.write_text(f"{number}\n")
    beside.replace(mark)


def _beside(mark: Path) -> Path:
    return mark.with_name(f"{mark.name}.new")


def _read(mark: Path | None) -> int:
    if mark is None or not mark.exists():
        return 0
    text = mark.read_text().strip()
    if not text.isdigit():
        raise OperationFailed(f"{mark} does not say how far the ingest was: remove it")
    return int(text)
