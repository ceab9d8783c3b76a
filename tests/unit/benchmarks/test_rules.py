import collections
import json
from pathlib import Path
from typing import Any

from benchmarks import rules, workloads
from benchmarks.clusters import DEFINITIONS
from benchmarks.rules import Output, State
from benchmarks.workloads import Workload
from processors.decisions.compiling import compile_set
from processors.definitions import files
from processors.runtime.replays import replay

WORKLOAD = Workload(events=4_000, people=300)
END_MS = 1_700_000_000_000


def by_hand(values: list[bytes]) -> tuple[dict[str, State], list[Output]]:
    states: dict[str, State] = {}
    outputs: list[Output] = []
    for value in values:
        event = json.loads(value)
        outputs += rules.decide(states.setdefault(event["userId"], rules.new()), event)
    return states, outputs


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


def test_the_rules_by_hand_come_to_what_the_engine_says(tmp_path: Path) -> None:
    values = [one.value for one in workloads.make(WORKLOAD, END_MS)]
    replay(compile_set(files.load(DEFINITIONS / "job")), values, tmp_path)

    states, outputs = by_hand(values)

    told = collections.Counter(
        (value["definition_id"], value["profile_id"], value["occurrence"])
        for topic, _, value in outputs
        if topic.startswith("commands.")
    )
    engine = collections.Counter(
        (row["definition_id"], row["profile_id"], row["occurrence"].partition("#")[0])
        for row in rows(tmp_path, "commands")
    )
    assert told == engine
    assert len(told) > 100
    entered = collections.Counter(
        (value["profile_id"], value["segment_id"], value["cause"])
        for topic, _, value in outputs
        if topic == "segment-changes" and value["change"] == "entered"
    )
    assert entered == collections.Counter(
        (row["profile_id"], row["segment_id"], row["cause"])
        for row in rows(tmp_path, "segment-changes")
        if row["change"] == "entered"
    )
    assert {segment for _, segment, _ in entered} == {"active-carts", "browsers", "buyers", "hot"}
    assert len(states) == len({json.loads(value)["userId"] for value in values})


def test_a_member_that_left_the_window_is_told_of_at_the_next_event() -> None:
    state = rules.new()
    added = {"userId": "p", "messageId": "m", "event": "Product Added", "properties": {"price": 1}}
    for hour in ("00", "01"):
        rules.decide(state, added | {"timestamp": f"2026-01-01T{hour}:00:00Z"})
    assert state["in"] == ["active-carts"]

    outputs = rules.decide(
        state,
        {"userId": "p", "messageId": "n", "event": "Products Searched", "properties": {}}
        | {"timestamp": "2026-01-02T00:00:00Z"},
    )

    [change] = [value for topic, _, value in outputs if topic == "segment-changes"]
    assert (change["change"], change["cause"]) == ("exited", "clock")
