"""Reading a partition again, up to where the stream is and no further."""

import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import KafkaError

from processors.decisions import backfills
from processors.runtime import rereading
from processors.runtime.backfills import Backfilling
from processors.runtime.batches import Policy
from processors.runtime.errors import RuntimeFailure
from processors.runtime.rereading import Place, Rereader
from processors.runtime.tables import Crash, Span
from processors.state.profiles import Profile
from tests.builders import T0, compiled, keyed, segment, track
from tests.embedded import Broker
from tests.faults import Request

LIMIT_S = 60.0
EMITTED: dict[str, str | bytes | None] = {"beckon-emitted": b"1"}


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end_s


@pytest.fixture
def reader(broker: Broker) -> Iterator[Rereader]:
    """Reads five events of five people, and one more that was told."""
    topic = broker.topic("events")
    people = [keyed(track("a", T0 + at, id=f"m{at}", person=f"p{at}")) for at in range(5)]
    broker.produce(topic, *people, partition=0)
    broker.produce(topic, keyed(track("a", T0, person="told")), partition=0, headers=EMITTED)
    after = compiled(segment({"event": "a"}))
    backfill = backfills.backfill(after, backfills.lacking(compiled(), after))
    filling = Backfilling(backfill, Policy(clock="stream"), crash=Crash())
    place = Place(topic=topic, partition=0, group=rereading.group("tests"))
    found = Rereader(broker.cluster, place, filling, note=after.id)
    yield found
    found.close()


def counted(reader: Rereader) -> set[str]:
    found = set()
    for name in [f"p{at}" for at in range(5)] + ["told"]:
        profile = Profile(id=name)
        reader.filling.fill(profile)
        if profile.counts:
            found.add(name)
    return found


def test_no_record_from_an_offset_on_is_counted(reader: Rereader) -> None:
    until(lambda: reader.read(3, 100, 0.1))
    assert counted(reader) == {"p0", "p1", "p2"}
    assert reader.position == 3


def test_no_more_than_so_many_are_counted_at_a_time(reader: Rereader) -> None:
    until(lambda: reader.position > 0 or reader.read(5, 2, 0.1))
    assert reader.position <= 2
    assert not reader.read(5, 2, 0.0)
    until(lambda: reader.read(5, 2, 0.0))
    assert reader.position == 5


def test_the_end_is_an_offset_too(reader: Rereader) -> None:
    until(lambda: reader.read(6, 100, 0.1))
    assert reader.position == 6
    assert reader.note == reader.filling.backfill.own.id.partition("/")[0]


def test_at_the_end_what_was_told_since_counts_and_nothing_else(reader: Rereader) -> None:
    until(lambda: reader.read(4, 100, 0.1))
    assert reader.finish(4) == Span(reader.filling.backfill.keys, 4, 6)
    assert counted(reader) == {"p0", "p1", "p2", "p3", "told"}


def test_it_does_not_end_where_too_much_lies_ahead(
    reader: Rereader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "MAX_AHEAD", 1)
    until(lambda: reader.read(2, 1, 0.1))
    assert reader.finish(2, end=99) is None
    assert "told" not in counted(reader)


def test_it_does_not_end_where_the_end_is_not_known(
    reader: Rereader, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "CALL_S", 0.5)
    monkeypatch.setattr(rereading, "AGAIN_S", 0.0)
    until(lambda: reader.read(6, 100, 0.1))
    broker.mock.fail(Request.LIST_OFFSETS, *[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 2)
    assert reader.finish(6) is None
    broker.mock.heal()
    until(lambda: reader.finish(6) is not None)


def test_that_nobody_is_told_how_far_it_is_stops_nothing(reader: Rereader, broker: Broker) -> None:
    broker.mock.fail(Request.OFFSET_COMMIT, *[KafkaError.GROUP_AUTHORIZATION_FAILED] * 9)
    until(lambda: reader.read(6, 100, 0.1))
    assert reader.position == 6


def test_a_partition_that_can_not_be_read_ends_the_worker(reader: Rereader, broker: Broker) -> None:
    broker.mock.fail(Request.FETCH, *[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 9)
    with pytest.raises(RuntimeFailure, match="read back"):
        until(lambda: reader.read(999, 100, 0.1))
