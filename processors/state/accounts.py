"""An account: who belongs to it, and what each of its people has told about themselves. Pure.

Kept by the partition that the account's key lies in, which need not be that of any of its people.
"""

from collections.abc import Callable, Mapping
from math import floor, fsum

import msgspec

from processors.state.errors import UnreadableProfile
from schemas.errors import BadEvent
from schemas.relays import Answered, Told

FORMAT = 1
MAX_PEOPLE = 1_000
"""How many people of one account are counted: those who were there first,"""
MAX_ID_BYTES = 250_000
"""and how many bytes their ids may have, so that a record holds them with what they tell."""

Holds = Mapping[str, bool | int | float]
Answers = dict[str, tuple[bool, bool] | int]
"""Whether something holds for any, and whether for all, by key; or what a score comes to."""


class Account(msgspec.Struct, array_like=True, gc=False):
    """One account."""

    format: int = FORMAT
    people: dict[str, Holds] = {}
    """By person, what holds for them, by key."""
    tallies: dict[str, tuple[int, int]] = {}
    """By key, how many of them have told it, and for how many it holds; of a score 0."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Account)


def encode(account: Account) -> bytes:
    """Returns the bytes of an account."""
    return _encoder.encode(account)


def decode(data: bytes) -> Account:
    """Returns the account of a changelog record.

    Raises:
        UnreadableProfile: the bytes are no account, or of another layout.
    """
    try:
        account = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise UnreadableProfile("an account in the changelog can not be read") from error
    if account.format != FORMAT:
        known = f"an account has layout {account.format}, known is {FORMAT}"
        raise UnreadableProfile(known)
    return account


def answers(account: Account) -> Answers:
    """Returns what the account answers: for all means for each one that it knows of.

    >>> answers(Account(people={"ada": {"k": True}, "bob": {}}, tallies={"k": (1, 1)}))
    {'k': (True, False)}
    """
    count = len(account.people)
    return {
        key: _comes_to(account, key) if _SCORE in key else (held > 0, held == count)
        for key, (_, held) in account.tallies.items()
    }


_SCORE = ":"
"""Stands in the keys of scores, behind the function."""
_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": fsum,
    "average": lambda found: fsum(found) / len(found),
    "max": max,
}


def _comes_to(account: Account, key: str) -> int:
    """Returns what the scores that people have told come to, rounded to a whole number."""
    found = [float(holds[key]) for holds in account.people.values() if key in holds]
    return floor(_FUNCTIONS[key.partition(_SCORE)[0]](found) + 0.5)


def tell(account: Account, told: Told) -> list[Answered]:
    """Takes in what a person tells; returns what the account tells its people for it.

    Each of them is told where an answer changes, else only who asks.

    Raises:
        BadEvent: the account is full, and the person is none of those it knows.
    """
    people, person = account.people, told.person
    if told.holds is not None and person not in people and not _has_room(account, person):
        raise BadEvent("account-full", f"the account has {len(people)} people, who are counted")
    before = answers(account)
    _count(account, people.get(person, {}), -1)
    if told.holds is None:
        people.pop(person, None)
    else:
        people[person] = told.holds
        _count(account, told.holds, 1)
    after = answers(account)
    if after != before:
        return [_answered(told, each, after) for each in people]
    return [_answered(told, person, after)] if told.asks else []


def _count(account: Account, holds: Holds, by: int) -> None:
    """Counts what somebody has told, or counts it no more."""
    tallies = account.tallies
    for key, is_so in holds.items():
        told, held = tallies.get(key, (0, 0))
        if told + by:
            tallies[key] = (told + by, held + by * (is_so is True))
        else:
            del tallies[key]


def _has_room(account: Account, person: str) -> bool:
    people = account.people
    size = sum(len(each.encode()) for each in (*people, person))
    return len(people) < MAX_PEOPLE and size <= MAX_ID_BYTES


def _answered(told: Told, person: str, found: Answers) -> Answered:
    return Answered(
        account=told.account,
        person=person,
        at=told.at,
        cause=told.cause,
        answers=found,
        quiet=told.quiet,
        hops=told.hops,
    )
