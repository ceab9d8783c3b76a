from typing import Any

import pytest

from processors.definitions import documents, sets
from processors.definitions.catalogues import LISTS, MAX_FALLBACK, Catalogue
from processors.definitions.errors import InvalidDefinitions
from tests.builders import DAY, HOUR, catalogue
from tests.unit.definitions.builders import mail, problems, refused

BOUGHT = {"event": "Order Completed", "item": "products[].product_id"}


def parsed(**keys: Any) -> Catalogue:
    found = documents.parse(catalogue(**keys))
    assert isinstance(found, Catalogue)
    return found


def test_sizes_and_windows_have_bounds_where_nothing_is_said() -> None:
    found = parsed()
    assert (found.last_viewed, found.also_bought) == (20, 20)
    assert (found.trending.within, found.trending.size) == (7 * DAY, 50)
    assert (found.fallback, found.leave_out_bought) == ((), None)
    assert found.trend == "viewed"


def test_all_may_be_said() -> None:
    found = parsed(
        last_viewed=3,
        also_bought=4,
        trending={"of": "bought", "within": "3h", "size": 5},
        fallback=["lamp", 7],
        leave_out_bought="30d",
    )
    assert (found.last_viewed, found.also_bought, found.fallback) == (3, 4, ("lamp", "7"))
    assert (found.trend, found.trending.within, found.trending.size) == ("bought", 3 * HOUR, 5)
    assert found.leave_out_bought == 30 * DAY
    assert list(found.sources) == ["viewed", "bought"]


def test_where_nothing_is_viewed_what_is_bought_is_trending() -> None:
    found = parsed(viewed=None)
    assert (found.trend, list(found.sources)) == ("bought", ["bought"])


@pytest.mark.parametrize("path", ["id", "product.id", "products[].id", "a[].b[].c", "ids[]"])
def test_items_stand_at_a_path(path: str) -> None:
    assert parsed(viewed={"event": "e", "item": path}).sources["viewed"].item == path


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"viewed": None, "bought": None}, "needs viewed, bought or both"),
        ({"bought": None, "also_bought": 3}, "also_bought: needs the key bought"),
        ({"viewed": None, "last_viewed": 3}, "last_viewed: needs the key viewed"),
        ({"bought": None, "leave_out_bought": "1d"}, "leave_out_bought: needs the key bought"),
        ({"bought": None, "trending": {"of": "bought"}}, "trending.of: needs the key bought"),
        ({"trending": {"of": "sold"}}, "trending.of: must be one of viewed, bought"),
        ({"trending": 7}, "trending: must be a mapping of of, within, size"),
        ({"trending": {"within": "90m"}}, "trending.within: must be whole hours or days"),
        ({"trending": {"within": "31d"}}, "trending.within: must be whole hours or days"),
        ({"last_viewed": 0}, "last_viewed: must be a number of items from 1 to 100"),
        ({"also_bought": 101}, "also_bought: must be a number of items from 1 to 100"),
        ({"fallback": "lamp"}, "fallback: must be a list"),
        ({"fallback": [""]}, "fallback[0]: must be an item's id of 1 to 200 characters"),
        ({"fallback": [True]}, "fallback[0]: must be an item's id of 1 to 200 characters"),
        ({"fallback": ["x"] * (MAX_FALLBACK + 1)}, "fallback: must have at most 100 items"),
        ({"viewed": {"event": "e"}}, "viewed: needs the key item"),
        ({"viewed": {"event": "e", "item": "a..b"}}, "viewed.item: must be a path such as"),
        ({"viewed": {"event": "e", "item": "[]"}}, "viewed.item: must be a path such as"),
        ({"viewed": {"event": "e", "item": 3}}, "viewed.item: must be a path such as"),
        ({"viewed": {"event": "e", "item": ".".join("a" * 17)}}, "viewed.item: must be a path"),
        ({"purchased": BOUGHT}, "purchased: unknown key; did you mean bought?"),
    ],
)
def test_what_is_wrong_is_named(keys: dict[str, Any], said: str) -> None:
    found = problems(catalogue(**keys))
    assert any(said in each for each in found), found
    assert len(found) == 1


def test_template_names_a_catalogue_of_the_set() -> None:
    assert sets.from_documents([mail(catalogue="shop"), catalogue()]).catalogues.keys() == {"shop"}
    assert refused(mail(catalogue="shopp"), catalogue()) == [
        "template/hello: catalogue: there is no catalogue shopp; did you mean shop?"
    ]


def test_catalogue_decides_nothing() -> None:
    first, second = ([catalogue(last_viewed=n)] for n in (3, 4))
    sets_of_both = sets.from_documents(first), sets.from_documents(second)
    assert sets_of_both[0].id == sets_of_both[1].id == sets.from_documents([]).id
    assert [each.kind for each in sets_of_both[0]] == ["catalogue"]
    assert sets_of_both[0].deciding == ()


def test_lists_are_those_that_the_page_names() -> None:
    assert LISTS == ("last_viewed", "also_bought", "trending")


def test_broken_catalogue_is_told_with_its_file_and_line() -> None:
    with pytest.raises(InvalidDefinitions) as caught:
        documents.parse(catalogue(last_viewed=0), file="shop.yaml", lines={("last_viewed",): 7})
    assert str(caught.value.problems[0]).startswith("shop.yaml:7: last_viewed: must be a number")
