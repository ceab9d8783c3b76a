"""A service that answers what it is told to, one answer after the other, and keeps what it got."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from connectors import http
from processors.ports import Provider
from schemas.messages import CallbackRequest, Message, Reply
from tests.providers.cases import client
from tests.providers.servers import Answer, Request, serving


@dataclass
class Scripted:
    """Answers in turn; a `Service` by shape that takes nothing."""

    answers: list[Answer]

    def wrong(self, request: Request) -> Answer:
        return self.answers.pop(0)

    def taken(self, request: Request) -> str:
        raise NotImplementedError

    def accept(self, request: Request, known: bool) -> Answer:
        raise NotImplementedError

    def refuse(self) -> Answer:
        raise NotImplementedError


class Said(NamedTuple):
    """What a provider said, and what it asked."""

    replies: list[Reply]
    requests: list[Request]

    @property
    def reply(self) -> Reply:
        [found] = self.replies
        return found

    @property
    def request(self) -> Request:
        [found] = self.requests
        return found


def send(
    make: Callable[[http.Client, str], Provider], *messages: Message, answers: list[Answer]
) -> Said:
    """Returns what came of sending messages to a service that answers so."""
    replies: list[Reply] = []

    async def run(url: str) -> None:
        provider = make(client(), url)
        try:
            replies.extend([await provider.send(message) for message in messages])
        finally:
            await provider.close()

    with serving(Scripted(list(answers))) as fake:
        asyncio.run(run(fake.url))
        return Said(replies, list(fake.requests))


def look_up(
    make: Callable[[http.Client, str], Provider], message: Message, given: Answer
) -> Reply | None:
    """Returns what a provider says of a message, by one answer of its service."""

    async def run(url: str) -> Reply | None:
        provider = make(client(), url)
        try:
            return await provider.look_up(message)
        finally:
            await provider.close()

    with serving(Scripted([given])) as fake:
        return asyncio.run(run(fake.url))


def posted(url: str, body: bytes = b"", **headers: str) -> CallbackRequest:
    """Returns a callback; `x_hub_signature` is the header x-hub-signature."""
    query = dict(part.split("=", 1) for part in url.partition("?")[2].split("&") if part)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallbackRequest(
        method="POST", url=url, query=query, headers=named, body=body, at=1_700_000_000_000
    )
