"""Dead letters."""

from processors.agents import letters
from processors.agents.letters import Record


def record(value: bytes | None) -> Record:
    return Record("beckon.commands.webhook", 3, 42, b"ada", value)


def test_headers_say_why_and_whence() -> None:
    assert letters.headers(record(b"{"), "not-json", "the value is not JSON") == [
        ("reason", b"not-json"),
        ("message", b"the value is not JSON"),
        ("topic", b"beckon.commands.webhook"),
        ("partition", b"3"),
        ("offset", b"42"),
    ]


def test_value_stays_as_it_came() -> None:
    assert letters.value(record(b"\xff\x00")) == b"\xff\x00"
    assert letters.value(record(b"")) == b""
    assert letters.value(record(None)) is None


def test_large_value_is_cut_and_its_size_is_told() -> None:
    large = record(b"x" * 1_000_000)

    assert letters.value(large) == b"x" * letters.MAX_VALUE_BYTES
    assert ("cut", b"1000000") in letters.headers(large, "too-large", "")
