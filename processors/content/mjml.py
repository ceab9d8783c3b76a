"""MJML to HTML, once for each version of a template: Liquid stays where it is.

Tags of Liquid may stand between elements: they are put into `mj-raw`, as MJML wants it. Partials
written in MJML come in by `<mj-include path="id" />`.
"""

import re
from collections.abc import Mapping

import mrml

from processors.content.errors import Broken
from processors.content.tokens import Aside
from processors.definitions import suggestions

TEXTUAL = frozenset(
    {
        "mj-text", "mj-button", "mj-table", "mj-raw", "mj-navbar-link", "mj-social-element",
        "mj-accordion-text", "mj-accordion-title", "mj-title", "mj-preview", "mj-style",
    }
)  # fmt: skip
"""Elements that hold text or HTML."""
ELEMENTS = TEXTUAL | {
    "mjml", "mj-head", "mj-body", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint",
    "mj-font", "mj-html-attributes", "mj-html-attribute", "mj-selector", "mj-include", "mj-section",
    "mj-column", "mj-group", "mj-wrapper", "mj-hero", "mj-image", "mj-divider", "mj-spacer",
    "mj-social", "mj-navbar", "mj-carousel", "mj-carousel-image", "mj-accordion",
    "mj-accordion-element",
}  # fmt: skip

_TAG = re.compile(r"<(/?)(mj[a-z-]*)\b([^<>]*?)(/?)>|(LQD[0-9]{1,6}QDL)")
_POSITION = re.compile(r"(?:at position|at) ([0-9]+)")
_INCLUDE = re.compile(r"""<mj-include\s[^<>]*?path\s*=\s*["']([^"'<>]*)["']""")


def to_html(source: str, partials: Mapping[str, str]) -> str:
    """Returns the HTML of a mail written in MJML.

    Args:
        source: MJML with Liquid.
        partials: those written in MJML, by their ids.

    Raises:
        Broken: it is no MJML, or names what there is not.
    """
    _check(source, partials)
    aside = Aside()
    taken = _wrapped(aside.take(source), aside)
    inner = {name: f"{_wrapped(aside.take(text), aside)}" for name, text in partials.items()}
    loader = mrml.memory_loader(inner)
    try:
        made = mrml.to_html(taken, parser_options=mrml.ParserOptions(include_loader=loader))
    except OSError as error:
        raise _broken(str(error), taken, aside) from error
    return aside.back(made.content)


def _check(source: str, partials: Mapping[str, str]) -> None:
    for match in re.finditer(r"</?(mj[a-z-]*)", source):
        if match[1] not in ELEMENTS:
            said = f"there is no element {match[1]}{suggestions.hint(match[1], ELEMENTS)}"
            raise Broken(_line(source, match.start()), said)
    for match in _INCLUDE.finditer(source):
        if match[1] not in partials:
            said = f"there is no partial {match[1]} with mjml"
            said += suggestions.hint(match[1], partials)
            raise Broken(_line(source, match.start()), said)


def _wrapped(text: str, aside: Aside) -> str:
    """Returns MJML in which tags of Liquid between elements stand in `mj-raw`."""
    opened: list[str] = []

    def settle(match: re.Match[str]) -> str:
        word = match[5]
        if word is not None:
            is_between = not opened or opened[-1] not in TEXTUAL
            return f"<mj-raw>{word}</mj-raw>" if is_between and aside.is_tag(word) else word
        if match[1]:
            if match[2] in opened:
                while opened.pop() != match[2]:
                    pass
        elif not match[4]:
            opened.append(match[2])
        return match[0]

    return _TAG.sub(settle, text)


def _broken(said: str, taken: str, aside: Aside) -> Broken:
    """Returns what the parser says, with the line in the text as it was written."""
    found = _POSITION.search(said)
    line = None
    if found is not None:
        line = _line(aside.back(taken[: int(found[1])]), None)
    return Broken(line, f"is no MJML: {said.replace(' in root template', '')}")


def _line(text: str, end: int | None) -> int:
    return text.count("\n", 0, len(text) if end is None else end) + 1
