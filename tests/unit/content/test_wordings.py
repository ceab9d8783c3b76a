"""The texts of a template: HTML of MJML, text of HTML, partials, structures."""

from typing import Any

import pytest

from processors.content.errors import Broken
from processors.content.wordings import Compiled, Shelf, html_of
from processors.definitions import documents
from processors.definitions.templates import Partial, Wording
from schemas.errors import Unsendable
from tests.unit.content.builders import partial


def shelf(*written: dict[str, Any]) -> Shelf:
    found = [documents.parse(each) for each in written]
    return Shelf({each.id: each for each in found if isinstance(each, Partial)})


def compiled(*partials: dict[str, Any], **texts: Any) -> Compiled:
    return Compiled(Wording.model_validate(texts), shelf(*partials))


def test_text_is_made_of_the_html_and_rendered_by_itself() -> None:
    found = compiled(
        html='<p>Hi {{ n }}</p>{% for i in l %}<p><a href="{{ i }}">x</a></p>{% endfor %}'
    )
    data = {"n": "<Ann>", "l": ["https://a.example/?a=1&b=2"]}
    html = found.html(data)
    assert html is not None
    assert "Hi &lt;Ann&gt;" in html
    assert found.word("text", data) == "Hi <Ann>\n\nx (https://a.example/?a=1&b=2)"


def test_text_that_is_written_is_left_as_it_is() -> None:
    assert compiled(html="<p>a</p>", text="b\n\n\n\nc").word("text", {}) == "b\n\n\n\nc"
    assert compiled(text="b").html({}) is None
    assert compiled(text="b").word("subject", {}) is None


def test_preheader_is_hidden_at_the_beginning_of_the_body() -> None:
    wording = Wording.model_validate(
        {"html": "<html><body x='y'><p>a</p></body></html>", "preheader": "Look {{ n }}"}
    )
    html = html_of(wording, shelf())
    assert html is not None
    assert html.startswith("<html><body x='y'><div style=\"display:none;")
    bare = Compiled(Wording.model_validate({"html": "<p>a</p>", "preheader": "{{ n }}"}), shelf())
    said = bare.html({"n": "<b>"})
    assert said is not None
    assert said.startswith('<div style="display:none')
    assert "&lt;b&gt;" in said
    assert bare.word("text", {"n": "x"}) == "a", "what is hidden is no part of the text"


def test_partials_are_taken_in_by_each_form() -> None:
    both = partial("both", html="<b>{{ n }}</b>", text="*{{ n }}*")
    html = partial("html", html="<p>{{ n }}</p>")
    text = partial("text", text="{{ n }}")
    source = "{% render 'both' %}{% render 'html' %}{% render 'text' %}"
    found = compiled(both, html, text, html=source, subject=source)
    assert found.html({"n": "&"}) == "<b>&amp;</b><p>&amp;</p>&amp;"
    assert found.word("subject", {"n": "&"}) == "*&*&&"


def test_mjml_comes_with_its_partials() -> None:
    footer = partial(
        "footer", mjml="<mj-section><mj-column><mj-text>{{ n }}</mj-text></mj-column></mj-section>"
    )
    found = compiled(footer, mjml='<mjml><mj-body><mj-include path="footer" /></mj-body></mjml>')
    html = found.html({"n": "&"})
    assert html is not None
    assert "&amp;" in html
    assert found.word("text", {"n": "&"}) == "&"


def test_notice_keeps_types_where_a_variable_stands_alone() -> None:
    data = {"n": "{{ a.b }}", "s": "{{ a.b }} x", "l": [1, "{{ a.b }}", None], "t": True}
    found = compiled(push={"title": "T {{ a.b }}", "body": "b", "data": data})
    said = found.notice({"a": {"b": 3}})
    assert said == {"title": "T 3", "body": "b",
                    "data": {"n": 3, "s": "3 x", "l": [1, 3, None], "t": True}}  # fmt: skip
    with pytest.raises(Unsendable, match=r"variable-missing: a\.b"):
        found.notice({})


def test_parameters_of_an_approved_template_are_texts() -> None:
    approved = {"template": "t", "language": "de", "parameters": ["{{ n }}", "x {{ n }}"]}
    found = compiled(whatsapp=approved)
    assert found.parameters({"n": 3}) == ("3", "x 3")
    assert compiled(text="x").parameters({}) == ()
    assert compiled(text="x").notice({}) == {}


@pytest.mark.parametrize(
    "texts", [{"html": "{{ a"}, {"mjml": "<mjml>"}, {"subject": "{% x %}"}, {"text": "{{ a b }}"}]
)
def test_broken_text_is_told(texts: dict[str, str]) -> None:
    with pytest.raises(Broken):
        compiled(**texts)
