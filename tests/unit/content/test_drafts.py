"""Drafts: links lead by way of us, and whoever rendered them could not sign."""

import pytest

from processors.content import drafts, links
from processors.content.drafts import Draft
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.unit.content.builders import Ours, command

ORDER = command()
OURS = links.own(Ours(), ORDER)


def draft(html: str, text: str | None = None, *, is_tracked: bool = True) -> Draft:
    message = Message(id="1", channel="email", profile_id="ann", to="a@b.example", text=text)
    ours = OURS if is_tracked else {}
    parts = links.parted(html.encode(), None, "hello", ours=ours.values())
    return drafts.of(message, parts, ours)


def finished(html: str, *, picture: str | None = "https://b.example/o.gif") -> str:
    made = drafts.finished(draft(html), ORDER, Ours(pixel=picture)).html
    assert made is not None
    return made


def test_links_lead_by_way_of_us_and_a_picture_tells() -> None:
    found = finished(
        '<body><a href="https://a.example/?b=1&amp;c=2">x</a>'
        f'<a href="{OURS["unsubscribe_url"]}">y</a></body></html>'
    )
    assert 'href="https://b.example/c?u=https://a.example/?b=1&amp;c=2"' in found
    assert f'href="{OURS["unsubscribe_url"]}"' in found
    picture = '<img src="https://b.example/o.gif" width="1" height="1" alt="">'
    assert found.endswith(f"{picture}</body></html>")


@pytest.mark.parametrize(
    ("html", "around"),
    [
        ("<p>x</p>", ("<p>x</p>", "")),
        ("<body></body><!-- </body >-->", ("<body></body><!-- ", "</body >-->")),
        ('<body></BODY><a href="https://a.example">', ("<body>", "</BODY><a href=")),
    ],
)
def test_picture_stands_at_the_end_of_the_body_else_of_everything(
    html: str, around: tuple[str, str]
) -> None:
    before, picture, behind = finished(html).partition("<img")
    assert picture
    assert before == around[0]
    assert behind.partition(">")[2].startswith(around[1])
    assert "<img" not in finished(html, picture=None)


def test_mail_with_a_link_to_it_in_a_browser_says_so() -> None:
    view, other = OURS[links.VIEW_URL], OURS["unsubscribe_url"]
    assert draft(f'<a href="{view}">x</a>').message.is_viewable
    assert draft("<p>x</p>", text=f"See {view}").message.is_viewable
    assert not draft(f'<a href="{other}">x</a>').message.is_viewable


def test_nothing_is_changed_where_nobody_tracks() -> None:
    html = "<a href='https://a.example/?b&c'>"
    assert drafts.finished(draft(html, is_tracked=False), ORDER, None).html == html


def test_what_has_no_html_stays_without() -> None:
    message = Message(id="1", channel="sms", profile_id="ann", to="+4915112345678", text="Hi")
    assert drafts.finished(Draft(message), ORDER, Ours()) is message


def test_no_message_leads_where_links_may_not() -> None:
    class Strict(Ours):
        def click(self, command: object, url: str) -> str:
            raise Unsendable("link-refused", is_held=True)

    with pytest.raises(Unsendable, match="link-refused"):
        drafts.finished(draft('<a href="https://a.example">'), ORDER, Strict())
