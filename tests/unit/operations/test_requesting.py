"""What asking for a trigger promises: one that waits for it, one event for each person, or none."""

import pytest

from processors.definitions import sets
from processors.operations import publishing, sending
from processors.operations.archives import Archive
from processors.operations.errors import OperationFailed
from processors.operations.producing import Writer
from processors.operations.requesting import check, request, steer
from schemas import codec, events
from schemas.records import RunRecord, What
from tests.builders import HELLO, T0, Document, Person, journey, reasons, segment, trigger
from tests.embedded import Broker


def test_each_person_gets_one_event_that_fires_the_trigger(broker: Broker) -> None:
    topic = broker.topic("events")
    with Writer(broker.cluster) as writer:
        people = ["ada", "bob"]
        assert sending.send(writer, topic, request("t"), profile_ids=people, now_ms=T0) == 2
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
            sending.send(writer, topic, request("t"), profile_ids=["ada"], now_ms=now_ms)
    ids = [codec.decode_event(record.value()).message_id for record in broker.records(topic)]
    assert (len(ids), len(set(ids))) == (3, 2)


def archive(broker: Broker, *documents: Document) -> Archive:
    broker.topic("definitions")
    found = sets.from_documents(documents)
    publishing.publish(broker.cluster, broker.prefix, found, now_ms=T0)
    return publishing.published(broker.cluster, broker.prefix)


def by_hand(id: str) -> Document:
    return trigger({"manual": True}, id=id)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("greeet", "no trigger or journey greeet is published; did you mean greet?"),
        ("vip", "no trigger or journey vip is published; those to be fired are call, greet"),
        ("hello", "trigger hello is not on: {manual: true}; those to be fired are call, greet"),
        ("great", "trigger great is not on: {manual: true}; did you mean greet?"),
    ],
)
def test_only_what_is_published_and_waits_for_it_can_be_fired(
    broker: Broker, asked: str, said: str
) -> None:
    others = (
        trigger("view", id="hello"),
        trigger("view", id="great"),
        segment({"tag": "a"}, "vip"),
    )
    published = archive(broker, by_hand("greet"), by_hand("call"), *others)
    assert check(published, "greet") == "trigger"
    with pytest.raises(OperationFailed) as failure:
        check(published, asked)
    assert str(failure.value) == said


def test_where_nothing_can_be_fired_that_is_told(broker: Broker) -> None:
    with pytest.raises(OperationFailed, match="published; there is none to be fired"):
        check(archive(broker), "greet")


def test_of_many_that_can_be_fired_some_are_named(broker: Broker) -> None:
    published = archive(broker, *(by_hand(f"t{number}") for number in range(11)))
    with pytest.raises(OperationFailed, match=r"fired are t0, t1, t10, .*, t8, …$"):
        check(published, "hello")


def test_journey_that_people_are_let_into_by_hand_can_be_asked_for(broker: Broker) -> None:
    published = archive(
        broker, journey({"manual": True}, HELLO), journey("a", HELLO, id="heard"), by_hand("call")
    )
    assert check(published, "j") == "journey"
    said = r"journey heard is not entry: {manual: true}; those to be fired are call, j$"
    with pytest.raises(OperationFailed, match=said):
        check(published, "heard")


def told(what: What) -> RunRecord:
    """Returns a record of the run `r` of the journey `j`."""
    return RunRecord(
        run_id="r",
        profile_id="ada",
        journey_id="j",
        version="1",
        step="",
        what=what,
        choice=None,
        until=None,
        visit=0,
        at=T0,
        cause="m",
        late=False,
    )


def test_one_run_is_asked_to_end_or_to_go_on_at_a_step(broker: Broker) -> None:
    published = archive(broker, journey("a", HELLO))
    ended = steer(published, [told("entered")], "r", None)
    assert (ended.event, ended.properties) == (events.RUN_REQUESTED, {"run": "r"})
    moved = steer(published, [told("entered")], "r", "hello")
    assert moved.properties == {"run": "r", "step": "hello"}
    assert ended.of("ada", T0) != moved.of("ada", T0)


@pytest.mark.parametrize(
    ("happened", "run", "step", "said"),
    [
        (["entered"], "q", None, "no run q of this person is on journey-runs"),
        (["entered", "exited"], "r", None, "run r of journey j is over"),
        (["entered", "completed"], "r", "hello", "run r of journey j is over"),
        (["entered"], "r", "helo", "journey j has no step helo; did you mean hello?"),
        (["entered"], "r", "x", "journey j has no step x; they are hello"),
    ],
)
def test_only_a_run_that_goes_on_is_asked_and_only_for_steps_that_there_are(
    broker: Broker, happened: list[What], run: str, step: str | None, said: str
) -> None:
    published = archive(broker, journey("a", HELLO))
    with pytest.raises(OperationFailed) as failure:
        steer(published, map(told, happened), run, step)
    assert str(failure.value) == said


def test_run_of_a_journey_that_is_not_published_is_not_moved(broker: Broker) -> None:
    with pytest.raises(OperationFailed, match="no journey j is published"):
        steer(archive(broker, by_hand("call")), [told("entered")], "r", "hello")
