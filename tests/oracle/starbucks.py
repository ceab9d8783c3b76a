"""Where the tests find the thirty days of offers and purchases; the data is not in the project."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.starbucks.convert import convert, nonempty, opened
from tests import sources
from tests.oracle.documents import UNITS_MS, instant_ms

ROOT = sources.ROOT
DEFINITIONS = ROOT / "examples" / "starbucks" / "definitions"
JOURNEYS = ROOT / "examples" / "starbucks" / "journeys"
JOURNEY_IDS = {"offer-response", "offer-views"}


def source() -> Path:
    """Returns the folder of the source's files; skips the test where there is none."""
    return sources.source("starbucks", "transcript.json")


def events(*, profiles: bool = False, cohorts: bool = False) -> Iterator[dict[str, Any]]:
    """Yields the source as Segment events."""
    return convert(source(), profiles=profiles, cohorts=cohorts)


RECEPTIONS = Counter({"bogo": 30_499, "discount": 30_543, "informational": 15_235})
VIEWED = Counter({"bogo": 25_372, "discount": 21_559, "informational": 9_964})
COMPLETED = Counter({"bogo": 15_669, "discount": 17_962})
VIEWED_FIRST = Counter({"bogo": 11_080, "discount": 12_597})
"""What became of the offers, by their type; informational ones can not be completed."""


@dataclass(frozen=True)
class Offer:
    """What was offered, and for how long it stands."""

    type: str
    duration_ms: int


def offers() -> dict[str, Offer]:
    """Returns the ten offers by their ids."""
    with opened(source(), "portfolio.json") as lines:
        found = [json.loads(line) for line in nonempty(lines)]
    day = UNITS_MS["d"]
    return {each["id"]: Offer(each["offer_type"], int(each["duration"] * day)) for each in found}


@dataclass
class Responses:
    """How many receptions of offers led to what, by the type of the offer."""

    received: Counter[str]
    viewed: Counter[str]
    completed: Counter[str]
    viewed_first: Counter[str]
    """Completed, and viewed before that."""


def responses(events: Iterable[dict[str, Any]], known: dict[str, Offer]) -> Responses:
    """Counts what followed each reception, from then on for as long as its offer stands.

    The first view and the first completion after a reception count, to the end of the offer's
    duration and that instant included. Of equal instants the line of the file decides.
    """
    told: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for event in events:
        if "offer_id" in event["properties"]:
            at_ms = instant_ms(event["timestamp"])
            assert at_ms is not None
            told[event["userId"], event["properties"]["offer_id"]].append((at_ms, event["event"]))
    found = Responses(Counter(), Counter(), Counter(), Counter())
    for (_, offer_id), history in told.items():
        for place, (at_ms, name) in enumerate(history):
            if name == "Offer Received":
                end_ms = at_ms + known[offer_id].duration_ms
                after = [what for at, what in history[place:] if at <= end_ms]
                count(found, known[offer_id].type, after)
    return found


def count(found: Responses, type: str, after: list[str]) -> None:
    """Counts one reception, of which all is known that came as long as it stood."""
    is_viewed, is_completed = "Offer Viewed" in after, "Offer Completed" in after
    found.received[type] += 1
    found.viewed[type] += is_viewed
    found.completed[type] += is_completed
    if is_viewed and is_completed:
        found.viewed_first[type] += after.index("Offer Viewed") < after.index("Offer Completed")


def check_responses(rows: Iterable[dict[str, Any]]) -> None:
    """Fails where the runs of the two journeys say something else than the file."""
    rows = list(rows)
    responses = [row for row in rows if row["journey_id"] == "offer-response"]
    views = [row for row in rows if row["journey_id"] == "offer-views"]
    ways = {row["run_id"]: row["step"] for row in views if row["what"] == "waiting"}
    assert types(ways.values()) == RECEPTIONS
    assert types(row["step"] for row in views if row["choice"] == "heard") == VIEWED
    seen = {row["run_id"]: row["step"] for row in responses if row["choice"] == "heard"}
    asked = {
        row["run_id"]: row["step"]
        for row in responses
        if row["what"] == "waiting" and not row["step"].endswith("-viewed")
    }
    reached = [row["run_id"] for row in responses if row["what"] == "goal"]
    assert len(reached) == len(set(reached))
    assert types(asked.values()) == RECEPTIONS
    assert types(asked[run] for run in reached) == COMPLETED
    assert types(asked[run] for run in reached if run in seen) == VIEWED_FIRST


def types(steps: Iterable[str]) -> Counter[str]:
    """Returns how many steps there are of each type of offer: their names begin with it."""
    return Counter(step.split("-")[0] for step in steps)
