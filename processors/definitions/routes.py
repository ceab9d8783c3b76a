"""The ways between the steps of a journey, looked at in its document before anything is made.

Lenient: what is no step is passed over, for others say what is wrong with it.
"""

from collections.abc import Iterator
from typing import Any

from processors.definitions import suggestions
from processors.definitions.errors import Path
from processors.definitions.parts import Faults

MAX_STEPS = 200

Way = tuple[Path, str]
"""The place in a step where another one is named, and its id."""


def check(steps: Any, faults: Faults) -> None:
    """Notes steps of one name, ways to nowhere, steps that nothing leads to, and endless rounds."""
    if not isinstance(steps, list) or not steps:
        return
    if len(steps) > MAX_STEPS:
        faults.add(("steps",), f"must have at most {MAX_STEPS} steps, found {len(steps)}")
        return
    places: dict[str, int] = {}
    for place, step in enumerate(steps):
        name = _name(step)
        if name in places:
            said = f"step {name} is there twice, first at steps[{places[name]}]"
            faults.add(("steps", place, "id"), said)
        elif name is not None:
            places[name] = place
    before = len(faults)
    for place, step in enumerate(steps):
        for path, target in named(step):
            if target not in places:
                said = f"there is no step {target}" + suggestions.hint(target, list(places))
                faults.add(("steps", place, *path), said)
    if len(faults) == before and len(places) == len(steps):
        after = [_after(steps, places, place) for place in range(len(steps))]
        _check_reached(steps, after, faults)
        _check_rounds(steps, after, faults)


def check_moves(moves: Any, steps: Any, faults: Faults) -> None:
    """Notes moves of runs to steps that are not there."""
    if not isinstance(moves, dict) or not isinstance(steps, list):
        return
    known = [name for step in steps if (name := _name(step)) is not None]
    for old, new in moves.items():
        if isinstance(new, str) and new not in known:
            said = f"there is no step {new}" + suggestions.hint(new, known)
            faults.add(("moves", old), said)


def named(step: Any) -> Iterator[Way]:
    """Yields the ways that a step names itself."""
    if not isinstance(step, dict):
        return
    yield from _at(step, ("go",))
    wait, branch, split = (_inner(step, key) for key in ("wait", "branch", "split"))
    yield from ((("webhook", *path), to) for path, to in _at(_inner(step, "webhook"), ("else",)))
    yield from ((("wait", *path), to) for key in ("else", "past") for path, to in _at(wait, (key,)))
    yield from ((("branch", *path), to) for path, to in _at(branch, ("else",)))
    cases = branch.get("cases")
    for place, case in enumerate(cases if isinstance(cases, list) else ()):
        inner = case if isinstance(case, dict) else {}
        yield from ((("branch", "cases", place, *path), to) for path, to in _at(inner, ("go",)))
    for key in _inner(split, "go"):
        yield from ((("split", "go", *path), to) for path, to in _at(_inner(split, "go"), (key,)))


def _at(found: dict[str, Any], path: tuple[str]) -> Iterator[Way]:
    target = found.get(path[0])
    if isinstance(target, str):
        yield path, target


def _inner(found: dict[str, Any], key: str) -> dict[str, Any]:
    inner = found.get(key)
    return inner if isinstance(inner, dict) else {}


def _name(step: Any) -> str | None:
    name = step.get("id") if isinstance(step, dict) else None
    return name if isinstance(name, str) else None


def _after(steps: list[Any], places: dict[str, int], place: int) -> set[int]:
    """Returns the places that a step may lead to."""
    step = steps[place]
    found = {places[target] for _, target in named(step)}
    ends = step.keys() == {"id", "exit"}
    goes_on = not ends and "go" not in step
    if goes_on and place + 1 < len(steps) and not _decides_all(step):
        found.add(place + 1)
    return found


def _decides_all(step: dict[str, Any]) -> bool:
    """Returns whether a step never simply goes on: each of its ways is named."""
    if "branch" in step:
        return "else" in _inner(step, "branch")
    if "split" in step:
        split = _inner(step, "split")
        variants = _inner(split, "variants").keys()
        return bool(variants) and variants <= _inner(split, "go").keys()
    return False


def _check_reached(steps: list[Any], after: list[set[int]], faults: Faults) -> None:
    reached, waiting = {0}, [0]
    while waiting:
        new = after[waiting.pop()] - reached
        reached |= new
        waiting += new
    for place in sorted(set(range(len(steps))) - reached):
        said = f"nothing leads to step {steps[place]['id']}"
        faults.add(("steps", place, "id"), said)


def _check_rounds(steps: list[Any], after: list[set[int]], faults: Faults) -> None:
    """Notes a round in which no step waits, each by its first step."""
    passing = {place for place, step in enumerate(steps) if not _waits(step)}
    for place in sorted(passing):
        trail = _round(place, passing, after)
        if trail:
            shown = " -> ".join(steps[each]["id"] for each in trail)
            faults.add(("steps", place), f"goes round without a wait: {shown}")
            return


def _waits(step: dict[str, Any]) -> bool:
    if "wait" in step or "timeout" in _inner(step, "webhook"):
        return True
    return _inner(step, "start_journey").get("wait") is True


def _round(start: int, passing: set[int], after: list[set[int]]) -> list[int]:
    """Returns the shortest way from a step back to it over steps that do not wait; empty: none."""
    came: dict[int, int] = {}
    waiting = [start]
    while waiting:
        place = waiting.pop(0)
        for each in sorted(after[place] & passing):
            if each == start:
                trail = [start, place]
                while trail[-1] != start:
                    trail.append(came[trail[-1]])
                return trail[::-1] if place != start else [start, start]
            if each not in came:
                came[each] = place
                waiting.append(each)
    return []
