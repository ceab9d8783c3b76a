"""Templates: what each channel says, languages, variables; and what is refused."""

from typing import Any

import pytest

from processors.definitions import documents, templates
from processors.definitions.templates import Partial, Template
from tests.unit.definitions.builders import mail, partial, problems

A, B = ({"name": name, "weight": 1} for name in "ab")
NOTICE = {"title": "Hi", "body": "There"}
EMAIL = "subject, preheader, html, mjml, text, from, reply_to, utm"


def of(channel: str, **keys: Any) -> dict[str, Any]:
    """Returns a template of a channel that is no mail."""
    return {"kind": "template", "id": "hello", "name": "Hello", "channel": channel} | keys


def varied(*variants: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Returns a mail with variants."""
    return mail(variants=list(variants), **keys)


def parsed(document: dict[str, Any]) -> Template:
    found = documents.parse(document)
    assert isinstance(found, Template)
    return found


@pytest.mark.parametrize(
    "document",
    [
        mail(),
        mail(html=None, mjml="<mjml></mjml>"),
        mail(html=None, text="Hello"),
        mail(locales={"de": {"subject": "Hallo"}, "zh-Hant-TW": {"from": "a@b.example"}}),
        mail(utm={"source": "beckon"}, preheader="Look", reply_to="a@b.example"),
        of("sms", text="Hello"),
        of("slack", text="Hello"),
        of("push", push=NOTICE | {"url": "https://a.example", "data": {"n": 1}}),
        of("inbox", inbox=NOTICE),
        of("task", task=NOTICE),
        of("whatsapp", whatsapp={"template": "order_sent", "parameters": ["{{ event.id }}"]}),
    ],
)
def test_each_channel_has_its_own_keys(document: dict[str, Any]) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (mail(subject=None), "a mail needs the key subject"),
        (mail(html=None), "a mail needs html, mjml or text"),
        (mail(mjml="<mjml/>"), "mjml: is HTML in another form: leave out html or mjml"),
        (mail(push=NOTICE), f"push: does not belong to email; it has {EMAIL}"),
        (mail(channel="fax"), "channel: must be one of email, sms, push, whatsapp, inbox, slack, "
                              'task, found the text "fax"'),
        (mail(channel=3), "channel: must be one of email, sms, push, whatsapp, inbox, slack, task, "
                          "found the number 3"),
        (mail(subject="a\nb"), "subject: must be one line of 1 to 500 characters, "
                               'found the text "a\\x0ab"'),
        (mail(subject="x" * 501), "subject: must be one line of 1 to 500 characters, "
                                  f'found the text "{"x" * 39}…"'),
        (mail(subject=" "), 'subject: must be text, found the text " "'),
        (mail(html={"file": "a.html"}), "html: must be text: {file: …} is for files in a folder, "
                                        "found a mapping"),
        (mail(html=3), "html: must be text, found the number 3"),
        (mail(language="english"), "language: must be a language such as de, de-AT or zh-Hant-TW, "
                                   'found the text "english"'),
        (mail(locales={"de_AT": {}}), "locales: must be a language such as de, de-AT or "
                                      'zh-Hant-TW, found the text "de_AT"'),
        (mail(variables={"a..b": {}}), "variables: must be a path such as company.country, 1 to 16 "
                                       'names, found the text "a..b"'),
        (mail(locales=["de"]), "locales: must be a mapping, found a list"),
        (mail(locales={"de": "x"}), "locales.de: must be a mapping of subject, preheader, html, "
         'mjml, text, push, whatsapp, inbox, task, from, reply_to, found the text "x"'),
        (mail(locales={"de": {"push": NOTICE}}),
         f"locales.de.push: does not belong here; allowed: {EMAIL}"),
        (mail(locales={"de": {"html": "a", "mjml": "b"}}),
         "locales.de.mjml: is HTML in another form: leave out html or mjml"),
        (mail(locales={"de": {"body": "a"}}), "locales.de.body: unknown key; did you mean html?"),
        (of("sms"), "a template of sms needs the key text"),
        (of("push", push={"title": "a"}), "push: needs the key body"),
        (mail(variables={"n": {"type": "number", "default": "1"}}),
         'variables.n.default: must be a number, found the text "1"'),
        (mail(variables={"n": {"type": "number", "example": True}}),
         "variables.n.example: must be a number, found true"),
        (mail(variables={"n": {"type": "date"}}), "variables.n.type: must be one of text, number, "
                                                  'boolean, list, mapping, found the text "date"'),
        (mail(variables={"n": {"required": True, "default": "a"}}),
         "variables.n.default: is never used: the variable is required"),
        (mail(variants=[]), "variants: must be a list with at least one item, found a list"),
        (mail(variants=["a"]), "variants[0]: must be a mapping of subject, preheader, html, mjml, "
         "text, push, whatsapp, inbox, task, from, reply_to, name, weight, locales, "
         'found the text "a"'),
        (varied({"name": "a"}), "variants[0]: needs the key weight"),
        (varied({"name": "a", "weight": -1}),
         "variants[0].weight: must be a count from 0 to 10000, found the number -1"),
        (varied(A | {"weight": 0}, B | {"weight": 0}),
         "variants: must have a weight above 0: nobody would get any of them"),
        (varied(A, B, A), "variants[2].name: is used twice"),
        (varied(A | {"subjekt": "x"}), "variants[0].subjekt: unknown key; did you mean subject?"),
        (varied(A | {"push": NOTICE}),
         f"variants[0].push: does not belong here; allowed: {EMAIL}"),
        (varied(A | {"html": "a", "mjml": "b"}),
         "variants[0].mjml: is HTML in another form: leave out html or mjml"),
        (varied(*(A | {"name": f"v{each}"} for each in range(21))),
         "variants: must have at most 20, found 21"),
        (varied(A | {"locales": {"fr": {"subject": "a"}}}, locales={"de": {"subject": "Ja"}}),
         "variants[0].locales.fr: is no language of the template; they are de"),
        (varied(A | {"subject": "B"}, locales={"de": {"subject": "Ja"}}),
         "variants[0].locales.de.subject: is needed: the variant and locales.de both have "
         "their own"),
        (varied(A | {"text": "B", "locales": {"de": {"subject": "A"}}},
                locales={"de": {"html": "Ja"}}),
         "variants[0].locales.de.html: is needed: the variant and locales.de both have their own"),
        (varied(A | {"locales": {"de": 3}}, locales={"de": {}}),
         "variants[0].locales.de: must be a mapping of subject, preheader, html, mjml, text, push, "
         "whatsapp, inbox, task, from, reply_to, found the number 3"),
        (varied(A | {"locales": {"de": {"push": NOTICE}}}, locales={"de": {"html": "Ja"}}),
         f"variants[0].locales.de.push: does not belong here; allowed: {EMAIL}"),
        (partial(html=None) | {"html": ""}, 'html: must be text, found an empty text'),
        ({"kind": "partial", "id": "a"}, "a partial needs html, mjml or text"),
        (partial(mjml="a"), "mjml: is HTML in another form: leave out html or mjml"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_with_one_message(
    document: dict[str, Any], message: str
) -> None:
    assert problems(document) == [message]


def test_language_takes_over_what_it_does_not_say() -> None:
    locales = {"de": {"subject": "Hallo"}, "fr": {"html": "<p>Salut</p>"}}
    found = parsed(mail(locales=locales, text="Hello", **{"from": "a@b.example"}))
    german, french = found.worded("de"), found.worded("fr")
    assert (german.subject, german.html, german.text) == ("Hallo", "<p>Hello</p>", "Hello")
    assert (french.subject, french.html) == ("Hello", "<p>Salut</p>")
    assert french.text is None, "the English text does not go with the French mail"
    assert found.worded(None).subject == "Hello"
    assert {german.sender, french.sender} == {"a@b.example"}


def test_variant_stands_over_the_texts_of_its_language() -> None:
    bold = B | {"subject": "Now", "locales": {"de": {"subject": "Jetzt"}}}
    found = parsed(varied(A, bold, locales={"de": {"subject": "Hallo"}, "fr": {"text": "Salut"}}))
    plain, other = found.variants
    assert [found.worded(each, plain).subject for each in (None, "de")] == ["Hello", "Hallo"]
    assert [found.worded(each, other).subject for each in (None, "de")] == ["Now", "Jetzt"]
    french = found.worded("fr", other)
    assert (french.subject, french.text, french.html) == ("Now", "Salut", "<p>Hello</p>")
    assert dict(found.texts())["variants", 1, "locales", "de", "subject"] == "Jetzt"
    assert dict(found.texts())["variants", 1, "subject"] == "Now"


def test_texts_are_all_that_may_hold_liquid_with_their_places() -> None:
    found = parsed(mail(locales={"de": {"subject": "Hallo"}}, **{"from": "a@b.example"}))
    assert dict(found.texts()) == {
        ("subject",): "Hello",
        ("html",): "<p>Hello</p>",
        ("from",): "a@b.example",
        ("locales", "de", "subject"): "Hallo",
    }
    push = parsed(of("push", push=NOTICE | {"data": {"a": ["x", 1]}}))
    assert dict(push.texts())["push", "data", "a", 0] == "x"
    approved = parsed(of("whatsapp", whatsapp={"template": "t", "parameters": ["p"]}))
    assert dict(approved.texts()) == {("whatsapp", "parameters", 0): "p"}
    piece = documents.parse(partial(text="Bye"))
    assert isinstance(piece, Partial)
    assert dict(piece.texts()) == {("html",): "<p>Bye</p>", ("text",): "Bye"}


@pytest.mark.parametrize(
    ("value", "wanted", "is_so"),
    [
        ("x", "text", True), (1, "text", False), (1.5, "number", True), (True, "number", False),
        (True, "boolean", True), (0, "boolean", False), ([], "list", True), ({}, "mapping", True),
    ],
)  # fmt: skip
def test_types_are_strict(value: Any, wanted: str, is_so: bool) -> None:
    assert templates.has_type(value, wanted) is is_so
