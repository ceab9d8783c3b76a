"""What the `definitions` topic holds: one version of one definition, as a marketer wrote it.

`beckon publish` writes it twice: under `kind/id`, which `processors` makes active, and under
`kind/id@number`, where it stays when a later one takes its place.
"""

import re
from typing import Any

import msgspec

from schemas.errors import BadRecord

_KEY = re.compile(r"([^/@]+)/([^/@]+)(?:@([1-9][0-9]{0,8}))?")


class DefinitionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One published version. A tombstone under the same key ends the definition."""

    kind: str
    id: str
    version: str
    """Hash of the document: the same document has the same version everywhere."""
    number: int
    """Counts the versions of this definition, from 1."""
    published_at: int
    """Ms since the epoch."""
    document: dict[str, Any]
    """The definition as written; not parsed here."""


def key(kind: str, definition_id: str) -> str:
    """Returns the record's key.

    >>> key("segment", "vip")
    'segment/vip'
    """
    return f"{kind}/{definition_id}"


def numbered_key(kind: str, definition_id: str, number: int) -> str:
    """Returns the key under which a version stays; ids never hold an `@`.

    >>> numbered_key("segment", "vip", 2)
    'segment/vip@2'
    """
    return f"{key(kind, definition_id)}@{number}"


def parse_key(written: bytes | None) -> tuple[str, str, int | None]:
    """Returns kind, id and number of a record's key; None for the number where it has none.

    Raises:
        BadRecord: it is no such key.

    >>> parse_key(b"segment/vip"), parse_key(b"segment/vip@2")
    (('segment', 'vip', None), ('segment', 'vip', 2))
    """
    found = _KEY.fullmatch((written or b"").decode("utf-8", "replace"))
    if found is None:
        raise BadRecord("key-invalid", "the key must be kind/id or kind/id@number")
    kind, id_, number = found.groups()
    return kind, id_, None if number is None else int(number)
