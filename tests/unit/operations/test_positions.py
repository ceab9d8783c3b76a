"""Where runs stand: as workers have it, those of everybody, however long ago they began."""

from typing import Any

import pytest

from processors.operations import positions
from processors.operations.errors import OperationFailed
from processors.operations.positions import Position
from processors.runtime.batches import Policy
from processors.runtime.errors import TopicMissing
from processors.runtime.tables import PROGRESS_KEY, WAKE_BYTES
from processors.state import profiles
from processors.state.profiles import NEVER, Profile
from processors.state.runs import ENDED, WAITING, Journeys, Run
from tests.builders import DAY, HELLO, HOUR, T0, compiled, journey, track, wait
from tests.embedded import Broker
from tests.unit.explanations.systems import System

JOURNEY = journey("a", wait("pause", for_="1h"), HELLO, wait("rest", for_="200d"))
VERSION = compiled(JOURNEY).runners["j"].newest.version


def read(broker: Broker) -> dict[tuple[str, ...], int]:
    return {tuple(at): runs for at, runs in positions.read(broker.cluster, broker.prefix).items()}


def run(step: str, state: int = WAITING, version: str = "v") -> Run:
    return Run(id=1, version=version, step=step, entered=T0, since=T0, due=NEVER, state=state)


def stored(**runs: list[Run]) -> bytes:
    profile = Profile(journeys=Journeys(runs=runs) if runs else None)
    return NEVER.to_bytes(WAKE_BYTES, "big") + profiles.encode(profile)


def changelog(broker: Broker, *records: tuple[bytes, bytes | None], place: int = 1) -> None:
    broker.produce(broker.topic("profiles"), *records, partition=place)
    broker.produce(broker.topic("journey-runs"), (b"ada", b"{}"), partition=0)


def test_runs_stand_where_workers_have_led_them(broker: Broker) -> None:
    broker.topic("journey-runs")
    system = System(broker, JOURNEY, policy=Policy(clock="stream"))
    broker.produce(broker.topic("journey-runs"), (b"p0", b"{}"))
    for number in range(6):
        system.decides(track("a", T0 + number, id=f"a{number}", person=f"p{number}"))
    system.decides(track("b", T0 + HOUR + 1, person="p0"), track("b", T0 + DAY, person="p1"))
    system.fires(T0 + HOUR + 1)
    expected = {("j", VERSION, "pause"): 4, ("j", VERSION, "rest"): 2}
    assert read(broker) == expected


def test_each_run_of_a_person_stands_somewhere_and_ended_ones_nowhere(broker: Broker) -> None:
    runs: dict[str, Any] = {"j": [run("a"), run("a"), run("b")], "k": [run("a"), run("", ENDED)]}
    changelog(broker, (b"ada", stored(**runs)))
    changelog(broker, (b"bob", stored(j=[run("a"), run("a", version="w")])), place=2)
    assert read(broker) == {
        Position("j", "v", "a"): 3,
        Position("j", "w", "a"): 1,
        Position("j", "v", "b"): 1,
        Position("k", "v", "a"): 1,
    }


def test_last_record_of_a_person_counts(broker: Broker) -> None:
    in_it, elsewhere = stored(j=[run("a")]), stored(j=[run("b")])
    changelog(
        broker,
        *[(b"ada", in_it), (b"bob", in_it), (b"cid", in_it), (b"dan", in_it)],
        *[(b"ada", elsewhere), (b"bob", stored()), (b"cid", None), (PROGRESS_KEY, b"\x00")],
    )
    assert read(broker) == {("j", "v", "b"): 1, ("j", "v", "a"): 1}


@pytest.mark.parametrize("has_topic", [True, False])
def test_nothing_is_read_where_no_run_was_ever_told_of(broker: Broker, has_topic: bool) -> None:
    broker.produce(broker.topic("profiles"), (b"ada", b"unreadable"), partition=1)
    if has_topic:
        broker.topic("journey-runs")
    assert read(broker) == {}


def test_progress_tells_how_many_records_were_read(broker: Broker) -> None:
    for place in (0, 3):
        changelog(broker, (b"p%d" % place, stored()), place=place)
    told: list[int] = []
    positions.read(broker.cluster, broker.prefix, progress=told.append)
    assert told == [1, 2]


def test_profile_that_can_not_be_read_is_told_with_its_place(broker: Broker) -> None:
    changelog(broker, (b"ada", b"\x00" * 9), place=2)
    with pytest.raises(OperationFailed, match="profiles, 2:0: "):
        read(broker)


def test_missing_changelog_says_what_to_do(broker: Broker) -> None:
    broker.produce(broker.topic("journey-runs"), (b"ada", b"{}"))
    with pytest.raises(TopicMissing, match="profiles is missing: run `beckon topics create`"):
        read(broker)
