"""Makes messages of what a command says by itself, without a template."""

from typing import Any

from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message

ADDRESSES = {"email": "email", "sms": "phone", "whatsapp": "phone", "audience": "email"}
"""The trait that has the address of a channel; of the others, the address is the person's id."""


def message(command: Command) -> Message:
    """Returns the message of a command, its words taken out of its body.

    Raises:
        Unsendable: a template is asked for, or there is no address.
    """
    if command.template is not None:
        raise Unsendable("template-unknown", command.template, is_held=True)
    body = command.body or {}
    return Message(
        id=command.id,
        channel=command.channel,
        profile_id=command.profile_id,
        to=_address(command),
        definition_id=command.definition_id,
        step=command.step,
        version=command.version,
        at=command.at,
        traits=command.traits if command.channel == "webhook" else {},
        transactional=command.transactional,
        subject=_text(body, "subject") or _text(body, "title"),
        text=_text(body, "text"),
        url=command.url,
        method=command.method or "POST",
        headers=command.headers if command.channel == "webhook" else {},
        data=body,
    )


def _address(command: Command) -> str:
    if command.channel == "webhook":
        found: object = command.url
    else:
        trait = ADDRESSES.get(command.channel)
        found = command.profile_id if trait is None else command.traits.get(trait)
    if not isinstance(found, str) or not found:
        raise Unsendable("url-missing" if command.channel == "webhook" else "address-missing")
    return found


def _text(body: dict[str, Any], name: str) -> str | None:
    found = body.get(name)
    return found if isinstance(found, str) else None
