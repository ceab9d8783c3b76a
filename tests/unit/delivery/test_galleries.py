"""Mails that can be seen in a browser: there before they go, and only those that say so."""

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from connectors.stores.views import Views
from processors.delivery.galleries import Gallery
from processors.metrics import Counter
from schemas.intents import View
from tests.deliveries import REFUSED, Scripted, World, run, world
from tests.unit.delivery.offices import COMMAND, LINK, Office

DAY_MS = 86_400_000
HTML = f"<p>See {LINK}</p>"


class Away(Views):
    """Views whose database is away at first."""

    failures = 0

    async def keep(self, views: Collection[View]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        await super().keep(views)


class Shown:
    """A sender that keeps mails."""

    def __init__(self, found: World, html: str | None) -> None:
        self.world, self.views = found, Away(found.database)
        gallery = Gallery(self.views, found.books, retention_ms=DAY_MS, clock=found.time)
        self.office = Office(found, gallery=gallery, html=html)

    def seen(self, after_ms: int = 0) -> str | None:
        return run(self.views.find(COMMAND.id, at=self.world.time.now + after_ms))


@contextlib.contextmanager
def shown(directory: Path, ses: Scripted, html: str | None = HTML) -> Iterator[Shown]:
    with world(directory, ses) as found:
        yield Shown(found, html)


def test_mail_can_be_seen_from_before_it_goes_until_its_end(tmp_path: Path) -> None:
    ses, at_once = Scripted(), list[str | None]()
    with shown(tmp_path, ses) as found:

        async def look() -> None:
            at_once.append(await found.views.find(COMMAND.id, at=0))

        ses.before.append(look())
        found.office.handle()
        assert at_once == [HTML]
        assert (found.seen(DAY_MS - 1), found.seen(DAY_MS)) == (HTML, None)


def test_mail_without_the_link_is_not_kept(tmp_path: Path) -> None:
    with shown(tmp_path, Scripted(), "<p>Hello</p>") as found:
        found.office.handle()
        assert found.seen() is None


def test_mail_that_nobody_gets_is_not_kept(tmp_path: Path) -> None:
    with shown(tmp_path, Scripted(REFUSED)) as found:
        found.office.handle()
        assert found.seen() is None


def test_none_goes_before_it_is_kept(tmp_path: Path) -> None:
    ses = Scripted()
    with shown(tmp_path, ses) as found:
        found.views.failures = 3
        found.office.handle()
        assert found.world.metrics.read(Counter.LEDGER_RETRIES) == 3
        assert (found.seen(), ses.sent) == (HTML, [COMMAND.id])
