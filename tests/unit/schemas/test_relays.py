"""Relays: what partitions tell each other, and that nobody takes it for an event."""

import pytest

from schemas import codec, relays
from schemas.errors import BadEvent
from schemas.relays import Answered, Relay, Told
from tests.builders import encoded, track

TOLD = Told(account="acme", person="ann", at=5, cause="c", holds={"k": True}, asks=True)
GONE = Told(account="acme", person="ann", at=5, cause="c", quiet=True, hops=2)
ANSWERED = Answered(account="acme", person="ann", at=5, cause="c", answers={"k": (True, False)})


@pytest.mark.parametrize("relay", [TOLD, GONE, ANSWERED])
def test_what_was_written_is_read(relay: Relay) -> None:
    assert relays.read(relays.encode(relay)) == relay


@pytest.mark.parametrize("relay", [TOLD, GONE, ANSWERED])
def test_no_event_is_read_of_it(relay: Relay) -> None:
    with pytest.raises(BadEvent, match="type"):
        codec.decode_event(relays.encode(relay))


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        encoded(track("a")),
        b'{"type":"relay/told"}',
        b'{"type":"relay/other","account":"acme"}',
        relays.encode(TOLD)[:-1],
    ],
)
def test_anything_else_is_none(value: bytes | None) -> None:
    assert relays.read(value) is None


def test_an_account_has_a_key_that_no_person_has() -> None:
    assert relays.key(TOLD) == b"\x00account/acme"
    assert relays.key(ANSWERED) == b"ann"


def test_cause_stands_for_person_and_occurrence() -> None:
    assert relays.cause("ann", "m") == relays.cause("ann", "m")
    assert len({relays.cause("ann", "m"), relays.cause("an", "nm"), relays.cause("ann", "n")}) == 3
