"""Other definitions take over once all that they count has been read back."""

import pytest

from processors.metrics import Gauge
from processors.runtime import rereading, takeovers
from processors.runtime.partitions import Owned
from tests.builders import (
    DAY,
    T0,
    Json,
    compiled,
    emit,
    keyed,
    segment,
    track,
    trigger,
)
from tests.embedded import Broker
from tests.unit.runtime.test_streams import Start, Worker, leaving, start, view

__all__ = ["leaving", "start"]

BUYS = segment({"event": "buy"}, id="buyers")
VIEWS = segment({"event": "view", "within": "2d"}, id="viewers")
OFTEN = segment({"event": "view", "at_least": 3, "within": "9d"}, id="often")


def buy(at: int = 0, person: str = "ann") -> tuple[bytes, bytes]:
    return keyed(track("buy", T0 + at, id=f"{person}-buys@{at}", person=person))


def owned(worker: Worker) -> Owned:
    return worker.stream._partitions.owned[0]


def deciding(worker: Worker) -> str:
    """Returns the set by which the first partition is decided."""
    return owned(worker).table.progress.definitions


def members(worker: Worker, segment_id: str) -> set[str]:
    rows: list[Json | None] = [*worker.rows("segments")]
    of_it = [row for row in rows if row is not None and row["segment_id"] == segment_id]
    latest = {row["profile_id"]: row for row in of_it}
    return {one for one, row in latest.items() if row["member"]}


@pytest.fixture(autouse=True)
def bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeovers, "RECORDS", 1)


def reads(worker: Worker, count: int) -> None:
    """Takes turns until so many records have been read back."""

    def has_read() -> bool:
        rereader = owned(worker).rereader
        return rereader is not None and rereader.position >= count

    worker.until(has_read)


def test_what_nobody_counted_is_read_back_before_others_decide(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(buy(), view(1), buy(2, "bob"), view(3, "cat"))
    worker.rest()
    before = deciding(worker)
    worker.stream.activate(compiled(VIEWS, BUYS))
    reads(worker, 2)
    assert deciding(worker) == before
    assert worker.metrics.read(Gauge.BACKFILL_LEFT, "0") == 2
    assert worker.stream.status.progress["reading_back"] == 1
    worker.rest()
    assert deciding(worker) == compiled(VIEWS, BUYS).id
    assert members(worker, "buyers") == {"ann", "bob"}
    assert {move[3] for move in worker.moves() if move[0] == "buyers"} == {"definition"}
    assert worker.stream.status.progress["reading_back"] == 0
    assert owned(worker).table.fill is None


def test_definitions_that_count_nothing_new_take_over_at_once(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(view())
    worker.rest()
    worker.stream.activate(compiled(VIEWS, segment({"event": "view", "within": "1d"}, id="new")))
    worker.turn()
    assert members(worker, "new") == {"ann"}


def test_what_comes_meanwhile_is_decided_by_those_before_and_counted_once(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(view(), view(1))
    worker.rest()
    worker.stream.activate(compiled(VIEWS, OFTEN))
    reads(worker, 1)
    worker.decide(view(2), view(3, "bob"), view(4, "bob"))
    assert ("viewers", "entered", 3, "bob@3") in worker.moves()
    worker.rest()
    assert members(worker, "often") == {"ann"}
    worker.decide(view(5, "bob"))
    assert members(worker, "often") == {"ann", "bob"}
    assert ("often", "entered", 5, "bob@5") in worker.moves()


def test_a_longer_window_is_read_back_too(start: Start) -> None:
    worker = start(segment({"event": "view", "within": "1d"}, id="viewers"))
    worker.decide(view(), view(2 * DAY), view(4 * DAY))
    worker.rest()
    worker.stream.activate(compiled(OFTEN))
    worker.rest()
    assert members(worker, "often") == {"ann"}


def test_yet_others_begin_anew(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(view(), buy(1))
    worker.rest()
    worker.stream.activate(compiled(VIEWS, BUYS))
    reads(worker, 1)
    worker.stream.activate(compiled(VIEWS, BUYS, OFTEN))
    worker.rest()
    assert deciding(worker) == compiled(VIEWS, BUYS, OFTEN).id
    assert members(worker, "buyers") == {"ann"}


def test_a_change_that_asks_for_nothing_more_does_not_begin_anew(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(view(), buy(1), buy(2, "bob"))
    worker.rest()
    worker.stream.activate(compiled(VIEWS, BUYS))
    reads(worker, 2)
    rereader = owned(worker).rereader
    hello = trigger("view", id="hello")
    worker.stream.activate(compiled(VIEWS, BUYS, hello))
    worker.turn()
    assert owned(worker).rereader in (rereader, None)
    worker.rest()
    assert deciding(worker) == compiled(VIEWS, BUYS, hello).id
    assert members(worker, "buyers") == {"ann", "bob"}


def test_what_is_to_end_does_not_wait_for_what_is_read_back(start: Start) -> None:
    hello = trigger("view", id="hello")
    worker = start(VIEWS, hello)
    worker.decide(view(), buy(1), buy(2))
    worker.rest()
    worker.stream.activate(compiled(VIEWS, BUYS))
    reads(worker, 1)
    assert deciding(worker) == compiled(VIEWS).id
    commands = len(worker.rows("commands.email"))
    worker.decide(view(3, "bob"))
    assert len(worker.rows("commands.email")) == commands
    worker.rest()
    assert deciding(worker) == compiled(VIEWS, BUYS).id


def test_what_something_else_still_needs_ends_with_that(start: Start) -> None:
    """The trigger as it was waits for the segment that is to end."""
    before = trigger({"segment": "viewers", "change": "exited"}, id="hello")
    after = trigger({"segment": "buyers", "change": "entered"}, id="hello")
    worker = start(VIEWS, before)
    worker.decide(view(), buy(1), buy(2))
    worker.rest()
    worker.stream.activate(compiled(BUYS, after))
    reads(worker, 1)
    assert deciding(worker) == compiled(VIEWS, before).id
    worker.rest()
    assert deciding(worker) == compiled(BUYS, after).id


def test_what_is_taken_back_in_time_never_decides(start: Start) -> None:
    worker = start(VIEWS)
    worker.decide(view(), buy(1))
    worker.rest()
    worker.stream.activate(compiled(VIEWS, BUYS))
    reads(worker, 1)
    worker.stream.activate(compiled(VIEWS))
    worker.rest()
    assert owned(worker).rereader is None
    assert worker.rows("segments") == [
        {"profile_id": "ann", "segment_id": "viewers", "member": True, "since": T0}
    ]


TELLER = trigger("view", emit("thanked"), id="teller")
THANKED = segment({"event": "thanked"}, id="thanked")


def test_what_was_told_for_events_before_counts_though_it_stands_after_them(start: Start) -> None:
    worker = start(TELLER)
    worker.decide(view())
    worker.stream.activate(compiled(TELLER, THANKED))
    worker.rest()
    assert members(worker, "thanked") == {"ann"}
    worker.decide(view(1, "bob"))
    worker.rest()
    assert members(worker, "thanked") == {"ann", "bob"}


@pytest.mark.usefixtures("leaving")
def test_a_worker_that_dies_meanwhile_goes_on_under_those_before(
    start: Start, broker: Broker
) -> None:
    first = start(VIEWS)
    first.decide(view(), buy(1))
    first.rest()
    first.stream.activate(compiled(VIEWS, BUYS))
    reads(first, 1)
    first.stream.close()
    second = start(VIEWS, BUYS).ready()
    second.until(lambda: second.stream.owns(0))
    assert deciding(second) == compiled(VIEWS).id
    second.feed(view(2, "bob"))
    second.wait(1)
    assert members(second, "viewers") == {"ann", "bob"}
    second.rest()
    assert members(second, "buyers") == {"ann"}


@pytest.mark.usefixtures("leaving")
def test_a_worker_that_dies_before_all_are_evaluated_has_the_rest_read_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"p{number}" for number in range(5)]
    first = start(VIEWS, slice=2)
    first.decide(*(buy(number, one) for number, one in enumerate(people)))
    first.rest()
    first.stream.activate(compiled(VIEWS, BUYS))
    first.until(lambda: 0 < len(owned(first).table.outdated) < len(people))
    first.stream.close()
    second = start(VIEWS, BUYS, slice=2).ready()
    second.feed(view(9, "p0"))
    second.until(lambda: second.stream.owns(0) and owned(second).is_waiting)
    second.rest()
    second.wait(1)
    assert members(second, "buyers") == set(people)
    assert members(second, "viewers") == {"p0"}


def test_so_much_that_is_not_decided_yet_is_not_held(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits until the stream has come closer to the end."""
    monkeypatch.setattr(rereading, "MAX_AHEAD", 2)
    worker = start(TELLER, max_batch=1)
    worker.decide(view())
    worker.feed(*(view(number) for number in range(1, 9)))
    worker.stream.activate(compiled(TELLER, THANKED, BUYS))
    worker.wait(9)
    worker.rest()
    assert deciding(worker) == compiled(TELLER, THANKED, BUYS).id
    assert members(worker, "thanked") == {"ann"}
