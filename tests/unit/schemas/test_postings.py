"""Postings: what one report comes to, whole."""

import msgspec

from schemas.consents import SuppressionRecord
from schemas.postings import OWN, Posting, Row, Sent, Standing
from tests.unit.schemas.samples import OUTCOME


def test_posting_comes_back_as_it_was_written() -> None:
    stop = SuppressionRecord(profile_id="ann", channel="email", reason="complaint", at=1)
    posting = Posting(
        source=OWN,
        id="r-1",
        rows=(Row(id="w-1", topic="outcomes", key="ann", value="{}"),),
        suppressions=(stop,),
        outcome=OUTCOME,
    )
    assert msgspec.json.decode(msgspec.json.encode(posting), type=Posting) == posting


def test_what_is_not_said_changes_nothing() -> None:
    posting = Posting(source=OWN, id="r-1")
    assert (posting.rows, posting.suppressions, posting.denials) == ((), (), ())
    assert posting.outcome is None
    assert Standing() == Standing(suppressions=(), consents=())


def test_message_that_is_in_no_ledger_has_no_instant() -> None:
    sent = Sent(command_id="c-1", message_id="m-1", profile_id="ann", channel="email")
    assert (sent.state, sent.updated_at, sent.domain) == ("sent", None, None)
