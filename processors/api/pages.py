"""The pages that people see: plain HTML forms, in their language, without scripts or cookies.

Each says the same in every language file of `languages`; `tracking` serves them.
"""

import base64
import functools
import hashlib
import importlib.resources
import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import msgspec
from ruamel.yaml import YAML

from processors.delivery.consents import LIFTED_BY_PERSON, Box
from processors.delivery.topics import Topic
from schemas.consents import ALL, State
from schemas.postings import Standing

DEFAULT = "en"

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:3em auto;padding:0 1em;"
    "color:#222;background:#fff}button{font:inherit;padding:.5em 1.5em}"
    "fieldset{border:1px solid #ccc;margin:1em 0}label{display:block;margin:.4em 0}"
)
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of all pages: nothing runs, nothing is loaded."""
MAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' https:;"
    " font-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " sandbox allow-popups allow-popups-to-escape-sandbox"
    " allow-top-navigation-by-user-activation"
)
"""That of a mail: pictures, styles and fonts as in a mail program; nothing runs."""


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that pages say, in one language."""

    name: str
    channels: Mapping[str, str]
    unsubscribe_title: str
    unsubscribe_ask: str
    unsubscribe_ask_topic: str
    unsubscribe_button: str
    unsubscribed_title: str
    unsubscribed: str
    preferences_link: str
    preferences_title: str
    preferences_intro: str
    nothing: str
    save: str
    saved: str
    confirm_title: str
    confirm_ask: str
    confirm_ask_topic: str
    confirm_button: str
    confirmed_title: str
    confirmed: str
    missing_title: str
    missing: str
    away_title: str
    away: str


class Page(NamedTuple):
    """The text of a page: what it says, and the form on it."""

    title: str
    texts: tuple[str, ...] = ()
    form: str = ""
    """HTML, without the form around it."""
    button: str = ""
    link: tuple[str, str] | None = None
    """Address and words."""


@functools.cache
def languages() -> Mapping[str, Language]:
    """Returns the languages that are shipped, by their code."""
    folder = importlib.resources.files("processors.api") / "languages"
    found = {}
    for file in folder.iterdir():
        held = YAML(typ="safe").load(file.read_text("utf-8"))
        found[file.name.removesuffix(".yaml")] = msgspec.convert(held, Language)
    return found


def language(accepted: str) -> str:
    """Returns the code of the language that a person reads best, of those that there are.

    Args:
        accepted: the header Accept-Language (RFC 9110, 12.5.4); empty: none.

    >>> language("pt-BR, fr-CH;q=0.8, en;q=0.3"), language("xx"), language("")
    ('fr', 'en', 'en')
    """
    wanted: list[tuple[float, str]] = []
    for part in accepted[:1_000].split(",")[:50]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.partition("-")[0].strip().lower()))
        except ValueError:
            continue
    known = (code for weight, code in sorted(wanted, key=lambda one: one[0]) if weight < 0)
    return next((code for code in known if code in languages()), DEFAULT)


def render(page: Page, code: str) -> bytes:
    """Returns a page as HTML."""
    body = [f"<h1>{escape(page.title)}</h1>", *(f"<p>{escape(text)}</p>" for text in page.texts)]
    if page.button:
        body.append(f'<form method="post">{page.form}<button>{escape(page.button)}</button></form>')
    if page.link is not None:
        address, words = page.link
        body.append(f'<p><a href="{escape(address)}">{escape(words)}</a></p>')
    return (
        f'<!doctype html><html lang="{code}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>"
    ).encode()


def unsubscribe(said: Language, channel: str, topic: str | None, link: str) -> Page:
    """Returns the page that asks whether to unsubscribe."""
    ask = said.unsubscribe_ask if topic is None else said.unsubscribe_ask_topic
    return Page(
        said.unsubscribe_title,
        (_filled(ask, said, channel, topic),),
        button=said.unsubscribe_button,
        link=(link, said.preferences_link),
    )


def confirm(said: Language, channel: str, topic: str | None) -> Page:
    """Returns the page that asks to confirm a consent."""
    ask = said.confirm_ask if topic is None else said.confirm_ask_topic
    return Page(
        said.confirm_title, (_filled(ask, said, channel, topic),), button=said.confirm_button
    )


def preferences(said: Language, shown: Sequence[Box], *, saved: bool) -> Page:
    """Returns the page on which a person says what to get.

    Args:
        said: in which language.
        shown: the boxes, those of a channel side by side.
        saved: whether it answers what was just saved.
    """
    form = "".join(
        f"<fieldset><legend>{escape(_channel(said, channel))}</legend>"
        + "".join(_box(said, box) for box in boxes)
        + "</fieldset>"
        for channel, boxes in itertools.groupby(shown, key=lambda box: box.channel)
    )
    texts = (said.saved,) if saved else (said.preferences_intro,)
    return Page(said.preferences_title, texts, form=form, button=said.save)


def shown(channel: str, topics: Sequence[Topic], standing: Standing) -> list[Box]:
    """Returns the boxes as they stand: for each channel one for each topic, and one for nothing.

    Args:
        channel: of the message that led here; the first.
        topics: that can be chosen.
        standing: of the person.
    """
    others = {each for topic in topics for each in topic.channels or ()}
    others |= {one.channel for one in standing.consents}
    others |= {one.channel for one in standing.suppressions if one.channel != ALL}
    channels = [channel, *sorted(others - {channel})]
    return [box for each in channels for box in _boxes(each, topics, standing)]


def _boxes(channel: str, topics: Sequence[Topic], standing: Standing) -> list[Box]:
    states = {one.topic: one.state for one in standing.consents if one.channel == channel}
    found = [
        Box(channel, topic.id, topic.name, _is_on(topic, states))
        for topic in topics
        if topic.channels is None or channel in topic.channels
    ]
    stops = [one for one in standing.suppressions if one.channel in (channel, ALL)]
    fixed = any(one.channel == ALL or one.reason not in LIFTED_BY_PERSON for one in stops)
    return [*found, Box(channel, ALL, "", bool(stops), fixed)]


def _is_on(topic: Topic, states: Mapping[str, State]) -> bool:
    state = states.get(topic.id) or states.get(ALL)
    return topic.is_given if state is None else state != "denied"


def _box(said: Language, box: Box) -> str:
    field = escape(box.field)
    attributes = " checked" * box.is_on + " disabled" * box.is_fixed
    was = f'<input type="hidden" name="was" value="{field}">' if box.is_on else ""
    words = said.nothing.format(channel=_channel(said, box.channel))
    return (
        f'<label><input type="checkbox" name="on" value="{field}"{attributes}> '
        f"{escape(words if box.topic == ALL else box.name)}</label>{was}"
    )


def _channel(said: Language, channel: str) -> str:
    return said.channels.get(channel, channel)


def _filled(text: str, said: Language, channel: str, topic: str | None) -> str:
    return text.format(channel=_channel(said, channel), topic=topic or "")
