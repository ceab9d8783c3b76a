"""What was probably meant: the nearest of the known words."""

import difflib
from collections.abc import Iterable

MAX_CHARS = 64
"""Longer words get no suggestion: comparing them costs the square of their length."""
CUTOFF = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word most like this one, None where none is like it.

    >>> nearest("at_leest", ["at_most", "at_least"])
    'at_least'
    """
    if len(word) > MAX_CHARS:
        return None
    candidates = sorted(known)
    found = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=CUTOFF)
    return found[0] if found else None


def hint(word: str, known: Iterable[str]) -> str:
    """Returns `; did you mean x?`, or nothing where no known word is near."""
    found = nearest(word, known)
    return f"; did you mean {found}?" if found else ""
