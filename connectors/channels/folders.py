"""Lays messages into a folder, one file each: whole, on the disk, and for their owner only.

Under the two providers that reach nobody: `mailbox` and `recorder`.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from connectors.errors import BadSetting

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
OWNERS = 0o700


def name_of(key: str) -> str:
    """Returns the name of a message's file: its id, where that can be one.

    >>> name_of("c-1"), len(name_of("../c-1"))
    ('c-1', 40)
    """
    return key if NAME.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:40]


def made(folder: Path) -> Path:
    """Returns the folder, which nobody else can look into where it was not there before.

    Raises:
        BadSetting: it can not be made.
    """
    try:
        make(folder)
    except OSError as error:
        raise BadSetting(f"can not make the folder {folder}") from error
    return folder


def make(*folders: Path) -> None:
    """Makes folders that are not there, with those above them.

    Raises:
        OSError: one can not be made.
    """
    for folder in folders:
        for missing in reversed([each for each in folder.parents if not each.exists()]):
            missing.mkdir(OWNERS, exist_ok=True)  # `parents=True` would open them to others
        folder.mkdir(OWNERS, exist_ok=True)


def lay(content: bytes, path: Path, *, by: Path) -> None:
    """Lays a file down; it is all there, or not at all, whenever the machine stops.

    Args:
        content: of the file.
        path: where; one that is there is replaced.
        by: folder of the same disk in which it is written first.

    Raises:
        OSError: it could not be written; nothing is left of it.
    """
    number, written = tempfile.mkstemp(prefix=".", dir=by)  # readable by its owner only
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(written).replace(path)
    except OSError:
        Path(written).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def files(folder: Path) -> Iterator[Path]:
    """Gives the files of a folder, those that are being written left out."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_file() and not path.name.startswith("."):
                yield path


def _sync(folder: Path) -> None:
    """Has the folder know its files after a crash, too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
