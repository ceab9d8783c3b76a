"""What an answer means for a message."""

import pytest

from connectors.channels import replies
from connectors.errors import BadSetting
from connectors.http import Attempt
from schemas.messages import Fate


@pytest.mark.parametrize(
    ("attempt", "fate"),
    [
        (Attempt("http-200", 200), "accepted"),
        (Attempt("http-202", 202), "accepted"),
        (Attempt("http-302", 302), "passing"),
        (Attempt("http-400", 400), "refused"),
        (Attempt("http-401", 401), "passing"),
        (Attempt("http-402", 402), "passing"),
        (Attempt("http-403", 403), "passing"),
        (Attempt("http-404", 404), "passing"),
        (Attempt("http-413", 413), "refused"),
        (Attempt("http-422", 422), "refused"),
        (Attempt("http-429", 429), "passing"),
        (Attempt("http-500", 500), "passing"),
        (Attempt("http-502", 502), "unknown"),
        (Attempt("http-503", 503), "passing"),
        (Attempt("http-504", 504), "unknown"),
        (Attempt("time-out"), "passing"),
        (Attempt("time-out", is_open=True), "unknown"),
        (Attempt("address-refused"), "passing"),
    ],
)
def test_fate_by_status(attempt: Attempt, fate: Fate) -> None:
    assert replies.reply(attempt, 0).fate == fate


def test_word_of_the_provider_wins_over_the_status_and_becomes_the_detail() -> None:
    found = replies.reply(Attempt("http-400", 400), 0, code="TooMany", codes={"TooMany": "passing"})

    assert (found.fate, found.detail) == ("passing", "TooMany")


@pytest.mark.parametrize("code", ["two words", "x" * 65, "", "a\nb", None])
def test_what_is_no_word_is_not_told(code: str | None) -> None:
    assert replies.reply(Attempt("http-400", 400), 0, code=code).detail == "http-400"


def test_word_beside_a_success_or_no_answer_changes_nothing() -> None:
    table: dict[str, Fate] = {"no": "refused"}

    taken = replies.reply(Attempt("http-200", 200), 0, code="no", codes=table)
    lost = replies.reply(Attempt("time-out", is_open=True), 0, code="no", codes=table)

    assert (taken.fate, taken.detail) == ("accepted", "http-200")
    assert (lost.fate, lost.detail) == ("unknown", "time-out")


def test_id_is_told_of_what_was_accepted_only() -> None:
    assert replies.reply(Attempt("http-200", 200), 0, provider_id="m-1").provider_id == "m-1"
    assert replies.reply(Attempt("http-500", 500), 0, provider_id="m-1").provider_id is None


def test_retry_after_wins_over_a_header_of_the_providers_own() -> None:
    busy = Attempt("http-429", 429, retry_after="7")

    assert replies.reply(busy, 0, reset_after_ms=5).retry_after_ms == 7_000
    assert replies.reply(Attempt("http-429", 429), 0, reset_after_ms=5).retry_after_ms == 5
    refused = Attempt("http-400", 400, retry_after="7")
    assert replies.reply(refused, 0).retry_after_ms is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_has_no_fields(body: bytes) -> None:
    assert replies.fields(body) == {}


def test_texts_are_short_and_not_empty() -> None:
    assert replies.text("a") == "a"
    assert [replies.text(each) for each in ("", 5, None, "x" * 1_001)] == [None] * 4


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", "schlüssel", "\0"])
def test_credential_that_can_not_travel_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(BadSetting, match=r"^the key must be printable ASCII without spaces$"):
        replies.key(value, "the key")


def test_credential_that_can_travel_is_taken() -> None:
    assert replies.key("SG.a-b_c", "the key") == "SG.a-b_c"


@pytest.mark.parametrize(("value", "found"), [("45", 45), (" 7 ", 7), ("soon", None), (None, None)])
def test_seconds_of_a_header(value: str | None, found: int | None) -> None:
    assert replies.seconds(value) == found
