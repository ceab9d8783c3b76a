"""When a provider is asked, and when it is left alone."""

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


def test_bucket_without_a_rate_never_waits() -> None:
    found = Bucket(None)
    assert [found.take(0) for _ in range(1_000)] == [0] * 1_000


@pytest.mark.parametrize("rate", [0.5, 14, 100, 2_000])
def test_bucket_keeps_its_rate_over_any_time(rate: float) -> None:
    found, now, count = Bucket(rate), 0.0, 0
    while now < 20_000:
        now += found.take(int(now))
        count += 1
    assert rate * 20 * 0.95 <= count <= rate * 20 * 1.05 + rate / 10 + 2


def test_what_was_saved_up_is_a_tenth_of_a_second() -> None:
    found = Bucket(100)
    found.take(0)
    waits = [found.take(60_000) for _ in range(12)]
    assert waits[:10] == [0] * 10
    assert waits[11] > waits[10] > 0
