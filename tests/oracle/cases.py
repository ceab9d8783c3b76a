"""Tests of definitions, read as docs/testing.md has them and held against the oracle.

Knows what the tests of the examples use: events, traits, what is expected of commands, decisions
and segments.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.oracle.documents import Document, duration_ms, instant_ms, iso, load, read
from tests.oracle.recompute import Event, Result, recompute

BEGIN = "2026-01-05T09:00:00Z"
NAMED = ("journey", "trigger")


def cases(folder: Path) -> Iterator[tuple[str, Document]]:
    """Yields the cases of a folder, with their names."""
    for path in sorted(folder.rglob("*.test.yaml")):
        yield from ((f"{path.stem}: {case['name']}", case) for case in read(path)["cases"])


def faults(folder: Path, case: Document) -> list[str]:
    """Returns what the oracle finds to be otherwise than a case expects."""
    definitions = load(folder)
    found: list[str] = []
    log: list[Event] = []
    counts = {"commands": 0, "decisions": 0}
    person = case.get("person", "somebody")
    now = instant_ms(case.get("at", BEGIN)) or 0
    for step in case["steps"]:
        now = moved(now, step)
        log += [
            happened(step, now, f"m{len(log) + n}") | {"userId": person} for n in range(times(step))
        ]
        if "expect" in step:
            result = recompute(definitions, log, now)
            found += [f"{iso(now)}: {each}" for each in differences(step["expect"], result, counts)]
    return found


def moved(now: int, step: Document) -> int:
    if "at" in step:
        return instant_ms(step["at"]) or 0
    return now + duration_ms(step.get("after", "0s"))


def times(step: Document) -> int:
    happens = {"event", "identify", "group"} & step.keys()
    found: int = step.get("times", 1) if happens else 0
    return found


def happened(step: Document, now: int, id: str) -> Event:
    event: Event = {"messageId": id, "timestamp": iso(now)}
    if "event" in step:
        more = {"event": step["event"], "properties": step.get("properties", {})}
        return event | {"type": "track"} | more
    kind = "identify" if "identify" in step else "group"
    return event | {"type": kind, "traits": step[kind]}


def differences(expect: Document, result: Result, counts: dict[str, int]) -> Iterator[str]:
    """Yields what is not as expected; counts what has been looked at."""
    for kind in counts:
        if kind in expect:
            rows = getattr(result, kind)
            yield from unmet(expect[kind], rows[counts[kind] :], is_all=kind == "commands")
            counts[kind] = len(rows)
    members = {row["segment_id"] for row in result.segments}
    for segment, side in expect.get("segments", {}).items():
        if (segment in members) != (side == "in"):
            yield f"{segment} is not {side}"


def unmet(wanted: list[Document], rows: list[Any], *, is_all: bool) -> Iterator[str]:
    """Yields what was expected and did not come, and if all must be named what else came."""
    left = list(rows)
    for each in sorted(wanted, key=len, reverse=True):
        fitting = [row for row in left if fits(each, row)]
        if fitting:
            left.remove(fitting[0])
        else:
            yield f"{each} did not come"
    if is_all:
        yield from (f"{row['definition_id']}: {row.get('template')} came" for row in left)


def fits(wanted: Document, row: Any) -> bool:
    return all(row.get("definition_id" if key in NAMED else key) == wanted[key] for key in wanted)
