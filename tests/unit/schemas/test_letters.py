"""Dead letters."""

import pytest

from schemas import letters
from schemas.letters import MAX_VALUE_BYTES, DeadLetter, Headers, Record, Whence


def letter(value: bytes | None) -> DeadLetter:
    record = Record("beckon.events", 3, 42, b"ada", value)
    return DeadLetter(record, "not-json", "the value is not JSON")


def test_headers_say_why_and_whence() -> None:
    assert letter(b"{").headers() == [
        ("reason", b"not-json"),
        ("message", b"the value is not JSON"),
        ("topic", b"beckon.events"),
        ("partition", b"3"),
        ("offset", b"42"),
    ]


def test_value_stays_as_it_came() -> None:
    assert letter(b"\xff\x00").value() == b"\xff\x00"
    assert letter(b"").value() == b""
    assert letter(None).value() is None


def test_large_value_is_cut_and_its_size_is_told() -> None:
    large = letter(b"x" * 1_000_000)

    assert large.value() == b"x" * MAX_VALUE_BYTES
    assert ("cut", b"1000000") in large.headers()


def test_headers_are_read_as_they_were_written() -> None:
    whence = Whence("not-json", "the value is not JSON", "beckon.events", 3, 42, is_cut=False)
    assert letters.read_headers(letter(b"{").headers()) == whence
    cut = letter(b"x" * 1_000_000).headers()
    assert letters.read_headers(cut) == whence._replace(is_cut=True)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("reason", b"not-json")],
        [(name, b"x") for name, _ in letter(b"{").headers()],
        [*letter(b"{").headers(), ("reason", b"\xff")],
        letters.mark(42),
    ],
)
def test_headers_of_something_else_are_not_those_of_a_letter(headers: Headers | None) -> None:
    assert letters.read_headers(headers) is None


def test_mark_says_which_letter_was_replayed() -> None:
    assert letters.read_mark(letters.mark(42)) == 42
    assert letters.read_mark(letter(b"{").headers()) is None
    assert letters.read_mark([(letters.REPLAYED, b"x")]) is None
    assert letters.read_mark(None) is None
