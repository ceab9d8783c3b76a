"""Audiences of advertisers: each message goes to the service it names, with a hash only.

Over and under `meta_audience` and `google_audience`. The address of a message is the person's
e-mail, its `data` is `{operation: add | remove, service: meta | google, audience: id}`.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.channels import replies
from connectors.channels.devices import Service
from schemas.errors import Unsendable
from schemas.messages import Message, Promise, Reply

CHANNEL = "audience"
GMAIL = frozenset({"gmail.com", "googlemail.com"})
MAX_ADDRESS_CHARS = 320


class Change(NamedTuple):
    """What is to be done to an audience."""

    is_addition: bool
    audience: str
    """The service's id of it."""


class Audiences:
    """Asks the service that a message names, a `Provider` by shape."""

    name = "audiences"
    channels = (CHANNEL,)
    promise: Promise = "key"

    def __init__(self, services: Mapping[str, Service]) -> None:
        """Takes the services by name; they are closed with the provider."""
        self._services = dict(services)

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        service = self._services.get(str(message.data.get("service")))
        if service is None:
            return replies.refused("service-unserved")
        return await service.send(message)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: a repeat does no harm."""
        return None

    async def close(self) -> None:
        """Closes the connections of all."""
        await asyncio.gather(*(each.close() for each in self._services.values()))


def change(data: Mapping[str, Any], service: str) -> Change:
    """Returns what a message is to do.

    Raises:
        Unsendable: it does not say so, or names another service; an id has digits only.
    """
    if data.get("service", service) != service:
        raise Unsendable("service-other")
    operation, audience = data.get("operation"), data.get("audience")
    if operation not in ("add", "remove"):
        raise Unsendable("operation-invalid")
    if not isinstance(audience, str) or not audience.isascii() or not audience.isdigit():
        raise Unsendable("audience-invalid")
    return Change(operation == "add", audience)


def hashed(address: str, *, without_dots: bool = False) -> str:
    """Returns the SHA-256 of an e-mail address in its normal form, in hex.

    Args:
        address: as it was given.
        without_dots: whether dots before gmail.com count for nothing, as Google has it.

    Raises:
        Unsendable: it is no address.

    >>> hashed(" Ada@Example.com ") == hashed("ada@example.com")
    True
    """
    found = address.strip().lower()
    name, at, domain = found.rpartition("@")
    if not at or not name or "." not in domain or " " in found or len(found) > MAX_ADDRESS_CHARS:
        raise Unsendable("address-invalid")
    if without_dots and domain in GMAIL:
        found = f"{name.replace('.', '')}@{domain}"
    return hashlib.sha256(found.encode()).hexdigest()
