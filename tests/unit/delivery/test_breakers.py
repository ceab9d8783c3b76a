"""When a provider is asked, and when it is left alone."""

import random

import pytest

from processors.delivery.breakers import Breaker, Bucket, Limits

LIMITS = Limits(failures=3, open_ms=1_000, open_max_ms=3_000)


def opened(limits: Limits = LIMITS) -> Breaker:
    found = Breaker(limits)
    for _ in range(3):
        found.fail(0, is_probe=False)
    return found


def test_circuit_opens_after_so_many_failures_in_a_row() -> None:
    found = Breaker(LIMITS)
    for _ in range(2):
        found.fail(0, is_probe=False)
    found.succeed()
    for _ in range(2):
        found.fail(0, is_probe=False)
    assert (found.is_open, found.wait_ms(0)) == (False, 0)
    found.fail(0, is_probe=False)
    assert (found.is_open, found.wait_ms(400)) == (True, 600)


def test_one_probe_at_a_time_is_let_through() -> None:
    found = opened()
    assert found.wait_ms(1_000) == 0
    assert found.begin()
    assert found.wait_ms(1_000) is None
    found.abandon()
    assert found.wait_ms(1_000) == 0


def test_probe_that_succeeds_closes_the_circuit() -> None:
    found = opened()
    found.begin()
    found.succeed()
    assert (found.is_open, found.wait_ms(0)) == (False, 0)
    assert not found.begin()


def test_each_probe_that_fails_doubles_the_wait_up_to_a_bound() -> None:
    found, waits = opened(), []
    for _ in range(3):
        found.begin()
        found.fail(5_000, is_probe=True)
        waits.append(found.wait_ms(5_000))
    assert waits == [2_000, 3_000, 3_000]


def test_failures_of_before_the_opening_do_not_make_it_longer() -> None:
    found = opened()
    found.fail(900, is_probe=False)
    assert found.wait_ms(900) == 100


def test_circuit_to_many_places_never_opens() -> None:
    assert not opened(Limits(failures=3, is_shared=False)).is_open


def taken(bucket: Bucket, begin: int, end: int) -> list[int]:
    """Asks as soon as it is worth it; returns when requests went."""
    now, times = begin, []
    while now < end:
        wait = bucket.take(now)
        if wait == 0:
            times.append(now)
        else:
            now = end if wait > end - now else now + int(wait)
    return times


@pytest.mark.parametrize("rate", [0.05, 0.5, 14, 100, 2_000])
def test_bucket_keeps_its_rate_over_any_time(rate: float) -> None:
    count = len(taken(Bucket(rate, 0), 0, 100_000))
    assert rate * 100 * 0.97 - 1 <= count <= rate * 100


def test_what_was_saved_up_is_a_tenth_of_a_second_or_one() -> None:
    for rate, most in ((100, 10), (14, 1), (0.1, 1)):
        found = Bucket(rate, 0)
        assert len(taken(found, 60_000, 60_001)) == most


def test_process_without_a_share_asks_nobody_and_goes_on_with_one() -> None:
    found = Bucket(10, 0)
    found.share(0, 0)
    assert taken(found, 0, 60_000) == []
    found.share(0.5, 60_000)
    assert found.rate_per_s == 5
    assert taken(found, 60_000, 61_001) == [60_200, 60_400, 60_600, 60_800, 61_000]


def test_share_that_falls_holds_for_who_waits_already() -> None:
    found = Bucket(1, 0)
    assert found.take(0) == 1_000
    found.share(0.1, 0)
    assert found.take(1_000) == 9_000


@pytest.mark.parametrize("rate", [0.2, 3, 50, 700])
@pytest.mark.parametrize("seed", range(5))
def test_processes_never_exceed_the_rate_together_wherever_partitions_move(
    rate: float, seed: int
) -> None:
    """In every stretch of time: what all had saved up, and the rate for as long as it takes."""
    chance, partitions, processes = random.Random(seed), 8, 3
    owned = [partitions, 0, 0]
    buckets = [Bucket(rate, 0) for _ in owned]
    times: list[int] = []
    now = 0
    while now < 60_000:
        for one, count in zip(buckets, owned, strict=True):
            one.share(count / partitions, now)
        then = now + chance.randint(1, 4_000)
        times += [at for one in buckets for at in taken(one, now, then)]
        now = then
        giver, taker = chance.sample(range(processes), 2)
        moved = chance.randint(0, owned[giver])
        owned[giver] -= moved
        buckets[giver].share(owned[giver] / partitions, now)
        owned[taker] += moved
    times.sort()
    saved = max(rate / 10, 1) + processes
    for first in range(0, len(times), 1 + len(times) // 500):
        for last in range(first, len(times), 1 + len(times) // 500):
            spent = (times[last] - times[first] + 1) / 1000
            assert last - first + 1 <= rate * spent + saved
    assert len(times) >= rate * 60 * 0.9 - 3 * processes, "nor is it far below"
