"""In which order scores and segments are evaluated, and what goes round in a circle."""

import heapq
from collections.abc import Collection, Iterator, Mapping

from processors.definitions import documents, references
from processors.definitions.documents import Definition
from processors.definitions.errors import Path, Problem
from processors.definitions.references import Reference

Key = tuple[str, str]
"""Kind and id."""
ORDERED_KINDS = ("score", "segment")
"""The kinds that are evaluated, and may refer to each other."""

Needs = dict[Key, dict[Key, Path]]
"""For each score and segment what it refers to, with the first place where it does."""


def needs(mentions: Mapping[Key, list[references.Mention]]) -> Needs:
    """Returns what each score and segment refers to, of these kinds."""
    needs: Needs = {key: {} for key in mentions if key[0] in ORDERED_KINDS}
    for key, needed in needs.items():
        for mention in mentions[key]:
            if isinstance(mention, Reference) and (mention.kind, mention.id) in needs:
                needed.setdefault((mention.kind, mention.id), mention.path)
    return needs


def order(needs: Needs) -> tuple[tuple[Key, ...], Needs]:
    """Returns the keys in the order of evaluation, and those that can not be ordered.

    Of all keys that could come next, the smallest does (Kahn's algorithm over a heap).
    """
    waiting = {key: len(needed) for key, needed in needs.items()}
    needed_by: dict[Key, list[Key]] = {key: [] for key in needs}
    for key, needed in needs.items():
        for other in needed:
            needed_by[other].append(key)
    ready = sorted(key for key, count in waiting.items() if count == 0)
    order = []
    while ready:
        key = heapq.heappop(ready)
        order.append(key)
        for other in needed_by[key]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, other)
    return tuple(order), _without(needs, set(order))


def _without(needs: Needs, gone: Collection[Key]) -> Needs:
    return {
        key: {other: path for other, path in needed.items() if other not in gone}
        for key, needed in needs.items()
        if key not in gone
    }


def cycles(known: Mapping[Key, Definition], rest: Needs) -> Iterator[Problem]:
    """Yields a problem for each circle; where two share a definition, for one of them."""
    while rest:
        circles = list(_circles(rest))
        for circle in circles:
            yield _circle(known, rest, circle)
        gone = {key for circle in circles for key in circle}
        _, rest = order(_without(rest, gone))


def _circles(rest: Needs) -> Iterator[list[Key]]:
    """Yields at least one circle, for every key of `rest` refers to another one of it."""
    walked: set[Key] = set()
    for start in sorted(rest):
        trail: list[Key] = []
        key = start
        while key not in walked:
            walked.add(key)
            trail.append(key)
            key = min(rest[key])
        if key in trail:
            yield trail[trail.index(key) :]


def _circle(known: Mapping[Key, Definition], rest: Needs, circle: list[Key]) -> Problem:
    first = circle.index(min(circle))
    turned = [*circle[first:], *circle[: first + 1]]
    is_plain = len({name for _, name in circle}) == len(circle)
    shown = " -> ".join(name if is_plain else f"{kind} {name}" for kind, name in turned)
    message = f"goes round in a circle: {shown}"
    return documents.problem(known[turned[0]], rest[turned[0]][turned[1]], message)
