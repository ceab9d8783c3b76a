"""The text of a mail made from its HTML, for those who read no HTML.

It is made of the template, once, with its Liquid left where it is: then each message is rendered
twice, and no HTML is read again.
"""

import re
from html.parser import HTMLParser

from processors.content.tokens import PLACE, Aside

HIDDEN = frozenset({"head", "style", "script", "title", "template", "noscript"})
PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "table"})
LINES = frozenset({"div", "tr", "li", "section", "header", "footer", "article", "center", "br"})
VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "wbr"})
MAX_TEXT_BREAKS = 2

_SPACES = re.compile(r"[ \t\r\f\v\xa0]{2,}|[\t\r\f\v\xa0]")
_WHITE = re.compile(r"[ \t\r\n\f\v\xa0\u200b\u200c\u034f\ufeff]+")
_EDGES = re.compile(r" +\n *|\n +")
_BREAKS = re.compile(r"\n{3,}")
_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
_LIQUID = re.compile(r"\{\{|\{%")


def of_html(html: str) -> str:
    r"""Returns a text that says what HTML says; links stand behind their words, in brackets.

    Args:
        html: With Liquid or without; what is hidden by its style is left out.

    >>> of_html('<p>Hi <b>{{ name }}</b></p><p><a href="https://a.example">shop</a></p>')
    'Hi {{ name }}\n\nshop (https://a.example)'
    """
    aside = Aside()
    reader = _Reader(aside)
    reader.feed(aside.take(html))
    reader.close()
    return aside.back(tidy("".join(reader.said)))


def tidy(text: str) -> str:
    """Returns a text without spaces at the ends of lines, and one empty line at most."""
    return _BREAKS.sub("\n\n", _EDGES.sub("\n", _SPACES.sub(" ", text))).strip()


def bare(text: str) -> bytes:
    """Returns a text, as UTF-8, without what no text has: controls, and halves of characters."""
    return text.encode("utf-8", "ignore").translate(None, _CONTROLS)


class _Reader(HTMLParser):
    """Writes down what is seen of HTML."""

    def __init__(self, aside: Aside) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._aside = aside
        self._hidden: list[str] = []
        """Open elements, from the first hidden one on."""
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._hidden or tag in HIDDEN or _is_hidden(given.get("style", "")):
            if tag not in VOID:
                self._hidden.append(tag)
            return
        if tag in PARAGRAPHS:
            self.said.append("\n\n")
        elif tag in LINES:
            self.said.append("\n- " if tag == "li" else "\n")
        elif tag == "hr":
            self.said.append("\n\n---\n\n")
        elif tag == "img":
            self._say(given.get("alt", ""))
        elif tag in ("td", "th"):
            self.said.append(" ")
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self.said)))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
        elif tag in PARAGRAPHS:
            self.said.append("\n\n")
        elif tag in LINES and tag != "br":
            self.said.append("\n")
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._say(data)

    def _say(self, text: str) -> None:
        """Says a text; what only now looks like Liquid is none."""
        said = _LIQUID.sub(lambda match: "{% raw %}" + match[0] + "{% endraw %}", text)
        self.said.append(_WHITE.sub(" ", said))

    def _end_link(self, href: str, begin: int) -> None:
        words = "".join(self.said[begin:]).strip()
        is_address = href.startswith(("http://", "https://")) or PLACE.match(href)
        if is_address and words != href:
            self.said.append(f" ({href})" if words else href)
        elif href.startswith("mailto:") and href[7:] not in words:
            self.said.append(f" ({href[7:]})")


def _is_hidden(style: str) -> bool:
    return "display:none" in style.replace(" ", "").lower()
