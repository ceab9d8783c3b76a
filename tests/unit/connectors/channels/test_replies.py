"""What an answer means for a message."""

from typing import Any

import pytest

from connectors.channels import replies
from connectors.channels.replies import Codes
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
    assert replies.judge(attempt, Codes(), 0).fate == fate


CODES = Codes(
    passing=frozenset({"slow", "http-409"}),
    refused=frozenset({"never", "http-503"}),
    unknown=frozenset({"perhaps"}),
    suppresses={"gone": "hard-bounce"},
    accepted=frozenset({"twice"}),
)


def judged(status: int | None, code: str | None = None, **changes: Any) -> tuple[str, str]:
    attempt = Attempt(f"http-{status}" if status else "time-out", status)._replace(**changes)
    found = replies.judge(attempt, CODES, 0, code=code)
    return found.fate, found.detail


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (200, None, ("accepted", "http-200")),
        (200, "slow", ("passing", "slow")),
        (200, "perhaps", ("unknown", "perhaps")),
        (200, "anything", ("refused", "anything")),
        (400, "anything", ("refused", "anything")),
        (400, "slow", ("passing", "slow")),
        (400, "twice", ("accepted", "twice")),
        (409, None, ("passing", "http-409")),
        (503, None, ("refused", "http-503")),
        (503, "never", ("refused", "never")),
        (500, None, ("passing", "http-500")),
        (500, "other", ("passing", "other")),
        (502, None, ("unknown", "http-502")),
        (401, None, ("passing", "http-401")),
        (400, "a whole sentence, with a name", ("refused", "http-400")),
        (400, "x" * 65, ("refused", "http-400")),
        (400, "", ("refused", "http-400")),
        (400, "a\nb", ("refused", "http-400")),
    ],
)
def test_code_goes_before_the_status(
    status: int, code: str | None, expected: tuple[str, str]
) -> None:
    assert judged(status, code) == expected


def test_request_without_an_answer_is_judged_by_how_far_it_came() -> None:
    assert judged(None, is_open=True) == ("unknown", "time-out")
    assert judged(None, detail="connect-failed") == ("passing", "connect-failed")
    assert judged(None, detail="address-refused") == ("passing", "address-refused")
    assert judged(None, "never", is_open=True) == ("unknown", "time-out")


def test_recipient_is_suppressed_by_a_code_of_the_table_only() -> None:
    attempt = Attempt("http-404", 404)

    assert replies.judge(attempt, CODES, 0, code="gone").suppresses == "hard-bounce"
    assert replies.judge(attempt, CODES, 0, code="gone").fate == "refused"
    assert replies.judge(attempt, CODES, 0).suppresses is None


def test_id_is_told_of_what_was_accepted_only() -> None:
    def told(status: int, code: str | None = None) -> str | None:
        attempt = Attempt(f"http-{status}", status)
        return replies.judge(attempt, CODES, 0, code=code, provider_id="m-1").provider_id

    assert [told(200), told(400, "twice"), told(500)] == ["m-1", "m-1", None]


def test_retry_after_wins_over_a_header_of_the_providers_own() -> None:
    def waits(status: int, retry_after: str | None) -> int | None:
        attempt = Attempt(f"http-{status}", status, retry_after=retry_after)
        return replies.judge(attempt, CODES, 0, reset_after_ms=5).retry_after_ms

    assert [waits(429, "7"), waits(429, None), waits(400, "7")] == [7_000, 5, None]


def test_what_is_not_there_is_none() -> None:
    found = {"a": [{"b": True}], "c": "", "d": "x" * 513, "e": [1, {"f": 2}]}

    assert replies.part(found, "a", 1) is None
    assert replies.part(found, "a", "b") is None
    assert replies.part(found, "c", 0) is None
    assert replies.text(found, "a", 0, "b") is None
    assert replies.text(found, "c") is None
    assert replies.text(found, "d") is None
    assert replies.objects(found, "e") == [{"f": 2}]
    assert replies.objects(found, "c") == []
    assert replies.text("x" * 9, limit=8) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_has_no_fields(body: bytes) -> None:
    assert replies.fields(body) == {}


@pytest.mark.parametrize("value", ["", "a b", "a\r\nb", "schlüssel", "\0"])
def test_credential_that_can_not_travel_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(BadSetting, match=r"^the key must be printable ASCII without spaces$"):
        replies.key(value, "the key")


def test_credential_that_can_travel_is_taken() -> None:
    assert replies.key("SG.a-b_c", "the key") == "SG.a-b_c"


@pytest.mark.parametrize(("value", "found"), [("45", 45), (" 7 ", 7), ("soon", None), (None, None)])
def test_seconds_of_a_header(value: str | None, found: int | None) -> None:
    assert replies.seconds(value) == found
