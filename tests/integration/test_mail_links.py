"""A mail from its template over real SMTP, and back by its links over real HTTP."""

import asyncio
import re
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

from connectors.stores import tables
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.delivery.topics import Topic
from schemas.commands import Command
from schemas.messages import Message
from tests import sites
from tests.builders import T0, command
from tests.providers.relay import relay, smtp
from tests.sites import Site

TEMPLATE = {
    "kind": "template",
    "id": "hello",
    "name": "Hello",
    "channel": "email",
    "subject": "Hello {{ first_name }}",
    "html": '<p>Hello {{ first_name }}</p><a href="https://shop.example/a?b=1&amp;c=2">Shop</a>'
    '<a href="{{ unsubscribe_url }}">End</a><a href="{{ preferences_url }}">Choose</a>',
}
NEWS = Topic("news", "News", None, True)


def mail(**fields: Any) -> Command:
    given: dict[str, Any] = {
        "at": T0,
        "channel": "email",
        "template": "hello",
        "topic": "news",
        "profile_id": "ada",
        "traits": {"email": "ada@example.com", "first_name": "Ada"},
    }
    return command(**given | fields)


async def delivered(message: Message) -> EmailMessage:
    """Returns the mail as the relay got it."""

    def send() -> EmailMessage:
        async def once(port: int) -> None:
            provider = smtp(port, now_ms=lambda: T0)
            try:
                assert (await provider.send(message)).fate == "accepted"
            finally:
                await provider.close()

        with relay() as found:
            asyncio.run(once(found.port))
            [letter] = found.mails
            return letter

    return await asyncio.to_thread(send)


async def sent(site: Site, **fields: Any) -> EmailMessage:
    await site.sent()
    [message] = Renderer(Library([TEMPLATE]), links=site.links).compose(mail(**fields))
    return await delivered(message)


def link(letter: EmailMessage, words: str) -> str:
    """Returns where a link of the mail leads."""
    part = letter.get_body(("html",))
    assert part is not None
    found = re.search(rf'href="([^"]+)">{words}<', part.get_content())
    assert found is not None
    return unescape(found[1])


def test_button_of_a_mail_program_unsubscribes_before_the_next_mail(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[str, int, list[Any], dict[str, str]]:
        letter = await sent(site)
        await site.sent("next", state="claimed", provider=None, provider_id=None)
        [address] = re.findall(r"<(https://[^>\s]+)>", letter["List-Unsubscribe"])
        field, _, value = letter["List-Unsubscribe-Post"].partition("=")
        answer = await site.client.post(site.path(address), files={field: (None, value)})
        states = {row["command_id"]: row["state"] for row in await site.rows(tables.LEDGER)}
        return address, answer.status_code, await site.events(), states

    address, status, [event], states = sites.run(tmp_path, use)
    assert address.startswith("https://mail.shop.example/t/u/")
    assert (status, event["event"], event["userId"]) == (200, "email.unsubscribed", "ada")
    assert event["properties"]["topic"] == "news"
    assert states == {"c-1": "sent", "next": "dropped"}


def test_links_of_a_mail_lead_where_they_say(tmp_path: Path) -> None:
    async def use(site: Site) -> tuple[list[Any], list[Any]]:
        letter = await sent(site)
        html = letter.get_body(("html",))
        assert html is not None
        [pixel] = re.findall(r'<img src="([^"]+)"', html.get_content())
        answers = [
            await site.client.get(site.path(each))
            for each in (link(letter, "Shop"), link(letter, "End"), link(letter, "Choose"), pixel)
        ]
        await site.flush()
        return answers, await site.events()

    (shop, end, choose, _), events = sites.run(tmp_path, use, topics=[NEWS])
    assert shop.headers["location"] == "https://shop.example/a?b=1&c=2"
    assert "News" in end.text
    assert "News" in choose.text
    assert {one["event"] for one in events} == {"email.clicked", "email.opened"}


def test_receipts_have_no_button_to_unsubscribe(tmp_path: Path) -> None:
    async def use(site: Site) -> EmailMessage:
        return await sent(site, transactional=True)

    assert "List-Unsubscribe" not in sites.run(tmp_path, use)
