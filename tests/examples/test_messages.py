"""The templates of messages that are shipped: whole, and as they should be sent."""

from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from processors.content import checks, previews, sms
from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.previews import Subject
from processors.content.rendering import Renderer
from processors.definitions import files
from schemas.messages import Message
from tests.builders import T0
from tests.unit.content.builders import ANN, Ours, command

FOLDER = Path(__file__).parents[2] / "examples" / "messages"
SET = files.load(FOLDER)
LIBRARY = Library(SET.documents.values())
TRAITS = {**previews.SAMPLES, "first_name": "Ann"}


def shown(template: str, properties: dict[str, Any] | None = None, **traits: Any) -> Message:
    subject = Subject(traits=TRAITS | traits, properties=properties or {})
    found = SET.templates[template]
    made = previews.preview(LIBRARY, found, subject, options=Options(), at_ms=T0)
    assert not [each for each in made.notes if "missing" in each]
    return made.message


def test_all_can_be_compiled_and_leave_nothing_to_warn_of() -> None:
    assert checks.problems(SET) == []
    assert checks.warnings(SET) == []


@pytest.mark.parametrize("template", SET.templates)
@pytest.mark.parametrize("locale", ["en", "de-AT", "fr"])
def test_each_can_be_sent_with_its_examples_alone(template: str, locale: str) -> None:
    message = shown(template, locale=locale)
    for said in (message.subject, message.text, message.html):
        assert said is None or ("{{" not in said and "{%" not in said and "None" not in said)


@pytest.mark.parametrize(
    "template", [name for name, each in SET.templates.items() if each.channel == "email"]
)
def test_mails_are_whole(template: str) -> None:
    message = shown(template)
    assert message.html is not None
    assert len(message.html.encode()) < 102 * 1024
    head = message.html[:3_000].lower()
    assert "charset" in head or "utf-8" in head
    assert "viewport" in head
    assert message.text
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = message.subject
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("template", ["default", "welcome", "cart-reminder", "newsletter", "picks"])
def test_marketing_can_be_unsubscribed_from(template: str) -> None:
    properties: dict[str, Any] = {"items": [], "articles": [], "title": "a", "content": "b"}
    if template == "cart-reminder":
        properties["items"] = [{"title": "x", "price": 1, "image": "i", "url": "u"}]
    order = command(template=template, traits=ANN, properties=properties)
    (made,) = Renderer(LIBRARY, links=Ours()).compose(order)
    url = Ours().unsubscribe(order)
    assert made.html is not None
    assert made.text is not None
    assert f'href="{url}"' in made.html
    assert url in made.text
    assert made.headers["List-Unsubscribe"] == f"<{url}>"


def test_cart_has_a_card_for_each_item() -> None:
    items = [
        {"title": f"T{n} <i>", "price": 10 + n, "image": f"https://i.example/{n}", "url": f"https://s.example/{n}"}
        for n in range(3)
    ]  # fmt: skip
    message = shown("cart-reminder", {"items": items, "currency": "USD"})
    assert message.html is not None
    for n in range(3):
        assert f'src="https://i.example/{n}"' in message.html
        assert f"https://s.example/{n}?utm_source=beckon" in message.html
        assert f"T{n} &lt;i&gt;" in message.html
        assert f"$1{n}.00" in message.html


def test_block_of_the_newsletter_is_for_gold_alone() -> None:
    gold, plain = shown("newsletter", plan="gold"), shown("newsletter", plan="free")
    assert "free delivery" in (gold.html or "")
    assert "free delivery" not in (plain.html or "")


def test_picks_show_a_block_for_each_list_that_is_not_empty() -> None:
    items = [
        {"id": f"{n}", "title": f"T{n} <i>", "price": n, "url": f"https://s.example/{n}"}
        for n in range(9)
    ]
    full = {"also_bought": items[:2], "last_viewed": items[2:], "trending": []}
    message = shown("picks", recommended=full)
    assert message.html is not None
    for heading, is_there in (("go well", True), ("looked at", True), ("Liked by many", False)):
        assert (heading in message.html) == is_there
    assert [f"T{n} &lt;i&gt;" in message.html for n in range(9)] == [n < 5 for n in range(9)]
    assert "https://s.example/4?utm_source=beckon" in message.html
    assert "Liked by many" in (shown("picks").html or "")


def test_receipt_is_written_as_the_person_reads_numbers() -> None:
    assert "€99.80" in (shown("order-receipt").text or "")
    assert "January 1, 2026" in (shown("order-receipt").text or "")


def test_reminder_is_one_sms_in_each_language() -> None:
    for locale in ("en", "de"):
        size = sms.size(shown("appointment-sms", locale=locale).text or "")
        assert (size.encoding, size.segments) == ("GSM-7", 1)


def test_push_leads_to_the_product() -> None:
    message = shown("back-in-stock-push")
    assert (message.subject, message.url) == ("The lamp is back", "https://shop.example/lamp")
    assert message.data == {"sku": "L-1"}


def test_newsletter_has_a_block_for_newcomers_and_two_subjects() -> None:
    found = SET.templates["newsletter"]
    subject = Subject(traits=TRAITS, segments=("newcomers",))
    said = [
        previews.preview(LIBRARY, found, subject, options=Options(), at_ms=T0, variant=each).message
        for each in ("title", "first-article")
    ]
    assert [each.subject for each in said] == ["News of the week", "Light in the evening"]
    assert all("New here?" in (each.html or "") for each in said)
    assert "New here?" not in (shown("newsletter").html or "")
