"""Versions of documents: the same text of them has the same version everywhere."""

import hashlib
import json
from typing import Any

DIGITS = 12


def canonical(document: Any) -> bytes:
    """Returns the one JSON text of a document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def version(document: Any) -> str:
    """Returns the version of a document: 12 hex digits of the SHA-256 of its canonical JSON.

    >>> version({"a": 1, "b": 2}) == version({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(document)).hexdigest()[:DIGITS]
