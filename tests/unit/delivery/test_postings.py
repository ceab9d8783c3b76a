"""Reports made to postings."""

from typing import Any

import msgspec
import pytest

from processors.delivery import postings
from processors.delivery.postings import MAX_ID_CHARS, tell
from schemas import codec, events
from schemas.messages import Report
from schemas.outcomes import Kind, Result
from schemas.postings import Posting, Sent
from tests.builders import T0

SENT = Sent(
    command_id="c-1",
    message_id="m-1",
    profile_id="ada",
    channel="email",
    topic="news",
    definition_id="welcome",
    step="0",
    provider="smtp",
    provider_id="x@mail",
    promise="at-most-once",
    attempts=2,
)


def report(result: Result = "delivered", **fields: Any) -> Report:
    given: dict[str, Any] = {"id": "r-1", "provider": "smtp", "result": result, "at": T0}
    return Report(**given | fields)


def told(found: Report, now_ms: int = T0) -> Posting:
    return tell(found, SENT, now_ms=now_ms)


def event(made: Posting) -> dict[str, Any]:
    properties: dict[str, Any] = msgspec.json.decode(
        codec.decode_event(made.rows[1].value.encode()).properties
    )
    return properties


def test_rows_are_the_outcome_and_the_event_of_the_person() -> None:
    made = told(report("clicked", url="https://shop.example/", machine=True, detail="web"))
    outcome, happened = made.rows
    assert (outcome.topic, happened.topic, outcome.key, happened.key) == (
        "outcomes",
        "events",
        "ada",
        "ada",
    )
    assert codec.decode_outcome(outcome.value.encode()) == made.outcome
    found = codec.decode_event(happened.value.encode())
    assert (events.name(found), events.profile_id(found)) == ("email.clicked", "ada")
    assert events.time_ms(found) == T0
    assert event(made) == {
        "command_id": "c-1",
        "definition_id": "welcome",
        "step": "0",
        "provider": "smtp",
        "result": "clicked",
        "detail": "web",
        "url": "https://shop.example/",
        "machine": True,
    }


def test_report_is_of_the_variant_that_was_sent() -> None:
    sent = msgspec.structs.replace(SENT, variant="bold")
    made = tell(report("clicked"), sent, now_ms=T0)
    assert made.outcome is not None
    assert (made.outcome.variant, event(made)["variant"]) == ("bold", "bold")


def test_outcome_says_what_the_ledger_knows() -> None:
    found = told(report()).outcome
    assert found is not None
    assert (found.attempts, found.promise, found.provider_id) == (2, "at-most-once", "x@mail")


@pytest.mark.parametrize("result", ["sent", "failed", "delivered", "complained"])
def test_what_happens_once_is_the_same_whoever_tells_it(result: Result) -> None:
    first, other = told(report(result)), told(report(result, id="r-2"))
    assert first.rows[0].id == other.rows[0].id
    assert first.rows[1].id == other.rows[1].id
    assert first.id != other.id


@pytest.mark.parametrize("result", ["opened", "clicked", "bounced", "unsubscribed"])
def test_what_happens_again_is_another_outcome(result: Result) -> None:
    first, other = told(report(result)), told(report(result, id="r-2"))
    assert first.rows[0].id != other.rows[0].id
    assert told(report(result)) == first


def test_time_ahead_counts_as_now() -> None:
    made = told(report("complained", at=T0 + 5), now_ms=T0)
    assert made.outcome is not None
    assert made.outcome.at == made.suppressions[0].at == T0


@pytest.mark.parametrize(
    ("result", "kind", "topic", "reason"),
    [
        ("bounced", "hard", None, "hard-bounce"),
        ("bounced", "soft", None, None),
        ("bounced", None, None, None),
        ("complained", None, None, "complaint"),
        ("unsubscribed", None, None, "unsubscribe"),
        ("unsubscribed", None, "tips", None),
        ("failed", None, None, None),
        ("delivered", None, None, None),
    ],
)
def test_reasons_to_send_nothing_more(
    result: Result, kind: Kind | None, topic: str | None, reason: str | None
) -> None:
    made = told(report(result, kind=kind, topic=topic))
    assert [(one.channel, one.reason) for one in made.suppressions] == (
        [] if reason is None else [("email", reason)]
    )
    assert [(one.channel, one.topic, one.state) for one in made.denials] == (
        [("email", "tips", "denied")] if topic else []
    )


def test_ids_that_are_too_long_are_known_by_their_hash() -> None:
    one, other = "x" * MAX_ID_CHARS + "1", "x" * MAX_ID_CHARS + "2"
    assert told(report(id="x" * MAX_ID_CHARS)).id == "x" * MAX_ID_CHARS
    assert told(report(id=one)).id == told(report(id=one)).id != told(report(id=other)).id
    assert len(told(report(id=one)).id) == 64


def test_texts_are_cut_to_what_the_tables_hold() -> None:
    found = told(report("clicked", detail="d" * 999, url="u" * 9_999)).outcome
    assert found is not None
    assert (len(found.detail), len(found.url or "")) == (
        postings.MAX_DETAIL_CHARS,
        postings.MAX_URL_CHARS,
    )


def test_message_that_was_read_is_told_once_whenever_that_is_said() -> None:
    first, later = postings.read("m-1", now_ms=T0), postings.read("m-1", now_ms=T0 + 9_000)
    assert (first.result, first.command_id, first.provider) == ("opened", "m-1", "beckon")
    assert first.id == later.id != postings.read("m-2", now_ms=T0).id
    made = [tell(one, SENT, now_ms=T0 + 9_000) for one in (first, later)]
    assert [row.id for row in made[0].rows] == [row.id for row in made[1].rows]


def test_derived_ids_tell_words_apart() -> None:
    assert postings.derived(["a", "b"]) == postings.derived(["a", "b"])
    assert postings.derived(["a", "b"]) != postings.derived(["ab"])
    assert postings.derived(["a b", "c"]) != postings.derived(["a", "b c"])
