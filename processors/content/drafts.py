"""Messages before links lead by way of us: rendered in one process, finished in another.

What signs links must not be where templates run. So HTML comes from there in parts, and who has the
keys looks for nothing in it.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from processors.content import links
from processors.content.links import VIEW_URL, Links
from schemas.commands import Command
from schemas.messages import Message

_BODY_END = re.compile(r"</body\s*>", re.I)


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """A message that lacks its HTML."""

    message: Message
    parts: Sequence[str] = ()
    """Of its HTML: every other one is the address that a link leads to; none: it has no HTML."""


def of(message: Message, parts: Sequence[str], ours: Mapping[str, str]) -> Draft:
    """Returns the draft of a mail.

    Args:
        message: without its HTML.
        parts: of its HTML, as `links.parted` gives them.
        ours: our own links, by name; none: nobody tracks.
    """
    if not ours:
        return Draft(message, (links.joined(parts),))
    place = "/".join(ours[VIEW_URL].rsplit("/", 2)[1:])  # the rest may be escaped
    is_viewable = any(place in each for each in (*parts[::2], message.text or ""))
    return Draft(msgspec.structs.replace(message, is_viewable=is_viewable), parts)


def finished(draft: Draft, command: Command, tracking: Links | None) -> Message:
    """Returns the message: its links lead by way of us, and a picture tells of being shown.

    Args:
        draft: as rendered.
        command: what it is for.
        tracking: makes the links; None: they stay as they are.

    Raises:
        Unsendable: no message may lead where a link does.
    """
    if not draft.parts:
        return draft.message
    parts = list(draft.parts)
    if tracking is not None:
        parts[1::2] = [tracking.click(command, url) for url in parts[1::2]]
        _show(parts, tracking.pixel(command))
    return msgspec.structs.replace(draft.message, html=links.joined(parts))


def _show(parts: list[str], url: str | None) -> None:
    """Puts a picture before the end of the body, else behind everything."""
    if url is None:
        return
    picture = f'<img src="{links.escaped(url)}" width="1" height="1" alt="">'
    for place in range(len(parts) - 1, -1, -2):
        found = [*_BODY_END.finditer(parts[place])]
        if found:
            at = found[-1].start()
            parts[place] = parts[place][:at] + picture + parts[place][at:]
            return
    parts[-1] += picture
