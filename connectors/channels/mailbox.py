"""Lays mails into a Maildir on this machine, where any mail reader shows them: nobody gets one.

For development and tests. Promise: key. The message's id names the file, so that a repeat finds
it, whether it was read meanwhile or not. Nothing is reported afterwards.
Source: the format is that of qmail's maildir(5), which Python's `mailbox` reads.
"""

import asyncio
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from connectors.channels import folders, mails, smtp
from connectors.channels.recorder import Kept
from connectors.channels.replies import refused
from connectors.errors import BadSetting
from schemas.errors import Unsendable
from schemas.messages import Message, Promise, Reply

FOLDER = "email"
"""Of the Maildir, beside those that `recorder` has for other channels."""
BOXES = ("tmp", "new", "cur")


class MailboxProvider:
    """Lays mails down, a `Provider` by shape.

    Guarantees:
        A mail that is called accepted is on the disk, once. Only its owner can read it.
    """

    name = "mailbox"
    channels = ("email",)
    promise: Promise = "key"

    def __init__(self, folder: Path, sender: str, *, now_ms: Callable[[], int]) -> None:
        """Makes the folder.

        Args:
            folder: of the Maildir.
            sender: whom mails are from that say nothing else.
            now_ms: dates them.

        Raises:
            BadSetting: the folder can not be made, or the sender is no address.
        """
        try:
            mails.mailbox(sender)
        except Unsendable as error:
            raise BadSetting("the sender must be one address") from error
        self._folder = folders.made(folder)
        self._sender = sender
        self._now_ms = now_ms

    async def send(self, message: Message) -> Reply:
        """Returns that it is there, or that it can not be written."""
        try:
            mail = mails.mail(message, self._sender)
        except Unsendable as error:
            return refused(error.reason)
        message_id = smtp.message_id_of(message.id, mail.sender.domain)
        utf8 = any(
            each is not None and each.ascii is None
            for each in (mail.sender, mail.to, mail.reply_to)
        )
        content = smtp.mime(mail, f"<{message_id}>", self._now_ms(), utf8=utf8)
        name = folders.name_of(message.id)
        try:
            await asyncio.to_thread(self._put, name, content.replace(b"\r\n", b"\n"))
        except OSError:
            return Reply(fate="passing", detail="folder-away")
        return Reply(fate="accepted", detail="written", provider_id=message_id)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _put(self, name: str, content: bytes) -> None:
        tmp, new, cur = (self._folder / each for each in BOXES)
        folders.make(self._folder, tmp, new, cur)
        is_there = (new / name).exists() or any(_key(each) == name for each in cur.iterdir())
        if not is_there:
            folders.lay(content, new / name, by=tmp)


def kept(folder: Path) -> list[Kept]:
    """Returns the mails of a Maildir, in no order.

    Raises:
        OSError: it can not be read.
    """
    return [_kept(_key(path), path) for path in _paths(folder)]


def opened(folder: Path, id: str) -> EmailMessage | None:
    """Returns one mail; None where there is none of this id.

    Raises:
        OSError: it can not be read.
    """
    name = folders.name_of(id)
    for each in _paths(folder):
        if _key(each) == name:
            return _parsed(each)
    return None


def _paths(folder: Path) -> Iterator[Path]:
    for each in BOXES[1:]:
        yield from folders.files(folder / each)


def _kept(id: str, path: Path) -> Kept:
    mail = _parsed(path)
    return Kept(
        id=id,
        channel="email",
        to=str(mail["To"]),
        title=str(mail["Subject"]),
        at=path.stat().st_mtime_ns // 1_000_000,
    )


def _key(path: Path) -> str:
    """Returns a mail's id: a reader adds its marks behind a colon."""
    return path.name.partition(":")[0]


def _parsed(path: Path) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(path.read_bytes())
