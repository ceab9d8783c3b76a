"""Handlebars to Liquid: what is printed is the same, what has no like is said."""

import pytest

from processors.content import handlebars, liquids
from processors.content.liquids import Environment

DATA = {
    "name": "Ann",
    "plan": "gold",
    "order": {"total": 5, "lines": [{"sku": "a"}]},
    "items": [{"title": "x", "url": "u", "tags": ["p", "q"]}, {"title": "y", "sold": True}],
    "none": [],
    "html": "<b>",
}
PARTIALS = {"footer": "F{{ name }}", "row": "[{{ item.title }}]", "sum": "={{ a }}{{ b }}"}
ENVIRONMENT = Environment(PARTIALS, is_html=True)


def rendered(text: str) -> str:
    found = handlebars.convert(text)
    assert found.faults == ()
    return liquids.render(liquids.compile(ENVIRONMENT, found.source), DATA)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {{name}}, {{ order.total }} {{order/total}}", "Hi Ann, 5 5"),
        ("{{html}} {{{html}}} {{&html}}", "&lt;b&gt; <b> <b>"),
        ("{{#if name}}a{{else}}b{{/if}}{{#if nope}}a{{else}}b{{/if}}", "ab"),
        ("{{#if nope}}a{{else if name}}b{{else}}c{{/if}}", "b"),
        ("{{#if nope}}a{{^}}b{{/if}}{{#unless nope}}c{{/unless}}", "bc"),
        ('{{#if (eq plan "gold")}}g{{/if}}{{#if (gt order.total 9)}}m{{/if}}', "g"),
        ("{{#each items}}{{@index}}{{title}}{{this.title}}{{#if @last}}.{{/if}}{{/each}}",
         "0xx1yy."),
        ("{{#each items}}{{title}}-{{name}} {{/each}}", "x-Ann y-Ann "),
        ("{{#each items}}{{#if sold}}!{{/if}}{{#if (eq title 'x')}}?{{/if}}{{/each}}", "?!"),
        ("{{#each items}}{{#if tags}}{{#each tags}}{{this}}{{../title}}{{/each}}{{/if}}{{/each}}",
         "pxqx"),
        ("{{#each items}}{{../name}}{{/each}}", "AnnAnn"),
        ("{{#each none}}a{{else}}b{{/each}}", "b"),
        ("{{#each items as |one|}}{{one.title}}{{/each}}", "xy"),
        ("{{#with order}}{{total}}{{name}}{{/with}}", "5Ann"),
        ("{{order.lines.0.sku}}{{order.lines.[0].sku}}", "aa"),
        ("{{> footer}}{{#each items}}{{> parts/row}}{{/each}}", "FAnn[x][y]"),
        ("{{> sum a=name b=order.total}}", "=Ann5"),
        ("a {{~name~}} b", "aAnnb"),
        ("a{{! no }}{{!-- {{no}} --}}b", "ab"),
        (r"\{{name}}", "{{name}}"),
        ("{{uppercase name}} {{lower plan}}", "ANN gold"),
        ("100 {% off", "100 {% off"),
    ],
)  # fmt: skip
def test_says_the_same(text: str, said: str) -> None:
    assert rendered(text) == said


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n{{formatDate x 'y'}}", 2, "no such helper"),
        ("{{#custom x}}a{{/custom}}", 1, "no such block"),
        ("{{#if a b}}{{/if}}", 1, "only a name or a comparison"),
        ("{{#if (has a b)}}{{/if}}", 1, "has can not be asked"),
        ("{{@key}}", 1, "no name that can be translated"),
        ("{{[first name]}}", 1, "no such helper"),
        ("{{> (lookup . 'a')}}", 1, "named by a word"),
        ("{{> row a}}", 1, "name=value"),
        ("{{else}}", 1, "belongs to no block"),
        ("{{#each a}}{{else if b}}{{/each}}", 1, "only else"),
        ("{{/if}}", 1, "ends what is not open"),
        ("x\n{{#if a}}b", 2, "is not closed"),
    ],
)
def test_what_has_no_like_is_said(text: str, line: int, words: str) -> None:
    found = handlebars.convert(text)
    assert (line, True) in [(at, words in said) for at, said in found.faults]


@pytest.mark.parametrize("text", ["{{formatDate x}}", "{{#custom}}a{{/custom}}", "{{#if a}}b"])
def test_what_is_left_can_be_compiled(text: str) -> None:
    liquids.compile(ENVIRONMENT, handlebars.convert(text).source)
