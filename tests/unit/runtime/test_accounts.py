"""The accounts of one batch: nothing shows before it is applied."""

from processors.runtime.accounts import Accounts
from processors.state import accounts
from schemas.relays import Told


def told(person: str, **holds: bool) -> Told:
    return Told(account="acme", person=person, at=5, cause="c", holds=holds or None)


def test_a_batch_goes_on_with_what_was_committed() -> None:
    stored: dict[str, bytes] = {}
    for person in ("ann", "bob"):
        overlay = Accounts(stored)
        overlay.tell(told(person, k=True))
        ((key, value),) = overlay.finish()
        assert key == b"\x00account/acme"
        assert stored.get("acme") != value
        overlay.apply()
        assert stored["acme"] == value
    assert set(accounts.decode(stored["acme"]).people) == {"ann", "bob"}


def test_an_account_that_nobody_belongs_to_is_gone() -> None:
    stored: dict[str, bytes] = {}
    records = []
    for last in (told("ann", k=True), told("ann")):
        overlay = Accounts(stored)
        overlay.tell(last)
        records += overlay.finish()
        overlay.apply()
    assert records[-1] == (b"\x00account/acme", None)
    assert stored == {}


def test_within_a_batch_the_account_is_as_it_was_told_last() -> None:
    overlay = Accounts({})
    overlay.tell(told("ann", k=True))
    found = overlay.tell(told("bob", k=False))
    assert [each.answers for each in found] == [{"k": (True, False)}] * 2
