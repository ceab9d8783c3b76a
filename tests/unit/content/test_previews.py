"""Previews: what is missing is made up, and said."""

from typing import Any

import pytest

from processors.content import previews
from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.previews import Preview, Subject
from schemas.errors import Unsendable
from tests.builders import T0
from tests.unit.content.builders import ANN, NOTICE, template


def shown(written: dict[str, Any], **subject: Any) -> Preview:
    library = Library([written])
    found = library.stock.templates[written["id"]]
    return previews.preview(library, found, Subject(**subject), options=Options(), at_ms=T0)


def test_message_is_as_it_would_be() -> None:
    written = template(subject="Hi {{ first_name }}", html='<a href="{{ unsubscribe_url }}">x</a>')
    found = shown(written, traits=ANN)
    assert found.message.subject == "Hi Ann"
    assert found.message.html == '<a href="https://links.example/unsubscribe">x</a>'
    assert found.notes == ("0.0 kB of HTML",)


def test_what_is_missing_stands_in_brackets_and_is_said() -> None:
    source = (
        "{{ a.b }} {{ event.total }} {{ profile.city }} {{ preferences_url }} {{ confirm_url }}"
    )
    found = shown(template(subject=source, html=None, text="x"), traits=ANN)
    assert found.message.subject is not None
    assert found.message.subject.startswith("[a.b] [event.total] [profile.city] https://")
    assert found.notes == (
        "a.b is missing: the message would be held",
        "event.total is missing: the message would be held",
        "profile.city is missing: the message would be held",
    )


def test_examples_stand_in_for_what_is_not_said() -> None:
    variables = {
        "event.n": {"type": "number", "required": True, "example": 3},
        "city": {"example": "Rome"},
    }
    written = template(subject="{{ event.n }} {{ city }}", variables=variables)
    traits = dict(ANN)
    assert shown(written, traits=traits).message.subject == "3 Rome"
    assert traits == ANN, "what was given stays as it was"
    said = shown(written, traits=ANN | {"city": "Oslo"}, properties={"n": 4})
    assert said.message.subject == "4 Oslo"


LISTS = (
    "{% for i in recommended.trending %}{{ i.title }}{% endfor %}"
    ".{{ recommended.last_viewed.size }}"
)
TRENDING = "recommended.trending"


def test_lists_of_a_catalogue_are_examples_or_what_is_said_or_empty() -> None:
    example = {TRENDING: {"type": "list", "example": [{"title": "Lamp"}]}}
    written = template(subject=LISTS, catalogue="shop")
    assert shown(written, traits=ANN).message.subject == ".0"
    assert shown(written | {"variables": example}, traits=ANN).message.subject == "Lamp.0"
    said = ANN | {"recommended": {"trending": [{"title": "Chair"}], "last_viewed": [{}, {}]}}
    assert shown(written | {"variables": example}, traits=said).message.subject == "Chair.2"
    assert shown(written, traits=ANN | {"recommended": "x"}).message.subject == ".0"


def test_list_that_is_required_and_empty_is_said_to_hold_the_message() -> None:
    required = {TRENDING: {"type": "list", "required": True}}
    found = shown(template(subject=LISTS, catalogue="shop", variables=required), traits=ANN)
    assert found.message.subject == ".0"
    assert found.notes[0] == "recommended.trending is missing: the message would be held"


@pytest.mark.parametrize(
    ("channel", "keys", "trait"),
    [
        ("sms", {"text": "Grüße"}, "phone"),
        ("push", {"push": NOTICE | {"title": "x"}}, "device_token"),
        ("email", {}, "email"),
    ],
)
def test_missing_address_is_made_up_and_said(
    channel: str, keys: dict[str, Any], trait: str
) -> None:
    found = shown(template(channel, **keys))
    assert found.message.to == previews.SAMPLES[trait]
    assert found.notes[0] == f"address-missing: {trait}: the message would not be sent"


def test_sms_is_counted() -> None:
    assert shown(template("sms", text="ab"), traits=ANN).notes == ("1 SMS, 2 of GSM-7",)
    odd = shown(template("sms", text="ё" * 71), traits=ANN)
    assert odd.notes == ("2 SMS, 71 of UCS-2, because of ё",)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (template(subject="{{ 1 | divided_by: 0 }}"), "template-broken"),
        (template(html="{% for i in event.l %}{{ i.x.y }}{% endfor %}"), "variable-missing"),
        (template("push", push=NOTICE | {"url": "javascript:x"}), "link-refused"),
        (template("sms", text="x"), "address-invalid: phone"),
    ],
)
def test_message_that_can_not_be_made_says_why(written: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsendable, match=reason):
        shown(written, traits=ANN | {"device_token": "t", "phone": "x"})


@pytest.mark.parametrize(
    ("written", "subject", "text"),
    [
        (template(text="x"), "[Test] Hello", "x"),
        (template("sms", text="x"), None, "[Test] x"),
    ],
)
def test_test_says_that_it_is_one(written: dict[str, Any], subject: str, text: str) -> None:
    found = previews.marked(shown(written, traits=ANN).message, "me@example.com")
    assert (found.subject, found.text) == (subject, text)
