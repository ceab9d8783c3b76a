"""The wall clock."""

from processors.clock import WallClock


def test_clock_tells_ms_since_the_epoch_and_does_not_go_back() -> None:
    clock = WallClock()

    first, second = clock.now_ms(), clock.now_ms()

    assert 1_700_000_000_000 < first <= second < 4_102_444_800_000
