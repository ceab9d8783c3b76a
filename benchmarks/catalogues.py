"""Definition sets of any size, of which an event touches as many whatever that size is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.workloads import NAMES

SCORES, RULES, TRIGGERS = 3, 20, 30
TOUCHED = 5
"""How many definitions and rules name each event of the workload: two segments, two rules, one
trigger. All others name events that do not come."""

Document = dict[str, Any]


def write(folder: Path, segments: int) -> Path:
    """Writes a set with so many segments, three scores of twenty rules and thirty triggers."""
    folder.mkdir(parents=True)
    for document in documents(segments):
        path = folder / f"{document['kind']}-{document['id']}.json"
        path.write_text(json.dumps(document), "utf-8")
    return folder


def documents(segments: int) -> Iterator[Document]:
    """Gives the definitions, those that events touch first.

    Args:
        segments: at least twice as many as the workload has names.
    """
    yield from (_segment(number) for number in range(segments))
    yield from (_score(number) for number in range(SCORES))
    yield from (_trigger(number) for number in range(TRIGGERS))


def _name(number: int) -> str:
    """Returns the workload's events for the first numbers, then such as do not come."""
    names = list(NAMES)
    return names[number] if number < len(names) else f"Feature {number} Used"


def _segment(number: int) -> Document:
    place, is_window = divmod(number, 2)
    count: Document = {"event": _name(place), "at_least": 3}
    when = count | {"within": "7d"} if is_window else {"all": [count, {"not": {"tag": "staff"}}]}
    return {"kind": "segment", "id": f"s{number}", "name": f"Segment {number}", "when": when}


def _score(number: int) -> Document:
    rules = [_rule(number, place) for place in range(RULES)]
    return {
        "kind": "score",
        "id": f"k{number}",
        "name": f"Score {number}",
        "limit": 100,
        "groups": [{"id": "all", "limit": 90, "rules": rules}],
        "levels": {"hot": 80, "warm": 50, "cold": 0},
    }


def _rule(score: int, place: int) -> Document:
    """Returns a rule; of the first two scores five each are on events that come."""
    name = _name(place) if score < 2 else f"Feature {place} Shared"
    return {"id": f"r{place}", "points": 2, "on": {"event": name}, "max_occurrences": 10}


def _trigger(number: int) -> Document:
    where = [{"property": "price", "at_least": 299}]
    send = {"channel": "email", "template": "hello"}
    return {
        "kind": "trigger",
        "id": f"t{number}",
        "on": {"event": _name(number), "where": where},
        "limit": {"times": 1, "within": "7d"},
        "do": [{"send": send}],
    }
