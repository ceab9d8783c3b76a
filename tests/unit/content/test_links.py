"""Links: which may be there, what is added to them, and what leads by way of us."""

import msgspec
import pytest

from processors.content import links
from processors.definitions.templates import Utm
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.unit.content.builders import Ours, command

UTM = Utm.model_validate({"source": "beckon"})
MARKS = "utm_source=beckon&amp;utm_medium=email&amp;utm_campaign=hello"


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
    links.check(html)


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
    ],
)  # fmt: skip
def test_links_that_may_be_programs_are_refused(html: str) -> None:
    with pytest.raises(Unsendable, match="link-refused") as caught:
        links.check(html)
    assert caught.value.is_held
    assert "script" not in caught.value.detail, "the address may hold data of a person"


def test_too_many_links_are_refused() -> None:
    html = '<a href="https://a.example">' * links.MAX_LINKS
    links.check(html)
    with pytest.raises(Unsendable, match="links-too-many"):
        links.check(html + '<a href="">')


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
    assert links.marked(html, UTM, "hello", ours=["https://b.example/u/1"]) == marked
    assert links.marked(html, None, "hello", ours=[]) == html


def test_policy_says_what_is_added() -> None:
    full = {"source": "s", "medium": "m", "campaign": "c", "content": "d", "term": "t"}
    assert links.parameters(Utm.model_validate(full), "hello") == {
        f"utm_{name}": value for name, value in full.items()
    }


def mail(html: str | None) -> Message:
    return Message(id="1", channel="email", profile_id="ann", to="a@b.example", html=html)


def test_links_lead_by_way_of_us_and_a_picture_tells() -> None:
    order = command()
    html = (
        '<body><a href="https://a.example/?b=1&amp;c=2">x</a>'
        f'<a href="{Ours().unsubscribe(order)}">y</a></body></html>'
    )
    found = links.tracked(mail(html), order, Ours(), ours=links.own(Ours(), order)).html
    assert found is not None
    assert 'href="https://b.example/c?u=https://a.example/?b=1&amp;c=2"' in found
    assert f'href="{Ours().unsubscribe(order)}"' in found
    picture = '<img src="https://b.example/o.gif" width="1" height="1" alt="">'
    assert found.endswith(f"{picture}</body></html>")


def test_mail_with_a_link_to_it_in_a_browser_says_so() -> None:
    order = command()
    view, other = Ours().view(order), Ours().unsubscribe(order)
    said = [
        links.tracked(each, order, Ours(), ours=links.own(Ours(), order)).is_viewable
        for each in (
            mail(f'<a href="{view}">x</a>'),
            msgspec.structs.replace(mail("<p>x</p>"), text=f"See {view}"),
            mail(f'<a href="{other}">x</a>'),
            mail(None),
        )
    ]
    assert said == [True, True, False, False]


def test_nothing_is_tracked_that_is_no_html_or_that_nobody_tracks() -> None:
    order, html = command(), '<a href="https://a.example">'
    assert links.tracked(mail(html), order, None, ours={}) == mail(html)
    assert links.tracked(mail(None), order, Ours(), ours=links.own(Ours(), order)) == mail(None)
    quiet = links.tracked(mail("<p>x</p>"), order, Ours(pixel=None), ours=links.own(Ours(), order))
    assert quiet == mail("<p>x</p>")
    assert (
        links.tracked(mail("<p>x</p>"), order, Ours(), ours=links.own(Ours(), order)).html
        != "<p>x</p>"
    ), "also without a body"


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
