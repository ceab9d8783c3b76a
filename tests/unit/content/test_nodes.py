"""The parts of templates that are ours: quick, and within bounds."""

from typing import Any

import pytest
from liquid.exceptions import OutputStreamLimitError

from processors.content import liquids, nodes
from processors.content.liquids import MAX_OUTPUT_CHARS, Environment
from processors.content.nodes import Paper, Scope
from schemas.errors import Unsendable


def made(source: str, *, is_html: bool = True, **data: Any) -> str:
    environment = Environment({"row": "{{ item }}{{ other }}"}, is_html=is_html)
    return liquids.render(liquids.compile(environment, source), data)


def test_paper_is_full_at_its_limit() -> None:
    paper = Paper(4)
    assert paper.write("ab") == 2
    paper.write("\u00fc\u00fc")
    with pytest.raises(OutputStreamLimitError):
        paper.write("c")
    assert paper.getvalue() == "ab\u00fc\u00fc"


def test_output_of_a_template_ends_at_the_limit() -> None:
    half = "x" * (MAX_OUTPUT_CHARS // 2)
    assert made("{{ a }}{{ a }}", a=half) == half * 2
    with pytest.raises(Unsendable, match="template-too-costly"):
        made("{{ a }}{{ a }}.", a=half)


def test_names_that_come_first_hide_the_others() -> None:
    scope = Scope({"a": 1}, {"a": 2, "b": None})
    assert (scope["a"], scope["b"], scope.get("c")) == (1, None, None)
    with pytest.raises(KeyError):
        scope["c"]


def test_no_template_reads_a_clock() -> None:
    for name in ("now", "today"):
        with pytest.raises(Unsendable, match="variable-missing"):
            made("{{ " + name + " }}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ a.b }}{{ a[key] }}{{ a['b'] }}", "111"),
        ("{% for a in items %}{{ a }}{{ forloop.last }},{% endfor %}{{ a.b }}",
         "3false,4true,1"),
        ("{% for i in items %}{% if i > 3 %}{{ i | plus: a.b }}{% endif %}{% endfor %}", "5"),
        ("{% for i in items %} {% endfor %}", ""),
        ("{% for i in items %}{% render 'row', item: i, other: key %};{% endfor %}", "3b;4b;"),
        ("{% assign a = 7 %}{{ a }}{% capture c %}{{ key }}{% endcapture %}{{ c }}", "7b"),
    ],
)  # fmt: skip
def test_values_are_found_from_the_inside_out(source: str, said: str) -> None:
    assert made(source, a={"b": 1}, key="b", items=[3, 4]) == said


def test_texts_are_escaped_in_html_and_only_there() -> None:
    assert made("{{ a }}{{ a | upcase }}", a="<b>") == "&lt;b&gt;&lt;B&gt;"
    assert made("{{ a }}", is_html=False, a="<b>") == "<b>"
    assert made("{{ a | safe }}", a="<b>") == "<b>"


def test_what_is_settled_once_stays_settled() -> None:
    template = liquids.compile(Environment({}, is_html=True), "{% if a == b %}{{ a }}{% endif %}")
    nodes.settle(template.nodes, template.context_class(template))
    assert liquids.render(template, {"a": 1, "b": 1}) == "1"
