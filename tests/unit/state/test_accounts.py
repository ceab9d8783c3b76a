"""Accounts: what their people told, and what they answer."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.definitions import sets
from processors.state import accounts
from processors.state.accounts import Account
from processors.state.errors import UnreadableProfile
from schemas.errors import BadEvent
from schemas.relays import Answered, Told
from tests.properties import budget


def told(person: str, asks: bool = False, **holds: bool) -> Told:
    return Told(account="acme", person=person, at=5, cause="c", holds=holds, asks=asks)


def worth(person: str, key: str, value: float) -> Told:
    return Told(account="acme", person=person, at=5, cause="c", holds={key: value})


def gone(person: str) -> Told:
    return Told(account="acme", person=person, at=5, cause="c")


def heard(found: list[Answered]) -> dict[str, Any]:
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
    assert account == Account()


def test_for_all_means_that_each_one_is_known() -> None:
    account = Account()
    accounts.tell(account, told("ann", k=True))
    found = accounts.tell(account, told("bob", n=True))
    assert heard(found)["ann"] == {"k": (True, False), "n": (True, False)}


@pytest.mark.parametrize(
    ("function", "comes_to"),
    [("sum", [3, 6, 5, 2]), ("average", [3, 3, 2, 2]), ("max", [3, 3, 3, 2])],
)
def test_scores_come_to_a_whole_number(function: str, comes_to: list[int]) -> None:
    account, key, found = Account(), f"{function}:k", list[Any]()
    for said in (
        worth("ann", key, 3.4),
        worth("bob", key, 2.15),
        worth("ann", key, 2.5),
        gone("ann"),
    ):
        accounts.tell(account, said)
        found.append(accounts.answers(account)[key])
    assert found == comes_to


def test_who_has_not_told_a_score_is_in_no_average() -> None:
    account = Account()
    accounts.tell(account, worth("ann", "average:k", 4))
    accounts.tell(account, told("bob", other=True))
    assert accounts.answers(account) == {"average:k": 4, "other": (True, False)}


def test_nobody_is_told_where_a_score_comes_to_the_same() -> None:
    account = Account()
    accounts.tell(account, worth("ann", "max:k", 4))
    assert accounts.tell(account, worth("bob", "max:k", 3)) == []


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
    [(b"\xc1", "can not be read"), (msgspec.msgpack.encode([9, {}, {}]), "layout 9, known is 1")],
)
def test_what_is_no_account_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableProfile, match=said):
        accounts.decode(data)


def test_an_account_fits_into_a_record_whatever_its_people_are_called() -> None:
    def full(person: str) -> Told:
        holds = {f"average:key {n:03}": 12.34 for n in range(sets.MAX_ASKED)}
        return Told(account="acme", person=person, at=5, cause="c", holds=holds)

    account, length = Account(), accounts.MAX_ID_BYTES // accounts.MAX_PEOPLE
    for number in range(accounts.MAX_PEOPLE):
        account.people[f"{number:03}".ljust(length, "x")] = full("").holds or {}
    assert len(accounts.encode(account)) < 1_040_000
    longer = Account(people={f"{number:03}".ljust(2 * length, "x"): {} for number in range(500)})
    with pytest.raises(BadEvent, match="500 people"):
        accounts.tell(longer, full("y"))


@budget(200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "cat"]),
            st.none() | st.dictionaries(st.sampled_from(["k", "n"]), st.booleans()),
        )
    )
)
def test_answers_are_those_of_what_each_has_told_last(
    said: list[tuple[str, dict[str, bool] | None]],
) -> None:
    account, last = Account(), dict[str, dict[str, bool]]()
    for person, holds in said:
        accounts.tell(account, Told(account="a", person=person, at=0, cause="c", holds=holds))
        last.pop(person, None)
        if holds is not None:
            last[person] = holds
    keys = {key for holds in last.values() for key in holds}
    assert accounts.answers(account) == {
        key: (
            any(holds.get(key, False) for holds in last.values()),
            all(holds.get(key, False) for holds in last.values()),
        )
        for key in keys
    }
