"""Attributes that hold addresses: found where programs that show mails find them."""

import pytest

from processors.content import attributes


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="x">', [("href", "x")]),
        ("<A HREF='x'>", [("href", "x")]),
        ("<a href=x>", [("href", "x")]),
        ('<a\nhref\n=\n"x">', [("href", "x")]),
        ('<a/href="x">', [("href", "x")]),
        ('<img alt=""src="x">', [("src", "x")]),
        ('<use xlink:href="x">', [("xlink:href", "x")]),
        ('<form action="x"><button formaction="y">', [("action", "x"), ("formaction", "y")]),
        ('<td background="x"><video poster="y"><object data="z">',
         [("background", "x"), ("poster", "y"), ("data", "z")]),
        ('<img src="x"><a href="y">', [("src", "x"), ("href", "y")]),
        ('<a href="?a= src=x">', [("href", "?a= src=x")]),
        ('<a title="x href=" href="y">', [("href", " href="), ("href", "y")]),
        ("<a title='x href=' href='y' src='z'>", [("href", " href="), ("href", "y"), ("src", "z")]),
        ('<img alt="x src=" src=y>', [("src", "y")]),
        ('<img alt="x src=" src=\'y\' title="">', [("src", " src='y' title="), ("src", "y")]),
        ('<p>"x src=" <img src="y">', [("src", " <img src="), ("src", "y")]),
        ('"x src=" <img src="y">', [("src", " <img src="), ("src", "y")]),
        ('<a href="gr\u00fcn">', [("href", "gr\u00fcn")]),
        ('<p data-href="x" xhref="y" srcset="z">href = of</p>', []),
        ("<p>https://a.example/?src=b</p>", []),
        ('<p>see href<a href=', []),
        ('href="x"', []),
    ],
)  # fmt: skip
def test_places_are_those_of_attributes_with_addresses(
    html: str, found: list[tuple[str, str]]
) -> None:
    raw = html.encode()
    places = attributes.places(raw)
    assert [(each.attribute, attributes.text(raw, each)) for each in places] == found


@pytest.mark.parametrize(
    ("html", "is_link"),
    [
        ('<a href="x">', True),
        ("<a\tclass=y href='x'>", True),
        ('<A/href="x">', True),
        ('<area href="x">', False),
        ('<base href="x">', False),
        ('<img src="x">', False),
        ('<a>href ="x"</a> href="x"', False),
        ('<a title=" href=x">', False),
        ("<a class=y title=' href=x'>", False),
        ('<abbr href="x">', False),
        ("<a class=\"y\" title='' href='x'>", True),
    ],
)
def test_what_is_clicked_on_is_the_href_of_an_a(html: str, is_link: bool) -> None:
    raw = html.encode()
    [place] = attributes.places(raw)
    assert attributes.is_link(raw, place) is is_link


@pytest.mark.parametrize(
    ("html", "is_text"),
    [
        ("<p>/src=x", True),
        ("x src=x", True),
        ('<a title="y"><br>z src="x"', True),
        ("<a title='>/src=x'>", True),  # of a value: no attribute either
        ("<img src=x>", False),
        ('<img alt=">" src=x>', False),
        ("<img alt='>' src=x>", False),
        ("<img alt=`>` src=x>", False),
        ("<img alt='<p>Don't src=x>", False),
        ("<p>Don't lie in /src=x", False),  # the quote could end a value
    ],
)
def test_text_goes_on_from_a_tag_until_there_is_a_sign_of_another_or_a_quote(
    html: str, is_text: bool
) -> None:
    raw = html.encode()
    [place] = attributes.places(raw)
    assert attributes.is_text(raw, place) is is_text


def test_html_is_parted_at_links_and_all_else_stays() -> None:
    raw = b'<base href="a"><a href=b>1</a> <a href="c">2</a><a href=\'d\'>3</a><img src="e">'
    parts = attributes.parted(
        raw, attributes.places(raw), lambda url: None if url == "c" else url.upper()
    )
    assert parts == [
        '<base href="a"><a href="', "B", '">1</a> <a href="c">2</a><a href="', "D",
        '">3</a><img src="e">',
    ]  # fmt: skip
    assert attributes.parted(b"<p>x", [], str.upper) == ["<p>x"]
