"""What the callbacks' server needs from the world: a database of what was sent, providers' habits.

Beside `processors.ports`, for those who hear of messages after they were sent.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from schemas.messages import CallbackRequest, Report
from schemas.postings import Posting, Sent, Standing


class Register(Protocol):
    """Knows what was sent and takes what is told of it afterwards: the senders' database.

    Guarantees:
        Never blocks the event loop; calls may overlap.

    Raises:
        OSError: it does not answer: nothing was changed or all was, ask again.
    """

    async def find(self, reports: Sequence[Report]) -> Sequence[Sent | None]:
        """Returns for each report the message that it is of; None where there is none yet."""
        ...

    async def post(self, postings: Sequence[Posting], *, now_ms: int) -> Sequence[Posting]:
        """Takes postings, all or none; returns those that had not been taken before."""
        ...

    async def standing(self, profile_id: str) -> Standing:
        """Returns how a person stands."""
        ...


@runtime_checkable
class Challenged(Protocol):
    """Callbacks of a service that tries an address by a GET before it posts there."""

    def challenge(self, request: CallbackRequest) -> str:
        """Returns what to answer.

        Raises:
            schemas.errors.Forged: it does not know what was agreed.
        """
        ...


@runtime_checkable
class Prepared(Protocol):
    """Callbacks that need something from outside before they can be read, such as a certificate."""

    async def prepare(self, request: CallbackRequest) -> None:
        """Fetches it; bounded in time, and never raises for what the other side does."""
        ...
