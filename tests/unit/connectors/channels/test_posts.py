"""What is posted to us is read, and not believed before its time."""

import pytest

from connectors.channels import posts
from schemas.errors import BadRecord, Forged

NOW_MS = 1_714_566_896_789


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_body_that_is_no_json_can_not_be_read(body: bytes) -> None:
    with pytest.raises(BadRecord, match="not JSON"):
        posts.events(body)


@pytest.mark.parametrize("body", [b"1", b'"a"', b"[1]", b'[{}, "a"]', b"null"])
def test_events_are_objects(body: bytes) -> None:
    with pytest.raises(BadRecord, match="no object"):
        posts.events(body)


def test_more_events_than_the_limit_are_refused() -> None:
    with pytest.raises(BadRecord):
        posts.events(b"[" + b",".join([b"{}"] * (posts.MAX_EVENTS + 1)) + b"]")


def test_one_event_or_a_list_of_them() -> None:
    assert posts.events(b'{"a":1}') == [{"a": 1}]
    assert posts.events(b'[{"a":1},{}]') == [{"a": 1}, {}]


@pytest.mark.parametrize("at_ms", [NOW_MS - 60_001, NOW_MS + posts.AHEAD_MS + 1])
def test_what_is_too_old_or_from_the_future_is_forged(at_ms: int) -> None:
    with pytest.raises(Forged):
        posts.check_age(at_ms, NOW_MS, window_ms=60_000)


@pytest.mark.parametrize("at_ms", [NOW_MS - 60_000, NOW_MS, NOW_MS + posts.AHEAD_MS])
def test_what_lies_within_the_window_passes(at_ms: int) -> None:
    posts.check_age(at_ms, NOW_MS, window_ms=60_000)


@pytest.mark.parametrize("given", ["", "geheim!", "geheim", "gehéim", "\ud800"])
def test_what_is_not_the_same_is_forged(given: str) -> None:
    with pytest.raises(Forged):
        posts.check_same(given, "secret")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1_513_299_569, 1_513_299_569_000),
        (1_513_299_569.25, 1_513_299_569_250),
        (1_604_933_654_123, 1_604_933_654_123),
        ("2017-08-05T00:41:02.669Z", 1_501_893_662_669),
        ("2017-08-05T00:41:02", None),
        ("soon", None),
        (0, None),
        (-1, None),
        (10**18, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_times_are_ms_or_none(value: object, found: int | None) -> None:
    assert posts.at_ms(value) == found


def test_words_are_short_and_plain() -> None:
    assert posts.word("Spam Reporting Address") == "spam-reporting-address"
    assert posts.word("5.1.1") == "5.1.1"
    assert posts.word(5) == ""
    assert len(posts.word("x" * 1_000)) == 64


def test_derived_ids_differ_where_what_is_told_does() -> None:
    assert posts.derived("a", "bc") != posts.derived("ab", "c")
    assert posts.derived("\ud800", None) == posts.derived("\ud800", None)
