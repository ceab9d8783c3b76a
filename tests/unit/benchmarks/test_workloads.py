import collections
import itertools
import random

import msgspec

from benchmarks.workloads import NAMES, Made, Workload, event, make, person_ids, shares_of
from schemas import events
from schemas.codec import decode_event

END_MS = 1_700_000_000_000
SMALL = Workload(events=3_000, people=200)


def made(workload: Workload = SMALL) -> list[Made]:
    return list(make(workload, END_MS))


def test_events_are_as_many_and_as_long_as_said() -> None:
    found = made()

    assert len(found) == SMALL.events
    assert {len(one.value) for one in found} == {SMALL.size_bytes}


def test_every_event_can_be_decided_on() -> None:
    for one in made():
        decoded = decode_event(one.value)
        assert events.profile_id(decoded).encode() == one.key
        assert events.time_ms(decoded) == one.at_ms
        assert events.name(decoded) in NAMES
        assert events.properties(decoded)


def test_message_ids_are_unique() -> None:
    assert len({decode_event(one.value).message_id for one in made()}) == SMALL.events


def test_times_increase_over_the_span_and_end_before_the_end() -> None:
    times = [one.at_ms for one in made()]

    assert times[0] == END_MS - SMALL.span_ms
    assert times[-1] < END_MS
    assert all(earlier <= later for earlier, later in itertools.pairwise(times))


def test_the_same_workload_gives_the_same_events() -> None:
    assert made() == made()
    assert made() != made(msgspec.structs.replace(SMALL, seed=2))


def test_another_workload_has_another_id() -> None:
    others = [
        SMALL,
        msgspec.structs.replace(SMALL, events=1),
        msgspec.structs.replace(SMALL, people=1),
        msgspec.structs.replace(SMALL, seed=2),
    ]
    assert len({one.id for one in others}) == len(others)
    assert SMALL.id == Workload(events=3_000, people=200).id


def test_all_names_occur_and_views_most_often() -> None:
    names = collections.Counter(events.name(decode_event(one.value)) for one in made())

    assert set(names) == set(NAMES)
    assert names.most_common(1)[0][0] == "Product Viewed"


def test_the_busiest_person_does_what_zipf_says() -> None:
    counted = collections.Counter(one.key for one in made())
    shares = shares_of(SMALL)
    expected = SMALL.events * shares[0] / shares[-1]

    [(busiest, count)] = counted.most_common(1)
    assert busiest.decode() == person_ids(SMALL.people)[0]
    assert abs(count - expected) < 0.2 * expected


def test_a_probe_has_its_own_message_id_and_is_marked() -> None:
    value = event(random.Random(1), "p", "Product Viewed", END_MS, size_bytes=300, probe="probe-7")

    decoded = decode_event(value)
    assert decoded.message_id == "probe-7"
    assert events.properties(decoded)["probe"] is True
    assert len(value) == 300
