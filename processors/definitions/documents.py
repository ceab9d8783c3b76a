"""One document, from a file or from the `definitions` topic, to one checked definition."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from processors.definitions import suggestions, values
from processors.definitions.catalogues import Catalogue
from processors.definitions.errors import InvalidDefinitions, Path, Problem, show
from processors.definitions.journeys import Journey
from processors.definitions.parts import LATER, TAG, Faults, Origin, Written
from processors.definitions.policies import Policy
from processors.definitions.scores import Score
from processors.definitions.segments import Segment, StaticList
from processors.definitions.templates import Partial, Template
from processors.definitions.topics import Topic
from processors.definitions.triggers import Trigger
from processors.definitions.versions import canonical, version
from schemas import bounds

Deciding = Segment | StaticList | Score | Trigger | Journey | Topic | Policy
Definition = Deciding | Template | Partial | Catalogue

KINDS: dict[str, type[Definition]] = {
    "segment": Segment,
    "list": StaticList,
    "score": Score,
    "trigger": Trigger,
    "journey": Journey,
    "topic": Topic,
    "policy": Policy,
    "template": Template,
    "partial": Partial,
    "catalogue": Catalogue,
}
CONTENT_KINDS = frozenset({"template", "partial", "catalogue"})
"""What messages say: none of it decides anything."""
LATER_KINDS = ("frequency_cap",)

MAX_BYTES = 256 * 1024
"""Of a document as canonical JSON, and of a file."""
MAX_NODES = 10_000
"""Values in a document, lists and mappings included."""
MAX_DEPTH = 100
"""Lists and mappings inside each other."""
MAX_NESTING = 32
"""Conditions inside each other."""
MAX_PROBLEMS = 100
"""Named for one document: whoever has more begins with these."""

Result = TypeVar("Result")

_NESTING_KEYS = frozenset({"all", "any", "not"})


def parse(
    document: Any,
    *,
    file: str | None = None,
    lines: Mapping[Path, int] | None = None,
    texts: Mapping[Path, str] | None = None,
) -> Definition:
    """Returns the definition that a document states.

    Args:
        document: JSON-like; kept as the definition's origin, so not to be changed afterwards.
        file: What problems call its file; None for a document of the topic.
        lines: Line of each path in the file.
        texts: The file of each text that lay in one of its own.

    Raises:
        InvalidDefinitions: it is none, with all that is wrong (the first 100 things).
    """
    definition = read(document, _reader, file=file, lines=lines)
    definition._origin = Origin(document, version(document), file, lines or {}, texts or {})
    return definition


def read(
    document: Any,
    choose: Callable[[Any, Faults], Callable[[Any], Result] | None],
    *,
    file: str | None = None,
    lines: Mapping[Path, int] | None = None,
) -> Result:
    """Returns what a document states, as the reader that is chosen for it makes it.

    Args:
        document: JSON-like.
        choose: Returns what reads it; None where nothing does, with the reason noted.
        file: What problems call its file.
        lines: Line of each path in the file.

    Raises:
        InvalidDefinitions: with all that is wrong (the first 100 things).
    """
    faults = _check_shape(document)
    if not faults and len(canonical(document)) > MAX_BYTES:
        faults.add((), f"must have at most {MAX_BYTES // 1024} kB")
    if not faults:
        reader = choose(document, faults)
        try:
            if reader is not None:
                return reader(document)
        except ValidationError as error:
            faults.take((), error)
    raise InvalidDefinitions(_problems(faults, file, lines or {}))


def claimed_id(document: Any) -> set[str]:
    """Returns the id that a document states, if it does, though it may not be parsed."""
    name = document.get("id") if isinstance(document, dict) else None
    return {name} if isinstance(name, str) else set()


def problem(definition: Written, path: Path, message: str) -> Problem:
    """Returns a problem at a place of a parsed definition; `kind/id` stands for a missing file."""
    origin = definition.origin
    file = origin.file or f"{definition.kind}/{definition.id}"
    return Problem(file, line_of(path, origin.lines), show(path), message)


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """Returns the line of a path, or of the nearest thing around it; None without lines."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _reader(document: Any, faults: Faults) -> Callable[[Any], Definition] | None:
    """Returns what reads the document's kind; None, with the reason noted, where it has none."""
    known = ", ".join(KINDS)
    if not isinstance(document, dict):
        faults.add((), f"must be a mapping with kind and id, found {values.describe(document)}")
        return None
    if "kind" not in document:
        meant = next((key for key in document if suggestions.nearest(key, ("kind",))), None)
        if meant is None:
            faults.add((), f"needs the key kind: one of {known}")
        else:
            faults.add((meant,), "unknown key; did you mean kind?")
        return None
    kind = document["kind"]
    if isinstance(kind, str) and kind in LATER_KINDS:
        faults.add(("kind",), f"{kind} is {LATER}; the kinds are {known}")
    elif not isinstance(kind, str) or kind not in KINDS:
        hint = suggestions.hint(kind, KINDS) if isinstance(kind, str) else ""
        faults.add(("kind",), f"must be one of {known}, found {values.describe(kind)}{hint}")
    else:
        return KINDS[kind].model_validate
    return None


def _problems(faults: Faults, file: str | None, lines: Mapping[Path, int]) -> Iterator[Problem]:
    named = []
    for tagged, message in faults[:MAX_PROBLEMS]:
        path = tuple(part for part in tagged if not (isinstance(part, str) and part[:1] == TAG))
        named.append(Problem(file, line_of(path, lines), show(path), message))
    yield from sorted(named, key=lambda each: each.line or 0)
    if len(faults) > MAX_PROBLEMS:
        message = f"and {len(faults) - MAX_PROBLEMS} more problems"
        yield Problem(file, line_of((), lines), "", message)


def _check_shape(document: Any) -> Faults:
    """Returns what makes a document no bounded JSON; never recursive, for nothing is known yet."""
    faults = Faults()
    waiting: list[tuple[Path, Any]] = [((), document)]
    nodes = 0
    while waiting:
        path, value = waiting.pop()
        nodes += 1
        if nodes + len(waiting) > MAX_NODES:
            faults.add((), f"must have at most {MAX_NODES} values")
            return faults
        if isinstance(value, (dict, list)):
            waiting.extend(_children(path, value, faults))
        else:
            _check_leaf(path, value, faults)
    return faults


def _children(path: Path, value: Any, faults: Faults) -> Iterator[tuple[Path, Any]]:
    """Yields what is inside a list or mapping; nothing where that is too deep."""
    if len(path) >= MAX_DEPTH:
        return faults.add(path[:3], f"must not be nested deeper than {MAX_DEPTH}")
    if sum(part in _NESTING_KEYS for part in path) > MAX_NESTING:
        return faults.add(path[:3], f"conditions must not be nested deeper than {MAX_NESTING}")
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield (*path, place), each
        return None
    for key, each in value.items():
        if not isinstance(key, str):
            faults.add(path, f"keys must be text (put it in quotes), found {values.describe(key)}")
        elif not _is_clean(key):
            faults.add(path, "a key holds a character that can not be stored")
        else:
            yield (*path, key), each
    return None


def _check_leaf(path: Path, value: Any, faults: Faults) -> None:
    match value:
        case str():
            if not _is_clean(value):
                faults.add(path, "holds a character that can not be stored")
        case None | bool():
            pass
        case int():
            if not bounds.MIN_INTEGER <= value <= bounds.MAX_INTEGER:
                faults.add(path, "must be a number of at most 64 bits")
        case float():
            if not math.isfinite(value):
                faults.add(path, f"must be a finite number, found {value}")
        case _:
            faults.add(path, f"must be a JSON value, found {values.describe(value)}")


def _is_clean(text: str) -> bool:
    """Returns whether it is UTF-8 that databases can hold: no NUL, no half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
