"""The accounts that one batch touches: an overlay over those of the table.

Nothing here knows Kafka. What is in the table is committed (see batches).
"""

from processors.state import accounts
from processors.state.accounts import Account
from schemas.relays import ACCOUNT_KEY, Answered, Told


class Accounts:
    """What one transaction does to the accounts of one partition. Used once, by one thread."""

    def __init__(self, stored: dict[str, bytes]) -> None:
        self._stored = stored
        self._loaded: dict[str, Account] = {}
        self._staged: dict[str, bytes | None] = {}

    def tell(self, told: Told) -> list[Answered]:
        """Takes in what a person tells; returns what the account tells its people for it.

        Raises:
            BadEvent: the account is full.
        """
        account = self._loaded.get(told.account)
        if account is None:
            stored = self._stored.get(told.account)
            account = Account() if stored is None else accounts.decode(stored)
            self._loaded[told.account] = account
        return accounts.tell(account, told)

    def finish(self) -> list[tuple[bytes, bytes | None]]:
        """Returns the records for the changelog; None where an account has nobody any more."""
        self._staged = {
            each: accounts.encode(account) if account.people else None
            for each, account in self._loaded.items()
        }
        return [(ACCOUNT_KEY + each.encode(), value) for each, value in self._staged.items()]

    def apply(self) -> None:
        """Joins what was finished to the table."""
        for each, value in self._staged.items():
            if value is None:
                self._stored.pop(each, None)
            else:
                self._stored[each] = value
