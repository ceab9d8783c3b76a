"""Who is on a list: as workers have it, the latest of each person, in whatever partition."""

import pytest

from processors.operations import members
from processors.operations.errors import OperationFailed
from processors.operations.members import Members
from processors.runtime.batches import Policy
from processors.runtime.errors import TopicMissing
from processors.runtime.tables import PROGRESS_KEY, WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import NEVER, Profile
from tests.builders import DAY, T0, static_list, track, trigger
from tests.embedded import Broker
from tests.unit.explanations.systems import System


def read(broker: Broker) -> Members:
    """Returns the members of all partitions."""
    found: Members = {}
    for each in members.read(broker.cluster, broker.prefix):
        for list_id, people in each.items():
            of_list = found.setdefault(list_id, {})
            assert not of_list.keys() & people.keys()
            of_list.update(people)
    return found


def test_members_are_those_that_workers_know(broker: Broker) -> None:
    on = trigger("join", {"add_to_list": "calls"}, id="on")
    off = trigger("leave", {"remove_from_list": "calls"}, id="off")
    documents = (static_list("calls"), static_list("vips"), on, off)
    system = System(broker, *documents, policy=Policy(clock="stream"))
    people = [f"person-{number}" for number in range(12)]
    for number, each in enumerate(people):
        system.decides(track("join", T0 + number, id=f"j{number}", person=each))
    system.decides(track("look", T0 + DAY, id="look", person="somebody"))
    system.decides(track("leave", T0 + DAY, id="leave", person=people[0]))
    system.decides(track("join", T0 + DAY, id="again", person=people[1]))
    expected = {each: T0 + number for number, each in enumerate(people) if number}
    assert read(broker) == {"calls": expected}


def stored(**fields: object) -> bytes:
    profile = Profile(**fields)  # type: ignore[arg-type]
    return NEVER.to_bytes(WAKE_BYTES, "big") + profiles.encode(profile)


def test_who_was_put_on_a_list_before_that_was_kept_is_on_it(broker: Broker) -> None:
    topic = broker.topic("profiles")
    broker.produce(topic, (b"ada", stored(lists=["calls"])), partition=1)
    assert read(broker) == {"calls": {"ada": None}}


def test_last_record_of_a_person_counts(broker: Broker) -> None:
    topic = broker.topic("profiles")
    records = [
        (b"ada", stored(lists=["calls"], listed={"calls": T0})),
        (b"bob", stored(lists=["calls"], listed={"calls": T0})),
        (b"ada", stored()),
        (b"cid", stored(lists=["calls"], listed={"calls": T0})),
        (b"cid", None),
        (PROGRESS_KEY, b"\x00"),
    ]
    broker.produce(topic, *records, partition=2)
    assert read(broker) == {"calls": {"bob": T0}}


def test_progress_tells_how_many_records_were_read(broker: Broker) -> None:
    topic = broker.topic("profiles")
    for place in (0, 3):
        broker.produce(topic, (b"p%d" % place, stored()), partition=place)
    told: list[int] = []
    for _ in members.read(broker.cluster, broker.prefix, progress=told.append):
        pass
    assert told == [1, 2]


def test_profile_that_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    broker.produce(broker.topic("profiles"), (b"ada", b"\x00" * 9), partition=2)
    with pytest.raises(OperationFailed, match="profiles, 2:0: "):
        read(broker)


def test_missing_topic_says_what_to_do(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match="profiles is missing: run `beckon topics create`"):
        read(broker)
