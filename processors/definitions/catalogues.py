"""Catalogues: what a shop or a site has to offer, and which events tell who liked what of it."""

import re
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import PlainValidator

from processors.definitions import values
from processors.definitions.parts import Faults, Part, Written
from schemas import items
from schemas.recommendations import HOUR_MS, What

List = Literal["last_viewed", "also_bought", "trending"]
LISTS: tuple[List, ...] = get_args(List)
"""What templates see of a catalogue, as `recommended.<list>`."""

MAX_SIZE = 100
"""Items of a list, and those of each kind that are remembered of a person."""
MAX_FALLBACK = 100
MAX_WITHIN_MS = 30 * 24 * HOUR_MS

_PATH = re.compile(r"[^.\[\]\s]+(\[\])?(\.[^.\[\]\s]+(\[\])?)*")


def item_path(value: Any) -> str:
    """Returns where in an event's properties an item's id stands; `[]`: in each of a list."""
    if (
        not isinstance(value, str)
        or not _PATH.fullmatch(value)
        or value.count(".") >= values.MAX_PATH_PARTS
    ):
        raise values.fault("must be a path such as product_id or products[].product_id", value)
    return value


def item_id(value: Any) -> str:
    """Returns the id of an item; a whole number is one too."""
    said = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(said, str) or items.fault_of_id(said) is not None:
        expected = f"must be an item's id of 1 to {items.MAX_ITEM_ID_CHARS} characters"
        raise values.fault(expected, value)
    return said


def size(value: Any) -> int:
    """Returns how long a list is at most."""
    if not 1 <= values.whole(value) <= MAX_SIZE:
        raise values.fault(f"must be a number of items from 1 to {MAX_SIZE}", value)
    return int(value)


def window(value: Any) -> int:
    """Returns a time of whole hours in ms."""
    found = values.duration(value)
    if found % HOUR_MS or not HOUR_MS <= found <= MAX_WITHIN_MS:
        raise values.fault("must be whole hours or days, from 1h to 30d", value)
    return found


ItemPath = Annotated[str, PlainValidator(item_path)]
ItemId = Annotated[str, PlainValidator(item_id)]
Size = Annotated[int, PlainValidator(size)]
Window = Annotated[int, PlainValidator(window)]


class Source(Part):
    """An event that names items."""

    event: values.Name
    item: ItemPath

    hints: ClassVar = {"property": "item", "items": "item", "name": "event"}


class Trending(Part):
    """What many did lately."""

    of: Annotated[What | None, values.one_of(get_args(What))] = None
    """None: viewed, or bought where nothing says what was viewed."""
    within: Window = 7 * 24 * HOUR_MS
    size: Size = 50

    hints: ClassVar = {"window": "within", "limit": "size", "by": "of"}


class Catalogue(Written):
    """Which events carry its items, and what is worked out of them."""

    kind: Literal["catalogue"]
    viewed: Source | None = None
    bought: Source | None = None
    last_viewed: Size = 20
    """Items."""
    also_bought: Size = 20
    """Items."""
    trending: Trending = Trending()
    fallback: Annotated[tuple[ItemId, ...], values.Listed] = ()
    """Fills up what is bought together and what is trending."""
    leave_out_bought: values.Duration | None = None
    """Ms; what somebody bought within it is recommended to them in no list. None: all are."""

    hints: ClassVar = {
        "purchased": "bought",
        "fallbacks": "fallback",
        "exclude": "leave_out_bought",
    }

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that each list has the events that it is made of."""
        if not raw.keys() & set(get_args(What)):
            faults.add((), "needs viewed, bought or both: the events that name items")
            return raw
        for key, needed in NEEDS.items():
            if key in raw and needed not in raw:
                faults.add((key,), f"needs the key {needed}")
        trending = raw.get("trending")
        of = trending.get("of") if isinstance(trending, dict) else None
        if of in get_args(What) and of not in raw:
            faults.add(("trending", "of"), f"needs the key {of}")
        if isinstance(raw.get("fallback"), list) and len(raw["fallback"]) > MAX_FALLBACK:
            faults.add(("fallback",), f"must have at most {MAX_FALLBACK} items")
        return raw

    @property
    def trend(self) -> What:
        """What is counted for `trending`."""
        return self.trending.of or ("viewed" if self.viewed is not None else "bought")

    @property
    def sources(self) -> dict[What, Source]:
        """The events that name items."""
        given: dict[What, Source | None] = {"viewed": self.viewed, "bought": self.bought}
        return {what: each for what, each in given.items() if each is not None}


NEEDS = {"last_viewed": "viewed", "also_bought": "bought", "leave_out_bought": "bought"}
"""What each key can not do without."""
