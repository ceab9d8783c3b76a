"""An account: who belongs to it, and what each of its people has told about themselves. Pure.

Kept by the partition that the account's key lies in, which need not be that of any of its people.
"""

import msgspec

from processors.state.errors import UnreadableProfile
from schemas.errors import BadEvent
from schemas.relays import Answered, Told

FORMAT = 1
MAX_PEOPLE = 1_000
"""How many people of one account are counted: those who were there first."""

Answers = dict[str, tuple[bool, bool]]
"""Whether something holds for any, and whether for all, by key."""


class Account(msgspec.Struct, array_like=True, gc=False):
    """One account."""

    format: int = FORMAT
    people: dict[str, dict[str, bool]] = {}
    """By person, what holds for them, by key."""


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

    >>> answers(Account(people={"ada": {"k": True}, "bob": {"k": False}, "cat": {"n": True}}))
    {'k': (True, False), 'n': (True, False)}
    """
    told: dict[str, list[bool]] = {}
    for holds in account.people.values():
        for key, is_so in holds.items():
            told.setdefault(key, []).append(is_so)
    count = len(account.people)
    return {key: (any(each), len(each) == count and all(each)) for key, each in told.items()}


def tell(account: Account, told: Told) -> list[Answered]:
    """Takes in what a person tells; returns what the account tells its people for it.

    Each of them is told where an answer changes, else only who asks.

    Raises:
        BadEvent: the account is full, and the person is none of those it knows.
    """
    people, person = account.people, told.person
    before = answers(account)
    if told.holds is None:
        people.pop(person, None)
    elif person in people or len(people) < MAX_PEOPLE:
        people[person] = told.holds
    else:
        raise BadEvent("account-full", f"the account has {MAX_PEOPLE} people, who are counted")
    after = answers(account)
    if after != before:
        return [_answered(told, each, after) for each in people]
    return [_answered(told, person, after)] if told.asks else []


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
