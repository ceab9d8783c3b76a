"""A model of what to recommend: what others have bought beside what somebody has.

As with the hours, one model keeps what was bought in a trait, and the other chooses from it.
"""

from collections import Counter

from processors.predicates import Person, model

BOUGHT_TOO = {
    "tent": {"sleeping-bag": 41, "stove": 23, "lamp": 9},
    "stove": {"gas": 57, "pot": 30, "tent": 11},
    "sleeping-bag": {"mat": 38, "tent": 20},
}
"""How many bought what beside something: made up, in the place of what a night's count found."""
POPULAR = ["tent", "lamp", "stove", "mat"]
"""For whom nothing better is known."""
KEPT = 20
SHOWN = 3


@model("bought", reads=["traits.bought"], version="2026-03")
def bought(person: Person, *, product: str | None) -> list[str]:
    """Returns what somebody has bought, the latest first, each once."""
    before = products(person)
    if not isinstance(product, str):
        return before
    return [product, *(each for each in before if each != product)][:KEPT]


@model("also-bought", reads=["traits.bought"], version="2026-03")
def also_bought(person: Person) -> list[str]:
    """Returns three products that somebody has not bought, the likeliest first."""
    have = products(person)
    found: Counter[str] = Counter()
    for each in have:
        found.update(BOUGHT_TOO.get(each, {}))
    likeliest = [name for name, _ in found.most_common()]
    wanted = dict.fromkeys([*likeliest, *POPULAR])
    return [each for each in wanted if each not in have][:SHOWN]


def products(person: Person) -> list[str]:
    """Returns what is remembered of what a person has bought."""
    held = person.traits.get("bought")
    return [each for each in held if isinstance(each, str)] if isinstance(held, list) else []
