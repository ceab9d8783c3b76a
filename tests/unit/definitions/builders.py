"""Definitions in the shape that marketers write, and the messages that a broken one brings."""

from collections.abc import Callable
from typing import Any

from processors.definitions import documents, sets
from processors.definitions.errors import InvalidDefinitions

IS_GOLD = {"trait": "plan", "equals": "gold"}
ORDERED = {"event": "order.completed"}
TAG_IT = {"add_tag": "vip"}


def segment(when: Any = IS_GOLD, **keys: Any) -> dict[str, Any]:
    return {"kind": "segment", "id": "vip", "name": "VIP", "when": when} | keys


def static_list(**keys: Any) -> dict[str, Any]:
    return {"kind": "list", "id": "guests", "name": "Guests"} | keys


def rule(**keys: Any) -> dict[str, Any]:
    return {"id": "orders", "points": 10, "on": ORDERED} | keys


def when_rule(when: Any, **keys: Any) -> dict[str, Any]:
    return {"id": "orders", "points": 10, "when": when} | keys


def score(*rules: Any, **keys: Any) -> dict[str, Any]:
    group = {"id": "all", "rules": list(rules) or [rule()]}
    return {"kind": "score", "id": "fit", "name": "Fit", "groups": [group]} | keys


def trigger(*actions: Any, **keys: Any) -> dict[str, Any]:
    do = list(actions) or [TAG_IT]
    return {"kind": "trigger", "id": "greet", "on": ORDERED, "do": do} | keys


def journey(*steps: Any, **keys: Any) -> dict[str, Any]:
    """Returns a journey; a step that is a text waits, and has this id."""
    written = [one_day(each) if isinstance(each, str) else each for each in steps or ("rest",)]
    return {"kind": "journey", "id": "welcome", "entry": ORDERED, "steps": written} | keys


def mail(**keys: Any) -> dict[str, Any]:
    """Returns a template of a mail; None leaves a key out."""
    written = {
        "kind": "template",
        "id": "hello",
        "name": "Hello",
        "channel": "email",
        "subject": "Hello",
        "html": "<p>Hello</p>",
    } | keys
    return {key: value for key, value in written.items() if value is not None}


def partial(**keys: Any) -> dict[str, Any]:
    return {"kind": "partial", "id": "footer", "html": "<p>Bye</p>"} | keys


def one_day(id: str, **keys: Any) -> dict[str, Any]:
    return {"id": id, "wait": {"for": "1d"}} | keys


def named(name: str, *needed: str) -> dict[str, Any]:
    """Returns a segment that refers to the segments, or the scores where it says `score:x`."""
    asked: list[dict[str, Any]] = [{"tag": "x"}]
    for each in needed:
        kind, _, other = each.rpartition(":")
        asked.append({"score": other, "at_least": 1} if kind else {"segment": other})
    return segment({"all": asked}, id=name)


def both(first: str = "fit", second: str = "engagement") -> dict[str, Any]:
    """Returns a score that combines two."""
    combined = {"of": [first, second]}
    return {"kind": "score", "id": "both", "name": "Both", "combined": combined}


def scored(name: str, needed: str) -> dict[str, Any]:
    return score(when_rule({"segment": needed}), id=name)


def problems(document: Any) -> list[str]:
    """Returns what is wrong with a document, as `path: message`."""
    return complaints(lambda: documents.parse(document))


def complaints(act: Callable[[], object]) -> list[str]:
    """Returns the problems that an act raises."""
    try:
        act()
    except InvalidDefinitions as error:
        return [str(each) for each in error.problems]
    return []


def refused(*written: Any) -> list[str]:
    return complaints(lambda: sets.from_documents(written))
