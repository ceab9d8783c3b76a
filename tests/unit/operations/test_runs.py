"""What happened to runs is read partition by partition; of one person only from that one's."""

import pytest

from processors.operations import runs
from processors.operations.errors import OperationFailed
from processors.runtime.errors import TopicMissing
from processors.runtime.partitioners import partition
from schemas import codec
from schemas.records import RunRecord
from tests.builders import T0
from tests.embedded import Broker


def record(person: str, number: int = 0) -> RunRecord:
    return RunRecord(
        run_id=f"{number:016x}",
        profile_id=person,
        journey_id="j",
        version="v",
        step="",
        what="entered",
        choice=None,
        until=None,
        visit=0,
        at=T0 + number,
        cause="m",
        late=False,
    )


def place_of(person: str) -> int:
    return partition(person.encode(), 4)


def produce(broker: Broker, *records: RunRecord) -> None:
    topic = broker.topic("journey-runs")
    for each in records:
        key = each.profile_id.encode()
        broker.produce(topic, (key, codec.encode(each)), partition=place_of(each.profile_id))


def read(broker: Broker) -> list[list[tuple[str, int]]]:
    found = runs.read(broker.cluster, broker.prefix)
    return [[(each.profile_id, each.at - T0) for each in records] for records in found]


def test_each_partition_is_read_in_its_order(broker: Broker) -> None:
    people = [f"p{number}" for number in range(12)]
    produce(broker, *(record(each, number) for number in range(2) for each in people))
    found = read(broker)
    assert [len(each) for each in found] == [
        2 * sum(place_of(each) == place for each in people) for place in range(4)
    ]
    for person in people:
        assert [at for at in found[place_of(person)] if at[0] == person] == [
            (person, 0),
            (person, 1),
        ]


def test_of_a_person_only_that_persons_records_are_there(broker: Broker) -> None:
    other = next(f"q{n}" for n in range(99) if place_of(f"q{n}") == place_of("ada"))
    produce(broker, record("ada"), record(other), record("ada", 1))
    elsewhere = (place_of("ada") + 1) % 4
    broker.produce(f"{broker.prefix}journey-runs", (b"x", b"unreadable"), partition=elsewhere)
    found = runs.of_person(broker.cluster, broker.prefix, "ada")
    assert found.records == [record("ada"), record("ada", 1)]
    assert not found.is_cut


def test_of_somebody_unknown_there_is_nothing(broker: Broker) -> None:
    produce(broker, record("ada"))
    assert runs.of_person(broker.cluster, broker.prefix, "bob").records == []


def test_progress_tells_how_many_records_were_read(broker: Broker) -> None:
    produce(broker, record("ada"), record("ada", 1))
    told: list[int] = []
    for each in runs.read(broker.cluster, broker.prefix, progress=told.append):
        list(each)
    runs.of_person(broker.cluster, broker.prefix, "ada", progress=told.append)
    assert told[-1] == 2
    assert set(told) <= {1, 2}


def test_record_that_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    topic = broker.topic("journey-runs")
    place = place_of("ada")
    broker.produce(topic, (b"ada", b"{"), partition=place)
    for read_it in (lambda: read(broker), lambda: of_ada(broker)):
        with pytest.raises(OperationFailed, match=f"journey-runs, {place}:0: "):
            read_it()


def of_ada(broker: Broker) -> runs.History:
    return runs.of_person(broker.cluster, broker.prefix, "ada")


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    for read_it in (lambda: read(broker), lambda: of_ada(broker)):
        with pytest.raises(TopicMissing, match="journey-runs is missing: run `beckon topics"):
            read_it()
