"""What somebody may be sent: what the gate said of messages, and what it goes by."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from processors.explanations import trees
from processors.state.profiles import Profile
from schemas.consents import ALL
from schemas.events import iso
from schemas.records import DecisionRecord


def split(
    decisions: Iterable[DecisionRecord], id_: str
) -> tuple[list[DecisionRecord], list[trees.Message]]:
    """Returns what was decided by a trigger or journey, and by the gate on what it sends."""
    of_it = [each for each in decisions if each.definition_id == id_]
    messages = [each for each in of_it if each.command_id is not None]
    return [each for each in of_it if each.command_id is None], msgspec.convert(
        messages, list[trees.Message], from_attributes=True
    )


def found(written: Mapping[str, Any], profile: Profile) -> str | None:
    """Returns what a condition on messages was held against; None where it asks something else."""
    contact = profile.contact
    if contact is None:
        return None
    match written:
        case {"consent": Mapping() as asked}:
            return contact.state(asked["channel"], asked.get("topic"))
        case {"suppressed": str(channel)}:
            standing = contact.suppression(channel)
            return None if standing is None else standing[0]
        case _:
            return None


def notes(profile: Profile) -> Iterator[str]:
    """Yields what the person has said to messages, what is suppressed, and what waits."""
    contact = profile.contact
    if contact is None:
        return
    for channel in sorted({*contact.suppressions, *contact.sunk}):
        standing = contact.standing(channel)
        if standing is not None:
            where = "all channels are" if channel == ALL else f"{channel} is"
            yield f"{where} suppressed since {iso(standing[1])} ({standing[0]})"
    for place, word in sorted(contact.words.items()):
        yield f"consent {place}: {word.state} since {iso(word.at)}"
    for held in sorted(contact.held, key=lambda each: (each.due, each.id)):
        by = "" if held.over is None else f", to be combined with others over cap {held.over}"
        yield f"message {held.id} waits until {iso(held.due)}{by}"
