"""The commands that show and bring in what messages say."""

import asyncio
import json
from pathlib import Path

import pytest

from connectors.stores.recommendations import Recommendations
from processors import contents
from processors.clock import WallClock
from processors.definitions import files, syntax
from processors.runtime.batches import Policy
from schemas.items import Item
from schemas.recommendations import Occurrence
from tests import stores
from tests.builders import catalogue, identify
from tests.embedded import Broker
from tests.unit.explanations.systems import System
from tests.unit.processors.commands import beckon

MESSAGES = Path(__file__).parents[3] / "examples" / "messages"


def test_preview_writes_html_and_prints_the_rest(tmp_path: Path) -> None:
    out = tmp_path / "new" / "cart.html"
    done = beckon("preview", "cart-reminder", "--definitions", MESSAGES, "--out", out)
    assert done.exit_code == 0
    assert "subject: Your cart waits for you" in done.stdout
    assert "View details (https://shop.example/lamp)" in done.stdout
    assert f"the HTML is in {out}" in done.stdout
    assert "kB of HTML" in done.stderr
    assert "utm_source=beckon&amp;utm_medium=email&amp;utm_campaign=carts" in out.read_text("utf-8")


def test_preview_takes_a_person_from_a_file_in_their_language(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    traits = {"phone": "+4915112345678", "timezone": "Europe/Berlin"}
    properties = {"starts_at": "2026-03-02T09:30:00Z"}
    data.write_text(json.dumps({"id": "ann", "traits": traits, "properties": properties}))
    words = ("preview", "appointment-sms", "--definitions", MESSAGES, "--data", data)
    done = beckon(*words, "--locale", "de")
    assert done.exit_code == 0
    assert "Mo. 2. März, 10:30 Uhr" in done.stdout
    assert "note: 1 SMS" in done.stderr


def test_preview_shows_blocks_of_segments_and_lists(tmp_path: Path) -> None:
    folder, data = tmp_path / "definitions", tmp_path / "data.json"
    folder.mkdir()
    data.write_text(json.dumps({"segments": ["new"], "lists": ["press"]}))
    text = "{{ segments | join: '+' }} {{ lists }}{% if segments contains 'vip' %} very{% endif %}"
    head = "kind: template\nid: a\nname: A\nchannel: slack\n"
    (folder / "a.yaml").write_text(f'{head}text: "{text}"\n')
    done = beckon("preview", "a", "--definitions", folder, "--data", data, "--segment", "vip")
    assert "new+vip press very" in done.stdout


def test_preview_shows_any_variant(tmp_path: Path) -> None:
    split = "variants:\n- {name: plain, weight: 1}\n- {name: loud, weight: 0, text: HI}\n"
    head = "kind: template\nid: a\nname: A\nchannel: slack\ntext: hi\n"
    (tmp_path / "a.yaml").write_text(head + split)
    words = ("preview", "a", "--definitions", tmp_path)
    assert "variant: plain\n\nhi\n" in beckon(*words).stdout
    assert "variant: loud\n\nHI\n" in beckon(*words, "--variant", "loud").stdout
    done = beckon(*words, "--variant", "plai")
    assert (done.exit_code, done.stderr.strip()) == (
        1,
        "a has no variant plai; did you mean plain?",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("welcom",), "there is no template welcom; did you mean welcome?"),
        (("welcome", "--data", "bad.json"), "must be JSON such as"),
        (("welcome", "--data", "extra.json"), "must be JSON such as"),
        (("welcome", "--data", "data.txt"), "must be named *.json"),
        (("broken",), "no message can be made: template-broken"),
    ],
)
def test_preview_says_why_there_is_none(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "extra.json").write_text('{"trait": {}}')
    (tmp_path / "data.txt").write_text("{}")
    head = "kind: template\nid: {}\nname: A\nchannel: slack\ntext: '{}'\n"
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "a.yaml").write_text(head.format("welcome", "hi"))
    (folder / "b.yaml").write_text(head.format("broken", "{{ 1 | divided_by: 0 }}"))
    done = beckon("preview", *words, "--definitions", folder)
    assert done.exit_code == 1
    assert said in done.stderr


def test_preview_is_of_a_file_or_of_a_person(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text("{}")
    done = beckon("preview", "a", "--definitions", MESSAGES, "--data", data, "--profile", "p")
    assert done.exit_code == 2


def test_handlebars_become_definitions_that_fit(tmp_path: Path) -> None:
    folder, out = tmp_path / "old", tmp_path / "new"
    (folder / "partials").mkdir(parents=True)
    (folder / "partials" / "Foot_er.hbs").write_text("<p>Bye {{name}}</p>")
    (folder / "Welcome Mail.hbs").write_text(
        "<title>Hi: you</title><p>{{#if name}}{{name}}{{/if}}</p>{{> foot_er}}\n{{custom x}}"
    )
    (folder / "note.txt").write_text("Hi")
    (folder / "shop.mjml").write_text("<mjml><mj-body></mj-body></mjml>")
    done = beckon("templates", "import", *sorted(folder.rglob("*.*")), "--out", out)
    assert done.exit_code == 0
    assert "Welcome Mail.hbs:2: {{custom x}}: there is no such helper in Liquid" in done.stderr
    assert "1 not translated" in done.stdout
    found = files.load(out)
    assert set(found.templates) == {"welcome-mail", "note", "shop"}
    assert set(found.partials) == {"foot-er"}
    assert found.templates["welcome-mail"].subject == "Hi: you"
    assert '{% render "foot-er" %}' in (found.templates["welcome-mail"].html or "")
    assert beckon("check", out).exit_code == 0
    again = beckon("templates", "import", folder / "note.txt", "--out", out)
    assert again.exit_code == 1
    assert "is there already" in again.stderr


@pytest.mark.parametrize("content", [b"\xff", b"x" * (contents.MAX_DATA_BYTES + 1)])
def test_source_that_can_not_be_read_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.hbs").write_bytes(content)
    done = beckon("templates", "import", tmp_path / "a.hbs", "--out", tmp_path / "new")
    assert done.exit_code == 1
    assert "a.hbs: " in done.stderr
    assert not (tmp_path / "new").exists()


def test_check_names_what_is_wrong_in_templates(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>\n{{ a | nope }}</p>")
    (tmp_path / "a.yaml").write_text(
        "kind: template\nid: a\nname: A\nchannel: email\nsubject: Hi\nhtml: {file: a.html}\n"
    )
    done = beckon("check", tmp_path)
    assert done.exit_code == 1
    assert done.stderr == f"{tmp_path}/a.html:2: html: there is no filter nope\n"
    (tmp_path / "a.html").write_text("<p>Hi</p>")
    done = beckon("check", tmp_path)
    assert done.exit_code == 0
    assert "1 templates" in done.stdout
    assert "has no {{ unsubscribe_url }}" in done.stderr


def test_identifier_is_made_of_the_name() -> None:
    assert contents.identifier(Path("a/_Foot er.HBS")) == "foot-er"
    assert contents.identifier(Path("ä.hbs")) == "template"


FOOTER = "kind: partial\nid: footer\nhtml: '<a href=\"{{ unsubscribe_url }}\">x</a>'\n"
MAIL = """\
kind: template
id: mail
name: Mail
channel: email
subject: "Hi {{ first_name | default: 'you' }}"
html: "{% render 'footer' %}"
"""


def laid(folder: Path, **texts: str) -> Path:
    """Returns a folder of definitions."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.mark.usefixtures("as_it_was")
def test_templates_are_published_with_versions_beside_what_is_there(
    on_broker: Broker, tmp_path: Path
) -> None:
    on_broker.topic("definitions")
    mails = laid(tmp_path / "mails", mail=MAIL)
    done = beckon("publish", "--yes", mails)
    assert done.exit_code == 1
    assert "there is no partial footer" in done.output
    parts = laid(tmp_path / "parts", footer=FOOTER)
    assert beckon("publish", "--yes", parts).exit_code == 0
    done = beckon("publish", "--yes", mails)
    assert done.exit_code == 0, done.output
    assert "1 published" in done.output
    laid(mails, mail=MAIL.replace("Hi ", "Hello "))
    done = beckon("publish", "--yes", mails)
    assert "template/mail, 1 to 2:" in done.output
    assert beckon("publish", "--yes", "--prune", mails).exit_code == 1, "it needs the footer"

    shown = beckon("preview", "mail", "--out", tmp_path / "mail.html")
    assert shown.exit_code == 0, shown.output
    assert "subject: Hello you" in shown.output
    assert "links.example/unsubscribe" in (tmp_path / "mail.html").read_text("utf-8")


@pytest.mark.usefixtures("as_it_was")
def test_what_sends_a_template_that_is_not_published_is_refused(
    on_broker: Broker, tmp_path: Path
) -> None:
    on_broker.topic("definitions")
    send = "kind: trigger\nid: t\non: {event: a}\ndo: [{send: {channel: email, template: mial}}]\n"
    triggers = laid(tmp_path / "triggers", t=send)
    assert beckon("publish", "--yes", triggers).exit_code == 0, "templates may be kept elsewhere"
    assert beckon("publish", "--yes", laid(tmp_path / "parts", footer=FOOTER)).exit_code == 0
    done = beckon("publish", "--yes", laid(tmp_path / "mails", mail=MAIL))
    assert done.exit_code == 1
    assert "there is no template mial; did you mean mail?" in done.output


def test_preview_is_of_a_person_whom_the_running_system_knows(
    on_broker: Broker, tmp_path: Path
) -> None:
    footer, mail = (syntax.read_yaml(each).document for each in (FOOTER, MAIL))
    system = System(on_broker, footer, mail, policy=Policy())
    system.decides(identify(email="ada@example.org", first_name="Ada"))
    done = beckon("preview", "mail", "--profile", "p", "--out", tmp_path / "mail.html")
    assert done.exit_code == 0, done.output
    assert "to: ada@example.org\nsubject: Hi Ada" in done.stdout
    assert "missing" not in done.stderr


PICKS = """\
kind: template
id: picks
name: Picks
channel: email
category: transactional
catalogue: shop
subject: "{{ recommended.last_viewed | map: 'title' }}{{ recommended.trending.size }}"
text: Hi
"""


def test_preview_shows_what_is_recommended_to_a_person(
    on_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(on_broker, syntax.read_yaml(PICKS).document, catalogue(), policy=Policy())
    system.decides(identify(email="ada@example.org"))
    words = ("preview", "picks", "--profile", "p", "--out", tmp_path / "mail.html")
    url = f"sqlite:///{tmp_path}/senders.db"
    plain = beckon(*words)
    assert "subject: 0" in plain.stdout, plain.output
    monkeypatch.setenv("BECKON_DATABASE__URL", url)
    early = beckon(*words)
    assert early.exit_code == 1
    assert "the database can not be asked what is recommended" in early.stderr
    with stores.opened(url) as database:
        store, now = Recommendations(database), WallClock().now_ms()
        view = Occurrence(
            id="v",
            partition=0,
            logged_at=now,
            profile_id="p",
            catalogue="shop",
            what="viewed",
            items=("lamp",),
            at=now,
            keeps=9,
            is_trend=True,
        )
        asyncio.run(store.stock([Item("shop", "lamp", '{"title":"Lamp"}')]))
        asyncio.run(store.count([view]))
    done = beckon(*words)
    assert done.exit_code == 0, done.output
    assert "subject: Lamp1" in done.stdout
