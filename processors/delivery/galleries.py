"""Mails that can be seen in a browser: kept before they go, for those that have a link to it."""

from collections.abc import Sequence

from processors.delivery.books import Books
from processors.delivery.grouping import Grouped
from processors.ports import Clock, Views
from schemas.intents import View
from schemas.messages import Message

MOST = 100
"""Mails that are kept by one statement."""


class Gallery:
    """Keeps mails, however long the database takes: without theirs none goes."""

    def __init__(self, views: Views, books: Books, *, retention_ms: int, clock: Clock) -> None:
        """Takes where to keep them, and for how long."""
        self._views = views
        self._books = books
        self._retention_ms = retention_ms
        self._clock = clock
        self._kept = Grouped(self._keep, most=MOST)

    async def keep(self, message: Message) -> None:
        """Keeps a mail; one that is there already stays if it may have been sent as it is."""
        assert message.html is not None, "only such can be seen"
        view = View(
            message_id=message.id,
            profile_id=message.profile_id,
            html=message.html,
            until=self._clock.now_ms() + self._retention_ms,
        )
        await self._kept.ask(view)

    async def drop(self, message: Message) -> None:
        """Lets go of a mail that nobody has got."""
        await self._books.until_it_works(lambda: self._views.drop(message.id))

    async def _keep(self, views: Sequence[View]) -> Sequence[None]:
        await self._books.until_it_works(lambda: self._views.keep(views))
        return [None] * len(views)
