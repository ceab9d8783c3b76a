"""What asking for a trigger promises: one event for each person, or nothing at all."""

import pytest

from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.operations.requesting import send_requests
from schemas import codec, events
from tests.builders import T0, Person, reasons, trigger
from tests.embedded import Broker


def test_each_person_gets_one_event_that_fires_the_trigger(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        people = ["ada", "bob", "ada"]
        assert send_requests(writer, topic, "t", profile_ids=people, now_ms=T0) == 2
    records = broker.records(topic)
    assert {record.key() for record in records} == {b"ada", b"bob"}
    for record in records:
        event = codec.decode_event(record.value())
        assert record.key() == events.profile_id(event).encode()
        assert events.time_ms(event) == T0
        person = Person(trigger({"manual": True}), id=events.profile_id(event))
        data = {"messageId": event.message_id, "type": "track", "event": event.event}
        data |= {"userId": event.user_id, "timestamp": events.iso(T0)}
        assert reasons(person.hears(data | {"properties": events.properties(event)})) == [
            ("t", "fired")
        ]


def test_the_same_again_at_the_same_instant_is_a_repeat(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        for now_ms in (T0, T0, T0 + 1):
            send_requests(writer, topic, "t", profile_ids=["ada"], now_ms=now_ms)
    ids = [codec.decode_event(record.value()).message_id for record in broker.records(topic)]
    assert (len(ids), len(set(ids))) == (3, 2)


def test_ids_that_are_none_are_named_and_nothing_is_sent(broker: Broker) -> None:
    topic = broker.topic("events")
    people = ["ada", "", "x" * 257, "tab\tbed"]
    with Writer(broker.cluster) as writer, pytest.raises(OperationFailed) as failure:
        send_requests(writer, topic, "t", profile_ids=people, now_ms=T0)
    said = str(failure.value).splitlines()
    assert [line.split(" is no profile id")[0] for line in said[:-1]] == [
        repr(each) for each in people[1:]
    ]
    assert said[-1] == "nothing was sent"
    assert broker.records(topic) == []


class Deaf(Writer):
    """A writer whose records never arrive."""

    def finish(self) -> int:
        return 1


def test_requests_that_kafka_does_not_take_are_told(broker: Broker) -> None:
    topic = broker.topic("events")
    with Deaf(broker.cluster) as writer, pytest.raises(OperationFailed, match="did not take all"):
        send_requests(writer, topic, "t", profile_ids=["ada"], now_ms=T0)
