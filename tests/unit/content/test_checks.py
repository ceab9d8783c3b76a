"""What is told of templates before anything is sent: with file, line and what is meant."""

from pathlib import Path
from typing import Any

import pytest

from processors.content import checks
from processors.content.wordings import Shelf
from processors.definitions import files, sets
from tests.builders import catalogue
from tests.unit.content.builders import partial, template

FOOTER = partial("footer", html='<a href="{{ unsubscribe_url }}">x</a>')
PLACE = "template/hello: "


def wrong(*written: dict[str, Any]) -> list[str]:
    return [str(each) for each in checks.problems(sets.from_documents(written))]


def doubtful(*written: dict[str, Any]) -> list[str]:
    return [str(each) for each in checks.warnings(sets.from_documents(written))]


def receipt(**keys: Any) -> dict[str, Any]:
    """Returns a mail that needs no link to unsubscribe."""
    return template(category="transactional", **keys)


@pytest.mark.parametrize(
    "written",
    [
        template(html='<p>{{ a | money: "EUR" | append: b }}</p>{% render "footer", c: d %}'),
        template(html=None, mjml="<mjml><mj-body></mj-body></mjml>"),
        template("sms", text="1 < 2 {{ a }}"),
        template("push", push={"title": "{{ a }}", "body": "b", "data": {"c": "{{ d }}"}}),
        partial("p", mjml="<mj-section></mj-section>"),
    ],
)
def test_good_template_has_no_problem(written: dict[str, Any]) -> None:
    assert wrong(written, FOOTER) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (template(subject="{{ a | upcas }}"),
         "subject: there is no filter upcas; did you mean upcase?"),
        (template(html="<p>\n{% if %}"), "html: line 2: missing expression"),
        (template(html="a\n\n{{ a | x1 }}"), "html: line 3: there is no filter x1"),
        (template(html="{% for a in b %}{% render 'foter' %}{% endfor %}"),
         "html: there is no partial foter; did you mean footer?"),
        (template(html="{% include 'footer' %}"), "html: unexpected tag 'include'"),
        (template(html="<a href={{ a }}>"),
         "html: prints outside of quotes: put quotes around the attribute's value"),
        (template(html=None, mjml="<mjml>\n<mj-txt></mj-txt></mjml>"),
         "mjml: line 2: there is no element mj-txt; did you mean mj-text?"),
        (template("sms", text="<b>x</b>"),
         "text: holds HTML, which telephones would show as it is written"),
        (template("sms", text="{{ view_url }}"),
         "text: has view_url, which is for mails with HTML"),
        (template(html=None, text="{{ view_url }}", category="transactional"),
         "text: has view_url, which is for mails with HTML"),
        (template(variants=[{"name": "a", "weight": 1, "subject": "{{ a"}]),
         "variants[0].subject: expected '}}'"),
        (template(locales={"de": {"subject": "{{ a"}}),
         "locales.de.subject: expected '}}'"),
        (template("push", push={"title": "a", "body": "b", "data": {"c": ["{% x %}"]}}),
         "push.data.c[0]: unexpected tag 'x'"),
    ],
)  # fmt: skip
def test_problem_says_where_and_what_is_meant(written: dict[str, Any], said: str) -> None:
    (found,) = wrong(written, FOOTER)
    assert found.partition(": ")[0] + ": " == PLACE
    assert found.removeprefix(PLACE).split(", found")[0][:40] == said[:40]


def test_partials_are_checked_as_well() -> None:
    assert wrong(partial("p", mjml="<mj-txt></mj-txt>", text="{{ a | nope }}")) == [
        "partial/p: mjml: there is no element mj-txt; did you mean mj-text?",
        "partial/p: text: there is no filter nope",
    ]


def test_partial_that_is_published_is_there() -> None:
    chosen = sets.from_documents([template(html="{% render 'footer' %}")])
    assert len(checks.problems(chosen)) == 1
    broken = partial("p") | {"html": 3}
    assert checks.problems(chosen, [FOOTER, broken, {"kind": "segment"}, template()]) == []


def test_partial_may_not_break_what_is_published_and_names_it() -> None:
    mail = template(html=None, mjml='<mjml><mj-body><mj-include path="end" /></mj-body></mjml>')
    before = partial("end", mjml="<mj-section></mj-section>")
    after = sets.from_documents([partial("end", html="<p>x</p>")])
    other = template(id="other", html="{{ a | gone }}")
    assert [str(each) for each in checks.problems(after, [mail, before, other])] == [
        "template/hello: mjml: there is no partial end with mjml"
    ]


def test_lines_are_those_of_the_files(tmp_path: Path) -> None:
    head = "kind: template\nid: a\nname: A\nchannel: email\n"
    (tmp_path / "a.yaml").write_text(
        head + "subject: '{{ a | nope }}'\nhtml: |\n  <p>\n  {{ a | nope }}\ntext: {file: a.txt}\n"
    )
    (tmp_path / "a.txt").write_text("a\nb\n{{ a | nope }}\n")
    (tmp_path / "b.json").write_text(
        '{"kind": "template", "id": "b", "name": "B", "channel": "sms",\n'
        ' "text": "a\\n{{ a | nope }}"}'
    )
    found = checks.problems(files.load(tmp_path))
    assert [str(each) for each in found] == [
        f"{tmp_path}/a.txt:3: text: there is no filter nope",
        f"{tmp_path}/a.yaml:5: subject: there is no filter nope",
        f"{tmp_path}/a.yaml:8: html: there is no filter nope",
        f"{tmp_path}/b.json:2: text: there is no filter nope",
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (template(), "has no {{ unsubscribe_url }}: marketing needs one"
                     " (category: transactional says that this is none)"),
        (receipt(html="{{ a | safe }}"),
         "html: safe prints HTML as it is: only for what nobody outside can write"),
        (receipt(html="{{ frist }}{{ profile.x }}{{ first }}", variables={"first": {}}),
         "html: frist is not declared: where it is missing, to print it holds the message;"
         " did you mean first?"),
        (receipt(html="x" * 103 * 1024), "html: is longer than 102 kB: Gmail cuts the rest"),
        (template("sms", text="ё"),
         "text: ё take 16 bits a character: 70 fit into a message, not 160"),
        (template("sms", text="a" * 161 + "{{ b }}"),
         "text: takes 2 messages or more (161 of GSM-7)"),
    ],
)  # fmt: skip
def test_doubtful_template_is_warned_of(written: dict[str, Any], said: str) -> None:
    assert doubtful(written) == [PLACE + said]


@pytest.mark.parametrize(
    "written",
    [
        template(html='<a href="{{ unsubscribe_url }}">x</a>'),
        template(html="{% render 'footer' %}"),
        receipt(),
        receipt(html="{{ a b }}"),
        template("sms", text="a" * 160),
    ],
)
def test_nothing_is_said_of_the_others(written: dict[str, Any]) -> None:
    assert doubtful(written, FOOTER) == []


def test_segments_and_lists_that_there_are_not_are_warned_of() -> None:
    asked = (
        "{% if segments contains 'buyers' %}a{% endif %}\n"
        "{% if a and segments contains 'byers' or lists contains 'pres' %}b{% endif %}"
        "{% if segments contains a or b contains 'byers' %}c{% endif %}"
    )
    written = receipt(html=asked)
    buyers = {"kind": "segment", "id": "buyers", "name": "B", "when": {"trait": "a", "equals": 1}}
    press = {"kind": "list", "id": "press", "name": "P"}
    assert doubtful(written) == []
    assert doubtful(written, buyers, press) == [
        f"{PLACE}html: line 2: there is no list pres; did you mean press?",
        f"{PLACE}html: line 2: there is no segment byers; did you mean buyers?",
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "recommended.trending is missing: the template needs the key catalogue"),
        ({"catalogue": "shop"}, None),
        ({"variables": {"recommended": {"type": "mapping"}}}, None),
    ],
)
def test_what_is_recommended_comes_of_a_catalogue(keys: dict[str, Any], said: str | None) -> None:
    written = receipt(html="{% for i in recommended.trending %}{{ i.title }}{% endfor %}", **keys)
    assert doubtful(written, catalogue()) == ([] if said is None else [f"{PLACE}html: {said}"])


def test_list_that_there_is_not_is_named() -> None:
    written = receipt(
        text="{{ recommended.best.first }}{{ recommended.trending[0].title }}", catalogue="shop"
    )
    said = "text: there is no recommended.best.first; the lists are"
    assert doubtful(written, catalogue()) == [f"{PLACE}{said} last_viewed, also_bought, trending"]


def test_variables_are_paths_with_their_lines() -> None:
    found = checks.variables("{{ a.b }}\n{% for c in d.e %}{{ c.f }}{% endfor %}", Shelf({}))
    assert found == {"a.b": 1, "d.e": 2}


def hooked(url: str = "https://a.example", **keys: Any) -> dict[str, Any]:
    """Returns a trigger that asks an address."""
    do = [{"webhook": {"url": url} | keys}]
    return {"kind": "trigger", "id": "t", "on": {"event": "a"}, "do": do}


HOOK = "trigger/t: do[0].webhook."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (hooked("https://a.example/{{ a | upcas }}"),
         "url: there is no filter upcas; did you mean upcase?"),
        (hooked(headers={"X-A": "{{ secrets.B }} {{ a b }}"}), "headers.X-A: expected"),
        (hooked(headers={"X-A": "{{ secrets.b-c }}"}),
         "headers.X-A: is for headers only, as {{ secrets.NAME }}"),
        (hooked(body={"a": [{"b": "x\n{% if %}"}]}), "body.a[0].b: line 2: missing expression"),
        (hooked(body={"a": "{{ secrets.B }}"}),
         "body.a: is for headers only, as {{ secrets.NAME }}: senders fill it in"),
        (hooked(body={"a": "{{ unsubscribe_url }}"}),
         "body.a: unsubscribe_url is for messages that have a template"),
        (hooked(body={"a": "{{ view_url }}"}),
         "body.a: view_url is for messages that have a template"),
        (hooked(body={"a": "{{ recommended.trending }}"}),
         "body.a: recommended is for messages that have a template"),
        (hooked(body={"a": "{% render 'footer' %}"}), "body.a: there is no partial footer"),
    ],
)  # fmt: skip
def test_problem_of_a_webhook_says_where_and_what_is_meant(
    written: dict[str, Any], said: str
) -> None:
    (found,) = wrong(written, FOOTER)
    assert found.startswith(HOOK + said)


def test_good_webhook_has_no_problem() -> None:
    said = {"a": "{{ b | default: 0 }}", "c": ["{% for d in event.e %}{{ d.f }}{% endfor %}"]}
    written = hooked("https://a.example/{{ profile.id }}", headers={"X": "{{ a }}"}, body=said)
    assert wrong(written) == []
    assert doubtful(written) == []


def test_webhook_that_asks_for_a_segment_that_there_is_not_is_warned_of() -> None:
    buyers = {"kind": "segment", "id": "buyers", "name": "B", "when": {"trait": "a", "equals": 1}}
    written = hooked(body={"a": "{% if segments contains 'byers' %}1{% endif %}"})
    assert doubtful(written, buyers) == [
        f"{HOOK}body.a: there is no segment byers; did you mean buyers?"
    ]


def test_lines_of_webhooks_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "j.yaml").write_text(
        "kind: journey\nid: j\nentry: {event: a}\nsteps:\n- id: ask\n  webhook:\n"
        "    url: https://a.example/{{ a | nope }}\n    body:\n      text: |\n"
        "        Hello\n        {{ b | nope }}\n"
    )
    assert [str(each) for each in checks.problems(files.load(tmp_path))] == [
        f"{tmp_path}/j.yaml:7: steps[0].webhook.url: there is no filter nope",
        f"{tmp_path}/j.yaml:11: steps[0].webhook.body.text: there is no filter nope",
    ]
