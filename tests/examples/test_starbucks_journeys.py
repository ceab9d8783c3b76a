"""What became of the offers of Starbucks: journeys, a run each reception, count it exactly.

By the oracle. What the engine tells of the same runs, in a replay and on Kafka, is counted where
both run anyway: `tests/integration/test_starbucks.py`.
"""

from collections.abc import Iterator
from typing import Any

from tests.oracle import starbucks
from tests.oracle.documents import load
from tests.oracle.recompute import recompute

Row = dict[str, Any]


def events() -> Iterator[Row]:
    """Yields what the journeys hear of."""
    return (event for event in starbucks.events() if event["event"] != "Transaction")


def test_runs_tell_what_became_of_the_offers() -> None:
    starbucks.check_responses(recompute(starbucks.JOURNEYS, events()).journey_runs)


def test_every_offer_stands_as_long_as_the_journeys_wait() -> None:
    known = starbucks.offers()
    for journey in load(starbucks.JOURNEYS):
        cases = journey["steps"][0]["branch"]["cases"]
        waits = {each["id"]: each["wait"]["timeout"] for each in journey["steps"] if "wait" in each}
        found = {
            offer: (case["go"].split("-")[0], waits[case["go"]])
            for case in cases
            for offer in case["when"]["in"]
        }
        assert found == {
            id: (offer.type, f"{offer.duration_ms // 1000 + 1}s") for id, offer in known.items()
        }
