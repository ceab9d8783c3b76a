"""Commands to messages, and what is done to those that try more."""

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.rendering import MAX_PUSH_BYTES, MAX_SEGMENTS, Renderer
from tests.unit.content.builders import (
    ANN,
    NOTICE,
    Ours,
    command,
    compose,
    partial,
    refusal,
    template,
)


def test_mail_has_all_that_a_mail_needs() -> None:
    written = template(
        subject="Hi {{ first_name }}",
        html='<p>{{ event.total | money: "EUR" }}</p><a href="{{ unsubscribe_url }}">x</a>',
        reply_to="help@shop.example",
        utm={"source": "beckon"},
        **{"from": "{{ product_name }} <news@shop.example>"},
    )
    order = command(properties={"total": 5})
    made = compose(written, order=order, links=Ours(), options=Options(product_name="Shop"))
    assert (made.id, made.channel, made.to) == (order.id, "email", "ann@example.com")
    assert (made.subject, made.sender) == ("Hi Ann", "Shop <news@shop.example>")
    assert made.reply_to == "help@shop.example"
    assert made.html is not None
    assert "€5.00" in made.html
    assert f'href="{Ours().unsubscribe(order)}"' in made.html, "ours are neither marked nor tracked"
    assert made.text == f"€5.00\n\nx ({Ours().unsubscribe(order)})"
    assert made.headers["List-Unsubscribe"] == f"<{Ours().unsubscribe(order)}>"
    assert (made.definition_id, made.step, made.transactional) == ("greet", "0", False)


def test_same_command_gives_the_same_message() -> None:
    written = template(html="<p>{{ now }} {{ 'a,b' | split: ',' | join }}</p>")
    assert compose(written, links=Ours()) == compose(written, links=Ours())


def test_receipt_has_no_header_to_unsubscribe() -> None:
    made = compose(template(), order=command(transactional=True), links=Ours())
    assert made.headers == {}


def test_person_gets_their_language() -> None:
    locales = {"de": {"subject": "Hallo {{ first_name }}, {{ today | date: 'long' }}"}}
    written = template(locales=locales)
    german = compose(written, order=command(traits=ANN | {"locale": "de-AT"}))
    assert german.subject == "Hallo Ann, 1. Jänner 2026"
    assert german.html == "<p>Hello</p>"
    assert compose(written, order=command(traits=ANN | {"locale": "fr"})).subject == "Hello"


def test_message_says_which_variant_it_has() -> None:
    split = [{"name": "a", "weight": 0}, {"name": "b", "weight": 1, "subject": "B"}]
    made = compose(template(variants=split))
    assert (made.subject, made.variant) == ("B", "b")
    assert compose(template()).variant is None


def test_only_mails_with_html_can_be_seen_in_a_browser() -> None:
    html = '<a href="{{ view_url }}">Open in a browser</a>'
    assert compose(template(html=html), links=Ours()).is_viewable
    missing = ("variable-missing", "view_url", True)
    assert refusal(template(html=None, text="{{ view_url }}"), links=Ours()) == missing
    assert refusal(template("sms", text="{{ view_url }}"), links=Ours()) == missing
    assert refusal(template(html=html)) == missing


def test_sms_is_text_alone() -> None:
    made = compose(template("sms", text=" Hi {{ first_name }} ", **{"from": "SHOP"}))
    assert (made.to, made.text, made.sender) == ("+4915112345678", "Hi Ann", "SHOP")
    assert (made.subject, made.html) == (None, None)


def test_whatsapp_names_the_approved_template() -> None:
    approved = {"template": "order_sent", "language": "de", "parameters": ["{{ first_name }}"]}
    made = compose(template("whatsapp", whatsapp=approved))
    assert (made.template, made.language, made.parameters) == ("order_sent", "de", ("Ann",))


@pytest.mark.parametrize("channel", ["inbox", "task"])
def test_stored_messages_go_to_the_person(channel: str) -> None:
    notice = NOTICE | {"url": "https://a.example", "image": "https://a.example/b.png"}
    made = compose(template(channel, **{channel: notice | {"data": {"n": "{{ first_name }}"}}}))
    assert (made.to, made.subject, made.text) == ("ann", "Hi Ann", "Look")
    assert (made.url, made.image) == ("https://a.example", "https://a.example/b.png")
    assert made.data == {"n": "Ann"}


def test_push_goes_to_each_device() -> None:
    phones = [{"platform": "apns", "token": "a"}, {"platform": "fcm", "token": "b"}]
    order = command("push", traits=ANN | {"push_tokens": phones})
    made = Renderer(Library([template("push", push=NOTICE)])).compose(order)
    assert [(each.to, each.headers["platform"]) for each in made] == [("a", "apns"), ("b", "fcm")]
    assert {each.id for each in made} == {order.id}


def test_slack_can_not_be_made_to_call_everybody() -> None:
    order = command("slack", traits=ANN | {"first_name": "<!channel> & 'Ann' \"B\""})
    made = compose(template("slack", text="<https://a.example|go> {{ first_name }}"), order=order)
    assert made.text == "<https://a.example|go> &lt;!channel&gt; &amp; 'Ann' \"B\""


def test_webhook_says_what_its_action_says() -> None:
    order = command("webhook", template=None, url="https://a.example", body={"n": 1})
    (made,) = Renderer(Library()).compose(order)
    assert (made.to, made.url, made.data) == ("https://a.example", "https://a.example", {"n": 1})


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (command(template="nope"), ("template-missing", "nope", True)),
        (command(template=None), ("template-missing", "", True)),
        (command("sms"), ("template-mismatched", "hello", True)),
        (command("webhook", template=None), ("url-missing", "", False)),
        (command(traits={}), ("address-missing", "email", False)),
        (command(traits={"email": "x"}), ("address-invalid", "email", False)),
    ],
)
def test_command_without_template_or_address_is_none(order: Any, said: tuple[Any, ...]) -> None:
    assert refusal(template(), order=order) == said


@pytest.mark.parametrize(
    "name", ["Ann\r\nBcc: evil@y.example", "Ann\nX: y", "Ann\u2028", "Ann\u2029", "A\0", "A\x85B"]
)
def test_headers_can_not_be_added_by_values(name: str) -> None:
    order = command(traits=ANN | {"first_name": name})
    held = ("header-invalid", "subject", False)
    assert refusal(template(subject="Hi {{ first_name }}"), order=order) == held
    sender = template(**{"from": "{{ first_name }} <a@b.example>"})
    assert refusal(sender, order=order) == ("header-invalid", "from", False)
    reply = template(reply_to="{{ first_name }} <a@b.example>")
    assert refusal(reply, order=order) == ("header-invalid", "reply_to", False)


def test_subject_in_a_real_mail_is_one_header() -> None:
    made = compose(template(subject="Grüße, {{ first_name }}: 50 % 🎉" + " x" * 60))
    mail = EmailMessage(policy=SMTP)
    assert made.subject is not None
    mail["Subject"] = made.subject
    assert mail.as_bytes().lower().count(b"subject:") == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (template(subject="{{ nope }}"), ("variable-missing", "nope", True)),
        (template(html="{{ profile.nope.x }}"), ("variable-missing", "profile.nope.x", True)),
        (template(html="{{ unsubscribe_url }}"), ("variable-missing", "unsubscribe_url", True)),
        (template(subject="{{ '' }}"), ("subject-invalid", "", True)),
        (template(subject="{{ long }}"), ("subject-invalid", "", True)),
        (template(html="{{ a b }}"), ("template-broken", "hello", True)),
        (template(html='<a href="{{ evil }}">x</a>'), ("link-refused", "href", True)),
        (template("sms", text="{{ long }}"), ("sms-too-long", str(MAX_SEGMENTS), True)),
        (template("sms", text="{{ '' }}"), ("text-empty", "", True)),
        (template("sms", text="x", **{"from": "{{ line }}"}), ("header-invalid", "from", False)),
        (template("push", push=NOTICE | {"data": {"x": "{{ long }}"}}),
         ("payload-too-large", str(MAX_PUSH_BYTES), True)),
        (template("push", push=NOTICE | {"url": "{{ evil }}"}), ("link-refused", "url", True)),
    ],
)  # fmt: skip
def test_what_can_not_be_sent_says_why(
    written: dict[str, Any], said: tuple[str, str, bool]
) -> None:
    channel = written["channel"]
    extra = {"long": "x" * 4_500, "evil": " JavaScript:x", "line": "a\nb", "device_token": "t"}
    assert refusal(written, order=command(channel, traits=ANN | extra)) == said


def test_html_of_values_is_escaped_in_mails_and_taken_out_of_sms() -> None:
    order = command(traits=ANN | {"first_name": "<script>x</script>"})
    mail = compose(template(html='<p title="{{ first_name }}">{{ first_name }}</p>'), order=order)
    assert mail.html is not None
    assert "<script>" not in mail.html
    sms = command("sms", traits=ANN | {"first_name": "<b>Ann</b>"})
    assert compose(template("sms", text="Hi {{ first_name }}"), order=sms).text == "Hi Ann"


def test_control_characters_do_not_reach_bodies() -> None:
    order = command(traits=ANN | {"first_name": "A\0n\x1bn"})
    made = compose(template(html="<p>{{ first_name }}</p>"), order=order)
    assert (made.html, made.text) == ("<p>Ann</p>", "Ann")


def test_partial_sees_what_the_template_sees() -> None:
    row = partial("row", html="<li>{{ item.title }}, {{ first_name }}</li>")
    source = "{% for item in event.items %}{% render 'row', item: item %}{% endfor %}"
    order = command(properties={"items": [{"title": "Lamp"}]})
    assert compose(template(html=source), row, order=order).html == "<li>Lamp, Ann</li>"
