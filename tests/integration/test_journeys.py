"""Living with journeys on a real Kafka: counted, drawn, edited while people are in them, paused.

One story, told step by step: each test goes on where the one before has ended.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from processors.operations import texts
from tests.builders import (
    HELLO,
    HOUR,
    MINUTE,
    T0,
    Document,
    journey,
    keyed,
    segment,
    step,
    tag,
    track,
    wait,
)
from tests.integration.workers import Place, Ran, place, prefix_of, until

PEOPLE = ("ada", "bob", "cid", "dan")
POLICIES = ("pin", "follow", "migrate")
GONE = step("gone", tag("x"))


def of(policy: str, *steps: Document, **keys: Any) -> Document:
    return journey("start", *steps, id=policy, live_edit=policy, goal={"event": "buy"}, **keys)


BEFORE = [of(each, wait("pause", for_="1h"), HELLO) for each in POLICIES]
AFTER = [
    of("pin", wait("pause", for_="2h"), HELLO),
    of("follow", wait("pause", for_="2h"), HELLO),
    of("migrate", wait("hold", for_="3h"), HELLO, moves={"pause": "hold"}),
]
BY_HAND = journey({"manual": True}, wait("pause", for_="1h"), id="by-hand")
STARTED = segment({"event": "start"}, id="started")


def write(folder: Path, *documents: Document) -> str:
    for each in documents:
        (folder / f"{each['id']}.yaml").write_text(texts.text(each))
    return str(folder)


@pytest.fixture(scope="module")
def target(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("journeys")
    with place(kafka, prefix_of("journeys"), folder, clock="stream", partitions=2) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("definitions")


def ran(target: Place, *words: str) -> str:
    done: Ran = target.run(*words)
    assert done.code == 0, done.err
    return done.out


def counted(target: Place) -> dict[str, Any]:
    """Returns what `beckon journeys` says, by journey."""
    said = json.loads(ran(target, "journeys", "--days", "3650", "--json"))
    return {row["id"]: row for row in said["journeys"]}


def standing(target: Place, id_: str) -> dict[str, int]:
    return {each["id"]: each["now"] for each in counted(target)[id_]["steps"] if each["now"]}


def told(target: Place, id_: str, *whats: str) -> list[tuple[str, str, int]]:
    """Returns what happened to Ada's runs of a journey: what, where, and when, hours since T0."""
    return [
        (row["what"], row["step"], (row["at"] - T0) // HOUR)
        for row in target.rows("journey-runs")
        if row["journey_id"] == id_ and row["profile_id"] == "ada" and row["what"] in whats
    ]


def versions(target: Place, id_: str) -> set[str]:
    rows = [row for row in target.rows("journey-runs") if row["journey_id"] == id_]
    return {row["version"] for row in rows}


def ticked(target: Place, at_ms: int) -> None:
    target.tick(at_ms)
    target.wait_decided()


def decides(target: Place) -> bool:
    """Returns whether what is published decides everywhere."""
    return "they decide in all 2 partitions" in target.run("definitions").out


def test_runs_are_counted_where_they_stand(target: Place, folder: Path) -> None:
    published = ran(target, "publish", "--yes", write(folder, *BEFORE, BY_HAND, STARTED))
    assert "under way" not in published
    target.worker("a").wait_ready(2)
    target.produce(keyed(track("start", person=each)) for each in PEOPLE)
    target.wait_decided()
    found = counted(target)
    assert {id_: found[id_]["entered"] for id_ in POLICIES} == dict.fromkeys(POLICIES, 4)
    assert [standing(target, each) for each in POLICIES] == [{"pause": 4}] * 3
    drawn = ran(target, "runs", "ada", "--journey", "pin")
    assert "entered 2026-01-01T00:00:00.000Z by start@" in drawn
    assert "└ 2026-01-01T00:00:00.000Z  pause  waits until 2026-01-01T01:00:00.000Z" in drawn


def test_migration_that_forgets_a_step_is_refused(target: Place, folder: Path) -> None:
    document = {key: value for key, value in AFTER[2].items() if key != "moves"}
    done = target.run("publish", "--yes", write(folder, document))
    assert done.code == 1
    line = texts.text(document).splitlines().index("live_edit: migrate") + 1
    said = "live_edit: migrate needs a step in moves for each that is gone: pause"
    assert f"{folder}/migrate.yaml:{line}: {said}" in done.err


def test_publishing_says_what_becomes_of_runs_and_it_does(target: Place, folder: Path) -> None:
    said = ran(target, "publish", "--yes", write(folder, *AFTER))
    assert "journey/pin: 4 runs under way, live_edit: pin" in said
    rows = [line.split() for line in said.splitlines() if line.startswith("pause ")]
    assert [row[2:] for row in rows] == [
        ["4", "goes", "on"],
        ["4", "moves", "to", "hold"],
        ["4", "stays", "on", "its", "version"],
    ]
    until(lambda: decides(target), "all take over", pause_s=0.5)
    until(lambda: standing(target, "migrate") == {"hold": 4}, "all have moved", pause_s=0.5)
    assert standing(target, "pin") == standing(target, "follow") == {"pause": 4}


def test_pinned_runs_end_on_their_version_also_after_a_restart(target: Place) -> None:
    target.workers[-1].kill()
    target.worker("a").wait_ready(2)
    ticked(target, T0 + HOUR + MINUTE)
    until(lambda: counted(target)["pin"]["completed"] == 4, "they are done", pause_s=0.5)
    assert told(target, "pin", "went", "done", "completed") == [
        ("went", "pause", 1),
        ("done", "hello", 1),
        ("completed", "", 1),
    ]
    assert len(versions(target, "pin")) == 1
    assert [standing(target, each) for each in ("follow", "migrate")] == [{"pause": 4}, {"hold": 4}]


def test_runs_that_follow_wait_as_long_as_the_new_version_says(target: Place) -> None:
    ticked(target, T0 + 4 * HOUR)
    done = ("moved", "went", "completed")
    until(lambda: counted(target)["migrate"]["completed"] == 4, "they are done", pause_s=0.5)
    assert told(target, "follow", *done) == [
        ("moved", "pause", 0),
        ("went", "pause", 2),
        ("completed", "", 2),
    ]
    assert told(target, "migrate", *done) == [
        ("moved", "hold", 0),
        ("went", "hold", 3),
        ("completed", "", 3),
    ]
    (step_,) = [each for each in counted(target)["follow"]["steps"] if each["id"] == "pause"]
    assert (step_["passed"], step_["median_ms"]) == (4, 2 * HOUR)


def test_everybody_in_a_segment_enters_and_a_paused_journey_holds_them(target: Place) -> None:
    assert "by-hand is asked for 4 people" in ran(target, "fire", "by-hand", "--segment", "started")
    until(lambda: standing(target, "by-hand") == {"pause": 4}, "all have entered", pause_s=0.5)
    paused = ran(target, "pause", "by-hand", "--yes")
    assert "put `status: paused` into it" in paused
    until(lambda: decides(target), "it is paused", pause_s=0.5)
    assert ran(target, "fire", "by-hand", "eve")
    target.wait_decided()
    assert counted(target)["by-hand"]["entered"] == 4
    archived = ran(target, "archive", "by-hand", "--yes")
    assert "journey/by-hand: 4 runs under way, archived" in archived
    until(lambda: standing(target, "by-hand") == {}, "all have ended", pause_s=0.5)
    assert counted(target)["by-hand"]["exited"] == {"archived": 4}
    drawn = ran(target, "runs", "bob", "--journey", "by-hand")
    assert ": archived" in drawn.splitlines()[0]
    assert target.workers[-1].metric("beckon_journey_runs_total") > 0
    assert target.workers[-1].stop() == 0


def test_what_the_topic_has_lost_is_said(target: Place) -> None:
    topic, kept = target.topic("journey-runs"), target.rows("journey-runs")
    admin = AdminClient({"bootstrap.servers": target.bootstrap})
    cut = [TopicPartition(topic, each, 1) for each in range(2)]
    for answer in admin.delete_records(cut).values():
        answer.result()
    done = [target.run("runs", each, "--json").out for each in PEOPLE]
    notes = {note for each in done for note in json.loads(each)["notes"]}
    said = "the first records of journey-runs are gone (it keeps 90 days): older runs are not shown"
    assert notes == {f"{said} whole"}
    assert len(target.rows("journey-runs")) < len(kept)
