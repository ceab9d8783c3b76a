"""Where printing into HTML is safe, and where escaping is not enough."""

import time

import pytest

from processors.content import contexts


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{ a }}</p>",
        '<a href="{{ a }}" title=\'{{ b }}\' {% if c %}class="{{ d }}"{% endif %}>x</a>',
        "<td {% if a %}bgcolor{% endif %}>{{ b }}</td>",
        "<a href=https://a.example/b>{{ c }}</a>",
        "<!-- {{ a }} --><!--[if mso]><td>{{ b }}</td><![endif]-->",
        "<style>p { color: red }</style>{{ a }}",
        "1 < 2 {{ a }} > 3",
        "{% raw %}<a href={{ a }}>{% endraw %}",
        "{% comment %}<a href={{ a }}>{% endcomment %}",
        "<br/>{{ a }}<img src='x'/>",
        "<p",
        '<a title="',
        "<script>",
        "<!-- open {{ a }}",
    ],
)
def test_text_and_quoted_attributes_are_safe(html: str) -> None:
    assert list(contexts.unsafe(html)) == []


@pytest.mark.parametrize(
    ("html", "line", "words"),
    [
        ("<a href={{ a }}>", 1, "quotes"),
        ("<a href=https://x.example/{{ a }}>", 1, "quotes"),
        ("<p>\n<{{ tag }}>\n<b {{ a }}>", 3, "quotes"),
        ('<a onclick="f({{ a }})">', 1, "onclick"),
        ("<a ONMOUSEOVER='{{ a }}'>", 1, "onmouseover"),
        ('<iframe srcdoc="{{ a }}">', 1, "srcdoc"),
        ("<script>\nvar a = '{{ a }}';</script>", 2, "script"),
        ("<style>p { color: {{ a }} }</style>", 1, "style"),
        ('<a title="x"href={{ a }}>', 1, "quotes"),
        ("<!--[if mso]><td width={{ a }}><![endif]-->", 1, "quotes"),
    ],
)
def test_other_places_are_named(html: str, line: int, words: str) -> None:
    ((found, why),) = contexts.unsafe(html)
    assert found == line
    assert words in why


@pytest.mark.parametrize(
    "part", ["<a ", '"', "<!--", "<!--[if ", "<script></script>{{ a }}", "<script>", "İ<", "<a x='"]
)
def test_time_goes_by_the_length(part: str) -> None:
    html = part * (100_000 // len(part))
    begin_s = time.process_time()
    list(contexts.unsafe(html))
    assert time.process_time() - begin_s < 2.0
