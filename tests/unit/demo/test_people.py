"""Made-up people live plausible lives: within their time, in the order that a shop sees."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from processors.demo import people
from processors.demo.people import DAY_MS, START_MS, Action

DAYS = 28


def lives(count: int = 200) -> list[list[Action]]:
    found = []
    for number in range(count):
        random = Random(number)
        one = people.person(number, random, DAYS)
        found.append(list(people.life(one, random, DAYS)))
    return found


def test_same_seed_gives_the_same_life() -> None:
    assert lives(20) == lives(20)


def test_nothing_happens_outside_of_the_simulated_time() -> None:
    end_ms = START_MS + DAYS * DAY_MS

    assert all(START_MS <= each.at_ms < end_ms for life in lives() for each in life)


def test_known_person_is_identified_first_and_once() -> None:
    for life in lives():
        told = [index for index, each in enumerate(life) if each.type == "identify"]
        assert told in ([], [0])


def test_anonymous_visitor_is_never_identified() -> None:
    for number in range(200):
        random = Random(number)
        one = people.person(number, random, DAYS)
        life = list(people.life(one, random, DAYS))
        if life:
            assert one.is_known == (life[0].type == "identify")


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        ("Product Added", "Product Viewed"),
        ("Checkout Started", "Product Added"),
        ("Order Completed", "Checkout Started"),
        ("Order Refunded", "Order Completed"),
    ],
)
def test_nobody_does_a_thing_without_the_one_before(later: str, earlier: str) -> None:
    for life in lives():
        names = [each.name for each in life]
        if later in names:
            assert earlier in names[: names.index(later)]


def test_all_kinds_of_events_that_the_shop_reads_happen() -> None:
    counts = Counter(each.name for life in lives() for each in life if each.type == "track")

    assert set(counts) == {
        "Products Searched",
        "Product Viewed",
        "Product Added",
        "Product Removed",
        "Checkout Started",
        "Order Completed",
        "Order Refunded",
    }
    assert counts["Order Completed"] < counts["Checkout Started"] < counts["Product Added"]


def test_evenings_are_busier_than_nights() -> None:
    random = Random(1)
    visits: Counter[int] = Counter()
    for number in range(300):
        one = people.person(number, random, DAYS)
        for each in people.life(one, random, DAYS):
            if each.type == "page":
                visits[each.at_ms // 3_600_000 % 24 + one.hours_ahead] += 1

    assert visits[20] > 5 * visits[3]


def test_order_adds_up_with_its_delivery() -> None:
    orders = [each.data for life in lives() for each in life if each.name == "Order Completed"]

    assert orders
    assert all(each["total"] > 0 for each in orders)
    assert all(
        each["total"] == round(each["revenue"] + each["shipping"], 2)
        and (each["shipping"] == 0) == (each["revenue"] >= people.FREE_SHIPPING_FROM)
        for each in orders
    )


def test_times_of_a_visit_only_go_forward() -> None:
    for life in lives(50):
        visit = [each for each in life if each.name != "Order Refunded"]
        same_day = [
            (one, other)
            for one, other in pairwise(visit)
            if other.name not in ("Home", None) and one.name != "Home"
        ]
        assert all(one.at_ms <= other.at_ms for one, other in same_day)
