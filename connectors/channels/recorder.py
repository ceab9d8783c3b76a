"""Records messages of other channels than mail, one JSON file each: nobody gets one.

For development and tests, beside `mailbox`. Promise: key. The message's id names the file, so that
a repeat finds it there. Nothing is reported afterwards.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from connectors.channels import folders
from schemas.events import iso
from schemas.messages import Message, Promise, Reply

SUFFIX = ".json"
MAX_TITLE_CHARS = 80


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was laid into a folder, as a list shows it."""

    id: str
    channel: str
    to: str
    title: str
    at: int
    """Ms since the epoch."""


class Recorder:
    """Lays messages down, a `Provider` by shape.

    Guarantees:
        A message that is called accepted is on the disk, once. Only its owner can read it.
    """

    name = "recorder"
    channels = ("sms", "push", "whatsapp", "slack", "webhook", "audience")
    promise: Promise = "key"

    def __init__(self, folder: Path, *, now_ms: Callable[[], int]) -> None:
        """Makes the folder, in which each channel has its own.

        Raises:
            BadSetting: it can not be made.
        """
        self._folder = folders.made(folder)
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns that it is there, or that it can not be written."""
        content = msgspec.json.format(msgspec.json.encode(self._recorded(message)))
        try:
            await asyncio.to_thread(self._put, message, content + b"\n")
        except OSError:
            return Reply(fate="passing", detail="folder-away")
        return Reply(fate="accepted", detail="written", provider_id=folders.name_of(message.id))

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _recorded(self, message: Message) -> dict[str, Any]:
        """Returns what a message says, what it does not say left out."""
        said = msgspec.to_builtins(message)
        fields = {name: value for name, value in said.items() if value or value == 0}
        return fields | {"recorded_at": iso(self._now_ms())}

    def _put(self, message: Message, content: bytes) -> None:
        folder = self._folder / message.channel
        folders.make(self._folder, folder)
        path = folder / (folders.name_of(message.id) + SUFFIX)
        if not path.exists():
            folders.lay(content, path, by=folder)


def kept(folder: Path) -> list[Kept]:
    """Returns the messages of all channels, in no order.

    Raises:
        OSError: one can not be read.
    """
    found = [path for each in Recorder.channels for path in folders.files(folder / each)]
    return [_kept(path) for path in found if path.suffix == SUFFIX]


def opened(folder: Path, id: str) -> str | None:
    """Returns one message, as JSON; None where there is none of this id.

    Raises:
        OSError: it can not be read.
    """
    for channel in Recorder.channels:
        path = folder / channel / (folders.name_of(id) + SUFFIX)
        if path.is_file():
            return path.read_text("utf-8")
    return None


def _kept(path: Path) -> Kept:
    said = msgspec.json.decode(path.read_bytes())
    return Kept(
        id=path.stem,
        channel=path.parent.name,
        to=said.get("to", ""),
        title=_title(said),
        at=path.stat().st_mtime_ns // 1_000_000,
    )


def _title(said: Mapping[str, Any]) -> str:
    names = "subject", "text", "template", "url"
    return next((said[name][:MAX_TITLE_CHARS] for name in names if said.get(name)), "")
