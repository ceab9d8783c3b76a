"""What became of the offers of Starbucks: journeys, a run each reception, count it exactly."""

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

Row = dict[str, Any]


def events() -> Iterator[Row]:
    """Yields what the journeys hear of."""
    return (event for event in starbucks.events() if event["event"] != "Transaction")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Returns what the engine tells of the runs."""
    out = tmp_path_factory.mktemp("out")
    replay(compile_set(files.load(starbucks.JOURNEYS)), map(msgspec.json.encode, events()), out)
    lines = (out / "journey-runs.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


@pytest.fixture(scope="module")
def recomputed() -> list[Row]:
    """Returns what the oracle tells of them."""
    return recompute(starbucks.JOURNEYS, events()).journey_runs


@pytest.mark.parametrize("of", ["replayed", "recomputed"])
def test_runs_tell_what_became_of_the_offers(of: str, request: pytest.FixtureRequest) -> None:
    rows: list[Row] = request.getfixturevalue(of)
    starbucks.check_responses(rows)


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
