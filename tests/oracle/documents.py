"""The definitions as the oracle reads them: files, durations, instants, versions, their order.

Knows nothing of `processors`. Checks nothing: a definition that `beckon check` refuses is no matter
for the oracle.
"""

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

Document = dict[str, Any]

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class _PlainText(SafeConstructor):
    """YAML 1.2: an instant without quotes is text like any other."""


_PlainText.add_constructor("tag:yaml.org,2002:timestamp", _PlainText.construct_yaml_str)


def load(folder: Path) -> list[Document]:
    """Returns the documents of a folder, in the order of their paths."""
    return [read(path) for path in sorted(folder.rglob("*")) if _is_definition(path)]


def _is_definition(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml", ".json"} and not path.name.endswith(".test.yaml")


def read(path: Path) -> Document:
    """Returns the document of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        found = json.loads(text)
    else:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _PlainText
        found = yaml.load(text)
    document: Document = with_text_keys(found)
    return document


def with_text_keys(part: Any) -> Any:
    """Returns a document in which the numbers that name columns are text, as in JSON."""
    if isinstance(part, list):
        return [with_text_keys(inner) for inner in part]
    if isinstance(part, dict):
        return {str(key): with_text_keys(inner) for key, inner in part.items()}
    return part


def version(document: Document) -> str:
    """Returns the first 12 hex digits of the hash of the document as written."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def duration_ms(text: str) -> int:
    """Returns a duration such as `90s` in ms.

    >>> duration_ms("2h")
    7200000
    """
    return int(text[:-1]) * UNITS_MS[text[-1]]


def instant_ms(value: Any) -> int | None:
    """Returns an ISO 8601 text with a zone in ms since the epoch; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if found.tzinfo is None else round((found - EPOCH) / MILLISECOND)


@functools.cache
def iso(at_ms: int) -> str:
    """Returns the instant as ISO 8601 in UTC with ms."""
    return (EPOCH + at_ms * MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_order(documents: Iterable[Document]) -> list[Document]:
    """Returns scores and segments so that each comes after those it asks; ties by kind, then id."""
    waiting = sorted(
        (d for d in documents if d["kind"] in {"score", "segment"}),
        key=lambda d: (d["kind"], d["id"]),
    )
    done: list[Document] = []
    names: set[tuple[str, str]] = set()
    while waiting:
        ready = next(d for d in waiting if set(asked(d)) <= names)
        waiting.remove(ready)
        done.append(ready)
        names.add((ready["kind"], ready["id"]))
    return done


def asked(part: Any) -> Iterator[tuple[str, str]]:
    """Yields kind and id of every segment and score that a score or a segment asks."""
    if isinstance(part, list):
        for inner in part:
            yield from asked(inner)
    elif isinstance(part, dict):
        for key, inner in part.items():
            if key in {"segment", "score"} and isinstance(inner, str):
                yield key, inner
            elif key == "combined":
                yield from (("score", name) for name in inner["of"])
            else:
                yield from asked(inner)
