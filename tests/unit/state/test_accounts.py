"""Accounts: what their people told, and what they answer."""

import msgspec
import pytest

from processors.state import accounts
from processors.state.accounts import Account
from processors.state.errors import UnreadableProfile
from schemas.errors import BadEvent
from schemas.relays import Answered, Told


def told(person: str, asks: bool = False, **holds: bool) -> Told:
    return Told(account="acme", person=person, at=5, cause="c", holds=holds, asks=asks)


def gone(person: str) -> Told:
    return Told(account="acme", person=person, at=5, cause="c")


def heard(found: list[Answered]) -> dict[str, accounts.Answers]:
    return {each.person: each.answers for each in found}


def test_whoever_comes_first_is_all_of_them() -> None:
    account = Account()
    assert heard(accounts.tell(account, told("ann", k=True))) == {"ann": {"k": (True, True)}}
    account = Account()
    assert heard(accounts.tell(account, told("ann", k=False))) == {"ann": {"k": (False, False)}}


def test_everybody_is_told_where_an_answer_changes() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=False))
    found = accounts.tell(account, told("bob", k=True))
    assert heard(found) == {"ann": {"k": (True, False)}, "bob": {"k": (True, False)}}
    found = accounts.tell(account, told("ann", k=True))
    assert heard(found) == {"ann": {"k": (True, True)}, "bob": {"k": (True, True)}}


def test_where_nothing_changes_only_who_asks_is_told() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=True))
    assert accounts.tell(account, told("bob", k=True)) == []
    found = accounts.tell(account, told("cat", asks=True, k=True))
    assert heard(found) == {"cat": {"k": (True, True)}}


def test_who_leaves_counts_no_longer_and_is_told_nothing() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=False))
    accounts.tell(account, told("bob", k=True))
    assert heard(accounts.tell(account, gone("ann"))) == {"bob": {"k": (True, True)}}
    assert accounts.tell(account, gone("ann")) == []
    assert accounts.tell(account, gone("bob")) == []
    assert account.people == {}


def test_for_all_means_that_each_one_is_known() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=True))
    found = accounts.tell(account, told("bob", n=True))
    assert heard(found)["ann"] == {"k": (True, False), "n": (True, False)}


def test_an_answer_says_what_it_came_of() -> None:
    quiet = Told(
        account="acme", person="ann", at=7, cause="c", holds={"k": True}, quiet=True, hops=3
    )
    (found,) = accounts.tell(Account(), quiet)
    assert found == Answered(
        account="acme",
        person="ann",
        at=7,
        cause="c",
        answers={"k": (True, True)},
        quiet=True,
        hops=3,
    )


def test_those_who_come_to_a_full_account_do_not_count_until_somebody_leaves() -> None:
    account = Account()
    for number in range(accounts.MAX_PEOPLE):
        accounts.tell(account, told(f"p{number}", k=True))
    with pytest.raises(BadEvent, match="1000 people") as caught:
        accounts.tell(account, told("late", k=False))
    assert caught.value.reason == "account-full"
    assert accounts.tell(account, told("p7", asks=True, k=True))[0].answers == {"k": (True, True)}
    accounts.tell(account, gone("p7"))
    assert heard(accounts.tell(account, told("late", k=False)))["p1"] == {"k": (True, False)}


def test_bytes_are_the_account() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=True, n=False))
    assert accounts.decode(accounts.encode(account)) == account


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"\xc1", "can not be read"), (msgspec.msgpack.encode([9, {}]), "layout 9, known is 1")],
)
def test_what_is_no_account_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableProfile, match=said):
        accounts.decode(data)
