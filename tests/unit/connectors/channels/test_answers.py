"""By which rules an answer becomes a reply."""

from typing import Any

import pytest

from connectors.channels import answers
from connectors.channels.answers import Codes
from connectors.http import Attempt

CODES = Codes(
    passing=frozenset({"slow", "http-409"}),
    refused=frozenset({"never", "http-503"}),
    unknown=frozenset({"perhaps"}),
    suppresses={"gone": "hard-bounce"},
)


def judged(status: int | None, code: str | None = None, **changes: Any) -> tuple[str, str]:
    attempt = Attempt(f"http-{status}" if status else "time-out", status)._replace(**changes)
    found = answers.judge(attempt, CODES, 0, code=code)
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
    ],
)
def test_code_goes_before_the_status(
    status: int, code: str | None, expected: tuple[str, str]
) -> None:
    assert judged(status, code) == expected


def test_request_without_an_answer_is_judged_by_how_far_it_came() -> None:
    assert judged(None, is_open=True) == ("unknown", "time-out")
    assert judged(None, detail="connect-failed") == ("passing", "connect-failed")
    assert judged(None, detail="address-refused") == ("refused", "address-refused")


def test_recipient_is_suppressed_by_a_code_of_the_table_only() -> None:
    attempt = Attempt("http-404", 404)

    assert answers.judge(attempt, CODES, 0, code="gone").suppresses == "hard-bounce"
    assert answers.judge(attempt, CODES, 0, code="gone").fate == "refused"
    assert answers.judge(attempt, CODES, 0).suppresses is None


def test_wait_that_is_asked_for_is_told() -> None:
    attempt = Attempt("http-429", 429, retry_after="7")

    assert answers.judge(attempt, CODES, 0).retry_after_ms == 7_000


def test_what_is_not_there_is_none() -> None:
    found = {"a": [{"b": True}], "c": "", "d": "x" * 513, "e": [1, {"f": 2}]}

    assert answers.part(found, "a", 1) is None
    assert answers.part(found, "a", "b") is None
    assert answers.part(found, "c", 0) is None
    assert answers.text(found, "a", 0, "b") is None
    assert answers.text(found, "c") is None
    assert answers.text(found, "d") is None
    assert answers.objects(found, "e") == [{"f": 2}]
    assert answers.objects(found, "c") == []
