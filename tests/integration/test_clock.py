"""The wall clock of a live worker: timers fire soon after their instant, and never too early."""

import logging
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.clock import WallClock
from tests.builders import HELLO, SECOND, Document, journey, keyed, segment, track, trigger, wait
from tests.integration.workers import Pair, Place, Row, place, until

WITHIN = 3 * SECOND
GRACE = 2 * SECOND
DEFINITIONS: list[Document] = [
    segment({"event": "view", "within": "3s"}, id="here"),
    trigger({"segment": "here", "change": "exited"}, id="bye"),
    journey("asked", wait("look", until={"event": "answered"}, timeout="3s"), HELLO),
]
PEOPLE = [f"p{number}" for number in range(40)]

logger = logging.getLogger(__name__)


@pytest.fixture
def target(kafka: str, topics_prefix: str, tmp_path: Path) -> Iterator[Place]:
    with place(kafka, topics_prefix, tmp_path) as found:
        found.publish(*DEFINITIONS)
        yield found


def view(person: str, at_ms: int) -> Pair:
    return keyed(track("view", at_ms, id=f"{person}@{at_ms}", person=person))


def left(target: Place) -> dict[str, Row]:
    return {
        row["profile_id"]: row
        for row in target.rows("segment-changes")
        if row["change"] == "exited"
    }


def wait_until_left(target: Place, people: list[str]) -> dict[str, Row]:
    until(lambda: len(left(target)) >= len(people), "all have left", pause_s=0.5)
    return left(target)


def test_membership_ends_by_the_clock_alone_within_a_second_and_its_grace(target: Place) -> None:
    target.worker("a").wait_ready(4)
    seen = {}
    for person in PEOPLE:
        seen[person] = WallClock().now_ms()
        target.produce([view(person, seen[person])])
    found = wait_until_left(target, PEOPLE)
    for person, at_ms in seen.items():
        assert (found[person]["at"], found[person]["cause"]) == (at_ms + WITHIN, "clock")
        assert found[person]["late"] is False
    delays = [
        told.timestamp()[1] - seen[(told.key() or b"").decode()] - WITHIN
        for told in target.read("commands.email")
    ]
    logger.info("published after its instant, ms: %s", sorted(delays))
    assert len(delays) == len(PEOPLE)
    assert min(delays) >= GRACE
    assert statistics.median(delays) <= GRACE + SECOND
    occurrences = {row["profile_id"]: row["occurrence"] for row in target.rows("commands.email")}
    assert occurrences == {each: f"clock@{at_ms + WITHIN}" for each, at_ms in seen.items()}


def test_no_timer_fires_into_a_backlog(target: Place) -> None:
    start = WallClock().now_ms() - 60 * SECOND
    target.produce(view(person, start) for person in PEOPLE)
    target.produce(view(person, start + WITHIN - 1) for person in PEOPLE)
    target.worker("a", STREAM__MAX_BATCH="3", STREAM__GRACE_MS="0")
    wait_until_left(target, PEOPLE)
    target.wait_decided()
    rows = [
        (row["profile_id"], row["change"], row["at"] - start, row["late"])
        for row in target.rows("segment-changes")
    ]
    wanted = [(person, "entered", 0, False) for person in PEOPLE]
    wanted += [(person, "exited", 2 * WITHIN - 1, False) for person in PEOPLE]
    assert sorted(rows) == sorted(wanted)


def test_timer_that_was_due_while_nobody_worked_fires_with_its_own_instant(target: Place) -> None:
    worker = target.worker("a").wait_ready(4)
    at_ms = WallClock().now_ms()
    target.produce([view("ann", at_ms)])
    target.wait_decided()
    worker.kill()
    until(lambda: WallClock().now_ms() > at_ms + WITHIN + GRACE, "the timer is past due")
    assert left(target) == {}
    target.worker("a")
    row = wait_until_left(target, ["ann"])["ann"]
    assert (row["at"], row["cause"]) == (at_ms + WITHIN, "clock")


def test_event_that_comes_within_the_grace_is_in_time(target: Place) -> None:
    target.worker("a", STREAM__GRACE_MS="20000").wait_ready(4)
    at_ms = WallClock().now_ms() - WITHIN
    target.produce([view("ann", at_ms)])
    target.wait_decided()
    target.produce([view("ann", at_ms + WITHIN - 1), view("ann", at_ms + 20 * SECOND)])
    target.wait_decided()
    assert [
        (row["change"], row["at"] - at_ms, row["late"]) for row in target.rows("segment-changes")
    ] == [
        ("entered", 0, False),
        ("exited", 2 * WITHIN - 1, False),
        ("entered", 20 * SECOND, False),
    ]


def test_waits_that_end_while_nobody_works_end_in_their_order_behind_what_came_before(
    target: Place,
) -> None:
    worker = target.worker("a").wait_ready(4)
    start = WallClock().now_ms()
    asked = {person: start - 10 * place for place, person in enumerate(PEOPLE)}
    answered = PEOPLE[::2]
    sent = target.produce(
        keyed(track("asked", at_ms, person=person)) for person, at_ms in asked.items()
    )
    homes = {(each.key() or b"").decode(): each.partition() for each in sent}
    target.wait_decided()
    worker.kill()
    until(lambda: WallClock().now_ms() > start + WITHIN + GRACE, "all waits are past due")
    target.produce(
        keyed(track("answered", asked[person] + WITHIN - 1, person=person)) for person in answered
    )
    target.worker("a", STREAM__MAX_BATCH="3", STREAM__GRACE_MS="0")
    until(lambda: len(target.rows("commands.email")) >= len(PEOPLE), "all were written to")
    ends = [row for row in target.rows("journey-runs") if row["what"] == "went"]
    assert sorted((row["profile_id"], row["choice"], row["at"]) for row in ends) == sorted(
        (person, "heard", at_ms + WITHIN - 1)
        if person in answered
        else (person, "timeout", at_ms + WITHIN)
        for person, at_ms in asked.items()
    )
    for partition in set(homes.values()):
        mine = [row for row in ends if homes[row["profile_id"]] == partition]
        choices = [row["choice"] for row in mine]
        assert choices == sorted(choices), "a timer fired into the backlog"
        times = [row["at"] for row in mine if row["choice"] == "timeout"]
        assert times == sorted(times), "not in due order"
    assert len(target.rows("commands.email")) == len(PEOPLE)
