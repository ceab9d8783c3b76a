"""People of accounts in four partitions and two workers, one of which is killed in the middle."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from processors.runtime.memory import Driver
from schemas import relays
from tests.builders import (
    HOUR,
    T0,
    Document,
    Json,
    compiled,
    joins,
    keyed,
    of_people,
    on,
    score,
    segment,
    track,
    trigger,
)
from tests.integration.workers import Place, place, until

PEOPLE, ACCOUNTS, EVENTS, PORTION = 300, 40, 6_000, 100
STEP_MS = 300_000
END = T0 + EVENTS * STEP_MS + 6 * HOUR

LOGIN: Document = {"event": "login", "within": "8h"}
DEFINITIONS: list[Document] = [
    segment({"event": "login", "at_least": 3, "within": "6d"}, id="champions"),
    segment(of_people("any", LOGIN), id="alive"),
    segment(of_people("none", LOGIN), id="asleep"),
    segment(of_people("any", {"segment": "champions"}), id="championed"),
    segment(of_people("all", {"event": "login"}), id="complete"),
    score(on("login", 3, within="1d"), id="base"),
    score({"id": "people", "points": 2, "people": {"sum": "base"}}, id="team"),
    trigger({"segment": "asleep", "change": "exited"}, id="wake"),
]
IDS = {"champions", "alive", "asleep", "championed", "complete", "all-alive"}
LATER: Document = segment(of_people("all", {"segment": "alive"}), id="all-alive")


def log() -> Iterator[Json]:
    """Yields the events, in the order of time: people log in, and some change their account."""
    chance = random.Random(20260102)
    for number in range(EVENTS):
        at = T0 + number * STEP_MS
        person = chance.randrange(PEOPLE)
        who = {"id": f"m{number}", "person": f"p{person}"}
        if number < PEOPLE:
            yield joins(f"a{number % ACCOUNTS}", at, id=f"m{number}", person=f"p{number}")
        elif chance.random() < 0.01:
            yield joins(f"a{chance.randrange(ACCOUNTS)}", at, **who)
        else:
            yield track("login" if chance.random() < 0.6 else "view", at, **who)


def replayed() -> tuple[set[str], dict[str, float]]:
    """Returns who is in which segment in the end, and all scores but 0, by a replay in order."""
    members: set[str] = set()
    worths: dict[str, float] = {}

    def write(name: str, key: str, value: msgspec.Struct | None) -> None:
        if name == "segments":
            is_in = value is not None and msgspec.structs.asdict(value)["member"]
            (members.add if is_in else members.discard)(key)
        elif name == "scores" and value is not None:
            worths[key] = msgspec.structs.asdict(value)["value"]

    driver = Driver(compiled(*DEFINITIONS, LATER), write)
    driver.feed(map(keyed, log()))
    driver.advance(END)
    return members, {key: worth for key, worth in worths.items() if worth}


@pytest.fixture
def target(kafka: str, topics_prefix: str, tmp_path: Path) -> Iterator[Place]:
    with place(kafka, topics_prefix, tmp_path, clock="stream") as found:
        found.publish(*DEFINITIONS)
        yield found


def wait_settled(target: Place) -> None:
    """Waits until no record leads to another one."""
    ends: dict[int, int] = {}
    while ends != (found := target.ends()):
        ends = found
        target.wait_decided()


@pytest.mark.slow
def test_members_end_as_in_a_replay_though_a_worker_is_killed(target: Place) -> None:
    first, second = target.worker("a"), target.worker("b")
    for worker in (first, second):
        worker.wait_ready(2)
    events = list(log())
    for at in range(0, len(events), PORTION):
        target.produce(map(keyed, events[at : at + PORTION]))
        if at == len(events) // 2:
            until(lambda: second.metric("beckon_relays_total") > 0, "the second tells accounts")
            second.kill()
            target.publish(*DEFINITIONS, LATER)
    until(lambda: first.is_ready(4), "the first has all partitions")
    wait_settled(target)
    target.tick(END)
    wait_settled(target)
    explained = target.run("explain", "p1", "--definition", "complete")
    assert "✓ segment complete" in explained.out, explained.err
    assert "holds for" in explained.out
    assert first.stop() == 0

    found = {key for key, row in target.table("segments").items() if row["member"]}
    wanted, worths = replayed()
    assert found == wanted
    scores = {key: row["value"] for key, row in target.table("scores").items() if row["value"]}
    assert scores == worths
    assert any(key.endswith("/team") for key in worths)
    assert {each.partition("/")[2] for each in wanted} == IDS
    sent = [row["id"] for row in target.rows("commands")]
    assert sent
    assert len(sent) == len(set(sent))
    assert target.read("dead-letters") == []
    told = [each for each in target.read("events") if relays.read(each.value()) is not None]
    assert {each.partition() for each in told} == {0, 1, 2, 3}
