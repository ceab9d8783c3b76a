"""Push messages to whatever a person has: each goes to the service of its device's platform.

Between the sender of pushes and `fcm`, `apns`, `webpush`. A message says its platform in the header
`platform`; one that does not goes to FCM, which knows devices of all platforms.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from connectors.channels import fcm, replies
from schemas.messages import Message, Promise, Reply


class Service(Protocol):
    """A service of one platform."""

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...


class Devices:
    """Sends push messages by the services of their platforms, a `Provider` by shape."""

    name = "devices"
    channels = ("push",)
    promise: Promise = "none"

    def __init__(self, services: Mapping[str, Service]) -> None:
        """Takes the services by platform; they are closed with the provider."""
        self._services = dict(services)

    async def send(self, message: Message) -> Reply:
        """Returns what came of one request."""
        service = self._services.get(message.headers.get("platform", fcm.PLATFORM))
        if service is None:
            return replies.refused("platform-unserved")
        return await service.send(message)

    async def look_up(self, message: Message) -> Reply | None:
        """Returns None: none of the services can be asked."""
        return None

    async def close(self) -> None:
        """Closes the connections of all."""
        await asyncio.gather(*(each.close() for each in self._services.values()))
