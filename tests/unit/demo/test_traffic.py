"""Traffic is the same for the same seed, and readable but for what is broken on purpose."""

from collections import Counter
from functools import cache

from processors.demo import traffic
from processors.demo.people import START_MS
from processors.demo.traffic import Delivery, Options, Traffic
from schemas import codec, events
from schemas.errors import BadEvent
from schemas.events import Event

OPTIONS = Options(people=400, days=28, seed=3)
WEEK_MS = 7 * 86_400_000


@cache
def made() -> Traffic:
    return traffic.generate(OPTIONS)


def decoded() -> list[tuple[Delivery, Event]]:
    """Returns those that can be read."""
    found = []
    for each in made().deliveries:
        try:
            found.append((each, codec.decode_event(each.value)))
        except BadEvent:
            continue
    return found


def test_same_options_give_the_same_bytes() -> None:
    assert traffic.generate(OPTIONS).deliveries == made().deliveries


def test_another_seed_gives_other_traffic() -> None:
    other = traffic.generate(Options(people=400, days=28, seed=4))

    assert other.deliveries != made().deliveries


def test_more_people_do_not_change_the_others() -> None:
    few = traffic.generate(Options(people=10, days=28, seed=3))
    ours = {each.key for each in few.deliveries}

    assert [each for each in made().deliveries if each.key in ours] == few.deliveries


def test_records_come_in_the_order_of_their_arrival() -> None:
    arrivals = [each.at_ms for each in made().deliveries]

    assert arrivals == sorted(arrivals)


def test_all_can_be_read_but_the_broken_ones() -> None:
    assert made().broken > 0
    assert len(decoded()) == len(made().deliveries) - made().broken


def test_key_is_the_person_whose_event_it_is() -> None:
    assert all(each.key == events.profile_id(event) for each, event in decoded())


def test_duplicates_repeat_the_bytes_of_another_record() -> None:
    ids = Counter(event.message_id for _, event in decoded())
    values = {each.value for each, _ in decoded()}

    assert sum(ids.values()) - len(ids) == made().duplicates > 0
    assert len(values) == len(ids)


def test_late_events_arrive_long_after_they_happened() -> None:
    delays = [each.at_ms - events.time_ms(event) for each, event in decoded()]

    assert all(delay >= 50 for delay in delays)
    assert 0 < made().late < len(delays) // 50
    assert any(3_600_000 < delay < WEEK_MS for delay in delays)


def test_few_are_more_than_a_week_late() -> None:
    lost = [each for each, event in decoded() if each.at_ms - events.time_ms(event) > WEEK_MS]

    assert 0 < len(lost) < len(decoded()) // 1_000


def test_events_happen_within_the_simulated_time() -> None:
    assert all(START_MS <= events.time_ms(event) < OPTIONS.end_ms for _, event in decoded())


def test_everybody_who_did_something_is_counted() -> None:
    assert made().people == len({each.key for each in made().deliveries}) > 350
