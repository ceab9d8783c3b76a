"""What somebody may be sent: what the gate said of messages, and what it goes by."""

from collections.abc import Iterable, Iterator

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
    found = [each for each in decisions if each.definition_id == id_]
    messages = [each for each in found if each.command_id is not None]
    return [each for each in found if each.command_id is None], msgspec.convert(
        messages, list[trees.Message], from_attributes=True
    )


def notes(profile: Profile) -> Iterator[str]:
    """Yields what the person has said to messages, what is suppressed, and what waits."""
    contact = profile.contact
    if contact is None:
        return
    for channel in sorted({*contact.suppressions, *contact.sunk}):
        found = contact.standing(channel)
        if found is not None:
            where = "all channels are" if channel == ALL else f"{channel} is"
            yield f"{where} suppressed since {iso(found[1])} ({found[0]})"
    for place, word in sorted(contact.words.items()):
        yield f"consent {place}: {word.state} since {iso(word.at)}"
    for held in sorted(contact.held, key=lambda each: (each.due, each.id)):
        yield f"message {held.id} waits until {iso(held.due)}"
