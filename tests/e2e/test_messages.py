"""From an event to a mail, from its links back to what the worker decides: all parts for real."""

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from processors.clock import WallClock
from tests.builders import Document, encoded, identify, segment, topic, track, trigger
from tests.integration.workers import Place, Row, free_port, place, prefix_of, until
from tests.providers.relay import PASSWORD, SENDER, USER, Relay, relay

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

now = WallClock().now_ms
KEY = "one:" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
PERSON = "ann"
ADDRESS = "ann@example.org"
PAGE = "https://shop.example/carts/7?from=mail"
WELCOME: Document = {
    "kind": "template",
    "id": "welcome",
    "name": "Welcome",
    "channel": "email",
    "subject": "Welcome, {{ first_name }}",
    "html": f'<p>Hello {{{{ first_name }}}}, <a href="{PAGE}">your cart</a>.'
    ' <a href="{{ unsubscribe_url }}">No more</a></p>',
}
RECEIPT: Document = {
    "kind": "template",
    "id": "receipt",
    "name": "Receipt",
    "channel": "email",
    "subject": "Your receipt",
    "text": "{{ event.total }} paid",
}


HELD: Document = {
    "kind": "template",
    "id": "lesson",
    "name": "Lesson",
    "channel": "email",
    "subject": "Lesson {{ event.number }}",
    "html": "<p>Hi</p>",
    "variants": [{"name": "short", "weight": 1}],
}
MENDED = HELD | {
    "subject": "Lesson {{ event.number | default: 'one' }}",
    "html": '<p>{% if segments contains "pupils" %}Hi{% endif %} <a href="{{ view_url }}">See</a>',
}


def send(template: str, about: str) -> Document:
    return {"send": {"channel": "email", "template": template, "topic": about}}


DEFINITIONS: list[Document] = [
    topic("news", consent="implied"),
    topic("receipts", transactional=True),
    WELCOME,
    RECEIPT,
    HELD,
    segment({"event": "lesson"}, id="pupils"),
    trigger("lesson", send("lesson", "news"), id="teach"),
    trigger("signup", send("welcome", "news"), id="greet"),
    trigger("order", send("receipt", "receipts"), id="confirm"),
]


@dataclass
class System:
    """All roles, each a process of its own."""

    place: Place
    relay: Relay
    url: str

    def tell(self, *events: dict[str, Any]) -> None:
        self.place.produce([(each["userId"].encode(), encoded(each)) for each in events])

    def mails(self, count: int) -> list[EmailMessage]:
        until(lambda: len(self.relay.mails) >= count, f"{count} mails")
        return self.relay.mails

    def events(self, name: str) -> list[Row]:
        return [row for row in self.place.rows("events") if row and row.get("event") == name]

    def wait_told(self, name: str) -> Row:
        until(lambda: bool(self.events(name)), f"the event {name}", pause_s=0.3)
        return self.events(name)[0]


@pytest.fixture(scope="module")
def system(
    kafka: str, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("e2e")
    url = f"http://127.0.0.1:{free_port()}"
    with relay() as found, place(kafka, prefix_of("e2e"), folder) as target:
        target.publish(*DEFINITIONS)
        common = {
            "DATABASE__URL": f"sqlite:///{folder}/senders.db",
            "CALLBACKS__PUBLIC_URL": url,
            "CALLBACKS__PORT": url.rpartition(":")[2],
            "CALLBACKS__SIGNING_KEYS": KEY,
            "SENDERS__EMAIL": "smtp",
            "SMTP__HOST": "127.0.0.1",
            "SMTP__PORT": str(found.port),
            "SMTP__SECURITY": "plain",
            "SMTP__ALLOW_PLAIN": "true",
            "SMTP__USERNAME": USER,
            "SMTP__PASSWORD": PASSWORD,
            "SMTP__SENDER": SENDER,
        }
        roles = [
            target.worker("w"),
            target.worker("s", "-m", "processors", "sender", "email", **common),
            target.worker("c", "-m", "processors", "callbacks", **common),
        ]
        for each in roles:
            each.wait_ready()
        yield System(target, found, url)
        assert [each.stop() for each in roles] == [0, 0, 0]


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere by itself."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, body: bytes | None = None) -> tuple[int, str | None]:
    """Returns status and where it leads."""
    opener = urllib.request.build_opener(Stay)
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=20) as answer:
            return answer.status, answer.headers["Location"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Location"]


def html_of(mail: EmailMessage) -> str:
    found = mail.get_body(("html",))
    assert found is not None
    return str(found.get_content())


def links(html: str) -> list[str]:
    return [part.partition('"')[0].replace("&amp;", "&") for part in html.split('href="')[1:]]


def test_who_unsubscribes_by_the_mails_own_header_gets_no_news_and_still_the_receipt(
    system: System,
) -> None:
    system.tell(
        identify(now(), person=PERSON, email=ADDRESS, first_name="Ann"),
        track("signup", now(), id="signup-1", person=PERSON),
    )
    mail = system.mails(1)[0]
    assert (mail["Subject"], mail["To"]) == ("Welcome, Ann", ADDRESS)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    told = system.wait_told("email.sent")
    assert told["properties"]["definition_id"] == "greet"

    cart, _ = links(html_of(mail))
    assert cart.startswith(system.url)
    assert ask(cart) == (302, PAGE)
    assert system.wait_told("email.clicked")["properties"]["url"] == PAGE

    unsubscribe = str(mail["List-Unsubscribe"]).strip("<>")
    assert ask(unsubscribe)[0] == 200
    assert not system.events("email.unsubscribed"), "a look changes nothing"
    assert ask(unsubscribe, b"List-Unsubscribe=One-Click") == (200, None)
    system.wait_told("email.unsubscribed")
    system.place.wait_decided()

    system.tell(
        track("signup", now(), id="signup-2", person=PERSON),
        track("order", now(), id="order-1", person=PERSON, total=12),
    )
    receipt = system.mails(2)[1]
    assert receipt["Subject"] == "Your receipt"
    assert "12 paid" in str(receipt.get_content())
    assert receipt["List-Unsubscribe"] is None
    system.place.wait_decided()
    refused = [
        row["reason"]
        for row in system.place.rows("decisions")
        if row["definition_id"] == "greet" and row["outcome"] == "no"
    ]
    assert refused == ["no-consent"]
    denied = system.place.table("consents")
    assert [row["state"] for row in denied.values()] == ["denied"]
    assert len(system.relay.mails) == 2


def test_held_mail_goes_once_its_template_is_mended_and_is_seen_in_a_browser(
    system: System,
) -> None:
    before = len(system.relay.mails)
    system.tell(
        identify(now(), person="bob", email="bob@example.org"),
        track("lesson", now(), id="lesson-1", person="bob"),
    )
    held = system.wait_told("email.held")["properties"]
    assert (held["definition_id"], held["detail"]) == ("teach", "variable-missing: event.number")
    system.place.publish(MENDED)
    mail = system.mails(before + 1)[before]
    assert (mail["Subject"], mail["To"]) == ("Lesson one", "bob@example.org")
    until(lambda: len(system.events("email.sent")) == before + 1, "the event email.sent")
    sent = system.events("email.sent")[-1]["properties"]
    assert sent["command_id"] == held["command_id"]
    assert sent["variant"] == "short"

    [view] = links(html_of(mail))
    with urllib.request.urlopen(view, timeout=20) as answer:
        assert answer.read().decode().strip() == html_of(mail).strip()
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "<p>Hi" in html_of(mail)
