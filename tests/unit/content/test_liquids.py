"""Liquid: plain data only, missing is an error, and everything ends."""

from typing import Any

import pytest

from processors.content import liquids
from processors.content.errors import Broken
from processors.content.liquids import Environment
from schemas.errors import Unsendable

PARTIALS = {
    "row": "{{ item.title }} of {{ name }};",
    "self": "{% render 'self' %}",
    "blank": "{% if name == blank %}none{% endif %}",
}


def html(source: str, **data: Any) -> str:
    return liquids.render(liquids.compile(Environment(PARTIALS, is_html=True), source), data)


def text(source: str, **data: Any) -> str:
    return liquids.render(liquids.compile(Environment(PARTIALS, is_html=False), source), data)


def refused(source: str, **data: Any) -> tuple[str, str]:
    with pytest.raises(Unsendable) as caught:
        html(source, **data)
    assert caught.value.is_held
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ a.b.c }}", "3"),
        ("{{a['b']['c']}}", "3"),
        ("{{ items[1].t }}{{ items.size }}{{ items.first.t }}", "y2x"),
        ("{% for i in items %}{{ forloop.index }}{{ i.t }}{% endfor %}", "1x2y"),
        ("{% for i in items %}{% render 'row', item: i %}{% endfor %}", ""),
        ("{{ nope | default: 'there' }}", "there"),
        ("{{ bare | default: 'there' }}", "there"),
        ("{% if nope %}a{% elsif nope.b %}b{% else %}c{% endif %}", "c"),
        ("{% if nope == blank and nope == empty and nope == nil %}a{% endif %}", "a"),
        ("{% if nope != blank or nil != nope %}a{% endif %}", ""),
        ("{% if void == blank %}a{% endif %}{% if a != blank %}b{% endif %}", "ab"),
        ("{% render 'blank' %}", "none"),
        ("{% if nope > 3 or nope contains 'a' %}a{% endif %}", ""),
    ],
)
def test_templates_read_plain_data(source: str, said: str) -> None:
    data = {"a": {"b": {"c": 3}}, "items": [{"t": "x"}, {"t": "y"}], "bare": "", "void": None}
    if "row" in source:
        assert html(source, items=[{"title": "x"}], name="n") == "x of n;"
    else:
        assert html(source, **data) == said


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("{{ nope }}", "nope"),
        ("{{ a.b.nope }}", "a.b.nope"),
        ("{{ void }}", "void"),
        ("{{ nope | upcase }}", "nope"),
        ("{% for i in nope %}x{% endfor %}", "nope"),
        ("{{ items[9] }}", "items.9"),
        ("{{ nope | default: other }}", "other"),
    ],
)
def test_missing_variable_is_named(source: str, path: str) -> None:
    assert refused(source, a={"b": {}}, void=None, items=[]) == ("variable-missing", path)


@pytest.mark.parametrize(
    "path",
    ["a.__class__", "a.upper", "b.keys", "c.append", "n.real", "a.__class__.__mro__", "f.__call__"],
)
def test_attributes_of_python_can_not_be_reached(path: str) -> None:
    data = {"a": "x", "b": {}, "c": [], "n": 1, "f": {}}
    assert refused(f"{{{{ {path} }}}}", **data)[0] == "variable-missing"


@pytest.mark.parametrize(
    "source",
    [
        "{% include 'row' %}",
        "{% extends 'row' %}",
        "{% import 'os' %}",
        "{{ ''.__class__ }}",
        "{% if %}",
        "{{ a b }}",
        "{% for x in y %}",
        "{% if a %}" * 40 + "{% endif %}" * 40,
    ],
)
def test_what_is_no_liquid_of_ours_is_broken(source: str) -> None:
    with pytest.raises(Broken):
        html(source)


def test_broken_text_names_its_line() -> None:
    with pytest.raises(Broken) as caught:
        html("a\nb\n{% nope %}")
    assert (caught.value.line, caught.value.message) == (3, "unexpected tag 'nope'")


def test_nesting_without_end_is_broken_not_a_crash() -> None:
    with pytest.raises(Broken):
        html("{{ a" + "[a" * 100_000 + "]" * 100_000 + " }}")


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("{% for i in (1..100000000) %}x{% endfor %}", "LoopIterationLimitError"),
        ("{% for i in (1..999) %}{% for j in (1..999) %}x{% endfor %}{% endfor %}",
         "LoopIterationLimitError"),
        ("{{ big }}" * 20, "OutputStreamLimitError"),
        ("{% assign b = big %}{% for i in (1..30) %}{% assign b = b | append: b %}{% endfor %}",
         "LocalNamespaceLimitError"),
        ("{% render 'self' %}", "ContextDepthError"),
    ],
)  # fmt: skip
def test_too_much_is_refused(source: str, limit: str) -> None:
    assert refused(source, big="x" * 50_000) == ("template-too-costly", limit)


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("{{ a | nope }}", "unknown filter 'nope'"),
        ("{% render 'nope' %}", "nope"),
        ("{{ a | divided_by: 0 }}", "divided_by: can't divide by 0"),
        ("{{ a | slice: 1.5 }}", "slice expected an integer start, found float"),
    ],
)
def test_failing_template_is_held(source: str, detail: str) -> None:
    reason, said = refused(source, a=1)
    assert reason == "template-broken"
    assert said.startswith(detail[:10])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ l }}{% echo l %}", "a1a1"),
        ("{{ l | join: '-' }}", "a-1"),
        ("{{ t }}{{ f }}{{ n }}", "truefalse1.5"),
        ("{{ items | map: 't' | join: ',' }}", "x,y"),
        ("{{ items | map: 'none' | first }}", ""),
        ("{{ nope | default: nil }}", ""),
    ],
)
def test_nothing_is_printed_as_python_writes_it(source: str, said: str) -> None:
    items = [{"t": "x", "none": None}, {"t": "y"}]
    assert text(source, l=["a", None, 1], t=True, f=False, n=1.5, items=items) == said


@pytest.mark.parametrize(
    "source",
    ["{{ m }}", "{% echo m %}", "{{ items }}", "{{ m | append: '' }}{{ m }}", "{{ nested }}",
     "{{ items | join }}", "{% for i in m %}{{ forloop }}{% endfor %}"],
)  # fmt: skip
def test_mapping_is_not_printed(source: str) -> None:
    data = {"m": {"a": None}, "items": [{"a": 1}], "nested": [[1]]}
    assert refused(source, **data)[0] == "template-broken"


@pytest.mark.parametrize("value", ["{{ 7 | times: 7 }}", "{% if true %}x{% endif %}", "{{ name }}"])
def test_values_are_never_read_as_templates(value: str) -> None:
    assert text("{{ v }}{% assign w = v %}{{ w | append: v }}", v=value, name="n") == value * 3


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("<b>{{ v }}</b>", "<script>", "<b>&lt;script&gt;</b>"),
        ('<a title="{{ v }}">', '" onclick="x', '<a title="&#34; onclick=&#34;x">'),
        ("{{ v | append: v }}", "<", "&lt;&lt;"),
        ("{{ '<i>' | append: v }}", "<", "<i>&lt;"),
        ("{{ v | replace: 'a', '<' }}", "a", "&lt;"),
        ("{{ v | escape }}", "<", "&lt;"),
        ("{{ v | newline_to_br }}", "<\n", "&lt;<br />\n"),
        ("{{ v | url_decode }}", "%3Cb%3E", "&lt;b&gt;"),
        ("{{ v | base64_decode }}", "PGI+", "&lt;b&gt;"),
        ("{{ v | split: ',' | join: '<' }}", "<,b", "&lt;<b"),
        ("{{ v | safe }}", "<i>", "<i>"),
        ("{% capture c %}{{ v }}{% endcapture %}{{ c }}", "<", "&lt;"),
    ],
)
def test_html_is_escaped(source: str, value: str, said: str) -> None:
    assert html(source, v=value) == said


def test_text_is_not_escaped() -> None:
    assert text("{{ v }}{{ v | escape }}{{ v | safe }}{{ v | newline_to_br }}", v="<&") == "<&" * 4
