"""What is wrong with definitions, said so that the person who wrote them can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_SHOWN = 40
"""Characters of a text or a key that a message repeats."""

Path = tuple[str | int, ...]
"""The way into a document: keys and places in lists, from the outside in."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what was found, and what is allowed."""

    file: str | None
    """As the caller named it; None where the document came from no file."""
    line: int | None
    """Counted from 1; None where the document came from no file."""
    path: str
    """Place in the document, such as `when.all[1].trait`; empty for the whole."""
    message: str

    def __str__(self) -> str:
        """Returns the problem as compilers print one: `file:line: path: message`."""
        place = self.file or ""
        if self.file and self.line is not None:
            place = f"{place}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


class InvalidDefinitions(Exception):
    """Definitions that can not be used, with everything that is wrong with them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def show(path: Path) -> str:
    """Returns a path as text.

    >>> show(("when", "all", 1, "trait"))
    'when.all[1].trait'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif len(part) <= MAX_SHOWN and part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{shorten(part)}]"
    return text


def shorten(text: str) -> str:
    """Returns the text in quotes, on one line and not too long."""
    return f'"{one_line(text, MAX_SHOWN)}"'


def one_line(text: str, limit: int = 200) -> str:
    """Returns the text on one line, cut where it is longer than the limit."""
    kept = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in kept)
