"""Which headers of webhooks may be written, and how secrets come into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import headers


@pytest.mark.parametrize("name", ["X-Api-Key", "authorization", "a", "!#$%&'*+.^_`|~"])
def test_name_is_a_token(name: str) -> None:
    assert headers.wrong_name(name) is None


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\n", "x" * 101, "(a)", "Host", "TE"])
def test_other_names_and_those_of_the_sender_are_refused(name: str) -> None:
    assert headers.wrong_name(name) is not None


@pytest.mark.parametrize(
    "value",
    [
        "",
        " a",
        "a ",
        "a\tb",
        "a\r\nb",
        "a\0",
        "ä",
        "x" * 2_049,
        "{{ secrets.A B }}",
        "{{ secrets.}}",
        "{{ name }}",
        "a }}",
    ],
)
def test_value_is_a_line_that_fills_in_secrets_only(value: str) -> None:
    assert headers.wrong_value(value) is not None


@given(st.text())
def test_no_value_that_passes_ends_its_line(value: str) -> None:
    if headers.wrong_value(value) is None:
        assert value.isascii()
        assert value.isprintable()
        assert value.strip() == value != ""


def test_secrets_are_filled_in_once_by_their_names() -> None:
    known = {"A": "1", "B_2": "{{ secrets.A }}"}
    assert headers.filled("{{secrets.A}} {{ secrets.B_2 }}!", known) == "1 {{ secrets.A }}!"
    with pytest.raises(KeyError):
        headers.filled("{{ secrets.C }}", known)


@pytest.mark.parametrize("each", ["\n", "\r", "\0", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"])
def test_what_ends_a_line_or_is_not_shown_is_a_control(each: str) -> None:
    assert headers.has_controls(f"a{each}b")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_all_other_text_has_no_controls(text: str) -> None:
    assert not headers.has_controls(text)
