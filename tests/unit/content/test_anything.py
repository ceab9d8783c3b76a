"""Whatever comes in, what comes out is a message or one of our refusals."""

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.content import addresses, contexts, handlebars, links, mjml, plain, sms
from processors.content.errors import Broken
from processors.content.libraries import Library
from processors.content.rendering import Renderer
from processors.content.tokens import Aside
from schemas.errors import Unsendable
from tests.unit.content.builders import ANN, NOTICE, Ours, command, template

PIECES = (
    "{{", "}}", "{%", "%}", "{{{", "}}}", "{% if a %}", "{% endif %}", "{% raw %}", "{% endraw %}",
    "{{ first_name }}", "{{ event.a | upcase }}", "{{ a | date: '%Y' }}", "{{#if a}}", "{{/if}}",
    "{{#each a}}", "{{/each}}", "{{else}}", "{{> a}}", "{% for i in event.l %}", "{% endfor %}",
    "<", ">", "</", "<a href=", "<a href='", '"', "'", "<!--", "-->", "<script>", "</script>",
    "<style>", "<mjml>", "<mj-body>", "<mj-text>", "</mj-text>", "<p>", "</p>", "&amp;", "&#1", "=",
    "a", "é", "\u2028", "\0", "\r\n", "😀", " ", "LQD0QDL", "javascript:", "@", ".",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
CHANNELS: dict[str, dict[str, Any]] = {
    "email": {},
    "sms": {"text": "x"},
    "slack": {"text": "x"},
    "push": {"push": NOTICE},
    "whatsapp": {"whatsapp": {"template": "t", "parameters": ["{{ first_name }}"]}},
}


@settings(max_examples=300)
@given(TEXTS)
def test_every_text_is_read(text: str) -> None:
    aside = Aside()
    assert aside.back(aside.take(text)) == text
    plain.of_html(text)
    list(contexts.unsafe(text))
    handlebars.convert(text)
    sms.size(sms.bare(text))
    for act in (
        lambda: mjml.to_html(text, {}),
        lambda: links.parted(text.encode(), None, "x", ours=[]),
    ):
        with contextlib.suppress(Broken, Unsendable):
            act()
    for address in (addresses.email, lambda said: addresses.mailbox(said, "from")):
        with contextlib.suppress(Unsendable):
            assert "\n" not in address(text)


@settings(max_examples=300)
@given(st.sampled_from(sorted(CHANNELS)), TEXTS, VALUES, VALUES)
def test_every_template_and_value_is_a_message_or_a_refusal(
    channel: str, text: str, name: Any, email: Any
) -> None:
    written = template(channel, **CHANNELS[channel])
    if text.strip() and "\0" not in text:
        key = {"email": "html", "sms": "text", "slack": "text"}.get(channel)
        written |= {} if key is None else {key: text}
    traits = ANN | {"first_name": name, "locale": name, "timezone": name, "push_tokens": email}
    order = command(channel, traits=traits, properties={"a": name, "l": email})
    renderer = Renderer(Library([written]), links=Ours())
    with contextlib.suppress(Unsendable):
        for message in renderer.compose(order):
            assert "\n" not in (message.subject or "") or channel == "push"
            assert "\0" not in (message.text or "") + (message.html or "")
            assert "None" not in (message.text or "")
