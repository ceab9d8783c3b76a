import time

import pytest

from processors.content.tokens import Aside


@pytest.mark.parametrize(
    "text",
    [
        "a {{ b }} c {% if d %}e{% endif %}",
        "{% raw %}{{ x }}{% endraw %}{% comment %}{{ y }}{% endcomment %}",
        "{{- a -}}\n{%- b -%}",
        "LQD7QDL and {{ open",
    ],
)
def test_what_is_taken_comes_back(text: str) -> None:
    aside = Aside()
    assert aside.back(aside.take(text)) == text


def test_tags_are_told_from_outputs() -> None:
    aside = Aside()
    first, second = aside.take("{{ a }} {% if b %}").split(" ")
    assert not aside.is_tag(first)
    assert aside.is_tag(second)
    assert "{" not in first + second


@pytest.mark.parametrize("part", ["{{", "{%", "{% raw %}", "{{ a ", "{% comment %}{{"])
def test_time_goes_by_the_length(part: str) -> None:
    text = part * (200_000 // len(part))
    begin_s = time.process_time()
    Aside().take(text)
    assert time.process_time() - begin_s < 2.0
