"""Numbers that stand for names in what is kept of each profile: names would take most of its room.

A number comes from its name alone, but for the few that would meet: so points nearly always keep
their meaning under another set. Where not, all is evaluated anew under it anyway.
"""

from collections.abc import Iterable

from xxhash import xxh3_64_intdigest

BOUND = 1 << 16
"""Numbers below take at most 3 bytes."""


def numbered(names: Iterable[str], below: int = BOUND) -> dict[str, int]:
    """Returns a number for each name, no two the same: of its hash, or the next one that is free.

    Guarantees: the same numbers in any order of the names; they reach the bound only where all
    from some hash on are taken.

    >>> numbered(["pricing", "demo"]) == numbered(["demo", "pricing"])
    True
    """
    taken: dict[int, str] = {}
    for name in sorted(set(names)):
        number = xxh3_64_intdigest(name.encode()) % below
        while number in taken:
            number += 1
        taken[number] = name
    return {name: number for number, name in taken.items()}
