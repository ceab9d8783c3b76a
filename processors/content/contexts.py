"""Where in HTML a template prints: in text and in quoted attributes that is safe, elsewhere not.

What is printed is escaped, so that it can not end a text or a quoted attribute. It could begin
another attribute where there are no quotes, and is a program in a script.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from processors.content.tokens import TAG

RAW = {tag: re.compile(f"</{tag}", re.I) for tag in ("script", "style")}
"""Elements whose text is no text, and what ends them."""
UNSAFE = ("on", "srcdoc")
"""Begin the names of attributes that hold programs or pages."""

_OPEN = re.compile(r"<(!--|/?[a-zA-Z][a-zA-Z0-9:-]*)")
_NAME = re.compile(r"[^\s=>\"'/]+")


def unsafe(html: str) -> Iterator[tuple[int, str]]:
    """Yields the line of each output that is not safe where it stands, and why."""
    for start, why in _Scanner(html).scan():
        yield html.count("\n", 0, start) + 1, why


class _Scanner:
    """Walks over HTML once; branches of Liquid are taken as they follow each other."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._liquid = {match.start(): match for match in TAG.finditer(html)}
        self._starts = list(self._liquid)
        self._at = 0

    def scan(self) -> Iterator[tuple[int, str]]:
        while self._at < len(self._html):
            if self._skip_liquid():
                continue
            match = _OPEN.match(self._html, self._at)
            if match is None:
                self._at += 1
            elif match[1] == "!--":
                self._at = self._comment_end(match.end())
            else:
                self._at = match.end()
                yield from self._tag()
                if match[1].lower() in RAW:
                    yield from self._raw(match[1].lower())

    def _comment_end(self, begin: int) -> int:
        """Returns where to go on: in a comment that Outlook reads, else behind it."""
        if self._html.startswith("[if", begin):
            return begin
        end = self._html.find("-->", begin)
        return len(self._html) if end < 0 else end + len("-->")

    def _skip_liquid(self) -> bool:
        found = self._liquid.get(self._at)
        if found is None:
            return False
        self._at = found.end()
        return True

    def _tag(self) -> Iterator[tuple[int, str]]:
        """Yields what is unsafe up to the end of a tag."""
        name, is_value = "", False
        while self._at < len(self._html):
            found, start = self._liquid.get(self._at), self._at
            char = self._html[self._at]
            if found is not None:
                self._at = found.end()
                if found[0].startswith("{{"):
                    yield start, "prints outside of quotes: put quotes around the attribute's value"
            elif char == ">":
                self._at += 1
                return
            elif char in "\"'" and is_value:
                self._at += 1
                yield from self._quoted(name, char)
                name, is_value = "", False
            elif char == "=":
                self._at, is_value = self._at + 1, True
            elif char.isspace() or char in "\"'/":
                self._at += 1
            else:
                match = _NAME.match(self._html, self._at)
                end = match.end() if match is not None else self._at + 1
                inner = [at for at in range(start + 1, end) if at in self._liquid]
                self._at = inner[0] if inner else end
                if not is_value:
                    name = self._html[start : self._at].lower()
                elif not inner:
                    name, is_value = "", False

    def _quoted(self, name: str, quote: str) -> Iterator[tuple[int, str]]:
        while self._at < len(self._html):
            found, start = self._liquid.get(self._at), self._at
            if found is not None:
                self._at = found.end()
                if found[0].startswith("{{") and name.startswith(UNSAFE):
                    why = f"prints into {name}, which is a program: that can not be made safe"
                    yield start, why
                continue
            self._at += 1
            if self._html[start] == quote:
                return

    def _raw(self, tag: str) -> Iterator[tuple[int, str]]:
        closed = RAW[tag].search(self._html, self._at)
        end = len(self._html) if closed is None else closed.start()
        inside = self._starts[bisect_left(self._starts, self._at) : bisect_left(self._starts, end)]
        for start in inside:
            if self._liquid[start][0].startswith("{{"):
                yield start, f"prints into a {tag}: that can not be made safe"
        self._at = end
