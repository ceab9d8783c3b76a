"""Which items one person is shown, and in which order."""

from typing import Any

from processors.definitions import documents
from processors.definitions.catalogues import LISTS, Catalogue
from processors.recommendations import choosing
from processors.recommendations.choosing import Counted, choose, seeds, shown
from processors.recommendations.shelves import KEPT_BOUGHT
from schemas.recommendations import Interest, Rank
from tests.builders import DAY, T0, catalogue


def shop(**keys: Any) -> Catalogue:
    found = documents.parse(catalogue(**keys))
    assert isinstance(found, Catalogue)
    return found


def viewed(*ids: str) -> list[Interest]:
    return [Interest("viewed", each, T0 - n) for n, each in enumerate(ids)]


def bought(*ids: str, at: int = T0) -> list[Interest]:
    return [Interest("bought", each, at) for each in ids]


def ranks(ids: str) -> list[Rank]:
    return [Rank(each, 9 - n) for n, each in enumerate(ids)]


def chosen(found: Catalogue, **keys: Any) -> dict[str, str]:
    given: dict[str, Any] = {"interests": (), "seeds": (), "beside": (), "trending": ()}
    made = choose(found, Counted(**given | keys), wanted=LISTS, now_ms=T0)
    return {name: "".join(ids) for name, ids in made.items()}


class TestSeeds:
    def test_are_what_the_event_names_before_what_was_bought_before_what_was_viewed(self) -> None:
        known = [*viewed("v", "w"), *bought("b")]
        event = {"product_id": "x", "products": [{"product_id": "y"}, {"product_id": "x"}]}
        assert seeds(shop(), known, event) == ("x", "y")
        assert seeds(shop(), known, {"product_id": None}) == ("b",)
        assert seeds(shop(), viewed("v", "w"), {}) == ("v", "w")
        assert seeds(shop(), [], {}) == ()

    def test_are_the_latest_few(self) -> None:
        assert seeds(shop(), viewed(*"abcdefgh"), {}) == tuple("abcde")


class TestLists:
    def test_are_as_long_as_the_catalogue_says(self) -> None:
        found = shop(also_bought=2, trending={"size": 3})
        made = chosen(found, beside=ranks("abcd"), trending=ranks("wxyz"))
        assert (made["also_bought"], made["trending"]) == ("ab", "wxy")

    def test_are_filled_up_where_they_are_short(self) -> None:
        found = shop(also_bought=3, fallback=["a", "f", "g"])
        made = chosen(found, interests=viewed("v"), beside=ranks("ab"), trending=[])
        assert made == {"last_viewed": "v", "also_bought": "abfg", "trending": "afg"}

    def test_of_what_was_bought_together_leave_out_what_it_goes_with(self) -> None:
        made = chosen(shop(fallback=["s"]), seeds=["s"], beside=ranks("asb"))
        assert made["also_bought"] == "ab"
        assert made["trending"] == "s"

    def test_leave_out_what_was_just_bought_if_the_catalogue_says_so(self) -> None:
        known = [
            *viewed(*"ab"),
            *bought("a", at=T0 - DAY + 1),
            *bought("b", at=T0 - DAY),
        ]
        given = {"interests": known, "beside": ranks("abc"), "trending": ranks("cab")}
        assert chosen(shop(leave_out_bought="1d", fallback=["a"]), **given) == {
            "last_viewed": "b",
            "also_bought": "bc",
            "trending": "cb",
        }
        assert chosen(shop(), **given) == {
            "last_viewed": "ab",
            "also_bought": "abc",
            "trending": "cab",
        }

    def test_are_only_those_that_are_wanted(self) -> None:
        made = choose(shop(), Counted((), (), (), ranks("a")), wanted=["trending"], now_ms=T0)
        assert made == {"trending": ["a"]}

    def test_have_enough_to_choose_from(self) -> None:
        known = bought(*(f"b-{n}" for n in range(KEPT_BOUGHT)))
        found = shop(leave_out_bought="1d", trending={"size": 100})
        asked = choosing.reserve(found)
        some = [*(each.item for each in known), *(f"x-{n}" for n in range(asked))][:asked]
        counted = Counted(known, (), (), [Rank(each, 1) for each in some])
        made = choose(found, counted, wanted=["trending"], now_ms=T0)
        assert len(made["trending"]) == 100


def test_what_goes_with_several_items_is_added_up() -> None:
    assert choosing.together([ranks("ab"), ranks("cb"), []]) == [
        Rank("b", 16),
        Rank("a", 9),
        Rank("c", 9),
    ]


def test_templates_see_items_that_there_are_with_their_ids() -> None:
    items = {each: {"title": each.upper(), "id": "other"} for each in "abc"}
    found = shop(also_bought=2, last_viewed=1)
    made = shown(found, {"also_bought": ["x", "a", "b", "c"], "last_viewed": ["y"]}, items)
    assert made == {
        "also_bought": [{"title": "A", "id": "a"}, {"title": "B", "id": "b"}],
        "last_viewed": [],
    }
