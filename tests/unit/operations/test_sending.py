"""Asking something for many people: how far it is, and what Kafka does not take."""

import pytest

from processors.operations import listing, requesting, sending
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.operations.sending import Request
from tests.builders import T0
from tests.embedded import Broker

REQUESTS = [requesting.request("t"), listing.request("calls", "added")]


@pytest.mark.parametrize("request_", REQUESTS)
def test_progress_tells_how_many_were_asked_for(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, request_: Request
) -> None:
    monkeypatch.setattr(sending, "STEP", 2)
    topic, told = broker.topic("events"), list[int]()
    with Writer(broker.cluster) as writer:
        people = ("ada", "bob", "cid")
        sending.send(writer, topic, request_, profile_ids=people, now_ms=T0, progress=told.append)
    assert told == [2, 3]


class Deaf(Writer):
    """A writer whose records never arrive."""

    def finish(self) -> int:
        return 1


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_kafka_does_not_take_is_told(broker: Broker, request_: Request) -> None:
    topic = broker.topic("events")
    with Deaf(broker.cluster) as writer, pytest.raises(OperationFailed, match="did not take all"):
        sending.send(writer, topic, request_, profile_ids=["ada"], now_ms=T0)
