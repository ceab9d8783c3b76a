"""Summaries: messages that were over a cap, and go as one as soon as there is room.

The gate asks about each by itself; here is what becomes of those that may go at one instant.
"""

from typing import Any

import msgspec

from processors.decisions.moments import Moment
from processors.decisions.terms import Terms
from processors.state.contacts import Held
from schemas.commands import Command
from schemas.consents import ALL
from schemas.events import iso

COMBINED = "combined"
"""What the list of its messages is called among the properties of a summary."""
MAX_BYTES = 128 * 1024
"""How long that list may be as JSON: half of what a sender keeps of a command that is held. What
does not fit waits for the next room."""


class Summary(msgspec.Struct, kw_only=True):
    """A message that has gone at this instant, and those that go in it."""

    template: str
    """Of the summary, once there is more than one message in it."""
    place: int
    """Of its command among those of the decision."""
    parts: list[dict[str, Any]]
    """What is said of each message, in their order."""
    size: int
    """Bytes of that as JSON."""
    caps: set[str]
    """In which it counts: once, whatever is in it."""

    def has_room(self, size: int) -> bool:
        """Returns whether so many more bytes fit in."""
        return self.size + size <= MAX_BYTES


Summaries = dict[str, Summary]
"""Those of one instant, by the cap that combines."""


def begin(found: Summaries, moment: Moment, held: Held, terms: Terms) -> None:
    """Has others go in a message that has just gone, unless they fit in one before it."""
    cap = terms.combining
    if cap is None or cap.summary is None:
        return
    part, size = _part(held)
    before = found.get(cap.key)
    if before is not None and before.has_room(size):
        return
    found[cap.key] = Summary(
        template=cap.summary,
        place=len(moment.decision.commands) - 1,
        parts=[part],
        size=size,
        caps={each.key for each in terms.caps},
    )


def joined(found: Summaries, held: Held, terms: Terms, *, is_full: bool) -> Summary | None:
    """Returns in which message another one is to go; None: it goes by itself, or not now.

    Args:
        found: the summaries of this instant.
        held: the other one.
        terms: of it.
        is_full: whether there is no room in the cap that combines.
    """
    cap = terms.combining
    summary = None if cap is None else found.get(cap.key)
    if cap is None or summary is None or not (is_full or held.over == cap.key):
        return None
    return summary if summary.has_room(_part(held)[1]) else None


def add(summary: Summary, moment: Moment, held: Held, terms: Terms) -> Command:
    """Puts a message into another one; returns that one's command as it is then."""
    part, size = _part(held)
    summary.parts.append(part)
    summary.size += size
    summary.caps |= {each.key for each in terms.caps}
    commands = moment.decision.commands
    first = commands[summary.place]
    expiries = [first.expires_at, terms.useful_until(held.made)]
    about = held.topic or ALL
    is_said = about in (first.topic or ALL, *first.topics)
    commands[summary.place] = msgspec.structs.replace(
        first,
        template=summary.template,
        properties=first.properties | {COMBINED: list(summary.parts)},
        topics=first.topics if is_said else [*first.topics, about],
        expires_at=min((each for each in expiries if each is not None), default=None),
    )
    return commands[summary.place]


def _part(held: Held) -> tuple[dict[str, Any], int]:
    """Returns what a summary says of one of its messages, and how many bytes that has as JSON."""
    part = {
        "template": held.template,
        "topic": held.topic,
        "definition_id": held.definition_id,
        "at": iso(held.made),
        "properties": held.properties or {},
    }
    return part, len(msgspec.json.encode(part))
