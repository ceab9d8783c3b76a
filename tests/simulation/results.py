"""What the engine and the oracle make of one log, in the same shape, so that they can be compared.

Each person's rows by themselves: how people's rows fall between each other is nobody's promise.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from processors.decisions.compiled import Compiled
from processors.runtime.memory import Driver
from schemas.commands import Command
from schemas.events import iso
from schemas.records import DecisionRecord
from tests.builders import Document, Json, Recorder, compiled, encoded
from tests.oracle.recompute import Result, recompute

INSTANTS = ("at", "since", "until")

Row = dict[str, Any]
Rows = dict[str, dict[str, list[Row]]]
"""Rows by kind and person, in order."""

STREAMS = ("segment_changes", "score_changes", "commands", "decisions", "journey_runs")
NOT_COMPARED = {"traits", "properties", "transactional", "headers", "topics"}
"""What a template may fill in, and what the gate says, which the oracle leaves out."""


def records(log: Iterable[Json]) -> Iterator[tuple[bytes, bytes]]:
    """Yields key and value of each record; a clock record has no key of its own."""
    for each in log:
        yield str(each.get("userId", "")).encode(), encoded(each)


def by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["profile_id"], []).append(row)
    return found


def of_records(out: Recorder) -> Rows:
    """Returns what was written, but for the tables and emitted events."""
    rows: dict[str, list[Row]] = {kind: [] for kind in STREAMS}
    for topic, _, value in out.records:
        kind = "commands" if topic.startswith("commands.") else topic.replace("-", "_")
        if kind in rows:
            rows[kind].append(shown(value))
    return {kind: by_person(each) for kind, each in rows.items()}


def tables(out: Recorder) -> tuple[dict[str, Row], dict[str, Row]]:
    """Returns the latest of scores and memberships, as a reader of the topics has them."""
    latest: dict[str, dict[str, Row]] = {"scores": {}, "segments": {}}
    for topic, key, value in out.records:
        if topic in latest:
            latest[topic][key] = shown(value)
            if value is None:
                del latest[topic][key]
    return latest["scores"], latest["segments"]


def shown(value: msgspec.Struct | None) -> Row:
    row: Row = {} if value is None else msgspec.structs.asdict(value)
    is_sparse = isinstance(value, Command | DecisionRecord)
    return {
        key: iso(field) if key in INSTANTS and field is not None else field
        for key, field in row.items()
        if key not in NOT_COMPARED and not (is_sparse and field is None)
    }


def of_engine(
    compiled: Compiled, log: Sequence[Json], until_ms: int, sizes: Sequence[int] = ()
) -> tuple[Recorder, Driver]:
    """Runs a log in batches of these sizes, and what is left as one."""
    out = Recorder()
    driver = Driver(compiled, out)
    at = 0
    for size in (*sizes, len(log)):
        driver.feed(records(log[at : at + size]))
        at += size
    driver.advance(until_ms)
    return out, driver


def compare(documents: list[Document], log: list[Json], until_ms: int, **how: Any) -> Result:
    """Holds the engine against the oracle; returns what both found."""
    out, driver = of_engine(compiled(*documents), log, until_ms)
    wanted = recompute(documents, log, until_ms, **how)
    found = of_records(out)
    for kind in STREAMS:
        expected = by_person(getattr(wanted, kind))
        got = found[kind]
        if kind == "score_changes":
            got = {one: [without(row, "grade") for row in rows] for one, rows in got.items()}
        assert got == expected, kind
    scores, segments = tables(out)
    assert by_key(scores.values(), "score_id") == by_key(wanted.scores, "score_id")
    members = [row for row in segments.values() if row["member"]]
    assert by_key((without(row, "member") for row in members), "segment_id") == by_key(
        wanted.segments, "segment_id"
    )
    assert [letter.reason for letter in driver.dead_letters] == ["too-late"] * len(wanted.too_late)
    return wanted


def without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


def by_key(rows: Iterable[Row], name: str) -> dict[tuple[str, str], Row]:
    return {(row["profile_id"], row[name]): row for row in rows}
