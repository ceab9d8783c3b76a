"""Small logs for the oracle's own tests, written as (ms since the start, name, properties)."""

from typing import Any

from tests.oracle.documents import Document, instant_ms, iso
from tests.oracle.recompute import Event, Result, recompute

_start = instant_ms("2026-01-01T00:00:00Z")
assert _start is not None
START: int = _start
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def track(number: int, at: int, name: str, person: str = "p", **properties: Any) -> Event:
    """Returns the event `m<number>`, `at` ms after the start."""
    return {
        "messageId": f"m{number}",
        "type": "track",
        "event": name,
        "userId": person,
        "timestamp": iso(START + at),
        "properties": properties,
    }


def identify(number: int, at: int, person: str = "p", **traits: Any) -> Event:
    return {
        "messageId": f"m{number}",
        "type": "identify",
        "userId": person,
        "timestamp": iso(START + at),
        "traits": traits,
    }


def log(*entries: tuple[int, str]) -> list[Event]:
    """Returns the events of one person, m1, m2, … in the order of the log."""
    return [track(number, at, name) for number, (at, name) in enumerate(entries, 1)]


def segment(when: Document, id: str = "s") -> Document:
    return {"kind": "segment", "id": id, "name": id, "when": when}


def score(*rules: Document, id: str = "score", **more: Any) -> Document:
    group = {"id": "g", "rules": list(rules)}
    return {"kind": "score", "id": id, "name": id, "groups": [group], **more}


def trigger(on: Document, *do: Document, id: str = "t", **more: Any) -> Document:
    return {"kind": "trigger", "id": id, "on": on, "do": list(do), **more}


SEND: Document = {"send": {"channel": "email", "template": "hello"}}


def run(
    definitions: list[Document], events: list[Event], until: int | None = None, **more: Any
) -> Result:
    """Recomputes in both ways, which must agree."""
    end = None if until is None else START + until
    result = recompute(definitions, events, end, **more)
    assert result == recompute(definitions, events, end, thorough=True, **more)
    return result


def after(at: str) -> int:
    """Returns the ms from the start to an instant of a result."""
    found = instant_ms(at)
    assert found is not None
    return found - START


def moves(result: Result) -> list[tuple[str, int, str]]:
    """Returns how memberships changed: what, when, by what."""
    return [(r["change"], after(r["at"]), r["cause"]) for r in result.segment_changes]


def values(result: Result) -> list[tuple[int, int]]:
    """Returns how the score changed: when, to what."""
    return [(after(row["at"]), row["new"]) for row in result.score_changes]


def reasons(result: Result) -> list[tuple[str, str]]:
    """Returns which trigger was decided on, and how."""
    return [(row["definition_id"], row["reason"]) for row in result.decisions]
