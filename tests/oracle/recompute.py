"""The oracle: recomputes from the log, by brute force, what Beckon must have decided."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle.conditions import Occurrence
from tests.oracle.definitions import Definitions
from tests.oracle.documents import Document, instant_ms, iso, load
from tests.oracle.people import Outputs, Person, Row

NAMES = {
    "page": "page.viewed",
    "screen": "screen.viewed",
    "identify": "user.profile_updated",
    "group": "account.updated",
    "alias": "user.aliased",
}
WEEK_MS = 7 * 86_400_000
"""How late an event may be, and for how much log time a messageId is remembered."""
MAX_IDS = 2_000
CLOCK_LEAD_MS = 300_000

Event = dict[str, Any]


@dataclass
class Result:
    """What Beckon must have written, as `beckon replay` writes it."""

    scores: list[Row] = field(default_factory=list)
    """One a person and score that ever moved."""
    segments: list[Row] = field(default_factory=list)
    """One a membership that lasts at the end."""
    segment_changes: list[Row] = field(default_factory=list)
    score_changes: list[Row] = field(default_factory=list)
    commands: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    journey_runs: list[Row] = field(default_factory=list)
    too_late: list[str] = field(default_factory=list)
    """The messageIds of events that came after the allowed lateness."""
    duplicates: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Writes one file of JSON lines a kind of record."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in getattr(self, name)]
            path = folder / f"{name.replace('_', '-')}.jsonl"
            path.write_text("".join(lines), encoding="utf-8")


HISTORIES = ("segment_changes", "score_changes", "commands", "decisions", "journey_runs")
FILES = ("scores", "segments", *HISTORIES)


@dataclass
class Heard:
    """One event of one person, and how far its partition had come by then."""

    event: Event
    at_ms: int
    high_water_ms: int


def recompute(
    definitions: Path | Iterable[Document],
    events: Iterable[Event],
    until_ms: int | None = None,
    *,
    partition_of: Callable[[str], int] = lambda person_id: 0,
    thorough: bool = False,
) -> Result:
    """Returns all that follows of a log.

    Args:
        definitions: a folder of them, or the documents.
        events: in the order of the log.
        until_ms: to when the clock runs on after the last event; None: to the latest event's time.
        partition_of: which partition a profile's events are in; they share its largest event time.
        thorough: evaluate everything at every instant that could matter; slow, for small logs.
    """
    known = Definitions(load(definitions) if isinstance(definitions, Path) else definitions)
    result = Result()
    people, high_waters = _read(events, partition_of, result)
    latest = max(high_waters.values(), default=0) if until_ms is None else until_ms
    for person_id, log in people.items():
        end = max(latest, high_waters.get(partition_of(person_id), latest))
        _live(Person(person_id, known, Outputs()), log, end, result=result, thorough=thorough)
    return result


def _read(
    events: Iterable[Event], partition_of: Callable[[str], int], result: Result
) -> tuple[dict[str, list[Heard]], dict[int, int]]:
    """Returns the log by person, without what came too late, and each partition's latest time."""
    people: dict[str, list[Heard]] = {}
    high_waters: dict[int, int] = {}
    ticked = 0
    for event in events:
        if event["type"] == "clock":
            ticked = max(ticked, time_ms(event))
            continue
        person_id, at_ms = profile_id(event), time_ms(event)
        partition = partition_of(person_id)
        high_water = max(high_waters.get(partition, 0), ticked)
        high_waters[partition] = max(high_water, at_ms)
        if at_ms < high_water - WEEK_MS:
            result.too_late.append(event["messageId"])
        else:
            people.setdefault(person_id, []).append(Heard(event, at_ms, high_water))
    if ticked:
        high_waters = {one: max(at, ticked) for one, at in high_waters.items()}
    return people, high_waters


def _live(person: Person, log: list[Heard], end_ms: int, *, result: Result, thorough: bool) -> None:
    """Runs one person's log from the first event to the end, and takes down what came of it."""
    seen: list[tuple[str, int]] = []
    for heard in log:
        message_id, log_ms = heard.event["messageId"], max(heard.high_water_ms, heard.at_ms)
        if any(one == message_id and log_ms < at + WEEK_MS for one, at in seen[-MAX_IDS:]):
            result.duplicates.append(message_id)
            continue
        seen.append((message_id, log_ms))
        event = Occurrence(name(heard.event), heard.at_ms, properties(heard.event), message_id)
        facts = (heard.event["type"], traits(heard.event))
        person.wait(max(heard.high_water_ms, heard.at_ms), thorough=thorough)
        person.hear(event, facts)
    person.wait(end_ms, thorough=thorough)
    known = person.definitions
    for kind in HISTORIES:
        getattr(result, kind).extend(getattr(person.outputs, kind))
    result.scores.extend(
        {
            "profile_id": person.id,
            "score_id": score_id,
            "value": person.values[score_id],
            "level": known.scores[score_id].step(person.values[score_id], "levels"),
            "grade": person.grades[score_id],
            "at": iso(moved),
            "breakdown": person.breakdowns[score_id],
            "groups": person.groups[score_id],
            "recommendations": person.advised[score_id],
        }
        for score_id, moved in person.moved.items()
    )
    result.segments.extend(
        {"profile_id": person.id, "segment_id": segment_id, "since": iso(since)}
        for segment_id, since in person.members.items()
    )


def profile_id(event: Event) -> str:
    found: str = event.get("userId") or event["anonymousId"]
    return found


def name(event: Event) -> str:
    found: str = NAMES.get(event["type"]) or event["event"]
    return found


def time_ms(event: Event) -> int:
    """Returns when it happened, corrected where the sender's clock and ours are both known."""
    at_ms = instant_ms(event["timestamp"])
    received_ms = instant_ms(event.get("receivedAt"))
    sent_ms = instant_ms(event.get("sentAt"))
    assert at_ms is not None
    if received_ms is not None:
        at_ms += received_ms - sent_ms if sent_ms is not None else 0
        at_ms = min(at_ms, received_ms + CLOCK_LEAD_MS)
    return at_ms


def properties(event: Event) -> Row:
    """Returns what conditions read as `property`."""
    if event["type"] in {"identify", "group"}:
        return traits(event)
    found = dict(event.get("properties") or {})
    if event.get("name") is not None:
        found.setdefault("name", event["name"])
    return found


def traits(event: Event) -> Row:
    """Returns the event's traits, laid over those of its context."""
    inner = (event.get("context") or {}).get("traits")
    return {**(inner if isinstance(inner, dict) else {}), **(event.get("traits") or {})}
