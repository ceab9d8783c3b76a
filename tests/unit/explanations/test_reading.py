"""What is read of a person from a running system is what its worker holds and has decided."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError

from processors.decisions.compiling import compile_set
from processors.definitions import sets
from processors.definitions.predicates import predicate
from processors.explanations import building, reading, trees
from processors.explanations.histories import History
from processors.explanations.reading import Options
from processors.operations.errors import OperationFailed
from processors.operations.publishing import publish
from processors.runtime import readers
from processors.runtime.batches import Policy
from processors.runtime.clients import Cluster
from processors.runtime.errors import BrokerAway, TopicMissing
from processors.runtime.partitioners import partition
from schemas.errors import SchemasUnavailable
from tests.builders import (
    DAY,
    HOUR,
    T0,
    Document,
    emit,
    encoded,
    identify,
    joins,
    of_people,
    on,
    score,
    segment,
    track,
    trigger,
)
from tests.embedded import Broker
from tests.faults import Mock, Request
from tests.unit.explanations.systems import NAMES, NONE, PARTITIONS, System

RECENT = segment({"event": "a", "within": "1h"}, "recent")
OFTEN = segment({"event": "a", "at_least": 2}, "often")
HEAT = score(on("a", 5), id="heat")
HELLO = trigger({"segment": "recent", "change": "entered"}, id="hello")
ALL = (RECENT, OFTEN, HEAT, HELLO)
WALL, STREAM = Policy(clock="wall"), Policy(clock="stream")
PLACE = partition(b"p", PARTITIONS)

Start = Callable[..., System]


@pytest.fixture
def start(broker: Broker) -> Start:
    def started(*documents: Document, policy: Policy = WALL) -> System:
        return System(broker, *(documents or ALL), policy=policy)

    return started


def options(system: System, now_ms: int = T0) -> Options:
    broker = system.broker
    return Options(
        cluster=broker.cluster, prefix=broker.prefix, policy=system.policy, now_ms=now_ms
    )


def history(
    system: System, *, now_ms: int = T0, at_ms: int | None = None, person: str = "p", **more: Any
) -> History:
    asked = options(system, now_ms)
    compiled = compile_set(reading.published(asked))
    return reading.read(asked, compiled, person, at_ms=at_ms, **more)


def explained(system: System, **asked: Any) -> trees.Explanation:
    definitions = reading.published(options(system))
    found = history(system, **asked)
    chosen = building.choose(definitions, None)
    return building.explain(definitions, compile_set(definitions), found, chosen)


def places(found: History) -> list[str | None]:
    return [each.place for each in found.heard]


def test_person_is_as_the_worker_left_them(start: Start) -> None:
    system = start()
    system.decides(track("a"), track("z", person="q"), track("a", T0 + 5, id="m2"))
    found = explained(system, now_ms=T0 + 9)
    assert (found.at, found.notes) == (T0 + 9, [])
    often, recent = found.segments
    assert (often.member, often.since, often.cause) == (True, T0 + 5, "m2")
    assert (recent.member, recent.since, recent.until) == (True, T0, T0 + 5 + HOUR)
    assert [each.place for each in recent.when.events] == [f"{PLACE}:0", f"{PLACE}:1"]
    assert (found.scores[0].value, found.scores[0].cause) == (10, "m2")
    (hello,) = found.triggers
    assert [(each.reason, each.at) for each in hello.decisions] == [("fired", T0)]


def test_exit_by_the_clock_is_known_from_its_record(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    system.fires(T0 + HOUR)
    recent = explained(system, now_ms=T0 + DAY).segments[1]
    assert (recent.member, recent.since, recent.cause) == (False, T0 + HOUR, "clock")


def test_timers_that_the_worker_has_not_fired_yet_are_told(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    found = explained(system, now_ms=T0 + DAY)
    assert (found.segments[1].member, found.segments[1].since) == (False, T0 + HOUR)
    assert found.notes == ["timers of this person that are still to be fired: 1"]


def test_future_can_be_asked_for(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    assert explained(system, at_ms=T0 + HOUR - 1).segments[1].member
    assert not explained(system, at_ms=T0 + HOUR).segments[1].member


def test_past_is_rebuilt_from_the_events(start: Start) -> None:
    system = start(*ALL, trigger("a", emit("b"), id="tell"))
    system.decides(track("a"), track("z", T0 + 1, person="q"), track("a", T0 + DAY))
    found = explained(system, now_ms=T0 + DAY, at_ms=T0 + HOUR)
    often, recent = found.segments
    assert (found.at, often.member, recent.member) == (T0 + HOUR, False, False)
    assert (recent.since, recent.cause) == (T0 + HOUR, "clock")
    assert "the past is rebuilt" in found.notes[0]


def test_told_events_are_heard_once_in_the_present_and_in_the_past(start: Start) -> None:
    system = start(RECENT, score(on("b", 5), id="heat"), trigger("a", emit("b"), id="tell"))
    system.decides(track("a"), track("z", T0 + DAY))
    for asked in ({"now_ms": T0 + DAY}, {"at_ms": T0 + 1}):
        (rule,) = explained(system, **asked).scores[0].groups[0].rules
        assert (rule.points, len(rule.events)) == (5, 1)


def test_stream_clock_says_what_now_is(start: Start) -> None:
    system = start(policy=STREAM)
    system.decides(track("a"))
    assert history(system, now_ms=T0 + DAY).at_ms == T0


def test_events_that_wait_are_told_and_do_not_count(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    system.sends(track("a", T0 + 5))
    found = history(system, now_ms=T0 + 9)
    assert found.notes == ["events of this person that wait to be decided on: 1"]
    assert places(found) == [f"{PLACE}:0"]


def test_definitions_that_were_not_taken_up_yet_are_told(start: Start) -> None:
    system = start()
    system.decides(identify(plan="gold"))
    system.publish(*ALL, segment({"trait": "plan", "is_set": True}, "paid"), is_taken_up=False)
    found = explained(system)
    assert {each.id: each.member for each in found.segments}["paid"]
    assert "not taken up" in found.notes[0]


def test_repeated_late_and_broken_events_are_not_heard(start: Start) -> None:
    system = start()
    foreign = track("a", T0 + 8 * DAY, id="m9", person="q")
    system.decides(track("a"), track("a"), b"{", track("z", T0 + 8 * DAY), log_ms=T0 + 8 * DAY)
    system.sends(track("b", T0 + 5), encoded(foreign))
    system.decides(track("z", T0 + 8 * DAY + 1), log_ms=T0 + 8 * DAY)
    found = history(system, now_ms=T0 + 8 * DAY + 1)
    assert places(found) == [f"{PLACE}:0", f"{PLACE}:3", f"{PLACE}:6"]


def test_progress_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_RECORDS", 1)
    system = start()
    system.decides(track("a"), track("a", T0 + 1))
    told: list[int] = []
    history(system, now_ms=T0 + 9, progress=told.append)
    assert told == sorted(told)
    assert told[-1] > 2
    history(system, at_ms=T0, progress=told.append)
    assert told[-1] > 2


def test_person_of_whom_nothing_is_known_is_told(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    with pytest.raises(OperationFailed, match=r"nothing is known of 'nobody' in .*profiles"):
        history(system, person="nobody")


def test_person_who_came_after_the_instant_is_told(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    with pytest.raises(OperationFailed, match=r"nothing is known of 'p' by"):
        history(system, at_ms=T0 - 1)


def test_state_of_a_newer_version_is_told(start: Start) -> None:
    system = start()
    system._write("profiles", b"p", b"\0" * 8 + b"\xc1", PLACE)
    system.broker_has_all()
    with pytest.raises(OperationFailed, match="can not be read"):
        history(system)


def test_output_that_can_not_be_read_is_told_with_its_place(start: Start) -> None:
    system = start()
    system.decides(track("a"))
    system._write("decisions", b"p", b"{")
    system.broker_has_all()
    with pytest.raises(OperationFailed, match=rf"decisions, {PLACE}:1: "):
        history(system)


def test_registry_that_is_away_is_told(start: Start) -> None:
    def away(value: bytes | None) -> Any:
        raise SchemasUnavailable("the schema registry does not answer")

    system = start()
    system.decides(track("a"))
    system.policy = Policy(decode=away)
    with pytest.raises(OperationFailed, match="registry does not answer"):
        history(system)


def test_topic_that_is_missing_says_what_to_do(broker: Broker) -> None:
    asked = Options(cluster=broker.cluster, prefix=broker.prefix, policy=WALL, now_ms=T0)
    with pytest.raises(TopicMissing, match="topics create"):
        reading.published(asked)
    with pytest.raises(TopicMissing, match="topics create"):
        reading.read(asked, NONE, "p")


def test_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "CALL_S", 0.1)
    asked = Options(cluster=Cluster(bootstrap="localhost:1"), prefix="x.", policy=WALL, now_ms=T0)
    with pytest.raises(BrokerAway, match="does not answer"):
        reading.read(asked, NONE, "p")


def test_broker_that_refuses_is_told(start: Start, mock: Mock) -> None:
    system = start()
    system.decides(track("a"))
    mock.fail(Request.FETCH, *[KafkaError.TOPIC_AUTHORIZATION_FAILED] * 20)
    with pytest.raises(BrokerAway, match="can not be read"):
        reading.read(options(system), system.compiled, "p")


def test_broker_that_gives_nothing_is_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    system = start()
    system.decides(track("a"))
    compiled = system.compiled
    monkeypatch.setattr(readers, "SILENT_S", 0.0)
    monkeypatch.setattr(readers, "POLL_S", 0.0)
    with pytest.raises(BrokerAway, match="nothing came"):
        reading.read(options(system), compiled, "p")


def test_partition_that_lost_its_first_records_is_told(start: Start) -> None:
    """The embedded broker keeps 5 MB of each."""
    system = start()
    system.sends(track("a"), *[b" " * 900_000] * 8)
    system.waiting = system.waiting[:1]
    system.decides(track("a", T0 + 1))
    (note,) = history(system, now_ms=T0 + 1).notes
    assert note.startswith("`events` begins at offset ")
    assert "older events are gone" in note


def test_definitions_that_do_not_fit_together_here_are_refused(broker: Broker) -> None:
    asking = segment({"custom": "asked"}, "s")
    asked = predicate("asked", reads=["tags"], version="1")(lambda person: True)
    for name in NAMES:
        broker.topic(name)
    known = {"asked": asked}
    chosen = sets.from_documents([asking], predicates=known)
    publish(broker.cluster, broker.prefix, chosen, now_ms=T0)
    alone = Options(cluster=broker.cluster, prefix=broker.prefix, policy=WALL, now_ms=T0)
    with pytest.raises(OperationFailed, match=r"do not fit together here \(.*no predicate asked"):
        reading.published(alone)
    found = reading.published(msgspec.structs.replace(alone, predicates=known))
    assert found.id == chosen.id


def test_people_of_the_account_are_read_from_its_own_partition(start: Start) -> None:
    system = start(segment(of_people("any", {"event": "a"})))
    people = ("p", "q", "r", "s")
    system.decides(*(joins("acme", T0 + at, person=each) for at, each in enumerate(people)))
    system.decides(track("a", T0 + 9, person="r"))
    assert len({partition(each.encode(), PARTITIONS) for each in people}) > 1
    for person in people:
        found = explained(system, now_ms=T0 + 10, person=person)
        assert found.notes == []
        assert found.segments[0].member
        assert found.segments[0].when.note == "account acme: holds for 1 of 4: r"
    past = explained(system, at_ms=T0 + 3)
    assert past.notes[1] == "people of the account in other partitions are left out of that"


def test_who_has_no_account_is_explained_without(start: Start) -> None:
    system = start(segment(of_people("any", {"event": "a"})))
    system.decides(track("a"))
    assert explained(system).segments[0].when.note == "the person has no account"
