"""What became of the offers of Starbucks: journeys, a run each reception, count it exactly."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from processors.decisions.compiling import compile_set
from processors.definitions import files
from processors.runtime.replays import replay
from tests.oracle import starbucks
from tests.oracle.documents import load
from tests.oracle.recompute import recompute

JOURNEYS = starbucks.ROOT / "examples" / "starbucks" / "journeys"
Row = dict[str, Any]


def events() -> Iterator[Row]:
    """Yields what the journeys hear of."""
    return (event for event in starbucks.events() if event["event"] != "Transaction")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Returns what the engine tells of the runs."""
    out = tmp_path_factory.mktemp("out")
    replay(compile_set(files.load(JOURNEYS)), map(msgspec.json.encode, events()), out)
    lines = (out / "journey-runs.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


@pytest.fixture(scope="module")
def recomputed() -> list[Row]:
    """Returns what the oracle tells of them."""
    return recompute(JOURNEYS, events()).journey_runs


@pytest.mark.parametrize("of", ["replayed", "recomputed"])
def test_runs_tell_what_became_of_the_offers(of: str, request: pytest.FixtureRequest) -> None:
    rows: list[Row] = request.getfixturevalue(of)
    responses = [row for row in rows if row["journey_id"] == "offer-response"]
    views = [row for row in rows if row["journey_id"] == "offer-views"]
    ways = {row["run_id"]: row["step"] for row in views if row["what"] == "waiting"}
    assert types(ways.values()) == starbucks.RECEPTIONS
    assert types(row["step"] for row in views if row["choice"] == "heard") == starbucks.VIEWED
    seen = {row["run_id"]: row["step"] for row in responses if row["choice"] == "heard"}
    asked = {
        row["run_id"]: row["step"]
        for row in responses
        if row["what"] == "waiting" and not row["step"].endswith("-viewed")
    }
    reached = [row["run_id"] for row in responses if row["what"] == "goal"]
    assert len(reached) == len(set(reached))
    assert types(asked.values()) == starbucks.RECEPTIONS
    assert types(asked[run] for run in reached) == starbucks.COMPLETED
    assert types(asked[run] for run in reached if run in seen) == starbucks.VIEWED_FIRST


def types(steps: Any) -> Counter[str]:
    """Returns how many steps there are of each type of offer: their names begin with it."""
    return Counter(step.split("-")[0] for step in steps)


def test_every_offer_stands_as_long_as_the_journeys_wait() -> None:
    known = starbucks.offers()
    for journey in load(JOURNEYS):
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
