"""How a message would look, before anybody gets it; and what would keep it from being sent."""

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from processors.content import facts, sms
from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.definitions.catalogues import LISTS
from processors.definitions.templates import Template
from schemas.commands import Command, derive_id
from schemas.errors import Unsendable
from schemas.messages import Message

MAX_MISSING = 100
"""Variables that are made up before a preview is given up."""
SAMPLES: Mapping[str, Any] = {
    "email": "ann@example.com",
    "phone": "+4915112345678",
    "device_token": "sample",
}
"""Addresses of somebody of whom none is known."""
PROPERTIES = ("event", "run")
PEOPLE = ("profile", "contact")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The person that a message is made for, and what has happened."""

    profile_id: str = "sample"
    traits: Mapping[str, Any] = {}
    properties: Mapping[str, Any] = {}
    segments: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A message, and what is to be said of it."""

    message: Message
    notes: tuple[str, ...]
    """What would have kept it from being sent, and what it takes."""


class Samples:
    """Links that lead nowhere, `Links` by shape."""

    def unsubscribe(self, command: Command) -> str:
        """Returns where people would unsubscribe."""
        return "https://links.example/unsubscribe"

    def preferences(self, command: Command) -> str:
        """Returns where people would choose."""
        return "https://links.example/preferences"

    def confirm(self, command: Command) -> str:
        """Returns where people would confirm."""
        return "https://links.example/confirm"

    def view(self, command: Command) -> str:
        """Returns where people would see it in a browser."""
        return "https://links.example/view"

    def click(self, command: Command, url: str) -> str:
        """Returns the address itself."""
        return url

    def pixel(self, command: Command) -> str | None:
        """Returns nothing."""
        return None


def preview(
    library: Library,
    template: Template,
    subject: Subject,
    *,
    options: Options,
    at_ms: int,
    variant: str | None = None,
) -> Preview:
    """Returns a message as it would be; what is missing stands in it in brackets.

    Args:
        library: which has the template, and the partials.
        template: what is to be seen.
        subject: examples of the template's variables stand in for what it does not say.
        options: see there.
        at_ms: what `now` is, ms since the epoch.
        variant: the one to be seen; None: the one that the subject gets.

    Raises:
        Unsendable: it can not be made, whatever is made up.
    """
    traits, properties = (
        copy.deepcopy(dict(subject.traits)),
        copy.deepcopy(dict(subject.properties)),
    )
    _give_examples(template, traits, properties)
    _give_lists(template, traits)
    order = ordered(template, subject.profile_id, traits, properties, at_ms=at_ms)
    order = msgspec.structs.replace(
        order, segments=list(subject.segments), lists=list(subject.lists)
    )
    renderer = Renderer(library, links=Samples(), options=options, variant=variant)
    notes = dict[str, None]()
    for _ in range(MAX_MISSING):
        try:
            message = renderer.compose(order)[0]
        except Unsendable as error:
            note = _make_up(error, traits, properties)
            if note in notes:
                raise
            notes[note] = None
        else:
            return Preview(message=message, notes=(*notes, *_sizes(message)))
    raise Unsendable("variable-missing", "too many", is_held=True)


def marked(message: Message, to: str) -> Message:
    """Returns a message that says that it is a test, for an address as it was typed."""
    said = "" if message.subject is None else f"[Test] {message.subject}"
    return msgspec.structs.replace(
        message,
        subject=said or None,
        text=message.text if said else f"[Test] {message.text}",
        profile_id=f"test {to}"[:100],
    )


def ordered(
    template: Template,
    profile_id: str,
    traits: dict[str, Any],
    properties: dict[str, Any],
    *,
    at_ms: int,
) -> Command:
    """Returns a command that asks for a template, as a trigger would give it."""
    occurrence = f"preview {at_ms}"
    return Command(
        id=derive_id(template.id, "preview", profile_id, "0", occurrence),
        channel=template.channel,
        profile_id=profile_id,
        definition_id="preview",
        version=template.origin.version,
        step="0",
        occurrence=occurrence,
        at=at_ms,
        template=template.id,
        traits=traits,
        properties=properties,
    )


def _give_examples(template: Template, traits: dict[str, Any], properties: dict[str, Any]) -> None:
    for path, variable in template.variables.items():
        place, rest = _place(path, traits, properties)
        if variable.example is not None and rest and facts.look_up(place, rest) is None:
            facts.put(place, rest, variable.example)


def _give_lists(template: Template, traits: dict[str, Any]) -> None:
    """Leaves no list of the template's catalogue missing, but those that it requires."""
    if template.catalogue is not None:
        held = traits.get(facts.RECOMMENDED)
        known = held if isinstance(held, dict) else {}
        found: dict[str, Any] = {name: known.get(name) or [] for name in LISTS}
        traits[facts.RECOMMENDED] = facts.recommended(template, found)


def _make_up(error: Unsendable, traits: dict[str, Any], properties: dict[str, Any]) -> str:
    """Puts something where a message lacks it; returns what is to be said of that.

    Raises:
        Unsendable: it is something else that is wrong.
    """
    if error.reason == "variable-missing":
        place, rest = _place(error.detail, traits, properties)
        if rest:
            is_list = error.detail.startswith(f"{facts.RECOMMENDED}.")
            facts.put(place, rest, [] if is_list else f"[{error.detail}]")
            return f"{error.detail} is missing: the message would be held"
    if error.reason == "address-missing" and error.detail in SAMPLES:
        traits[error.detail] = SAMPLES[error.detail]
        return f"{error}: the message would not be sent"
    raise error


def _place(
    path: str, traits: dict[str, Any], properties: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """Returns where the value of a path comes from, and its path there."""
    root, _, rest = path.partition(".")
    if root in PROPERTIES:
        return properties, rest
    if root in PEOPLE:
        return traits, rest
    return traits, path


def _sizes(message: Message) -> list[str]:
    if message.channel == "sms":
        size = sms.size(message.text or "")
        said = f"{size.segments} SMS, {size.units} of {size.encoding}"
        return [f"{said}, because of {size.odd}" if size.odd else said]
    if message.html is not None:
        return [f"{len(message.html.encode()) / 1024:.1f} kB of HTML"]
    return []
