"""What workers keep of people: the latest of each, partition by partition."""

from contextlib import closing

import pytest

from processors.operations import changelogs
from processors.operations.errors import OperationFailed
from processors.runtime import clients
from processors.runtime.tables import PROGRESS_KEY, WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import NEVER, Profile
from tests.embedded import Broker


def stored(*tags: str) -> bytes:
    return NEVER.to_bytes(WAKE_BYTES, "big") + profiles.encode(Profile(tags=list(tags)))


def people(broker: Broker, told: list[int] | None = None) -> list[dict[str, list[str]]]:
    """Returns the tags of those who have any."""
    with closing(clients.reader(broker.cluster, "test")) as reader:
        found = changelogs.people(
            reader,
            broker.topic("profiles"),
            person=bytes.decode,
            keep=lambda profile: profile.tags or None,
            progress=(told if told is not None else []).append,
        )
        return [each for each in found if each]


def test_the_latest_of_each_is_kept_partition_by_partition(broker: Broker) -> None:
    topic, told = broker.topic("profiles"), list[int]()
    first = [(b"ada", stored("a")), (b"bob", stored("b")), (b"ada", stored("c"))]
    broker.produce(topic, *first, (PROGRESS_KEY, b"any"), partition=0)
    broker.produce(topic, (b"cid", stored("d")), partition=1)
    assert people(broker, told) == [{"ada": ["c"], "bob": ["b"]}, {"cid": ["d"]}]
    assert told[-1] == 5


def test_who_is_gone_or_has_nothing_to_keep_is_left_out(broker: Broker) -> None:
    topic = broker.topic("profiles")
    records = [(b"ada", stored("a")), (b"ada", None), (b"bob", stored("b")), (b"bob", stored())]
    broker.produce(topic, *records, partition=0)
    assert people(broker) == []


def test_what_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    broker.produce(broker.topic("profiles"), (b"ada", b"\x00" * 20), partition=1)
    with pytest.raises(OperationFailed, match=r"^profiles, 1:0: "):
        people(broker)
