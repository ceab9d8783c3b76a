"""What lays messages into a folder of this machine: mails and others."""

import contextlib
import mailbox
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from connectors.channels.mailbox import MailboxProvider
from connectors.channels.recorder import Recorder
from processors.ports import Provider
from schemas.messages import Message
from tests.providers import cases
from tests.providers.cases import Case, Cases
from tests.providers.messengers import NOW, message

SENDER = "Shop Köln <news@shop.example.com>"


def mailing(folder: Path) -> MailboxProvider:
    return MailboxProvider(folder, SENDER, now_ms=NOW)


def recording(folder: Path) -> Recorder:
    return Recorder(folder, now_ms=NOW)


def mails(folder: Path) -> list[str]:
    """Returns the ids of the mails, as any other reader finds them."""
    if not folder.is_dir():
        return []
    found = mailbox.Maildir(folder, create=False)
    return in_order(str(each["Message-ID"])[1:].partition("@")[0] for each in found)


def records(folder: Path) -> list[str]:
    return in_order(path.stem for path in folder.glob("*/*.json"))


def in_order(ids: Iterator[str]) -> list[str]:
    """Files have no order; the messages of the suite are numbered."""
    return sorted(ids, key=lambda id: int(id.rpartition("-")[2]))


def replaced(make: Callable[[Path], Provider], folder: Path) -> Provider:
    """Returns a provider whose folder is a file now."""
    found = make(folder / "gone")
    (folder / "gone").rmdir()
    (folder / "gone").touch()
    return found


def folder_case(
    make: Callable[[Path], Provider],
    ids: Callable[[Path], list[str]],
    written: Callable[[str], Message],
) -> Callable[[], AbstractContextManager[Case]]:
    """Returns what yields the case of a provider that keeps messages in a folder."""

    @contextlib.contextmanager
    def found() -> Iterator[Case]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield Case(
                make=lambda _: make(folder / "kept"),
                message=written,
                effects=lambda: ids(folder / "kept"),
                fail=lambda fault: None,
                secrets=(),
                away=lambda: replaced(make, folder),
                fates={},
            )

    return found


MAIL_CASES: Cases = {"mailbox": folder_case(mailing, mails, cases.mail)}
CASES: Cases = {"recorder": folder_case(recording, records, lambda key: message("sms", key))}
