"""Links: which may be there, what is added to them, and what leads by way of us."""

import contextlib
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.content import links
from processors.definitions.templates import Utm
from schemas.errors import Unsendable
from tests.unit.content.builders import Ours, command

UTM = Utm.model_validate({"source": "beckon"})
MARKS = "utm_source=beckon&amp;utm_medium=email&amp;utm_campaign=hello"


def settled(html: str, utm: Utm | None = None, ours: Sequence[str] = ()) -> str:
    return links.joined(links.parted(html.encode(), utm, "hello", ours=ours))


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://a.example">', "<a href='mailto:a@b.example'>", '<a href="tel:+49">',
        '<a href="#top">', '<a href="/path:x">', '<a href="">', '<img src="cid:logo">',
        '<img src="data:image/png;base64,AA==">', "<a href=https://a.example>",
        "<p>javascript:alert(1)</p>", '<a title="javascript:x" href="//a.example">',
    ],
)  # fmt: skip
def test_ordinary_links_may_be_there(html: str) -> None:
    assert settled(html) == html


@pytest.mark.parametrize(
    "html",
    [
        '<a href="javascript:alert(1)">', "<a href='JaVaScRiPt:alert(1)'>",
        "<a href=javascript:alert(1)>", '<a href=" javascript:x">', '<a href="java\tscript:x">',
        '<a href="java\nscript:x">', '<a href="&#106;avascript:x">', '<a href="&#x6A;avascript:x">',
        '<a href="java&Tab;script:x">', '<a href="\x01javascript:x">', '<a href="vbscript:x">',
        '<a href="data:text/html,x">', '<img src="data:image/svg+xml;base64,AA==">',
        '<form action="javascript:x">', '<a xlink:href="javascript:x">', '<a href="file:///etc">',
        '<td background="javascript:x">', '<a\nhref\n=\n"javascript:x">',
        '<a href="\u200bjavascript:x">', '<object data="javascript:x">',
        '<a/href="javascript:x">', '<img alt="x"src="javascript:x">', "<A HREF=javascript:x>",
        '<button formaction="javascript:x">', '<video poster="javascript:x">',
        '<a title="x href=" href="javascript:x">', '<p>"x src=" <img src="javascript:x">',
    ],
)  # fmt: skip
def test_links_that_may_be_programs_are_refused(html: str) -> None:
    with pytest.raises(Unsendable, match="link-refused") as caught:
        settled(html)
    assert caught.value.is_held
    assert "script" not in caught.value.detail, "the address may hold data of a person"


@pytest.mark.parametrize(
    "html",
    [
        "<p>lies in /src=foo:bar</p>", "see src=foo:bar", "<p title='x'>set data=a:b, action=c:d",
        "<p>href=javascript:x</p>", "<style>a > b {}</style>/src=foo:bar",
        '<img alt="<p>/src=foo:bar">',
    ],
)  # fmt: skip
def test_what_only_looks_like_a_link_may_be_there(html: str) -> None:
    assert settled(html) == html


def test_too_many_links_are_refused() -> None:
    html = '<a href="https://a.example">' * links.MAX_LINKS
    settled(html)
    with pytest.raises(Unsendable, match="links-too-many"):
        settled(html + '<a href="">')


@pytest.mark.parametrize(
    ("html", "marked"),
    [
        ('<a href="https://a.example/b">', f'<a href="https://a.example/b?{MARKS}">'),
        ("<a class='x' href='https://a.example/?c=1&amp;d=2#e'>",
         f"<a class='x' href=\"https://a.example/?c=1&amp;d=2&amp;{MARKS}#e\">"),
        ('<a href="https://a.example/?utm_source=x&amp;utm_medium=y&amp;utm_campaign=z">',
         '<a href="https://a.example/?utm_source=x&amp;utm_medium=y&amp;utm_campaign=z">'),
        ('<a href="mailto:a@b.example">', '<a href="mailto:a@b.example">'),
        ('<a href="https://b.example/u/1">', '<a href="https://b.example/u/1">'),
        ('<img src="https://a.example/b.png">', '<img src="https://a.example/b.png">'),
    ],
)  # fmt: skip
def test_links_are_marked_with_where_they_stood(html: str, marked: str) -> None:
    assert settled(html, UTM, ["https://b.example/u/1"]) == marked
    assert settled(html) == html


class Attributes(HTMLParser):
    """Collects the attributes of all tags, as programs that show mails find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += attrs


@given(st.lists(st.sampled_from([*" =x/", "href", "https://e.example"]), max_size=9).map("".join))
@example("x href=https://e.example onclick=alert(1) y")
def test_no_value_in_an_attribute_becomes_one(value: str) -> None:
    """At worst it looks like a program, as `href=xhttps://…` does, and holds the mail."""
    try:
        found = settled(f'<a title="{value}" href="https://a.example">', UTM)
    except Unsendable:
        assert "xhttps:" in value or "hrefhttps:" in value
        return
    url = unescape(f"https://a.example?{MARKS}")
    assert Attributes(found).found == [("title", value), ("href", url)]


PIECES = ("<a", "<img alt=", "<!--", "-->", ">", "<", "</p>", "'", '"', "`", "=", "/", " ", "x")
PROGRAM = "/src=u:x"


@given(st.lists(st.sampled_from([*PIECES, PROGRAM]), max_size=14).map("".join))
@example(f'<img alt=">{PROGRAM}"{PROGRAM}>')
@example(f"<img alt='<p>Don't{PROGRAM}>")
def test_what_only_looks_like_a_link_is_none_to_programs(html: str) -> None:
    with contextlib.suppress(Unsendable):
        assert ("src", "u:x") not in Attributes(settled(html)).found


def test_policy_says_what_is_added() -> None:
    full = {"source": "s", "medium": "m", "campaign": "c", "content": "d", "term": "t"}
    assert links.parameters(Utm.model_validate(full), "hello") == {
        f"utm_{name}": f"utm_{name}={value}" for name, value in full.items()
    }


def test_headers_say_how_to_unsubscribe_with_one_click() -> None:
    urls = links.own(Ours(), command())
    assert links.headers(urls, transactional=False) == {
        "List-Unsubscribe": f"<{urls['unsubscribe_url']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert links.headers(urls, transactional=True) == {}
    assert links.headers({}, transactional=False) == {}
    assert links.own(None, command()) == {}
    assert links.own(Ours(), command("webhook", has_values=True)) == {}
