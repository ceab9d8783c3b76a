"""Templates that show a catalogue are told what is recommended; others cost nothing."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.stores.recommendations import Recommendations
from processors.content.facts import RECOMMENDED
from processors.recommendations import offers
from processors.recommendations.offers import FRESH_MS, Offers
from schemas.commands import Command
from schemas.items import Item
from schemas.recommendations import Asked, Interest, Occurrence, Rank
from tests import stores
from tests.builders import DAY, T0, catalogue
from tests.stores import Time
from tests.unit.content.builders import command, partial, template

RETENTION_MS = 30 * DAY
ALL = "{{ recommended.last_viewed }}{{ recommended.also_bought }}{{ recommended.trending }}"


class Asking(Recommendations):
    """A database in a file that counts what it is asked, and is away for the first questions."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked = Counter[str]()
        self.failures = 0

    async def interests(
        self, people: Collection[Asked], *, since: int
    ) -> Mapping[Asked, list[Interest]]:
        self.asked["interests"] += 1
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        return await super().interests(people, since=since)

    async def beside(
        self, wanted: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], list[Rank]]:
        self.asked["beside"] += 1
        return await super().beside(wanted)

    async def trending(
        self, catalogue: str, what: str, *, hours: tuple[int, int], most: int
    ) -> list[Rank]:
        self.asked["trending"] += 1
        return await super().trending(catalogue, what, hours=hours, most=most)

    async def items(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        self.asked["items"] += 1
        return await super().items(wanted)


class Shop:
    """A store with some items, what people did with them, and who tells of it."""

    def __init__(self, store: Asking) -> None:
        self.store = store
        self.time = Time(T0)
        self.offers = Offers(store, self.time, retention_ms=RETENTION_MS, sleep=self.time.sleep)

    def stock(self, *ids: str, catalogue: str = "shop") -> None:
        items = [Item(catalogue, each, f'{{"title":"{each.upper()}"}}') for each in ids]
        asyncio.run(self.store.stock(items))

    def did(self, what: Any, *items: str, person: str = "ann", at: int = T0) -> None:
        one = Occurrence(
            id=f"{what}{items}{person}{at}"[:32],
            partition=0,
            logged_at=at,
            profile_id=person,
            catalogue="shop",
            what=what,
            items=items,
            at=at,
            keeps=20,
            is_trend=what == "viewed",
        )
        asyncio.run(self.store.count([one]))

    def told(self, **keys: Any) -> dict[str, str]:
        """Returns the ids of each list that Ann's command is told of."""
        found = asyncio.run(self.offers.told(command(**keys)))
        return ids(found)


def ids(told: Command) -> dict[str, str]:
    lists = told.traits[RECOMMENDED]
    return {name: "".join(each["id"] for each in found) for name, found in lists.items()}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with stores.opened(f"sqlite:///{tmp_path}/senders.db") as database:
        found = Shop(Asking(database))
        found.stock(*"abcd")
        found.offers.take([catalogue(), template(html=ALL, catalogue="shop")])
        yield found


def test_person_sees_what_they_viewed_and_others_bought_and_many_viewed(shop: Shop) -> None:
    shop.did("viewed", "a", at=T0 - 2)
    shop.did("viewed", "b", at=T0 - 1)
    shop.did("bought", "b", "c", "d", person="bob")
    shop.did("bought", "b", "d", person="eve")
    shop.did("viewed", "b", person="bob")
    assert shop.told() == {"last_viewed": "ba", "also_bought": "dc", "trending": "ba"}


def test_items_that_the_event_names_come_before_what_the_person_did(shop: Shop) -> None:
    shop.did("viewed", "a")
    shop.did("bought", "c", "d", person="bob")
    assert shop.told(properties={"product_id": "c"})["also_bought"] == "d"


def test_what_was_done_too_long_ago_is_not_told(shop: Shop) -> None:
    shop.did("viewed", "a", at=T0 - RETENTION_MS - 1)
    assert shop.told()["last_viewed"] == ""


def test_template_without_a_catalogue_is_told_nothing_and_asks_nothing(shop: Shop) -> None:
    shop.offers.take([catalogue(), template(html=ALL)])
    order = command()
    assert asyncio.run(shop.offers.told(order)) is order
    assert asyncio.run(shop.offers.told(command(template=None))).template is None
    assert shop.store.asked == Counter()


def test_template_of_a_catalogue_that_is_gone_shows_nothing(shop: Shop) -> None:
    shop.offers.take([template(html=ALL, catalogue="shop"), catalogue("shop", last_viewed=0)])
    assert shop.told() == {"last_viewed": "", "also_bought": "", "trending": ""}
    assert shop.store.asked == Counter()


def test_only_lists_are_told_that_texts_or_partials_name(shop: Shop) -> None:
    written = [catalogue(), template(html="{{ recommended.trending }}", catalogue="shop")]
    shop.offers.take(written)
    shop.did("viewed", "a")
    assert shop.told() == {"trending": "a"}
    shop.offers.take(
        [*written, partial("row", text="{{ recommended.last_viewed }}"), {"kind": "partial"}]
    )
    assert set(shop.told()) == {"trending", "last_viewed"}
    shop.offers.take([catalogue(), template(html="-", catalogue="shop")])
    assert shop.told() == {}


def test_list_that_is_required_is_missing_where_it_is_empty(shop: Shop) -> None:
    required = {f"recommended.{name}": {"type": "list", "required": True} for name in ("trending",)}
    shop.offers.take([catalogue(), template(html=ALL, catalogue="shop", variables=required)])
    assert set(shop.told()) == {"last_viewed", "also_bought"}
    shop.time.now += FRESH_MS
    shop.did("viewed", "a")
    assert shop.told()["trending"] == "a"


def test_many_messages_ask_together(shop: Shop) -> None:
    for name in ("ann", "bob", "eve"):
        shop.did("viewed", "abcd"[len(name) % 3], person=name)

    async def many() -> list[Command]:
        work = [shop.offers.told(command(profile_id=f"p-{n}")) for n in range(99)]
        return [*await asyncio.gather(*work, shop.offers.told(command()))]

    found = asyncio.run(many())
    assert shop.store.asked == {"interests": 1, "beside": 1, "trending": 1, "items": 1}
    assert ids(found[0])["last_viewed"] == ""
    assert ids(found[-1])["last_viewed"] == "a"


def test_what_is_trending_is_asked_once_a_minute_and_anew_for_new_definitions(shop: Shop) -> None:
    shop.told()
    shop.did("viewed", "a")
    shop.time.now += FRESH_MS - 1
    assert shop.told()["trending"] == ""
    shop.time.now += 1
    assert shop.told()["trending"] == "a"
    shop.did("viewed", "b", "c")
    shop.offers.take([catalogue(trending={"size": 2}), template(html=ALL, catalogue="shop")])
    assert shop.told()["trending"] == "ab"


def test_what_goes_with_an_item_is_asked_once_a_minute_and_of_so_many_items_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "MOST_KNOWN", 2)
    shop.did("bought", "a", "b", person="bob")

    def told(item: str) -> str:
        return shop.told(properties={"product_id": item})["also_bought"]

    assert told("a") == "b"
    shop.did("bought", "a", "c", person="bob")
    shop.time.now += FRESH_MS - 1
    assert (told("a"), told("d"), shop.store.asked["beside"]) == ("b", "", 2)
    shop.time.now += 1
    assert told("a") == "bc"
    assert (told("c"), told("a"), shop.store.asked["beside"]) == ("a", "bc", 4)
    assert (told("d"), shop.store.asked["beside"]) == ("", 5)


def test_items_are_those_of_the_templates_own_catalogue(shop: Shop) -> None:
    shop.stock("b", "z", catalogue="books")
    books = catalogue("books", fallback=["z", "a"])
    more = template(id="other", html=ALL, catalogue="books")
    shop.offers.take([catalogue(), books, template(html=ALL, catalogue="shop"), more])
    shop.did("viewed", "a")

    async def both() -> list[Command]:
        one, two = shop.offers.told(command()), shop.offers.told(command(template="other"))
        return [*await asyncio.gather(one, two)]

    first, second = asyncio.run(both())
    assert ids(first)["trending"] == "a"
    assert ids(second) == {"last_viewed": "", "also_bought": "z", "trending": "z"}


def test_while_the_database_is_away_messages_wait(shop: Shop) -> None:
    shop.did("viewed", "a")
    shop.store.failures = 3
    assert shop.told()["last_viewed"] == "a"
    assert shop.time.slept == [1, 2, 4]


def test_who_does_not_wait_is_told_that_it_is_away(shop: Shop) -> None:
    shop.store.failures = 1
    with pytest.raises(ConnectionError):
        asyncio.run(shop.offers.ask(command()))
