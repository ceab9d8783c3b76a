"""The pages that people see."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from processors.api import pages
from processors.api.pages import Language, Page
from processors.delivery.consents import Box
from processors.delivery.topics import Topic
from schemas.consents import ConsentRecord, Reason, State, SuppressionRecord
from schemas.postings import Standing

EN = pages.languages()["en"]
NEWS = Topic("news", "News", None, True)
TIPS = Topic("tips", "Tips", ("email", "sms"), False)
LINK = "https://mail.shop.example/t/p/x"


class Tags(HTMLParser):
    """Notes the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: Page, code: str = "en") -> list[tuple[str, dict[str, str | None]]]:
    reader = Tags()
    reader.feed(pages.render(page, code).decode())
    return reader.found


def every(said: Language) -> Iterator[Page]:
    yield pages.unsubscribe(said, "email", "news", LINK)
    yield pages.unsubscribe(said, "email", None, LINK)
    yield pages.confirm(said, "sms", "news")
    yield pages.confirm(said, "sms", None)
    shown = pages.shown("email", [NEWS, TIPS], Standing())
    yield pages.preferences(said, shown, saved=False)
    yield pages.preferences(said, shown, saved=True)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", text))


def test_four_languages_are_shipped() -> None:
    assert {"en", "de", "fr", "es"} <= set(pages.languages())


@pytest.mark.parametrize("code", sorted(pages.languages()))
def test_language_says_all_that_pages_need(code: str) -> None:
    said = pages.languages()[code]
    assert set(said.channels) == set(EN.channels)
    for name, text in msgspec.to_builtins(said).items():
        if isinstance(text, str):
            assert text, name
            assert placeholders(text) == placeholders(getattr(EN, name)), name


@pytest.mark.parametrize("code", sorted(pages.languages()))
def test_pages_run_nothing_and_load_nothing(code: str) -> None:
    for page in every(pages.languages()[code]):
        for tag, attributes in tags(page, code):
            assert tag not in {"script", "img", "link", "iframe", "object", "embed", "base"}
            assert not any(name.startswith("on") for name in attributes)
            assert not {"src", "style", "action"} & set(attributes)
    assert "script-src" not in pages.POLICY
    assert pages.POLICY.startswith("default-src 'none'")


def test_page_says_its_language_and_is_in_no_index() -> None:
    found = tags(pages.unsubscribe(EN, "email", None, LINK))
    assert ("html", {"lang": "en"}) in found
    assert ("meta", {"name": "robots", "content": "noindex"}) in found
    assert ("meta", {"name": "referrer", "content": "no-referrer"}) in found
    assert ("a", {"href": LINK}) in found


def test_names_are_text_and_no_markup() -> None:
    evil = '<script>alert(1)</script>"{channel.__class__}'
    topics = [Topic('"><script>', evil, None, True)]
    shown = pages.shown("email", topics, Standing())
    for page in (
        pages.unsubscribe(EN, "<b>", evil, LINK),
        pages.preferences(EN, shown, saved=False),
    ):
        assert {tag for tag, _ in tags(page)}.isdisjoint({"script", "b"})
    assert "{channel.__class__}" in pages.unsubscribe(EN, "email", evil, LINK).texts[0]


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE", "de"),
        ("en;q=0.1, fr;q=0.9", "fr"),
        ("nl, es;q=0.5", "es"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=x, fr", "fr"),
        ("*", "en"),
        ("", "en"),
        (",;q=,", "en"),
        ("de" * 10_000, "en"),
    ],
)
def test_best_language_is_the_one_that_is_wanted_most(accepted: str, code: str) -> None:
    assert pages.language(accepted) == code


def boxes(topics: list[Topic], standing: Standing, channel: str = "email") -> list[Box]:
    return [one for one in pages.shown(channel, topics, standing) if one.channel == channel]


def consent(state: State, topic: str = "news", channel: str = "email") -> ConsentRecord:
    return ConsentRecord(profile_id="ada", channel=channel, topic=topic, state=state, at=0)


@pytest.mark.parametrize(
    ("said", "is_on"),
    [
        ([], True),
        ([consent("granted")], True),
        ([consent("pending")], True),
        ([consent("denied")], False),
        ([consent("denied", "*")], False),
        ([consent("denied", "*"), consent("granted")], True),
        ([consent("denied", channel="sms")], True),
    ],
)
def test_box_stands_as_the_person_said(said: list[ConsentRecord], is_on: bool) -> None:
    news, _ = boxes([NEWS], Standing(consents=tuple(said)))
    assert news.is_on == is_on


def test_topic_that_needs_consent_is_off_until_somebody_says_yes() -> None:
    assert [one.is_on for one in boxes([TIPS], Standing())] == [False, False]


@pytest.mark.parametrize(
    ("channel", "reason", "is_fixed"),
    [
        ("email", "unsubscribe", False),
        ("email", "sunset", False),
        ("email", "complaint", True),
        ("email", "hard-bounce", True),
        ("email", "manual", True),
        ("*", "unsubscribe", True),
    ],
)
def test_what_others_stopped_is_not_for_the_person_to_lift(
    channel: str, reason: Reason, is_fixed: bool
) -> None:
    stop = SuppressionRecord(profile_id="ada", channel=channel, reason=reason, at=0)
    [nothing] = boxes([], Standing(suppressions=(stop,)))
    assert (nothing.is_on, nothing.is_fixed) == (True, is_fixed)


def test_channels_are_those_of_the_message_the_topics_and_what_was_said() -> None:
    standing = Standing(consents=(consent("denied", channel="push"),))
    shown = pages.shown("email", [TIPS], standing)
    assert [one.field for one in shown] == [
        "email/tips",
        "email/*",
        "push/*",
        "sms/tips",
        "sms/*",
    ]


def test_language_files_are_part_of_the_package() -> None:
    folder = Path(pages.__file__).parent / "languages"
    assert {one.stem for one in folder.glob("*.yaml")} == set(pages.languages())
