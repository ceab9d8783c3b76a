"""What is counted of items, on SQLite and on a real Postgres: once each, whatever the order."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from connectors.stores import recommendations
from connectors.stores.engines import Database
from connectors.stores.recommendations import (
    MOST_OTHERS,
    MOST_TOGETHER,
    REPEATS_MS,
    Ages,
    Recommendations,
)
from connectors.stores.standing import Standing
from schemas.consents import Lifted, SuppressionRecord
from schemas.items import Item
from schemas.recommendations import HOUR_MS, Asked, Interest, Occurrence, Rank
from tests import stores
from tests.builders import DAY, T0

Found = TypeVar("Found")

ADA = Asked("shop", "ada")


@pytest.fixture
def store(database: Database) -> Recommendations:
    return Recommendations(database)


def run(work: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(work)


def happened(*items: str, **fields: Any) -> Occurrence:
    """Returns that Ada viewed something, counted as a trend, unless said otherwise."""
    given: dict[str, Any] = {
        "id": f"{items} {sorted(fields.items())}"[:32],
        "partition": 0,
        "logged_at": T0,
        "profile_id": "ada",
        "catalogue": "shop",
        "what": "viewed",
        "items": items,
        "at": T0,
        "keeps": 20,
        "is_trend": fields.get("what") != "bought",
    }
    return Occurrence(**given | fields)


def stocked(store: Recommendations, *ids: str, catalogue: str = "shop") -> None:
    run(store.stock([Item(catalogue, one, f'{{"title":"{one}"}}') for one in ids]))


def interests(store: Recommendations, asked: Asked = ADA, since: int = 0) -> list[Interest]:
    return run(store.interests([asked], since=since)).get(asked, [])


def beside(store: Recommendations, item: str) -> list[Rank]:
    return run(store.beside([("shop", item)])).get(("shop", item), [])


def trending(store: Recommendations, what: str = "viewed", hours: int = 24) -> list[Rank]:
    until = T0 // HOUR_MS
    return run(store.trending("shop", what, hours=(until - hours, until), most=100))


class TestInterests:
    def test_are_the_latest_of_each_kind_in_any_order_of_arrival(
        self, store: Recommendations
    ) -> None:
        given = [
            happened(name, at=T0 + at) for name, at in zip("abcab", (5, 3, 4, 1, 9), strict=True)
        ]
        random.Random(1).shuffle(given)
        for one in given:
            run(store.count([one]))
        assert [(one.item, one.at - T0) for one in interests(store)] == [
            ("b", 9),
            ("a", 5),
            ("c", 4),
        ]

    def test_are_bounded_and_the_oldest_goes(self, store: Recommendations) -> None:
        run(store.count([happened(f"i-{n}", at=T0 + n, keeps=3) for n in range(9)]))
        run(store.count([happened("late", at=T0 - 1, keeps=3)]))
        assert [one.item for one in interests(store)] == ["i-8", "i-7", "i-6"]

    def test_of_before_an_instant_are_not_told(self, store: Recommendations) -> None:
        run(store.count([happened("old", at=T0 - 1), happened("new")]))
        assert [one.item for one in interests(store, since=T0)] == ["new"]

    def test_are_each_persons_and_each_catalogues(self, store: Recommendations) -> None:
        bob = {"profile_id": "bob"}
        run(store.count([happened("a"), happened("b", **bob), happened("c", catalogue="books")]))
        found = run(store.interests([ADA, Asked("shop", "bob"), Asked("books", "ada")], since=0))
        assert {key: [one.item for one in each] for key, each in found.items()} == {
            ADA: ["a"],
            Asked("shop", "bob"): ["b"],
            Asked("books", "ada"): ["c"],
        }


class TestTrends:
    def test_sum_up_the_hours_of_the_window_and_leave_the_others(
        self, store: Recommendations
    ) -> None:
        stocked(store, "a", "b", "c")
        given = [
            *[happened("a", id=f"a{n}", at=T0 - n * HOUR_MS) for n in (0, 1, 23, 24, 30)],
            *[happened("b", id=f"b{n}", at=T0 + n) for n in range(4)],
            *[happened("c", id=f"c{n}", at=T0) for n in range(3)],
            happened("c", id="ahead", at=T0 + HOUR_MS),
        ]
        run(store.count(given))
        assert trending(store) == [Rank("b", 4), Rank("a", 3), Rank("c", 3)]

    def test_show_only_what_the_catalogue_has(self, store: Recommendations) -> None:
        stocked(store, "a")
        stocked(store, "b", catalogue="books")
        run(store.count([happened("a", id="1"), happened("b", id="2")]))
        assert trending(store) == [Rank("a", 1)]
        run(store.stock([Item("shop", "a", None)]))
        assert trending(store) == []

    def test_of_another_kind_are_counted_apart(self, store: Recommendations) -> None:
        stocked(store, "a")
        run(store.count([happened("a", what="bought", is_trend=True), happened("a")]))
        assert trending(store, "bought") == trending(store) == [Rank("a", 1)]


class TestPairs:
    def test_are_ordered_by_how_often_then_by_id(self, store: Recommendations) -> None:
        stocked(store, "a", "b", "c", "d")
        orders = ["ab", "ab", "ad", "ac", "bd", "ax"]
        run(store.count([happened(*one, id=f"{n}", what="bought") for n, one in enumerate(orders)]))
        assert run(store.beside([("shop", "a"), ("shop", "b"), ("shop", "z")])) == {
            ("shop", "a"): [Rank("b", 2), Rank("c", 1), Rank("d", 1)],
            ("shop", "b"): [Rank("a", 2), Rank("d", 1)],
        }

    def test_of_a_long_order_are_those_of_its_first_items(self, store: Recommendations) -> None:
        names = [f"i-{n:03}" for n in range(MOST_TOGETHER + 10)]
        stocked(store, *names)
        run(store.count([happened(*names, what="bought")]))
        found = beside(store, names[0])
        assert [one.item for one in found] == names[1:MOST_TOGETHER]

    def test_beside_one_item_are_bounded_and_the_rarest_go(self, store: Recommendations) -> None:
        names = [f"i-{n:04}" for n in range(MOST_OTHERS + 20)]
        stocked(store, *names)
        given = [happened("hub", one, id=one, what="bought") for one in names]
        run(store.count([*given, happened("hub", names[-1], id="again", what="bought")]))
        assert run(store.thin()) == 20
        assert run(store.thin()) == 0
        found = beside(store, "hub")
        assert [one.item for one in found] == [names[-1], *names[: MOST_OTHERS - 1]]


class TestOnce:
    def test_repeat_in_the_same_or_a_later_batch_counts_nothing(
        self, store: Recommendations
    ) -> None:
        stocked(store, "a", "b")
        order = happened("a", "b", what="bought", is_trend=True)
        assert run(store.count([order, order])) == 1
        assert run(store.count([order])) == 1
        assert trending(store, "bought") == [Rank("a", 1), Rank("b", 1)]
        assert beside(store, "a") == [Rank("b", 1)]

    def test_repeat_is_known_as_long_as_the_log_of_its_partition_has_gone_on_for_a_week(
        self, store: Recommendations, database: Database
    ) -> None:
        stocked(store, "a", "b")
        first = happened("a")
        run(store.count([first]))
        run(store.count([happened("b", id="other", partition=1, logged_at=T0 + 2 * REPEATS_MS)]))
        run(store.count([happened("b", id="week", logged_at=T0 + REPEATS_MS)]))
        assert run(store.count([first])) == 1
        run(store.count([happened("b", id="more", logged_at=T0 + REPEATS_MS + 1)]))
        left = text("select id from counted where partition = 0 order by id")
        assert [*database.run_now(lambda one: one.execute(left).scalars())] == ["more", "week"]

    def test_two_who_count_the_same_at_once_count_it_once(self, url: str) -> None:
        async def both() -> list[int]:
            opened = [Database(url), Database(url)]
            given = [happened("a", f"x-{n}", id=f"{n}", what="bought") for n in range(50)]
            work = [Recommendations(one).count(given) for one in opened]
            found = await asyncio.gather(*work)
            for one in opened:
                one.close()
            return found

        with stores.opened(url) as database:
            stocked(Recommendations(database), "a", *(f"x-{n}" for n in range(50)))
            assert sum(run(both())) == 50
            found = beside(Recommendations(database), "a")
            assert {one.times for one in found} == {1}

    @pytest.mark.parametrize("seed", range(3))
    def test_any_order_with_repeats_and_lost_answers_gives_what_one_pass_gives(
        self, store: Recommendations, seed: int
    ) -> None:
        chance = random.Random(seed)
        names = [f"i-{n}" for n in range(12)]
        stocked(store, *names)
        given = [made(chance, names, number) for number in range(300)]
        log = [*given, *chance.choices(given, k=150)]
        chance.shuffle(log)
        while log:
            count = chance.randint(1, 40)
            batch, log = log[:count], log[count:]
            for _ in range(chance.choice((1, 1, 2))):
                run(store.count(batch))
        check(store, given, names)


def made(chance: random.Random, names: Sequence[str], number: int) -> Occurrence:
    what = chance.choice(("viewed", "viewed", "bought"))
    items = chance.sample(names, chance.randint(1, 4) if what == "bought" else 1)
    return happened(
        *items,
        id=f"{number}",
        what=what,
        profile_id=chance.choice(("ada", "bob", "eve")),
        partition=chance.randint(0, 3),
        at=T0 - chance.randrange(48 * HOUR_MS),
        keeps=5 if what == "viewed" else 100,
        is_trend=what == "viewed",
    )


def check(store: Recommendations, given: Sequence[Occurrence], names: Sequence[str]) -> None:
    """Compares with one pass over what happened, sorted."""
    latest: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    together, views = defaultdict[str, Counter[str]](Counter), Counter[str]()
    for one in sorted(given, key=lambda each: each.at):
        for item in one.items:
            latest[one.profile_id, one.what][item] = one.at
        for item, other in permutations(one.items, 2):
            together[item][other] += 1
        if one.what == "viewed" and one.at // HOUR_MS > T0 // HOUR_MS - 24:
            views[one.items[0]] += 1
    for (person, what), times in latest.items():
        found = interests(store, Asked("shop", person))
        wanted = sorted(times.items(), key=lambda each: (-each[1], each[0]))
        wanted = wanted[:5] if what == "viewed" else wanted
        assert [(one.item, one.at) for one in found if one.what == what] == wanted
    for name in names:
        assert beside(store, name) == ranked(together[name])
    assert trending(store) == ranked(views)


def ranked(counts: Counter[str]) -> list[Rank]:
    return [Rank(*one) for one in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]


class TestErasing:
    def test_erased_person_is_forgotten_and_not_counted_any_more(
        self, store: Recommendations, database: Database
    ) -> None:
        stocked(store, "a")
        run(store.count([happened("a", id="1"), happened("a", id="2", profile_id="bob")]))
        erased = SuppressionRecord(profile_id="ada", channel="*", reason="erased", at=T0)
        run(Standing(database).apply([erased]))
        run(store.forget(["ada"]))
        assert run(store.count([happened("a", id="3")])) == 1
        assert interests(store) == []
        assert interests(store, Asked("shop", "bob")) == [Interest("viewed", "a", T0)]
        run(Standing(database).apply([Lifted(profile_id="ada", channel="*", at=T0 + 1)]))
        run(store.count([happened("a", id="4")]))
        assert len(interests(store)) == 1

    def test_unsubscribed_person_is_counted(
        self, store: Recommendations, database: Database
    ) -> None:
        left = SuppressionRecord(profile_id="ada", channel="*", reason="unsubscribe", at=T0)
        run(Standing(database).apply([left]))
        run(store.count([happened("a")]))
        assert len(interests(store)) == 1


class TestAges:
    def test_what_is_older_goes_and_the_rest_stays(self, store: Recommendations) -> None:
        stocked(store, "a", "b", "c")
        for at, id_ in ((T0 - 9 * DAY, "old"), (T0, "new")):
            run(store.count([happened("b" if id_ == "old" else "c", id=id_, at=at)]))
            pair = ("a", "b") if id_ == "old" else ("a", "c")
            run(store.count([happened(*pair, id=f"o-{id_}", at=at, what="bought")]))
        before = T0 - 8 * DAY
        ages = Ages(interests=before, pairs=before, trends=before)
        assert run(store.expire(ages, most=1)) == 3
        assert run(store.expire(ages, most=9)) == 1 + 1
        assert run(store.expire(ages, most=9)) == 0
        assert {one.item for one in interests(store)} == {"a", "c"}
        assert beside(store, "a") == [Rank("c", 1)]
        assert trending(store, hours=24 * 30) == [Rank("c", 1)]


class TestItems:
    def test_are_as_the_topic_said_last(self, store: Recommendations) -> None:
        told = [
            Item("shop", "a", "{}"),
            Item("shop", "a", '{"title":"A"}'),
            Item("shop", "b", "{}"),
        ]
        run(store.stock(told))
        run(store.stock([Item("shop", "b", None), Item("books", "a", '{"title":"\\u0000 é"}')]))
        wanted = [("shop", "a"), ("shop", "b"), ("books", "a")]
        assert run(store.items(wanted)) == {
            ("shop", "a"): '{"title":"A"}',
            ("books", "a"): '{"title":"\\u0000 é"}',
        }
        assert run(store.known()) == {"shop": 1, "books": 1}

    def test_nothing_asked_is_nothing_found(self, store: Recommendations) -> None:
        assert run(store.items([])) == {}
        assert run(store.interests([], since=0)) == {}
        assert run(store.count([])) == 0


def test_bounds_stand_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "catalogues.md").read_text("utf-8")
    for said in (f"{MOST_TOGETHER} items", f"{MOST_OTHERS} others"):
        assert said in page
    assert recommendations.REPEATS_MS == 7 * DAY
