"""The files of the demo: what a person opens afterwards, and what each of them is."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from processors.demo.boards import Board
from processors.operations.errors import OperationFailed
from schemas.events import iso

STREAMS = ("segment-changes", "decisions", "dead-letters", "outcomes")
INSTANTS = ("at", "since")
OURS = (
    "README.txt",
    "summary.md",
    "demo.log",
    "events.jsonl",
    "commands.*.jsonl",
    "scores.csv",
    "segments.csv",
    "segments.jsonl",
    *(f"{name}.jsonl" for name in STREAMS),
)

README = """\
What `beckon demo` has left here. Times are those of the simulation, in UTC.

  summary.md              what came of it, on a page
  events.jsonl            the traffic that was sent, in the order of its arrival
  commands.CHANNEL.jsonl  what was to be done for whom, as the sender wrote it: a file a channel.
                          occurrence is the cause: the messageId of an event, or an instant
  scores.csv              the value and level of each score of each person, at the end
  segments.csv, .jsonl    who is a member of what, and since when, at the end
  segment-changes.jsonl   each entry and each exit, with its cause
  decisions.jsonl         each decision of a trigger: yes or no, and why
  outcomes.jsonl          what came of each command
  dead-letters.jsonl      events that could not be applied: the reason, and the event as it came
  demo.log                what the processes told meanwhile
  shop/                   the definitions, to be changed; where there is no checkout at hand

A .jsonl file has one JSON object a line: `head -3 decisions.jsonl` shows three of them.
"""


class Files:
    """The folder, as a context: its streams are open within."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._streams: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        """Opens the streams.

        Raises:
            OperationFailed: the folder can not be written to.
        """
        try:
            for name in STREAMS:
                path = self.folder / f"{name}.jsonl"
                self._streams[name] = self._stack.enter_context(path.open("wb"))
            (self.folder / "README.txt").write_text(README, "utf-8")
        except OSError as error:
            raise OperationFailed(f"can not write to {self.folder} ({error.strerror})") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the streams."""
        self._stack.close()

    def add(self, name: str, record: msgspec.Struct | Mapping[str, Any]) -> None:
        """Appends a record to a stream; those of other names are left out."""
        if name in self._streams:
            self._streams[name].write(msgspec.json.encode(row(record)) + b"\n")

    def write_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Writes a file of lines."""
        with (self.folder / name).open("wb") as file:
            file.writelines(line + b"\n" for line in lines)

    def write_text(self, name: str, text: str) -> None:
        """Writes a file of text."""
        (self.folder / name).write_text(text, "utf-8")

    def write_tables(self, board: Board) -> None:
        """Writes scores and memberships as they are."""
        scores = [row(board.scores[key]) for key in sorted(board.scores)]
        members = [
            row(board.segments[key]) for key in sorted(board.segments) if board.segments[key].member
        ]
        self._write_table("scores.csv", ("profile_id", "score_id", "value", "level", "at"), scores)
        self._write_table("segments.csv", ("profile_id", "segment_id", "since"), members)
        for member in members:
            del member["member"]
        self.write_lines("segments.jsonl", map(msgspec.json.encode, members))

    def command_ids(self) -> Iterator[str]:
        """Gives the id of each command in the files of the channels."""
        for path in sorted(self.folder.glob("commands.*.jsonl")):
            with path.open("rb") as file:
                for line in file:
                    yield msgspec.json.decode(line)["id"]

    def _write_table(
        self, name: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]
    ) -> None:
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def clear(folder: Path) -> None:
    """Makes the folder, and removes what an earlier demo left there; other files stay.

    Raises:
        OperationFailed: it can not be made or cleared.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OURS:
            for path in folder.glob(name):
                path.unlink()
    except OSError as error:
        raise OperationFailed(f"can not use the folder {folder} ({error.strerror})") from error


def row(record: msgspec.Struct | Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record for people: instants as ISO 8601 in UTC with ms."""
    found: dict[str, Any] = dict(msgspec.to_builtins(record))
    for field in INSTANTS:
        if isinstance(found.get(field), int):
            found[field] = iso(found[field])
    return found
