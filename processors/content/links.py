"""Links of a message: which may be there, what is added to them, and who is asked for ours."""

import html as markup
import re
from collections.abc import Callable, Collection, Mapping
from typing import Protocol
from urllib.parse import quote_plus

import msgspec

from processors.definitions.templates import Utm
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message

SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
VIEW_URL = "view_url"
"""The name of the link to a mail in a browser."""
MAX_LINKS = 500
MAX_URL_CHARS = 4_096

_ADDRESS = re.compile(
    r"""\s(href|src|action|formaction|background|poster|data|xlink:href)\s*=\s*"""
    r"""("[^"]*"|'[^']*'|[^\s"'<>]+)""",
    re.I,
)
_ANCHOR = re.compile(r"""(<a\s(?:[^<>]*?\s)?href\s*=\s*)("[^"]*"|'[^']*')""", re.I)
_BODY_END = re.compile(r"</body\s*>", re.I)
NEAR_END_CHARS = 1_000
"""The end of a body is looked for here first."""
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
_PICTURE = re.compile(r"data:image/(png|gif|jpeg|webp);base64,", re.I)


class Links(Protocol):
    """Makes the links by which people answer to us; each names the message, and is signed.

    Guarantees:
        The same message gets the same links. Never blocks; callable from any thread.
    """

    def unsubscribe(self, command: Command) -> str:
        """Returns where one click ends what the message is of (RFC 8058: takes a POST)."""
        ...

    def preferences(self, command: Command) -> str:
        """Returns where people say what they want to get."""
        ...

    def confirm(self, command: Command) -> str:
        """Returns where people confirm that they want it."""
        ...

    def view(self, command: Command) -> str:
        """Returns where people see a mail in a browser."""
        ...

    def click(self, command: Command, url: str) -> str:
        """Returns what leads to an address and tells of it.

        Raises:
            schemas.errors.Unsendable: no message may lead there.
        """
        ...

    def pixel(self, command: Command) -> str | None:
        """Returns the address of a picture that tells of being shown; None: not told."""
        ...


def own(links: Links | None, command: Command) -> dict[str, str]:
    """Returns the links that templates may print, by their names; none where nobody makes them."""
    if links is None or command.has_values:
        return {}
    return {
        "unsubscribe_url": links.unsubscribe(command),
        "preferences_url": links.preferences(command),
        "confirm_url": links.confirm(command),
        VIEW_URL: links.view(command),
    }


def headers(urls: Mapping[str, str], *, transactional: bool) -> dict[str, str]:
    """Returns the headers by which programs show a button to unsubscribe.

    Source: RFC 2369, 3.2; RFC 8058, 3.1.
    """
    url = urls.get("unsubscribe_url")
    if url is None or transactional:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def check(html: str) -> None:
    """Looks at each address in HTML.

    Raises:
        Unsendable: one has a scheme that may be a program, or there are too many.
    """
    for count, match in enumerate(_ADDRESS.finditer(html)):
        if count >= MAX_LINKS:
            raise Unsendable("links-too-many", str(MAX_LINKS), is_held=True)
        refused(match[1].lower(), markup.unescape(match[2].strip("\"'")))


def refused(attribute: str, url: str) -> None:
    """Looks at one address, as programs that show mails read it.

    Raises:
        Unsendable: it may be a program.
    """
    bare = _IGNORED.sub("", url[:MAX_URL_CHARS])
    scheme = _SCHEME.match(bare)
    if scheme is None or scheme[1].lower() in SCHEMES:
        return
    if attribute in ("src", "background") and _PICTURE.match(bare):
        return
    raise Unsendable("link-refused", attribute, is_held=True)


def marked(html: str, utm: Utm | None, campaign: str, *, ours: Collection[str]) -> str:
    """Returns HTML whose links say where they stood.

    Args:
        html: as rendered.
        utm: what to add; None: nothing.
        campaign: the name of it, where `utm` has none.
        ours: links that stay as they are.
    """
    if utm is None:
        return html
    marks = parameters(utm, campaign)
    return _changed(html, ours, lambda url: tagged(url, marks))


def tracked(
    message: Message, command: Command, links: Links | None, *, ours: Mapping[str, str]
) -> Message:
    """Returns a message whose links lead by way of us, with a picture that tells of being shown.

    Args:
        message: as rendered.
        command: what it is for.
        links: makes them; None: nothing is changed.
        ours: what `own` gave for it, when it was rendered.

    Raises:
        Unsendable: no message may lead where a link does.
    """
    if links is None or message.html is None:
        return message
    html = _changed(message.html, ours.values(), lambda url: links.click(command, url))
    place = "/".join(ours[VIEW_URL].rsplit("/", 2)[1:])  # the rest may be escaped
    return msgspec.structs.replace(
        message,
        html=_with_pixel(html, links.pixel(command)),
        is_viewable=place in message.html or place in (message.text or ""),
    )


def _changed(html: str, ours: Collection[str], change: Callable[[str], str]) -> str:
    """Returns HTML in which the links of the web are others."""

    def settle(match: re.Match[str]) -> str:
        url = markup.unescape(match[2][1:-1]).strip()
        if not url.startswith(("http://", "https://")) or url in ours:
            return match[0]
        return f'{match[1]}"{markup.escape(change(url))}"'

    return _ANCHOR.sub(settle, html)


def parameters(utm: Utm, campaign: str) -> dict[str, str]:
    """Returns what is added to a link."""
    found = {
        "utm_source": utm.source,
        "utm_medium": utm.medium,
        "utm_campaign": utm.campaign or campaign,
        "utm_content": utm.content,
        "utm_term": utm.term,
    }
    return {name: value for name, value in found.items() if value is not None}


def tagged(url: str, marks: Mapping[str, str]) -> str:
    """Returns an address with parameters added that it has not.

    >>> tagged("https://a.example/b?c=1#d", {"utm_source": "x y"})
    'https://a.example/b?c=1&utm_source=x+y#d'
    """
    rest, hash_, fragment = url.partition("#")
    path, _, query = rest.partition("?")
    present = {each.partition("=")[0] for each in query.split("&")}
    added = [f"{name}={quote_plus(value)}" for name, value in marks.items() if name not in present]
    query = "&".join(part for part in (query, *added) if part)
    return path + (f"?{query}" if query else "") + hash_ + fragment


def _with_pixel(html: str, url: str | None) -> str:
    if url is None:
        return html
    picture = f'<img src="{markup.escape(url)}" width="1" height="1" alt="">'
    near = max(0, len(html) - NEAR_END_CHARS)
    found = [*_BODY_END.finditer(html, near)] or [*_BODY_END.finditer(html)]
    at = found[-1].start() if found else len(html)
    return html[:at] + picture + html[at:]
