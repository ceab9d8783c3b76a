"""A member of a group: reads what is there, commits what it is told, gives up in order."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pytest
from confluent_kafka import KafkaError

from processors.runtime import feeds
from processors.runtime.clients import Cluster
from processors.runtime.errors import RuntimeFailure, TopicMissing
from processors.runtime.feeds import Feed, Hooks
from tests.embedded import Broker
from tests.faults import Request

LIMIT_S = 30.0


class Member:
    """A feed with what it was told."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self.came: list[int] = []
        self.left: list[int] = []
        self.ends: dict[int, int] = {}
        self.offsets: dict[int, int] = {}
        options = feeds.Options(cluster=broker.cluster, group=f"{broker.prefix}sender", topic=topic)
        self.feed = Feed(options, Hooks(came=self.came.extend, left=self._leave))
        self.feed.open()

    def _leave(self, partitions: Sequence[int]) -> Mapping[int, int]:
        self.left += partitions
        return {one: self.offsets[one] for one in partitions if one in self.offsets}

    def poll(self) -> list[bytes]:
        found = self.feed.poll(10, 0.05)
        self.ends.update(found.ends)
        self.offsets.update((each.partition(), each.offset() + 1) for each in found.records)
        return [each.value() or b"" for each in found.records]

    def read(self, count: int) -> list[bytes]:
        found: list[bytes] = []
        until_s = time.monotonic() + LIMIT_S
        while len(found) < count:
            assert time.monotonic() < until_s
            found += self.poll()
        return found

    def wait(self, *, owned: int) -> None:
        until_s = time.monotonic() + LIMIT_S
        while len(self.came) - len(self.left) != owned:
            assert time.monotonic() < until_s
            self.poll()


@pytest.fixture
def topic(broker: Broker) -> str:
    return broker.topic("commands.email")


@pytest.fixture
def member(broker: Broker, topic: str) -> Iterator[Member]:
    found = Member(broker, topic)
    with closing(found.feed):
        yield found


def test_what_was_not_committed_comes_again(broker: Broker, topic: str, member: Member) -> None:
    broker.produce(topic, *((b"ann", str(one).encode()) for one in range(4)))
    assert member.read(4) == [b"0", b"1", b"2", b"3"]
    [(partition, offset)] = member.offsets.items()
    member.offsets.clear()
    member.feed.commit({partition: offset - 2}, waits=True)
    member.feed.close()
    assert sorted(member.left) == [0, 1, 2, 3]
    again = Member(broker, topic)
    with closing(again.feed):
        assert again.read(2) == [b"2", b"3"]


def test_partitions_that_leave_are_committed_by_what_was_finished(
    broker: Broker, topic: str, member: Member, caplog: pytest.LogCaptureFixture
) -> None:
    broker.produce(topic, *((str(one).encode(), str(one).encode()) for one in range(20)))
    member.read(20)
    other = Member(broker, topic)
    with closing(other.feed):
        goes_on = threading.Event()

        def poll() -> None:
            while not goes_on.is_set():
                member.poll()

        thread = threading.Thread(target=poll)
        thread.start()
        try:
            other.wait(owned=2)
        finally:
            goes_on.set()
            thread.join()
        broker.produce(topic, *((str(one).encode(), b"new") for one in range(20)))
        found: list[bytes] = []
        until_s = time.monotonic() + LIMIT_S
        while found.count(b"new") < 20:
            assert time.monotonic() < until_s
            found += member.poll() + other.poll()
    # the embedded broker may refuse offsets while others join, where a real one takes them
    was_refused = "REBALANCE_IN_PROGRESS" in "".join(map(repr, map(vars, caplog.records)))
    assert was_refused or len(found) == 20, "nothing that was finished came again"
    assert len(member.left) == 2


def test_end_of_each_partition_is_told(broker: Broker, topic: str, member: Member) -> None:
    broker.produce(topic, (b"ann", b"1"), (b"ann", b"2"))
    member.read(2)
    until_s = time.monotonic() + LIMIT_S
    while sorted(member.ends.values()) != [0, 0, 0, 2]:
        assert time.monotonic() < until_s
        member.poll()


def test_held_partitions_give_nothing_until_they_go_on(
    broker: Broker, topic: str, member: Member
) -> None:
    broker.produce(topic, (b"ann", b"1"))
    member.read(1)
    member.feed.hold()
    broker.produce(topic, (b"ann", b"2"))
    assert [member.poll() for _ in range(10)] == [[]] * 10
    member.feed.go_on()
    assert member.read(1) == [b"2"]


def test_partition_that_was_not_read_yet_is_not_held(
    broker: Broker, topic: str, member: Member
) -> None:
    while not member.came:
        member.feed.poll(1, 0.05)
    member.feed.hold()
    broker.produce(topic, (b"ann", b"1"))
    unread = [one for one in member.came if one not in member.ends]
    assert unread, "an end is told after its partition came"
    assert member.read(1) == [b"1"]


def test_partitions_are_counted_for_all_members(broker: Broker, topic: str, member: Member) -> None:
    assert member.feed.count() == 4
    member.wait(owned=4)
    assert member.feed.count() == 4


def test_while_no_broker_answers_partitions_are_not_counted(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "ANSWER_S", 0.2)
    monkeypatch.setattr(Broker, "cluster", Cluster(bootstrap="127.0.0.1:1"))
    member = Member(broker, "commands.email")
    with closing(member.feed):
        assert member.feed.count() is None


def test_offsets_that_can_not_be_committed_end_nothing(
    broker: Broker, topic: str, member: Member
) -> None:
    broker.produce(topic, (b"ann", b"1"))
    member.read(1)
    broker.mock.fail(Request.OFFSET_COMMIT, KafkaError.GROUP_AUTHORIZATION_FAILED)
    member.feed.commit({0: 1}, waits=True)
    member.feed.commit({})
    broker.produce(topic, (b"ann", b"2"))
    assert member.read(1) == [b"2"]


def test_topic_that_may_not_be_read_ends_the_process(
    broker: Broker, topic: str, member: Member
) -> None:
    broker.produce(topic, (b"ann", b"1"))
    member.read(1)
    refusals = [KafkaError.TOPIC_AUTHORIZATION_FAILED] * 5  # an answer may be too old to count
    broker.mock.fail(Request.FETCH, *refusals)
    broker.produce(topic, (b"ann", b"2"))
    with pytest.raises(RuntimeFailure, match=r"commands\.email can not be read"):
        member.read(2)


def test_topic_that_is_missing_ends_the_process(broker: Broker) -> None:
    member = Member(broker, "nowhere.commands.email")
    with closing(member.feed), pytest.raises(TopicMissing, match="beckon topics create"):
        member.read(1)
