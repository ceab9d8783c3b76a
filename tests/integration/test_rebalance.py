"""Workers come and go while events flow: nothing is lost, nothing is done twice.

The log has windows, timers, triggers and told events, repeats and late ones; what the workers wrote
must be what a fold of the log in memory gives.
"""

import itertools
import logging
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.runtime.clients import SESSION_MS
from processors.runtime.tables import PROGRESS_KEY
from tests.builders import (
    DAY,
    T0,
    Document,
    Json,
    emit,
    holding,
    keyed,
    on,
    score,
    segment,
    tag,
    track,
    trigger,
)
from tests.integration.workers import Place, Worker, place, until

PEOPLE = 2_000
EVENTS = 20_000
PORTION = 50
STEP_MS = 40_000
"""Between two events of the log: all of them are nine days."""
END = T0 + EVENTS * STEP_MS + 3 * DAY

THANKS = {"webhook": {"url": "https://shop.example/thanks", "body": {"by": "us"}}}
DEFINITIONS: list[Document] = [
    segment({"event": "view", "at_least": 3, "within": "1d"}, id="keen"),
    segment({"all": [{"event": "buy"}, {"not": {"event": "view", "within": "12h"}}]}, id="gone"),
    segment({"score": "heat", "at_least": 30}, id="hot"),
    score(
        on("view", 5, within="2d"),
        on("buy", 20, max_occurrences=2),
        on("thanked", 1),
        holding({"segment": "keen"}, 7),
        id="heat",
        limit=60,
    ),
    trigger({"segment": "keen", "change": "entered"}, id="hello"),
    trigger({"segment": "gone", "change": "entered"}, tag("gone"), id="left"),
    trigger({"score": "heat", "crosses": 30, "direction": "either"}, id="crossing"),
    trigger("buy", emit("thanked"), id="thank", limit={"times": 2, "within": "3d"}),
    trigger("thanked", THANKS, id="hook"),
]


def log() -> Iterator[Json]:
    """Yields the events: one in twenty is late by up to two days, one in thirty comes twice."""
    chance = random.Random(20260101)
    for number in range(EVENTS):
        at = T0 + number * STEP_MS
        if chance.random() < 0.05:
            at -= chance.randrange(2 * DAY)
        person = f"p{int(PEOPLE * chance.random() ** 2)}"
        name = "buy" if chance.random() < 0.2 else "view"
        found = track(name, at, id=f"m{number}", person=person)
        yield found
        if chance.random() < 0.03:
            yield found


logger = logging.getLogger(__name__)


class Feed(threading.Thread):
    """Lets the log flow at a moderate pace, until it is told to hurry."""

    def __init__(self, target: Place) -> None:
        super().__init__(daemon=True)
        self._target = target
        self._hurry = threading.Event()

    def run(self) -> None:
        events = list(log())
        for at in range(0, len(events), PORTION):
            self._target.produce(map(keyed, events[at : at + PORTION]))
            self._hurry.wait(0.1)

    def finish(self) -> None:
        self._hurry.set()
        self.join()


@pytest.fixture
def target(kafka: str, topics_prefix: str, tmp_path: Path) -> Iterator[Place]:
    with place(kafka, topics_prefix, tmp_path, clock="stream") as found:
        found.publish(*DEFINITIONS)
        yield found


def decides_more(worker: Worker, than: float = 0) -> bool:
    return worker.metric("beckon_events_total") > than


def stalls(target: Place) -> list[float]:
    """Returns the longest pause between two commits by partition, in s."""
    times: dict[int, list[int]] = {}
    for each in target.read("profiles"):
        if each.key() == PROGRESS_KEY:
            times.setdefault(each.partition() or 0, []).append(each.timestamp()[1])
    return [
        max(after - before for before, after in itertools.pairwise(one)) / 1000
        for _, one in sorted(times.items())
    ]


@pytest.mark.slow
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_nothing_is_lost_or_doubled_from_one_worker_to_two_and_back(
    target: Place, end: str
) -> None:
    first = target.worker("a").wait_ready(4)
    feed = Feed(target)
    feed.start()
    until(lambda: decides_more(first), "the first worker decides")
    second = target.worker("b").wait_ready(2)
    until(lambda: first.is_ready(2) and decides_more(second), "both decide")
    assert feed.is_alive(), "the log ended before the workers changed"
    if end == "killed":
        second.kill()
    else:
        assert second.stop() == 0
    until(lambda: first.is_ready(4), "the first has all partitions again")
    assert feed.is_alive(), "the log ended too soon: a pause would be that of its end"
    feed.finish()
    target.wait_decided()
    target.tick(END)
    target.wait_decided()
    assert first.stop() == 0
    kept, moved = (sorted(stalls(target))[at] for at in (1, -1))
    logger.info("longest pause, s: %.1f of partitions that stayed, %.1f of moved", kept, moved)
    assert kept < SESSION_MS / 1000, "partitions that stayed waited for who was killed"
    assert moved < 30

    wanted = target.folded(*DEFINITIONS, until_ms=END)
    found = target.written()
    for name, rows in wanted.items():
        assert found[name] == rows, name
    ids = Counter(row["id"] for row in target.rows("commands"))
    assert len(ids) > 2_000
    assert max(ids.values()) == 1
    assert target.read("dead-letters") == []
    assert sum(len(each) for each in found["segment-changes"].values()) > 1_000
