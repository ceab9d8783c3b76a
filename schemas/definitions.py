"""What the `definitions` topic holds: one version of one definition, as a marketer wrote it.

`beckon publish` writes it; `processors` parses the document and makes it active.
"""

from typing import Any

import msgspec


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
