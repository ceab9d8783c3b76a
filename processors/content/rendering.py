"""Commands to messages: the composer. Each part of a message is held within its channel's bounds.

It stands between the topic of commands and whoever sends. It runs in a process of its own where
templates are not to be trusted with ours (`isolation`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from processors.content import addresses, bodies, drafts, facts, links, plain, sms, variants
from processors.content.addresses import Address
from processors.content.drafts import Draft
from processors.content.errors import Broken
from processors.content.facts import Options
from processors.content.libraries import Library, Stock
from processors.content.links import Links
from processors.content.webhooks import Webhooks
from processors.content.wordings import Compiled
from processors.definitions.templates import MAX_SUBJECT_CHARS, Template, Variant
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.headers import has_controls
from schemas.messages import Message

MAX_SEGMENTS = 10
"""Of a short message: each is paid for."""
MAX_PUSH_BYTES = 4_096
"""Source: the limit of APNs, FCM and of RFC 8291, 4."""
PLAIN = ("webhook", "crm")
"""Channels whose commands say all by themselves, or have values filled in (`webhooks`)."""


class Renderer:
    """Makes messages of commands, a `Composer` by shape.

    Guarantees:
        The same command gives the same messages, as long as templates and links are the same.
        Reads no clock, file or socket.
    """

    def __init__(
        self,
        library: Library,
        *,
        links: Links | None = None,
        options: Options | None = None,
        variant: str | None = None,
    ) -> None:
        """Takes the templates.

        Args:
            library: has them.
            links: makes our own; None: templates that print one are held.
            options: see there.
            variant: the one that everybody gets; None: it is drawn.
        """
        self._library = library
        self._links = links
        self._options = options or Options()
        self._variant = variant
        self._webhooks = Webhooks(self._options)

    def compose(self, command: Command) -> Sequence[Message]:
        """Returns one message for each address, at least one.

        Raises:
            Unsendable: it can not be made; the reason says why.
        """
        made = self.drafts(command, links.own(self._links, command))
        return [drafts.finished(each, command, self._links) for each in made]

    def drafts(self, command: Command, urls: Mapping[str, str]) -> Sequence[Draft]:
        """Returns the same before links lead by way of us.

        Args:
            command: see `compose`.
            urls: of our own links, by the names that templates have for them.

        Raises:
            Unsendable: it can not be made; the reason says why.
        """
        if command.channel in PLAIN:
            said = self._webhooks.filled(command) if command.has_values else command
            return [Draft(bodies.message(said))]
        stock = self._library.stock
        template = _template(stock, command)
        found = addresses.find(
            command.channel, command.profile_id, command.traits, self._options.region
        )
        variant = self._chosen(command, template)
        wording = self._worded(command, stock, template, variant)
        if not wording.has_html:
            urls = {name: url for name, url in urls.items() if name != links.VIEW_URL}
        data = self._facts(command, stock, template, urls)
        name = None if variant is None else variant.name
        return [_draft(command, template, each, wording, data, variant=name) for each in found]

    def _chosen(self, command: Command, template: Template) -> Variant | None:
        if self._variant is not None:
            return variants.named(template, self._variant)
        return variants.drawn(template, command)

    def _worded(
        self, command: Command, stock: Stock, template: Template, variant: Variant | None
    ) -> Compiled:
        """Returns the texts in the person's language."""
        chosen = stock.chosen(template, facts.language(command.traits))
        try:
            return stock.compiled(template, chosen, variant)
        except Broken as error:
            raise Unsendable("template-broken", template.id, is_held=True) from error

    def _facts(
        self, command: Command, stock: Stock, template: Template, urls: Mapping[str, str]
    ) -> dict[str, Any]:
        """Returns what the texts see."""
        language = facts.language(command.traits)
        chosen = stock.chosen(template, language)
        locale = facts.written_in(template, chosen, language, self._options.locale)
        data = facts.of(command, self._options, urls, locale)
        facts.fill(data, template.variables)
        return data


URLS = ("unsubscribe_url", "preferences_url", "confirm_url", links.VIEW_URL)
"""Names of our own links."""


def _draft(
    command: Command,
    template: Template,
    address: Address,
    wording: Compiled,
    data: dict[str, Any],
    *,
    variant: str | None,
) -> Draft:
    urls = {name: data[name] for name in URLS if data[name] is not None}
    html = wording.html(data)
    parts: Sequence[str] = ()
    if html is not None:
        raw = plain.bare(html)
        parts = links.parted(raw, template.utm, template.id, ours=urls.values())
    match command.channel:
        case "email":
            said = _mail(wording, data)
            said["headers"] = links.headers(urls, transactional=command.transactional)
        case "sms" | "slack":
            said = _texted(command.channel, wording, data)
        case "whatsapp":
            said = _approved(wording, data)
        case _:
            said = _noticed(command.channel, wording, data)
    message = msgspec.structs.replace(_addressed(command, address), variant=variant, **said)
    return drafts.of(message, parts, urls) if parts else Draft(message)


def _mail(wording: Compiled, data: dict[str, Any]) -> dict[str, Any]:
    sender, reply_to = wording.word("sender", data), wording.word("reply_to", data)
    return {
        "subject": _subject(wording.word("subject", data)),
        "text": _bare(wording.word("text", data) or ""),
        "sender": None if sender is None else addresses.mailbox(sender, "from"),
        "reply_to": None if reply_to is None else addresses.mailbox(reply_to, "reply_to"),
    }


def _template(stock: Stock, command: Command) -> Template:
    found = stock.templates.get(command.template or "")
    if found is None:
        raise Unsendable("template-missing", command.template or "", is_held=True)
    if found.channel != command.channel:
        raise Unsendable("template-mismatched", found.id, is_held=True)
    return found


def _bare(text: str) -> str:
    return plain.bare(text).decode()


def _addressed(command: Command, address: Address) -> Message:
    """Returns a message without its words; senders tell several apart by their addresses."""
    return Message(
        id=command.id,
        channel=command.channel,
        profile_id=command.profile_id,
        to=address.to,
        definition_id=command.definition_id,
        step=command.step,
        transactional=command.transactional,
        headers={} if address.platform is None else {"platform": address.platform},
    )


def _subject(said: str | None) -> str:
    """Returns a subject that is one line, and can be no other header."""
    subject = (said or "").strip(" ")
    if has_controls(subject):
        raise Unsendable("header-invalid", "subject")
    if not subject or len(subject) > MAX_SUBJECT_CHARS:
        raise Unsendable("subject-invalid", "", is_held=True)
    return subject


def _texted(channel: str, wording: Compiled, data: dict[str, Any]) -> dict[str, Any]:
    said = _bare(wording.word("text", data) or "").strip()
    if channel == "slack":
        return {"text": said.replace("&#39;", "'").replace("&#34;", '"')}
    text = sms.bare(said)
    if not text:
        raise Unsendable("text-empty", "", is_held=True)
    if sms.size(text).segments > MAX_SEGMENTS:
        raise Unsendable("sms-too-long", str(MAX_SEGMENTS), is_held=True)
    sender = wording.word("sender", data)
    if sender is not None and has_controls(sender):
        raise Unsendable("header-invalid", "from")
    return {"text": text, "sender": sender}


def _approved(wording: Compiled, data: dict[str, Any]) -> dict[str, Any]:
    approved = wording.approved
    assert approved is not None, "the channel's templates have it"
    parameters = tuple(_bare(each) for each in wording.parameters(data))
    return {
        "template": approved.template,
        "language": approved.language,
        "parameters": parameters,
    }


def _noticed(channel: str, wording: Compiled, data: dict[str, Any]) -> dict[str, Any]:
    said = wording.notice(data)
    for name in ("url", "image"):
        if name in said:
            said[name] = str(said[name]).strip()
            if links.is_doubtful(name, said[name]):
                raise Unsendable("link-refused", name, is_held=True)
    if channel == "push" and len(msgspec.json.encode(said)) > MAX_PUSH_BYTES:
        raise Unsendable("payload-too-large", str(MAX_PUSH_BYTES), is_held=True)
    return {
        "subject": _bare(str(said["title"])).strip(),
        "text": _bare(str(said["body"])).strip(),
        "url": said.get("url"),
        "image": said.get("image"),
        "data": said.get("data", {}),
    }
