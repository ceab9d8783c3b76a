"""Replay: recorded events through the engine in virtual time, from files to files.

Stands beside the worker: the same decisions without a broker, in the stream's clock.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec

from processors.decisions.compiled import Compiled
from processors.runtime.batches import Policy
from processors.runtime.memory import BATCH, Driver
from schemas import codec, events
from schemas.errors import BadEvent
from schemas.records import ScoreRecord, SegmentRecord

STREAMS = (
    "segment-changes",
    "score-changes",
    "commands",
    "consent-changes",
    "decisions",
    "journey-runs",
    "dead-letters",
)
STANDING = ("consents", "suppressions")
INSTANTS = ("at", "since", "until", "expires_at")


class Summary(msgspec.Struct, kw_only=True):
    """What a replay came to."""

    lines: int = 0
    events: int = 0
    profiles: int = 0
    dead_letters: int = 0
    commands: int = 0
    segment_changes: int = 0
    until_ms: int = 0


def replay(
    compiled: Compiled,
    lines: Iterable[bytes],
    out: Path,
    *,
    until_ms: int | None = None,
    progress: Callable[[int], None] = lambda lines: None,
) -> Summary:
    """Runs JSON lines through the engine and writes its files into a directory.

    Args:
        compiled: the definitions.
        lines: raw events; empty lines are passed over.
        out: made if need be; files of an earlier replay are replaced.
        until_ms: to which instant timers run; None: the largest event time.
        progress: is told the number of lines after each batch.
    """
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in STREAMS}
        return _Replay(compiled, files, out).run(lines, until_ms, progress)


class _Replay:
    """One run: the latest of scores and memberships is kept, all else is written at once."""

    def __init__(self, compiled: Compiled, files: Mapping[str, IO[bytes]], out: Path) -> None:
        self.files = files
        self.out = out
        self.scores: dict[str, ScoreRecord] = {}
        self.segments: dict[str, SegmentRecord] = {}
        self.standing: dict[str, dict[str, msgspec.Struct]] = {name: {} for name in STANDING}
        self.summary = Summary()
        self.blanks: list[int] = []
        """How many filled lines stand before each empty one: so a line's number can be told."""
        self.driver = Driver(compiled, self.write, policy=Policy(clock="stream"))

    def run(
        self, lines: Iterable[bytes], until_ms: int | None, progress: Callable[[int], None]
    ) -> Summary:
        summary = self.summary
        filled = self._filled(lines)
        while batch := list(islice(filled, BATCH)):
            self.driver.feed(keyed(batch))
            summary.lines += len(batch)
            progress(summary.lines)
        if until_ms is not None:
            self.driver.advance(until_ms)
        for letter in self.driver.dead_letters:
            text = (letter.record.value or b"").decode("utf-8", "replace")
            row = {
                "line": letter.record.offset + 1 + bisect_right(self.blanks, letter.record.offset),
                "reason": letter.reason,
                "message": letter.message,
            }
            _line(self.files["dead-letters"], {**row, "value": text})
        self._write_tables()
        summary.events = self.driver.events
        summary.profiles = len(self.driver.table.profiles)
        summary.dead_letters = len(self.driver.dead_letters)
        summary.until_ms = self.driver.table.progress.high_water
        return summary

    def _filled(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        filled = 0
        for line in lines:
            if text := line.strip():
                filled += 1
                yield text
            else:
                self.blanks.append(filled)

    def write(self, topic: str, key: str, value: msgspec.Struct | None) -> None:
        """Takes what the engine writes."""
        if topic == "scores":
            _keep(self.scores, key, value)
        elif topic == "segments":
            _keep(self.segments, key, value)
        elif topic in self.standing:
            _keep(self.standing[topic], key, value)
        elif value is not None and topic != "events":
            name = "commands" if topic.startswith("commands.") else topic
            self.summary.commands += name == "commands"
            self.summary.segment_changes += name == "segment-changes"
            _line(self.files[name], _row(value))

    def _write_tables(self) -> None:
        with (self.out / "scores.jsonl").open("wb") as file:
            for key in sorted(self.scores):
                _line(file, _row(self.scores[key]))
        with (self.out / "segments.jsonl").open("wb") as file:
            for key in sorted(self.segments):
                row = _row(self.segments[key])
                if row.pop("member"):
                    _line(file, row)
        for name, held in self.standing.items():
            with (self.out / f"{name}.jsonl").open("wb") as file:
                for key in sorted(held):
                    _line(file, _row(held[key]))


def keyed(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Gives each raw event its key: the person's id, as the identity stage would."""
    for line in lines:
        try:
            key = events.profile_id(codec.decode_event(line))
        except BadEvent:
            key = ""
        yield key.encode(), line


def _keep(held: dict[str, Any], key: str, value: msgspec.Struct | None) -> None:
    if value is None:
        held.pop(key, None)
    else:
        held[key] = value


def _row(value: msgspec.Struct) -> dict[str, Any]:
    """Returns a record for people: instants as ISO 8601 in UTC with ms."""
    row: dict[str, Any] = msgspec.to_builtins(value)
    for field in INSTANTS:
        if row.get(field) is not None:
            row[field] = events.iso(row[field])
    return row


def _line(file: IO[bytes], row: dict[str, Any]) -> None:
    file.write(msgspec.json.encode(row) + b"\n")
