"""How far an app commits, and that it notices a group in trouble; the rest is in integration."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from hypothesis import given
from hypothesis import strategies as st

from processors.agents import apps, hosting
from processors.agents.hosting import Consumer, ConsumerThread

PART = TP("commands", 0)


def make(committed: int | None = None) -> Consumer:
    """A consumer without its thread: only what it remembers of records."""
    consumer = Consumer.__new__(Consumer)
    topics = SimpleNamespace(acks_enabled_for=lambda _: True)
    state: dict[str, Any] = {
        "app": SimpleNamespace(topics=topics, consumer_generation_id=1),
        "_open": {},
        "_acked": defaultdict(list),
        "_acked_index": defaultdict(set),
        "_committed_offset": defaultdict(lambda: None, {PART: committed}),
        "_unacked_messages": set(),
        "_n_acked": 0,
        "_waiting_for_ack": None,
    }
    vars(consumer).update(state)
    return consumer


def came(consumer: Consumer, offset: int, *, is_seen: bool = True) -> ConsumerMessage:
    """A record that was fetched, and handed to an agent unless it is said otherwise."""
    record = SimpleNamespace(
        topic="commands",
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        headers=(),
        key=b"",
        value=b"",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
    )
    message = consumer._to_message(PART, record)
    message.tracked = is_seen
    return message


def committable(consumer: Consumer) -> int | None:
    return consumer._filter_committable_offsets([PART]).get(PART)


def test_commit_stops_at_the_first_record_that_is_not_finished() -> None:
    consumer = make()
    messages = [came(consumer, offset) for offset in range(5)]

    for one in (1, 2, 4):
        consumer.ack(messages[one])
    assert committable(consumer) == 0
    consumer.ack(messages[0])
    assert committable(consumer) == 3
    consumer.ack(messages[3])
    assert committable(consumer) == 5


def test_nothing_finished_is_nothing_to_commit() -> None:
    consumer = make()
    came(consumer, 7)

    assert committable(consumer) is None


@pytest.mark.parametrize("offsets", [(0, 2, 3), (1, 9), (10, 11, 15), (1_000_000,)])
def test_gaps_between_records_do_not_hold_it_up(offsets: tuple[int, ...]) -> None:
    consumer = make(committed=0)

    for one in [came(consumer, offset) for offset in offsets]:
        consumer.ack(one)

    assert committable(consumer) == offsets[-1] + 1


def test_record_that_no_agent_saw_is_not_finished_by_an_ack() -> None:
    consumer = make()
    consumer.ack(came(consumer, 0))
    consumer.ack(came(consumer, 1, is_seen=False))

    assert committable(consumer) == 1


def test_record_below_what_is_committed_does_not_hold_it_up() -> None:
    consumer = make(committed=5)
    came(consumer, 3)
    consumer.ack(came(consumer, 5))

    assert committable(consumer) == 6


@given(st.permutations(range(12)), st.sets(st.integers(0, 11)), st.integers(0, 12))
def test_any_order_of_finishing_commits_what_is_finished_without_a_hole(
    order: list[int], missing: set[int], until: int
) -> None:
    consumer = make()
    messages = {offset: came(consumer, offset) for offset in range(12) if offset not in missing}
    finished: set[int] = set()
    highest = 0

    for offset in [one for one in order if one in messages][:until]:
        consumer.ack(messages[offset])
        finished.add(offset)
        found = committable(consumer)
        if found is not None:
            consumer._committed_offset[PART] = highest = found
        assert not set(range(highest)) & set(messages) - finished

    left = set(messages) - finished
    if finished and (not left or min(left) > min(finished)):
        assert highest == min(left, default=max(finished) + 1)


class Coordinator:
    """The client's side of a consumer group, with errors that wait to be asked for."""

    def __init__(self, errors: int, *, is_dead: bool = False) -> None:
        self._errors = errors
        self._coordination_task = SimpleNamespace(done=lambda: is_dead)

    def check_errors(self) -> None:
        if self._errors:
            self._errors -= 1
            raise ConnectionError


def crashes(coordinator: Coordinator, monkeypatch: pytest.MonkeyPatch) -> int:
    """Returns how often the app was crashed by what its group says."""
    monkeypatch.setattr(hosting, "WATCH_S", 0)
    found: list[BaseException] = []

    async def crash(error: BaseException) -> None:
        found.append(error)

    async def run() -> None:
        thread = ConsumerThread.__new__(ConsumerThread)
        app = SimpleNamespace(crash=crash, loop=asyncio.get_running_loop())
        consumer = SimpleNamespace(_coordinator=coordinator)
        vars(thread).update(app=app, _consumer=consumer)
        watcher = asyncio.create_task(thread._watch())
        for _ in range(100):
            await asyncio.sleep(0)
        watcher.cancel()

    asyncio.run(run())
    return len(found)


def test_error_of_the_group_is_asked_for_so_that_it_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coordinator = Coordinator(errors=3)

    assert crashes(coordinator, monkeypatch) == 0
    assert coordinator._errors == 0


def test_group_that_stays_in_trouble_ends_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    assert crashes(Coordinator(errors=1_000), monkeypatch) == 1


def test_group_that_is_given_up_by_the_client_ends_the_app_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coordinator = Coordinator(errors=1_000, is_dead=True)

    assert crashes(coordinator, monkeypatch) == 1
    assert coordinator._errors == 999


def test_batch_outlives_what_empties_all_other_channels() -> None:
    app = apps.build(apps.Options(bootstrap="nobody:1", group="test"))

    async def hand_over() -> tuple[Any, Any]:
        batches: Any = app.batches().clone(is_iterator=True)
        other: Any = app.channel().clone()
        app.flow_control.resume()
        await other.put("lost")
        app.flow_control.suspend()
        app.flow_control.clear()
        await asyncio.wait_for(batches.put("kept"), 10)
        app.flow_control.clear()
        return await batches.queue.get(), other.queue.qsize()

    assert asyncio.run(hand_over()) == ("kept", 0)
