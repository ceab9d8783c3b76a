"""MJML to HTML, with Liquid left where it is."""

import pytest

from processors.content import mjml
from processors.content.errors import Broken

SECTION = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
COLUMN = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


def test_liquid_stays_in_texts_attributes_and_between_elements() -> None:
    source = COLUMN.format(
        "{% for i in items %}<mj-text>Hi {{ i.name | upcase }} {% if a < b %}&amp;{% endif %}"
        '</mj-text><mj-button href="{{ i.url }}">Go</mj-button>{% endfor %}'
    )
    html = mjml.to_html(source, {})
    begin, name, url, end = (
        html.index(each)
        for each in ("{% for i", "{{ i.name | upcase }}", '"{{ i.url }}"', "{% endfor %}")
    )
    assert begin < name < url < end
    assert "{% if a < b %}&amp;{% endif %}" in html
    assert "LQD" not in html
    assert "mj-" not in html.replace("mj-outlook", "").replace("mj-column-per", "")


def test_sections_stand_in_branches() -> None:
    inner = "{% if a %}" + SECTION.format("x") + "{% endif %}<mj-raw>{{ b }}</mj-raw>"
    source = f"<mjml><mj-body>{inner}</mj-body></mjml>"
    html = mjml.to_html(source, {})
    assert html.index("{% if a %}") < html.index("x</div>") < html.index("{% endif %}")
    assert "{{ b }}" in html


def test_partials_are_included() -> None:
    footer = "{% if a %}" + SECTION.format("{{ b }}") + "{% endif %}"
    source = '<mjml><mj-body><mj-include path="footer" /></mj-body></mjml>'
    html = mjml.to_html(source, {"footer": footer})
    assert html.index("{% if a %}") < html.index("{{ b }}") < html.index("{% endif %}")


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("<mjml>\n<mj-body>\n<mj-txt>a</mj-txt></mj-body></mjml>", 3, "did you mean mj-text?"),
        (
            '<mjml><mj-body>\n<mj-include path="foter" /></mj-body></mjml>',
            2,
            "did you mean footer?",
        ),
        ("<mjml><mj-body>", None, "is no MJML"),
        ("<mj-body></mj-body>", 1, "is no MJML"),
        ("{{ a }}\n\n<p>x</p>", None, "is no MJML"),
        ("hello", None, "is no MJML"),
    ],
)
def test_what_is_no_mjml_is_broken(source: str, line: int | None, words: str) -> None:
    with pytest.raises(Broken) as caught:
        mjml.to_html(source, {"footer": "<mj-section></mj-section>"})
    assert words in caught.value.message
    assert line is None or caught.value.line == line
