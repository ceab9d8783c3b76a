"""What is recommended to one person, of what was counted: order, what is left out, what fills up.

Pure. What was bought together or is trending comes most often first, like ones by their ids.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from processors.definitions.catalogues import Catalogue, List
from processors.recommendations import shelves
from processors.recommendations.shelves import KEPT_BOUGHT
from schemas.recommendations import Interest, Rank

MOST_SEEDS = 5
"""Of what somebody bought or viewed last: what goes with these is recommended."""


class Counted(NamedTuple):
    """What is known for one person."""

    interests: Sequence[Interest]
    """The latest first."""
    seeds: Collection[str]
    """What `beside` goes with."""
    beside: Sequence[Rank]
    trending: Sequence[Rank]


def seeds(
    catalogue: Catalogue, interests: Sequence[Interest], properties: Mapping[str, Any]
) -> tuple[str, ...]:
    """Returns the items that others bought something beside.

    Those that the message's event names; else what the person bought last, else viewed last.
    """
    named = [
        item
        for source in catalogue.sources.values()
        for item in shelves.named(properties, shelves.steps(source.item))
    ]
    bought = [each.item for each in interests if each.what == "bought"]
    viewed = [each.item for each in interests if each.what == "viewed"]
    return tuple(dict.fromkeys(named or bought or viewed))[:MOST_SEEDS]


def together(lists: Sequence[Sequence[Rank]]) -> list[Rank]:
    """Returns what was bought with any of several items, the most often first, then by id."""
    times = Counter[str]()
    for ranks in lists:
        for each in ranks:
            times[each.item] += each.times
    return [Rank(*each) for each in sorted(times.items(), key=lambda one: (-one[1], one[0]))]


def reserve(catalogue: Catalogue) -> int:
    """Returns how much of what is trending to ask for, so that enough stays for everybody."""
    return catalogue.trending.size + KEPT_BOUGHT


def choose(
    catalogue: Catalogue, counted: Counted, *, wanted: Iterable[List], now_ms: int
) -> dict[List, list[str]]:
    """Returns the items of each wanted list; what fills it up may be more than there is room."""
    since = now_ms - (catalogue.leave_out_bought or 0)
    left_out = {each.item for each in counted.interests if _is_just(each, catalogue, since)}
    fallback, sizes = catalogue.fallback, sizes_of(catalogue)
    apart = left_out | {*counted.seeds}
    together = _without(counted.beside, apart)[: sizes["also_bought"]]
    trending = _without(counted.trending, left_out)[: sizes["trending"]]
    viewed = [each.item for each in counted.interests if each.what == "viewed"]
    made: dict[List, list[str]] = {
        "last_viewed": [each for each in viewed if each not in left_out],
        "also_bought": _filled(together, fallback, apart, sizes["also_bought"]),
        "trending": _filled(trending, fallback, left_out, sizes["trending"]),
    }
    return {name: made[name] for name in wanted}


def sizes_of(catalogue: Catalogue) -> dict[List, int]:
    """Returns how long each list is at most."""
    return {
        "last_viewed": catalogue.last_viewed,
        "also_bought": catalogue.also_bought,
        "trending": catalogue.trending.size,
    }


def shown(
    catalogue: Catalogue, chosen: Mapping[List, Sequence[str]], items: Mapping[str, dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Returns the lists as templates see them: items that there are, up to each list's size."""
    sizes = sizes_of(catalogue)
    return {
        name: [items[each] | {"id": each} for each in ids if each in items][: sizes[name]]
        for name, ids in chosen.items()
    }


def _without(ranks: Iterable[Rank], left_out: Collection[str]) -> list[str]:
    return [each.item for each in ranks if each.item not in left_out]


def _filled(
    found: list[str], fallback: Sequence[str], left_out: Collection[str], size: int
) -> list[str]:
    """Returns a list with what fills it up, where it is short."""
    if len(found) >= size:
        return found
    more = [each for each in fallback if each not in left_out]
    return list(dict.fromkeys([*found, *more]))


def _is_just(interest: Interest, catalogue: Catalogue, since: int) -> bool:
    is_bought = interest.what == "bought" and catalogue.leave_out_bought is not None
    return is_bought and interest.at > since
