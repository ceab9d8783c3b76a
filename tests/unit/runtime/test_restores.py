"""Restoring: a table is what the changelog says, and what was committed must be in it."""

import contextlib
import itertools
import socket
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from processors.runtime import readers, restores
from processors.runtime.clients import Cluster
from processors.runtime.errors import BrokerAway, RuntimeFailure, StateLost
from processors.runtime.restores import Restored, Restorer, Source
from processors.runtime.tables import PROGRESS_KEY, WAKE_BYTES, Progress, Table, encode_progress
from processors.state.profiles import NEVER
from tests.embedded import Broker, Pair
from tests.faults import Mock, Request

PARTITION = 2


def stored(wake: int, text: bytes) -> bytes:
    return wake.to_bytes(WAKE_BYTES, "big") + text


def profile(id: str, wake: int = NEVER, text: bytes = b"profile") -> Pair:
    return id.encode(), stored(wake, text)


def progress(offset: int, *, is_settled: bool = True) -> Pair:
    return PROGRESS_KEY, encode_progress(Progress(offset=offset, is_settled=is_settled))


class Place:
    """The partition of a group on a broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.group = f"{broker.prefix}decide"
        self.source = Source(
            events=broker.topic("events"), changelog=broker.topic("profiles"), partition=PARTITION
        )
        self.restorer = Restorer(broker.cluster, self.group)

    def write(self, *pairs: Pair, partition: int = PARTITION) -> None:
        self.broker.produce(self.source.changelog, *pairs, partition=partition)

    def commit(self, offset: int) -> None:
        """Commits as no transaction does: the embedded broker forgets theirs."""
        settings = {"bootstrap.servers": self.broker.mock.bootstrap, "group.id": self.group}
        with contextlib.closing(Consumer(settings)) as consumer:
            at = TopicPartition(self.source.events, PARTITION, offset)
            consumer.commit(offsets=[at], asynchronous=False)

    def restore(self) -> Restored:
        found = self.restorer.restore(self.source, lambda: True)
        assert found is not None
        return found

    def table(self) -> Table:
        return self.restore().table


@pytest.fixture
def place(broker: Broker) -> Iterator[Place]:
    found = Place(broker)
    yield found
    found.restorer.close()


def test_profiles_and_progress_come_back(place: Place) -> None:
    place.write(profile("ann"), profile("bob", wake=7), progress(2))
    found = place.restore()
    assert set(found.table.profiles) == {"ann", "bob"}
    assert found.table.progress == Progress(offset=2)
    assert (found.table.next_wake(), found.table.pending) == (7, 1)
    assert found.records == 3
    assert found.seconds >= 0


def test_latest_record_of_a_profile_counts_and_a_tombstone_ends_it(place: Place) -> None:
    place.write(profile("ann"), profile("bob"), progress(2))
    place.write(profile("ann", text=b"later"), (b"bob", None), progress(4))
    table = place.table()
    assert table.profiles == {"ann": stored(NEVER, b"later")}
    assert table.progress.offset == 4


def test_other_partitions_are_left_alone(place: Place) -> None:
    place.write(profile("ann"), progress(1))
    place.write(profile("bob"), progress(9), partition=PARTITION + 1)
    table = place.table()
    assert set(table.profiles) == {"ann"}
    assert table.progress.offset == 1


def test_partition_without_a_past_begins_empty(place: Place) -> None:
    found = place.restore()
    assert (found.records, found.table.profiles) == (0, {})
    assert found.table.progress == Progress()


def test_what_was_not_settled_is_outdated_again(place: Place) -> None:
    place.write(profile("ann"), progress(1, is_settled=False))
    assert place.table().outdated == ["ann"]


def test_one_restorer_restores_one_partition_after_the_other(place: Place) -> None:
    place.write(profile("ann"), progress(1))
    assert set(place.table().profiles) == {"ann"}
    place.write(profile("bob"), progress(2))
    assert set(place.table().profiles) == {"ann", "bob"}


@pytest.mark.parametrize("committed", [1, 5])
def test_changelog_may_be_ahead_of_what_the_group_tells(place: Place, committed: int) -> None:
    place.commit(committed)
    place.write(profile("ann"), progress(5))
    assert place.table().progress.offset == 5


def test_changelog_shorter_than_what_was_committed_is_lost_state(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "AGREE_S", 0.3)
    place.commit(7)
    place.write(profile("ann"), progress(6))
    with pytest.raises(StateLost) as told:
        place.restore()
    for words in (f"partition {PARTITION}", place.source.changelog, "event 6", "up to 7"):
        assert words in str(told.value)
    assert "docs/operations.md" in str(told.value)


def test_changelog_that_is_gone_is_lost_state(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "AGREE_S", 0.3)
    place.commit(1)
    with pytest.raises(StateLost):
        place.restore()


def test_transaction_that_shows_late_is_waited_for(place: Place) -> None:
    place.commit(2)
    place.write(profile("ann"), progress(1))
    turns = itertools.count()

    def is_wanted() -> bool:
        if next(turns) == 3:
            place.write(profile("bob"), progress(2))
        return True

    found = place.restorer.restore(place.source, is_wanted)
    assert found is not None
    assert set(found.table.profiles) == {"ann", "bob"}


def test_restore_that_nobody_wants_any_more_ends(place: Place) -> None:
    place.commit(7)
    turns = itertools.count()
    assert place.restorer.restore(place.source, lambda: False) is None
    assert place.restorer.restore(place.source, lambda: next(turns) < 3) is None
    place.write(progress(7))
    assert place.table().progress.offset == 7


@pytest.mark.parametrize("code", [KafkaError.GROUP_AUTHORIZATION_FAILED])
def test_committed_offset_that_can_not_be_had_is_told(place: Place, mock: Mock, code: int) -> None:
    mock.fail(Request.OFFSET_FETCH, code)
    with pytest.raises(BrokerAway, match="no committed offsets"):
        place.restore()
    assert place.table().profiles == {}


def test_changelog_that_may_not_be_read_is_told_and_can_be_tried_again(
    place: Place, mock: Mock
) -> None:
    place.write(profile("ann"), progress(1))
    mock.fail(Request.FETCH, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(RuntimeFailure, match="TOPIC_AUTHORIZATION_FAILED"):
        place.restore()
    assert set(place.table().profiles) == {"ann"}


def test_broker_that_hangs_up_is_asked_again(place: Place, mock: Mock) -> None:
    place.write(profile("ann"), progress(1))
    mock.fail(Request.FETCH, KafkaError._TRANSPORT)
    assert set(place.table().profiles) == {"ann"}


def test_silent_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "CALL_S", 0.1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        cluster = Cluster(bootstrap=f"127.0.0.1:{taken.getsockname()[1]}")
        source = Source(events="events", changelog="profiles", partition=0)
        with pytest.raises(BrokerAway, match="no committed offsets"):
            Restorer(cluster, "group").restore(source, lambda: True)


def test_state_of_a_newer_version_is_refused(place: Place) -> None:
    place.write((PROGRESS_KEY, encode_progress(Progress(format=2))))
    with pytest.raises(StateLost, match="upgrade"):
        place.restore()


def test_close_can_be_repeated(place: Place) -> None:
    place.restore()
    place.restorer.close()
    place.restorer.close()
    place.restore()
