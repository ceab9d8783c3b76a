"""Numbers that stand for names in what is kept of each profile: names would take most of its room.

A number comes from its name alone, but for the few that would meet: so what a profile holds nearly
always keeps its meaning under another set. What has to keep it in any case asks for a wide number.
"""

from collections.abc import Iterable

from xxhash import xxh3_64_intdigest

NARROW = 1 << 16
"""A number below takes up to 3 bytes."""
WIDE = 1 << 31
"""A number below takes up to 5 bytes."""


def numbered(names: Iterable[str], below: int = NARROW) -> dict[str, int]:
    """Returns a number for each name, no two the same: of its hash, or the next one that is free.

    Guarantees: the same numbers in any order of the names; they go beyond the bound only where
    more names would share the last one.

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
