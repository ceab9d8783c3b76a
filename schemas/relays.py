"""Relays: what partitions of `events` tell each other about the people of an account.

They travel in `events` beside the events: a person's partition tells that of the account what holds
for the person, and the account's tells each of its people for how many it holds.
"""

import hashlib
from collections.abc import Mapping

import msgspec

ACCOUNT_KEY = b"\x00account/"
"""Begins the key of what is told to an account. No profile id has a control character."""
_MARK = b'{"type":"relay/'
_CAUSE_DIGITS = 16


class Told(
    msgspec.Struct, kw_only=True, tag_field="type", tag="relay/told", omit_defaults=True, gc=False
):
    """What a person tells its account."""

    account: str
    person: str
    at: int
    """When it turned, ms."""
    cause: str
    """Stands for what it came of."""
    holds: Mapping[str, bool | int | float] | None = None
    """All that is asked of people, by its key: conditions, and the values of scores. None: the
    person belongs to it no longer."""
    asks: bool = False
    """Whether the person lacks an answer of the account."""
    quiet: bool = False
    """Whether it came of a change of definitions."""
    hops: int = 0
    """How many accounts had their part in it."""


class Answered(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="relay/answered",
    omit_defaults=True,
    gc=False,
):
    """What an account tells one of its people."""

    account: str
    person: str
    at: int
    cause: str
    answers: Mapping[str, tuple[bool, bool] | int]
    """Whether it holds for any, and whether for all of its people, by key; or what it comes to."""
    quiet: bool = False
    hops: int = 0


Relay = Told | Answered

_decoder: msgspec.json.Decoder[Relay] = msgspec.json.Decoder(Relay)


def key(relay: Relay) -> bytes:
    """Returns the key of a relay's record, which decides on its partition."""
    if isinstance(relay, Told):
        return ACCOUNT_KEY + relay.account.encode()
    return relay.person.encode()


def encode(relay: Relay) -> bytes:
    """Returns the value of a relay's record, which is that of no event."""
    return msgspec.json.encode(relay)


def read(value: bytes | None) -> Relay | None:
    """Returns the relay in a record's value; None for anything else."""
    if not value or not value.startswith(_MARK):
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError:
        return None


def cause(person: str, occurrence: str) -> str:
    """Returns what stands for that which a person's relay came of.

    >>> cause("ada", "message-1")
    '6d1ae7b3ad6fbef8'
    """
    text = msgspec.json.encode([person, occurrence])
    return hashlib.sha256(text).hexdigest()[:_CAUSE_DIGITS]
