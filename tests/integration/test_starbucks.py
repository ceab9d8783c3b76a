"""The real input through a real Kafka: two workers, one of them killed, against a replay and the
oracle.

All that the workers wrote, as a read_committed consumer has it, must be what `beckon replay` makes
of the same file and what the oracle, which shares nothing with the engine, recomputes.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.events import iso
from tests.integration.workers import ROOT, Place, Worker, place, prefix_of, until
from tests.oracle import starbucks

pytestmark = pytest.mark.slow

END = "2026-01-30T18:00:00Z"
"""The time of the last event: to then timers run in all three."""
KINDS = ("segment-changes", "score-changes", "commands", "decisions", "journey-runs")
UNSAID = {"segments", "lists", "topics", "has_values"}
"""Of a command: left out where there are none, or where it is not so."""
NUMBERS = {"value", "old", "new"}
RUN_S = 480.0

Row = dict[str, Any]
Rows = dict[str, list[bytes]]
"""By person, and channel where there is one, what was written, in order: so Kafka keeps it."""


@dataclass
class Results:
    """Where the three found what they found."""

    kafka: Place
    replayed: Path
    recomputed: Path
    lag: int
    """How many events were not decided on when the worker was killed."""


@pytest.fixture(scope="module")
def results(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """Runs all three side by side."""
    folder = tmp_path_factory.mktemp("starbucks")
    events = folder / "events.jsonl"
    convert(events)
    chosen = folder / "definitions"
    for each in (starbucks.DEFINITIONS, starbucks.JOURNEYS):
        shutil.copytree(each, chosen / each.name)
    rest = ["--events", str(events), "--until", END, "--out"]
    oracle = ("tests/oracle/run.py", "--definitions", starbucks.DEFINITIONS)
    recomputing = start(*oracle, *rest, folder / "oracle")
    replay = ("-m", "processors", "replay", "--definitions", chosen)
    replaying = start(*replay, *rest, folder / "replay")
    with place(kafka, prefix_of("starbucks"), folder, clock="stream", partitions=8) as found:
        killed = stream(found, chosen, events)
        assert [each.wait(RUN_S) for each in (recomputing, replaying)] == [0, 0]
        yield Results(found, folder / "replay", folder / "oracle", killed)


def convert(events: Path) -> None:
    source = starbucks.source()
    with events.open("wb") as out:
        script = ROOT / "examples" / "starbucks" / "convert.py"
        subprocess.run([sys.executable, str(script), str(source)], stdout=out, check=True)


def start(*words: str | Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, *map(str, words)], cwd=ROOT, stdout=subprocess.DEVNULL)


def stream(found: Place, definitions: Path, events: Path) -> int:
    """Has two workers decide on the file, one killed in the middle; returns what was left then."""
    assert found.run("publish", "--yes", str(definitions)).code == 0
    first, second = found.worker("a"), found.worker("b")
    for each in (first, second):
        each.wait_ready(4)
    ingesting = found.worker("ingest", "-m", "processors", "ingest", str(events))
    killed = kill(found, first)
    again = found.worker("a")
    assert ingesting.wait() == 0, ingesting.text
    found.wait_decided(limit_s=RUN_S)
    assert found.run("tick", END).code == 0
    found.wait_decided()
    assert [again.stop(), second.stop()] == [0, 0], again.text + second.text
    return killed


def kill(found: Place, worker: Worker) -> int:
    """Kills a worker that has decided on something; returns how many events it left to do."""
    until(lambda: worker.metric("beckon_events_total") > 20_000, "some events decided on")
    worker.kill()
    lag = found.lag()
    assert lag > 1_000, "nothing was left to do: the kill proved nothing"
    return lag


def of_topic(results: Results, name: str) -> Rows:
    """Returns what a read_committed consumer has of a topic."""
    return by_person(shown(row) for row in results.kafka.rows(name))


def of_file(folder: Path, name: str) -> Rows:
    with (folder / f"{name}.jsonl").open("rb") as lines:
        return by_person(map(msgspec.json.decode, lines))


def by_person(rows: Iterable[Row]) -> Rows:
    """Returns rows as text that is the same where they are; `traits` are not the oracle's."""
    found: Rows = {}
    for row in rows:
        for name in NUMBERS & row.keys():
            row[name] = float(row[name])
        row.pop("traits", None)
        for name in UNSAID & row.keys():
            if not row[name]:
                del row[name]
        of_one = f"{row['profile_id']} {row.get('channel', '')}"
        found.setdefault(of_one, []).append(msgspec.json.encode(row, order="sorted"))
    return found


def shown(row: Row) -> Row:
    for name in ("at", "since", "until"):
        if row.get(name) is not None:
            row[name] = iso(row[name])
    return row


def without(rows: Rows, name: str) -> Rows:
    """Returns the rows without a field that the oracle does not tell."""
    parsed = (msgspec.json.decode(each) for of_one in rows.values() for each in of_one)
    return by_person({key: row[key] for key in row if key != name} for row in parsed)


def of_triggers(rows: Rows) -> Rows:
    """Returns the decisions that are not on the way into journeys, of which the oracle knows."""
    parsed = (msgspec.json.decode(each) for of_one in rows.values() for each in of_one)
    return by_person(row for row in parsed if row["definition_id"] not in starbucks.JOURNEY_IDS)


def same(found: Rows, wanted: Rows) -> None:
    """Fails with the first person about whom the two say different things."""
    assert found.keys() == wanted.keys()
    for person, rows in wanted.items():
        assert found[person] == rows, person


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_happened_is_what_replay_and_oracle_say(results: Results, kind: str) -> None:
    found = of_topic(results, kind)
    same(found, of_file(results.replayed, kind))
    if kind == "score-changes":
        found = without(found, "grade")
    if kind == "commands":
        found = without(found, "properties")
    if kind == "decisions":
        found = of_triggers(found)
    if kind != "journey-runs":  # what these come to is counted; the oracle has them elsewhere
        same(found, of_file(results.recomputed, kind))
    assert sum(map(len, found.values())) > 90_000


@pytest.mark.parametrize("kind", ["scores", "segments"])
def test_final_state_is_what_replay_and_oracle_say(results: Results, kind: str) -> None:
    rows = [shown(row) for row in results.kafka.table(kind).values()]
    if kind == "segments":
        rows = [row for row in rows if row.pop("member")]
    found = ordered(by_person(rows))
    same(found, ordered(of_file(results.replayed, kind)))
    same(found, ordered(of_file(results.recomputed, kind)))
    assert len(rows) == {"scores": 26_087, "segments": 53_554}[kind]


def ordered(rows: Rows) -> Rows:
    return {person: sorted(of_one) for person, of_one in rows.items()}


def test_no_command_comes_twice_and_none_is_missing(results: Results) -> None:
    with (results.recomputed / "commands.jsonl").open("rb") as lines:
        wanted = [json.loads(line)["id"] for line in lines]
    found = Counter(row["id"] for row in results.kafka.rows("commands"))
    assert max(found.values()) == 1
    assert found.keys() == set(wanted)
    assert len(wanted) == 94_857


def test_what_became_of_each_offer_is_counted_exactly(results: Results) -> None:
    starbucks.check_responses(results.kafka.rows("journey-runs"))


def test_what_went_in_is_the_whole_of_the_data(results: Results) -> None:
    rows = [row for row in results.kafka.rows("events") if row["type"] != "clock"]
    sent = [row for row in rows if row["messageId"].startswith("line-")]
    assert len(sent) == len({row["messageId"] for row in sent}) == 306_534
    assert len({row["userId"] for row in sent}) == 17_000
    assert Counter(row["event"] for row in sent) == {
        "Offer Received": 76_277,
        "Offer Viewed": 57_725,
        "Offer Completed": 33_579,
        "Transaction": 138_953,
    }
    amounts = [
        Decimal(str(row["properties"]["amount"])) for row in sent if row["event"] == "Transaction"
    ]
    assert sum(amounts) == Decimal("1775451.97")


def test_worker_was_killed_in_the_middle_and_nothing_was_refused(results: Results) -> None:
    killed, *others = results.kafka.workers
    assert killed.process.returncode == -signal.SIGKILL
    assert [each.process.returncode for each in others] == [0, 0, 0]
    assert results.lag > 1_000
    assert results.kafka.read("dead-letters") == []
