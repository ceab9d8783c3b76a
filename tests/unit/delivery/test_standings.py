"""What records of consents and suppressions say to the last look."""

import pytest

from processors.delivery import standings
from schemas import codec
from schemas.consents import ConsentRecord, Lifted, SuppressionRecord
from schemas.errors import BadRecord
from schemas.letters import Headers, Record

CONSENT = ConsentRecord(profile_id="a/b", channel="email", topic="news", state="denied", at=5)
STOP = SuppressionRecord(profile_id="a/b", channel="email", reason="manual", at=5)


def record(key: bytes | None, value: bytes | None) -> Record:
    return Record("beckon.suppressions", 0, 1, key, value)


@pytest.mark.parametrize(("name", "said"), [("consents", CONSENT), ("suppressions", STOP)])
def test_record_says_what_it_says(name: str, said: ConsentRecord | SuppressionRecord) -> None:
    assert standings.read(record(b"k", codec.encode(said)), name, at=9) == said


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ([("lifted-at", b"7")], 7),
        ({"lifted-at": b"7"}, 7),
        ([("lifted-at", b"soon")], 9),
        ([("other", b"7")], 9),
        (None, 9),
    ],
)
def test_tombstone_says_when_it_was_said_that_it_lifts(
    headers: Headers | dict[str, bytes] | None, at: int
) -> None:
    assert standings.lifted_at(headers, 9) == at


def test_tombstone_lifts_a_suppression_as_of_an_instant() -> None:
    found = standings.read(record(b"a/b/email", None), "suppressions", at=9)
    assert found == Lifted(profile_id="a/b", channel="email", at=9)


def test_forgotten_consent_says_nothing() -> None:
    assert standings.read(record(b"a/b/email/news", None), "consents", at=9) is None


@pytest.mark.parametrize("key", [None, b"", b"alone"])
def test_tombstone_without_person_and_channel_is_a_dead_letter(key: bytes | None) -> None:
    with pytest.raises(BadRecord):
        standings.read(record(key, None), "suppressions", at=9)
