"""Values filled into webhooks: what is asked, and what no value can do to it."""

from typing import Any

import msgspec
import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from connectors import http
from processors.content import bodies, webhooks
from processors.content.facts import Options
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.content.webhooks import Webhooks
from schemas import headers
from schemas.commands import Command
from schemas.errors import Unsendable
from schemas.messages import Message
from tests.unit.content.builders import command

HOOK = "https://shop.example/hook"
MAKER = Webhooks(Options(product_name="Shop"))
PAIRED = (
    "/",
    "?",
    "&",
    "=",
    "#",
    "@",
    ":",
    "..",
    ".",
    "%2F",
    "%2e",
    ";",
    "\\",
    "\n",
    "a",
    "é",
    " ",
)


def order(**keys: Any) -> Command:
    said: dict[str, Any] = {"template": None, "url": HOOK, "has_values": True}
    return command("webhook", **(said | keys))


def composed(said: Command) -> Message:
    """Returns what is asked for a command, its values filled in."""
    return bodies.message(MAKER.filled(said))


def filled(value: Any, /, **traits: Any) -> Any:
    """Returns what becomes of a value of the body."""
    return composed(order(body={"a": value}, traits=traits)).data["a"]


def refusal(**keys: Any) -> tuple[str, str, bool]:
    with pytest.raises(Unsendable) as caught:
        composed(order(**keys))
    return caught.value.reason, caught.value.detail, caught.value.is_held


def asked(url: str, **traits: Any) -> str | None:
    return composed(order(url=url, traits=traits)).url


def headed(value: str, **traits: Any) -> str:
    return composed(order(headers={"X-A": value}, traits=traits)).headers["X-A"]


def test_variable_alone_keeps_its_type() -> None:
    items = [{"sku": "a", "price": 1.5}, {"sku": None}]
    known = {"n": 5, "yes": True, "items": items, "plan": "gold"}
    written = {name: "{{ " + name + " }}" for name in known}
    assert filled(written, **known) == known
    assert filled("{{profile.plan}}", **known) == "gold"
    assert filled("{{ items[0] }}", **known) == items[0]
    assert filled(" {{ n }}", **known) == " 5"


def test_filters_give_a_type_as_well() -> None:
    assert filled("{{ nope | default: 0 }}") == 0
    assert filled("{{ n | times: 1.5 }}", n=3) == 4.5
    assert filled("{{ a | upcase }}", a="b") == "B"
    assert filled("{{ items | map: 'sku' }}", items=[{"sku": "a"}]) == ["a"]


def test_texts_at_any_depth_are_filled_in_and_all_else_stays() -> None:
    written = [
        "Hi {{ plan }}!",
        {"{{ plan }}": "{% if n > 1 %}many{% endif %}"},
        1,
        None,
        True,
        "{a}",
    ]
    assert filled(written, plan="gold", n=2) == [
        "Hi gold!", {"{{ plan }}": "many"}, 1, None, True, "{a}"
    ]  # fmt: skip


def test_it_sees_what_templates_see() -> None:
    found = composed(
        order(
            body={
                "order": "{{ event.order.id }}",
                "same": "{{ run.order.id }}",
                "who": "{{ profile.id }}",
                "vip": "{% if segments contains 'vip' %}true{% endif %}",
                "press": "{% if lists contains 'press' %}true{% endif %}",
                "price": "{{ event.total | money: 'EUR' }}",
                "shop": "{{ product_name }}",
                "day": "{{ today }}",
            },
            traits={"locale": "de-AT"},
            properties={"order": {"id": 7}, "total": 1234.5},
            segments=["vip"],
            lists=["press"],
        )
    )
    assert found.data == {
        "order": 7, "same": 7, "who": "ann", "vip": "true", "press": "true",
        "price": "€\xa01.234,50", "shop": "Shop", "day": "2026-01-01",
    }  # fmt: skip


def test_receiver_is_told_what_is_filled_in_and_no_other_trait() -> None:
    found = composed(order(body={"a": "{{ plan }}"}, traits={"plan": "gold", "email": "a@b.c"}))
    assert b"a@b.c" not in msgspec.json.encode(found)
    assert found.traits == {}


def test_message_is_that_of_the_command() -> None:
    found = composed(order(method="PUT", headers={"X-A": "b"}, version="v7", step="s"))
    assert (found.id, found.channel, found.profile_id) == (order().id, "webhook", "ann")
    assert (found.method, found.headers, found.to, found.url) == ("PUT", {"X-A": "b"}, HOOK, HOOK)
    assert (found.version, found.step, found.definition_id) == ("v7", "s", "greet")
    assert (found.at, found.data) == (order().at, {})
    assert composed(order()).method == "POST"


def test_where_nothing_is_to_be_filled_in_it_is_as_without_values() -> None:
    said = order(traits={}, method="PUT", headers={"X-A": "{{ secrets.B }}"}, body={"a": [1, "b"]})
    assert composed(said) == bodies.message(said)


def test_without_values_a_webhook_asks_all_that_its_action_says() -> None:
    said = order(has_values=False, traits={}, method="PUT", headers={"X-A": "b"}, body={"a": 1})
    [found] = Renderer(Library()).compose(said)
    assert (found.method, found.headers, found.data) == ("PUT", {"X-A": "b"}, {"a": 1})
    assert (found.to, found.url, found.version, found.at) == (HOOK, HOOK, "v", said.at)


@pytest.mark.parametrize(
    "keys",
    [
        {"body": {"a": "{{ nope.b }}"}},
        {"body": {"a": ["x {{ nope.b }}"]}},
        {"url": HOOK + "/{{ nope.b }}"},
        {"headers": {"X-A": "{{ nope.b }}"}},
    ],
)
def test_missing_variable_holds_the_message_and_default_does_not(keys: dict[str, Any]) -> None:
    assert refusal(**keys) == ("variable-missing", "nope.b", True)
    said = msgspec.json.encode(keys).replace(b"nope.b", b"nope.b | default: 'x'")
    made = composed(order(**msgspec.json.decode(said)))
    assert "x" in (str(made.data) + str(made.headers) + str(made.url)[len(HOOK) :])


def test_values_are_parts_of_the_path_and_of_parameters() -> None:
    found = asked(HOOK + "/{{ a }}-{{ b }}/c?d={{ e }}&f=1", a="A/1 ", b="ä", e="x&y=z#")
    assert found == HOOK + "/A%2F1%20-%C3%A4/c?d=x%26y%3Dz%23&f=1"
    assert asked("https://shop.example?a={{ n }}", n=5) == "https://shop.example?a=5"


@pytest.mark.parametrize("value", ["..", ".", "", "a;b", "..;"])
@pytest.mark.parametrize("path", ["/{{ a }}", "/{{ a }}/b", "/{{ a }}?b={{ a }}"])
def test_value_that_would_take_a_part_of_the_path_away_or_add_one_is_refused(
    value: str, path: str
) -> None:
    assert refusal(url=HOOK + path, traits={"a": value}) == ("url-invalid", "path", False)


@pytest.mark.parametrize("path", ["/.{{ a }}", "/%2e{{ a }}", "/{{ a }}{{ a }}", "/{{ a }}%2E/b"])
def test_dots_that_come_together_are_refused_too(path: str) -> None:
    assert refusal(url=HOOK + path, traits={"a": "."}) == ("url-invalid", "path", False)


def test_parameters_may_be_empty_and_hold_anything() -> None:
    assert asked(HOOK + "?a={{ a }}&b={{ b }}", a="", b="..;") == HOOK + "?a=&b=..%3B"


@given(st.lists(st.sampled_from(PAIRED), min_size=1, max_size=6).map("".join))
def test_no_value_changes_where_a_request_goes(value: str) -> None:
    """As the client reads the address that is asked."""
    options = http.Options()
    try:
        found = asked(HOOK + "/{{ a }}/b?c={{ a }}&d=1", a=value)
    except Unsendable:
        assert ";" in value or value in (".", "..")
        return
    plain = http.checked_url(HOOK + "/x/b?c=x&d=1", options)
    read = http.checked_url(str(found), options)
    assert (read.scheme, read.authority, read.fragment) == (plain.scheme, plain.authority, "")
    assert read.raw_path.split("/")[:2] + read.raw_path.split("/")[3:] == ["", "hook", "b"]
    assert ";" not in read.raw_path
    assert list(read.query.items()) == [("c", value), ("d", "1")]
    assert yarl.URL(str(read)) == read


def test_url_is_bounded() -> None:
    room = 2_048 - len(HOOK) - 1
    assert len(asked(HOOK + "/{{ a }}", a="x" * room) or "") == 2_048
    refused = refusal(url=HOOK + "/{{ a }}", traits={"a": "x" * (room + 1)})
    assert refused == ("url-invalid", "2048", False)


@pytest.mark.parametrize("url", ["https://{{ a }}/", HOOK + "/{% if a %}{% endif %}"])
def test_url_that_definitions_may_not_have_is_refused_here_too(url: str) -> None:
    assert refusal(url=url, traits={"a": "evil.example"}) == ("url-invalid", "", True)


def test_command_without_url_can_not_be_asked() -> None:
    assert refusal(url=None) == ("url-missing", "", False)


def test_headers_hold_values_and_name_secrets_as_before() -> None:
    found = headed("Key {{secrets.CRM}}/{{ plan }} ", plan="gold ")
    assert found == "Key {{ secrets.CRM }}/gold"
    assert headed("a}") == "a}"


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nHost: evil.example",
        "a\nb",
        "a\0",
        "\x7f",
        "ä",
        "",
        "x" * 2_049,
        "{{ secrets.CRM }}",
        "{{secrets.CRM",
        "}}",
    ],
)
def test_header_that_ends_its_line_or_names_a_secret_is_refused(value: str) -> None:
    assert refusal(headers={"X-A": "{{ a }}"}, traits={"a": value}) == (
        "header-invalid", "X-A", False
    )  # fmt: skip


@given(st.lists(st.sampled_from(["{", "}", "{{", " secrets.CRM ", "a"]), max_size=6).map("".join))
def test_no_value_has_a_secret_filled_in(value: str) -> None:
    try:
        found = headed("{{ a }}{{ secrets.OURS }}{{ a }}x", a=value)
    except Unsendable:
        return
    assert headers.SECRET.findall(found) == ["OURS"]
    assert headers.filled(found, {"OURS": "1"}) == f"{value}1{value}x".strip(" ")


def test_body_is_bounded() -> None:
    half = "x" * 150_000
    assert len(filled(["{{ a }}"], a=half)[0]) == 150_000
    reason = ("payload-too-large", str(webhooks.MAX_BODY_BYTES), True)
    assert refusal(body={"a": ["{{ a }}", "{{ a }}"]}, traits={"a": half}) == reason


@pytest.mark.parametrize(
    "text", ["{{ a | divided_by: 0 }}", "{{ 'x' | date }}", "{{ c | map: 'd' }}"]
)
def test_value_that_can_not_be_made_holds_the_message(text: str) -> None:
    reason, _, is_held = refusal(body={"a": text}, traits={"a": 1, "c": [{}]})
    assert (reason, is_held) in {("template-broken", True), ("variable-missing", True)}


@pytest.mark.parametrize("text", ["{{ a b }}", "{% if %}", "{{ a"])
def test_text_that_is_no_liquid_holds_the_message(text: str) -> None:
    assert refusal(body={"a": text}, traits={"a": 1}) == ("template-broken", "greet/0", True)


def test_there_are_no_partials_and_no_links_of_ours() -> None:
    assert refusal(body={"a": "{% render 'footer' %}"})[0] == "template-broken"
    assert refusal(body={"a": "{{ unsubscribe_url }}"})[0] == "variable-missing"


def test_compiled_texts_are_kept_up_to_a_bound() -> None:
    maker = Webhooks(Options())
    for number in range(webhooks.MAX_KEPT + 5):
        maker.filled(order(body={"a": f"{number} {{{{ first_name }}}}"}))
    assert maker._kept.cache_info().currsize == webhooks.MAX_KEPT
    long = "x" * webhooks.MAX_KEPT_CHARS + "{{ first_name }}"
    before = maker._kept.cache_info()
    assert maker.filled(order(body={"a": long})).body == {
        "a": long.replace("{{ first_name }}", "Ann")
    }
    assert maker._kept.cache_info() == before


def test_renderer_fills_values_in_only_where_the_command_says_so() -> None:
    def made(**keys: Any) -> Message:
        [found] = Renderer(Library()).compose(order(body={"a": "{{ first_name }}"}, **keys))
        return found

    assert made().data == {"a": "Ann"}
    assert made(has_values=False).data == {"a": "{{ first_name }}"}
