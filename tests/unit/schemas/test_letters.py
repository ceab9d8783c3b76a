"""Dead letters."""

from schemas.letters import MAX_VALUE_BYTES, DeadLetter, Record


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
