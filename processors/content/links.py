"""Links of a message: which may be there, what is added to them, and who is asked for ours."""

import html as markup
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from urllib.parse import quote_plus

from processors.content import attributes
from processors.definitions.templates import Utm
from schemas.commands import Command
from schemas.errors import Unsendable

SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
VIEW_URL = "view_url"
"""The name of the link to a mail in a browser."""
MAX_LINKS = 500
MAX_URL_CHARS = 4_096

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


def parted(html: bytes, utm: Utm | None, campaign: str, *, ours: Collection[str]) -> list[str]:
    """Returns HTML in parts, every other one an address of the web that a link leads to.

    Args:
        html: as rendered.
        utm: what is added to the addresses; None: nothing.
        campaign: the name of it, where `utm` has none.
        ours: links that stay as they are, part of the HTML.

    Raises:
        Unsendable: an address may be a program, or there are too many.
    """
    places = attributes.places(html)
    if len(places) > MAX_LINKS:
        raise Unsendable("links-too-many", str(MAX_LINKS), is_held=True)
    for place in places:
        url = markup.unescape(attributes.text(html, place))
        if is_doubtful(place.attribute, url) and not attributes.is_text(html, place):
            raise Unsendable("link-refused", place.attribute, is_held=True)
    marks = {} if utm is None else parameters(utm, campaign)

    def settle(written: str) -> str | None:
        url = markup.unescape(written).strip()
        if url in ours or not url.startswith(("http://", "https://")):
            return None
        return tagged(url, marks) if marks else url

    is_changed = bool(ours or marks)  # else nobody tracks, and all stays as it is written
    return attributes.parted(html, places if is_changed else (), settle)


def joined(parts: Sequence[str]) -> str:
    """Returns the HTML of which these are the parts."""
    return "".join(escaped(each) if at % 2 else each for at, each in enumerate(parts))


def escaped(url: str) -> str:
    """Returns an address as it stands in an attribute."""
    return markup.escape(url)


def is_doubtful(attribute: str, url: str) -> bool:
    """Returns whether an address may be a program, as programs that show mails read it."""
    bare = _IGNORED.sub("", url[:MAX_URL_CHARS])
    scheme = _SCHEME.match(bare)
    if scheme is None or scheme[1].lower() in SCHEMES:
        return False
    return attribute not in ("src", "background") or not _PICTURE.match(bare)


def parameters(utm: Utm, campaign: str) -> dict[str, str]:
    """Returns what is added to a link, by name, as it is written there."""
    found = {
        "utm_source": utm.source,
        "utm_medium": utm.medium,
        "utm_campaign": utm.campaign or campaign,
        "utm_content": utm.content,
        "utm_term": utm.term,
    }
    return {
        name: f"{name}={quote_plus(value)}" for name, value in found.items() if value is not None
    }


def tagged(url: str, marks: Mapping[str, str]) -> str:
    """Returns an address with parameters added that it has not.

    >>> tagged("https://a.example/b?c=1#d", {"utm_source": "utm_source=x+y"})
    'https://a.example/b?c=1&utm_source=x+y#d'
    """
    rest, hash_, fragment = url.partition("#")
    path, _, query = rest.partition("?")
    present = {each.partition("=")[0] for each in query.split("&")}
    added = [mark for name, mark in marks.items() if name not in present]
    query = "&".join(part for part in (query, *added) if part)
    return path + (f"?{query}" if query else "") + hash_ + fragment
