"""Appends commands to files, one JSON object a line: what a demonstration sends.

A file a channel, `commands.<channel>.jsonl`. Commands that come together are written together.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from errno import ENOSPC
from io import SEEK_END, FileIO
from pathlib import Path

import msgspec

from connectors.errors import BadSetting
from connectors.outcomes import conclude
from schemas.commands import Command
from schemas.events import iso
from schemas.outcomes import Outcome

CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_FILES = 64
MAX_IDS = 200_000
"""As many of the latest ids are known again; an older repeat would be written twice."""


class JsonlSender:
    """Writes commands to files, a `Sender` by shape.

    Guarantees:
        A command that is called sent was handed to the operating system. Within a run, a
        repeat of one of the latest 200,000 commands is not written again.
    """

    def __init__(
        self, directory: Path, *, now_ms: Callable[[], int], channel: str = "jsonl"
    ) -> None:
        """Makes the directory.

        Raises:
            BadSetting: the directory can not be made.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(f"can not make the directory {directory}") from error
        self.channel = channel
        self._directory = directory
        self._now_ms = now_ms
        self._files: dict[str, FileIO] = {}
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: list[Command] = []
        self._flush: asyncio.Future[None] | None = None

    async def send(self, command: Command) -> Outcome:
        """Returns that it was sent, once it is in its channel's file.

        Raises:
            OSError: the file can not be written; nothing of these commands is taken as written.
        """
        if CHANNEL.fullmatch(command.channel) is None or not self._room(command.channel):
            return conclude(command, "failed", "bad-channel", attempts=0, at=self._now_ms())
        self._waiting.append(command)
        if self._flush is None:
            self._flush = asyncio.ensure_future(self._write())
        await asyncio.shield(self._flush)
        return conclude(command, "sent", "written", attempts=1, at=self._now_ms())

    async def close(self) -> None:
        """Writes what waits and closes the files."""
        if self._flush is not None:
            await asyncio.wait([self._flush])
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _room(self, channel: str) -> bool:
        return channel in self._files or len(self._files) < MAX_FILES

    async def _write(self) -> None:
        await asyncio.sleep(0)  # everything that is sent in this turn of the loop goes in one write
        batch, self._waiting, self._flush = self._waiting, [], None
        new = {one.id: one for one in batch if one.id not in self._known}
        for channel in {one.channel for one in new.values()}:
            mine = [one for one in new.values() if one.channel == channel]
            _append(self._file(channel), b"".join(map(_line, mine)))
            self._known.update((one.id, None) for one in mine)
        while len(self._known) > MAX_IDS:
            self._known.popitem(last=False)

    def _file(self, channel: str) -> FileIO:
        if channel not in self._files:
            path = self._directory / f"commands.{channel}.jsonl"
            self._files[channel] = FileIO(path, "a")
        return self._files[channel]


def _append(file: FileIO, lines: bytes) -> None:
    """Writes all of the lines or none: half a line would spoil the file for its readers."""
    end = file.seek(0, SEEK_END)
    try:
        if file.write(lines) != len(lines):
            raise OSError(ENOSPC, "the file took only a part")
    except OSError:
        file.truncate(end)
        raise


def _line(command: Command) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(command), "at": iso(command.at)}) + b"\n"
