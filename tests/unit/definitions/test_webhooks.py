"""Where values may stand in what webhooks say."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from processors.definitions import documents, webhooks
from processors.definitions.triggers import Trigger
from tests.unit.definitions.builders import problems, trigger

AT = "do[0].webhook."
HOST = "must name scheme and host as they are: values stand after https://example.com/"
PLACE = "takes values in its path, and after the = of a parameter"
NO_TAGS = "takes values as {{ … }}, and nothing else of Liquid"
LINE = "must be a line of at most 2048 ASCII characters"


def said(**fields: Any) -> list[str]:
    hook = {"url": "https://example.com/hook"} | fields
    return [each.split(", found")[0] for each in problems(trigger({"webhook": hook}))]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/{{ a }}",
        "https://example.com/a-{{ a.b | default: 'x y' }}{{ c }}.json",
        "https://example.com:8443/a/{{ a }}/b?c={{ d }}-1&e={{ f }}#g",
        "http://example.com?a={{ b }}",
    ],
)
def test_values_stand_in_the_path_and_in_values_of_parameters(url: str) -> None:
    assert said(url=url) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("{{ a }}", HOST),
        ("{{ a }}://example.com/", HOST),
        ("https://{{ a }}/", HOST),
        ("https://{{ a }}.example.com/", HOST),
        ("https://example.com{{ a }}", HOST),
        ("https://example.com{{ a }}/b", HOST),
        ("https://example.com:{{ a }}/", HOST),
        ("https://example.com#{{ a }}", HOST),
        ("https://example.com\\{{ a }}/", HOST),
        ("ftp://example.com/{{ a }}", HOST),
        ("https:/{{ a }}", HOST),
        ("https://example.com/?{{ a }}=1", PLACE),
        ("https://example.com/?a=1&{{ a }}=1", PLACE),
        ("https://example.com/#{{ a }}", PLACE),
        ("https://example.com/?a=1#{{ a }}", PLACE),
        ("https://example.com/%{{ a }}", PLACE),
        ("https://example.com/%2{{ a }}", PLACE),
        ("https://example.com/?a=%2{{ a }}", PLACE),
        ("https://example.com/{% if a %}b{% endif %}", NO_TAGS),
        ("https://example.com/{{ a }}{{ b", NO_TAGS),
        ("https://example.com/{{ a }} }}", NO_TAGS),
        ("https://example.com/{{ '}}' }}", NO_TAGS),
        ("https://u:p@example.com/{{ a }}",
         "must be an address such as https://example.com/hook, without user and password"),
        ("https://example.com/{{ a }} b",
         "must be an address such as https://example.com/hook, without user and password"),
        ("https://example.com/{{ a }}" + "b" * 2_048, "must have at most 2048 characters"),
    ],
)  # fmt: skip
def test_url_in_which_a_value_could_lead_elsewhere_is_refused(url: str, why: str) -> None:
    assert said(url=url) == [f"{AT}url: {why}"]


def test_url_that_is_no_text_is_none() -> None:
    assert said(url=5) == [
        f"{AT}url: must be an address such as https://example.com/hook, without user and password"
    ]


PIECES = [
    "https://",
    "a.example",
    "/",
    "?",
    "=",
    "&",
    "#",
    "%",
    "2",
    "@",
    ":",
    "\\",
    "{{ v }}",
    ";",
]


SOME = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
URLS = st.builds(
    "https://{}{}{{{{ v }}}}{}".format,
    st.sampled_from(["", "a.example", "a.example/", "a.example?"]),
    SOME,
    SOME,
)
"""With a value: those of pieces alone would seldom have a host before it, and be refused."""


@given(URLS, st.text(max_size=8))
def test_no_value_changes_scheme_host_port_or_parameters(url: str, value: str) -> None:
    assume(webhooks.wrong_url(url) is None)
    filled, plain = (urlsplit(url.replace("{{ v }}", each)) for each in (quote(value, ""), "x"))
    assert (filled.scheme, filled.netloc) == (plain.scheme, plain.netloc)
    assert filled.path.count("/") == plain.path.count("/")
    names = [[part.partition("=")[0] for part in u.query.split("&")] for u in (filled, plain)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "value",
    [
        "{{ plan }}",
        "Bearer {{ secrets.CRM }}-{{ plan | default: 'a' }}",
        "{{ secrets.A }}{{ secrets.B }}",
    ],
)
def test_headers_hold_values_beside_secrets(value: str) -> None:
    assert said(headers={"X-A": value}) == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{% if a %}b{% endif %}", NO_TAGS),
        ("{{ a", NO_TAGS),
        ("{{ a }} }}", NO_TAGS),
        ("{{ a {{ secrets.CRM }} }}", NO_TAGS),
        ("{{ a }}\n", LINE),
        ("{{ a | default: 'ä' }}", LINE),
        ("{{ a }}" + "x" * 2_048, LINE),
        ("a }}", "fills in secrets only: {{ secrets.NAME }}"),
    ],
)
def test_header_that_is_no_line_of_values_is_refused(value: str, why: str) -> None:
    assert said(headers={"X-A": value}) == [f"{AT}headers.X-A: {why}"]


def test_texts_with_liquid_are_found_with_their_places() -> None:
    hook = {
        "url": "https://example.com/{{ a }}",
        "headers": {"X-A": "{{ secrets.CRM }} {{ b }}", "X-B": "{{ secrets.CRM }}"},
        "body": {"c": ["x", {"d": "{% if e %}1{% endif %}", "f": 1}], "g": "{{ h }}"},
    }
    found = documents.parse(trigger({"webhook": hook}))
    assert isinstance(found, Trigger)
    [action] = found.do
    assert action.has_values  # type: ignore[union-attr]
    assert list(action.texts()) == [  # type: ignore[union-attr]
        (("url",), "https://example.com/{{ a }}"),
        (("headers", "X-A"), " {{ b }}"),
        (("body", "c", 1, "d"), "{% if e %}1{% endif %}"),
        (("body", "g"), "{{ h }}"),
    ]


def test_secrets_alone_are_no_values() -> None:
    hook = {"url": "https://example.com/", "headers": {"X-A": "{{ secrets.CRM }}"}, "body": {}}
    found = documents.parse(trigger({"webhook": hook}))
    assert isinstance(found, Trigger)
    assert not found.do[0].has_values  # type: ignore[union-attr]
