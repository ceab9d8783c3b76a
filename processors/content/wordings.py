"""The texts of one template in one language, compiled: rendered once for each message."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from liquid.template import BoundTemplate

from processors.content import facts, liquids, mjml, plain
from processors.content.liquids import Environment
from processors.definitions.templates import Approved, Notice, Partial, Wording
from schemas.errors import Unsendable

Rendered = Callable[[Mapping[str, Any]], Any]
"""Makes a text, or a structure of texts, of data."""

_WHOLE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
_BODY = re.compile(r"<body\b[^<>]*>", re.I)
HIDDEN = (
    '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{preheader}'
    + "&#847;&zwnj;&nbsp;" * 60
    + "</div>"
)
"""What programs show beside the subject; the rest keeps them from showing more of the mail."""


class Shelf:
    """Partials, and what texts are compiled under."""

    def __init__(self, partials: Mapping[str, Partial]) -> None:
        self.mjml = {id_: each.mjml for id_, each in partials.items() if each.mjml is not None}
        html = {id_: each.html or each.text for id_, each in partials.items()}
        self._html = Environment(_filled(html), is_html=True)
        text = {id_: each.text or _plain(each.html) for id_, each in partials.items()}
        self._text = Environment(_filled(text), is_html=False)
        self._escaped = Environment(_filled(text), is_html=True)

    def html(self, source: str) -> BoundTemplate:
        """Returns a compiled text in which all that is printed is escaped.

        Raises:
            Broken: it is no Liquid.
        """
        return liquids.compile(self._html, source)

    def text(self, source: str, *, is_escaped: bool = False) -> BoundTemplate:
        """Returns a compiled text, in which nothing is escaped unless that is said.

        Raises:
            Broken: it is no Liquid.
        """
        return liquids.compile(self._escaped if is_escaped else self._text, source)


class Compiled:
    """One wording; what it does not say is None.

    Raises:
        Broken: a text of it can not be compiled.
    """

    def __init__(self, wording: Wording, shelf: Shelf, *, is_slack: bool = False) -> None:
        html = html_of(wording, shelf)
        text = wording.text or (plain.of_html(html) if html is not None else None)
        self.is_derived = wording.text is None
        self._html = None if html is None else shelf.html(html)
        self._texts: dict[str, Rendered] = {}
        named = {
            "subject": wording.subject,
            "text": text,
            "sender": wording.sender,
            "reply_to": wording.reply_to,
        }
        for name, source in named.items():
            if source is not None:
                self._texts[name] = _rendered(source, shelf, is_escaped=is_slack)
        self._notice = _notice(wording.push or wording.inbox or wording.task, shelf)
        self.approved = wording.whatsapp
        self._parameters = _parameters(wording.whatsapp, shelf)

    @property
    def has_html(self) -> bool:
        """Whether it is a mail with HTML."""
        return self._html is not None

    def html(self, data: Mapping[str, Any]) -> str | None:
        """Returns the HTML of a mail.

        Raises:
            Unsendable: it can not be rendered; so for all that follow.
        """
        return None if self._html is None else liquids.render(self._html, data)

    def word(self, name: str, data: Mapping[str, Any]) -> str | None:
        """Returns the subject, text, sender or reply_to."""
        found = self._texts.get(name)
        if found is None:
            return None
        said = str(found(data))
        return plain.tidy(said) if name == "text" and self.is_derived else said

    def notice(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Returns title, body, url, image and data of a push message, a stored one or a task."""
        return {name: each(data) for name, each in self._notice.items()}

    def parameters(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns what fills in an approved template."""
        return tuple(str(each(data)) for each in self._parameters)


def html_of(wording: Wording, shelf: Shelf) -> str | None:
    """Returns the HTML of a wording, with its Liquid; None where it has none.

    Raises:
        Broken: its MJML is none.
    """
    html = wording.html
    if wording.mjml is not None:
        html = mjml.to_html(wording.mjml, shelf.mjml)
    if html is None or wording.preheader is None:
        return html
    hidden = HIDDEN.replace("{preheader}", wording.preheader)
    found = _BODY.search(html)
    at = found.end() if found is not None else 0
    return html[:at] + hidden + html[at:]


def _filled(sources: Mapping[str, str | None]) -> dict[str, str]:
    return {id_: source for id_, source in sources.items() if source is not None}


def _plain(html: str | None) -> str | None:
    return None if html is None else plain.of_html(html)


def _rendered(source: str, shelf: Shelf, *, is_escaped: bool = False) -> Rendered:
    compiled = shelf.text(source, is_escaped=is_escaped)
    return lambda data: liquids.render(compiled, data)


def _notice(notice: Notice | None, shelf: Shelf) -> dict[str, Rendered]:
    if notice is None:
        return {}
    fields = {name: getattr(notice, name) for name in Notice.model_fields}
    return {name: _structure(each, shelf) for name, each in fields.items() if each is not None}


def _parameters(approved: Approved | None, shelf: Shelf) -> list[Rendered]:
    return [] if approved is None else [_rendered(each, shelf) for each in approved.parameters]


def _structure(value: Any, shelf: Shelf) -> Rendered:
    """Returns what renders all texts in a JSON-like value; a variable alone keeps its type."""
    if isinstance(value, str):
        whole = _WHOLE.fullmatch(value)
        return _value(whole[1]) if whole is not None else _rendered(value, shelf)
    if isinstance(value, dict):
        inner = {key: _structure(each, shelf) for key, each in value.items()}
        return lambda data: {key: each(data) for key, each in inner.items()}
    if isinstance(value, list):
        parts = [_structure(each, shelf) for each in value]
        return lambda data: [each(data) for each in parts]
    return lambda data: value


def _value(path: str) -> Rendered:
    def find(data: Mapping[str, Any]) -> Any:
        found = facts.look_up(data, path)
        if found is None:
            raise Unsendable("variable-missing", path, is_held=True)
        return found

    return find
