"""What changing a list promises: one event for each person, that workers do it by, or none."""

import pytest

from processors.definitions import sets
from processors.operations import publishing, sending
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.listing import Change, check, doubt, request
from processors.operations.producing import Writer
from processors.operations.standings import Standing
from schemas import codec, events
from tests.builders import T0, Document, Person, segment, static_list
from tests.embedded import Broker


def send(broker: Broker, change: Change, *people: str, now_ms: int = T0) -> int:
    with Writer(broker.cluster) as writer:
        topic, asked = broker.topic("events"), request("calls", change)
        return sending.send(writer, topic, asked, profile_ids=people, now_ms=now_ms)


def test_each_person_gets_one_event_by_which_they_are_on_the_list(broker: Broker) -> None:
    assert send(broker, "added", "ada", "bob") == 2
    records = broker.records(broker.topic("events"))
    assert {record.key() for record in records} == {b"ada", b"bob"}
    for record in records:
        event = codec.decode_event(record.value())
        assert record.key() == events.profile_id(event).encode()
        person = Person(static_list("calls"), id=events.profile_id(event))
        data = {"messageId": event.message_id, "type": event.type, "event": event.event}
        data |= {"userId": event.user_id, "timestamp": events.iso(events.time_ms(event))}
        person.hears(data | {"properties": events.properties(event)})
        assert person.profile.listed == {"calls": T0}


def test_only_the_same_again_at_the_same_instant_is_a_repeat(broker: Broker) -> None:
    for change, now_ms in (("added", T0), ("added", T0), ("removed", T0), ("added", T0 + 1)):
        send(broker, "added" if change == "added" else "removed", "ada", now_ms=now_ms)
    found = broker.records(broker.topic("events"))
    ids = [codec.decode_event(record.value()).message_id for record in found]
    assert (len(ids), len(set(ids))) == (4, 3)


def archive(broker: Broker, *documents: Document) -> Archive:
    broker.topic("definitions")
    found = sets.from_documents(documents)
    publishing.publish(broker.cluster, broker.prefix, found, now_ms=T0)
    return publishing.published(broker.cluster, broker.prefix)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("call", "no list call is published; did you mean calls?"),
        ("vips", "no list vips is published; the lists are beta, calls"),
    ],
)
def test_only_lists_that_are_published_can_be_changed(
    broker: Broker, asked: str, said: str
) -> None:
    documents = (static_list("calls"), static_list("beta"), segment({"tag": "a"}, "vips"))
    published = archive(broker, *documents)
    check(published, "calls")
    with pytest.raises(OperationFailed) as failure:
        check(published, asked)
    assert str(failure.value) == said


def test_where_there_is_no_list_or_there_are_many_that_is_told(broker: Broker) -> None:
    with pytest.raises(OperationFailed, match="published; there is none"):
        check(archive(broker), "calls")
    many = archive(broker, *(static_list(f"l{number}") for number in range(11)))
    with pytest.raises(OperationFailed, match=r"lists are l0, l1, l10, .*, l8, …$"):
        check(many, "calls")


def test_partitions_that_may_not_know_the_list_yet_are_told() -> None:
    new, old = (Standing(partition=0, active=each, offset=9) for each in ("new", "old"))
    assert doubt([], "new") is None
    assert doubt([new, new], "new") is None
    assert str(doubt([new, old], "new")).startswith("note: 1 of 2 partitions decide by definitions")
