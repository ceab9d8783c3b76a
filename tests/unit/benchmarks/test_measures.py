import os
import subprocess
import sys

import pytest

from benchmarks import measures


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5.0], 5.0), ([3.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 3.0, 2.0], 2.5)],
)
def test_the_median_is_in_the_middle(values: list[float], expected: float) -> None:
    assert measures.median(values) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_a_percentile_is_not_exceeded_by_its_share(share: float, expected: float) -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert measures.percentile(values, share) == expected


def test_cpu_time_grows_with_work() -> None:
    before = measures.cpu_s(os.getpid())
    while measures.cpu_s(os.getpid()) < before + 0.05:
        sum(range(10_000))

    assert measures.rss_bytes(os.getpid()) > 1_000_000


def test_a_process_that_is_gone_has_nothing_to_measure() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    with pytest.raises(measures.Gone):
        measures.cpu_s(process.pid)


def test_machine_and_versions_say_what_figures_hang_on() -> None:
    assert all(measures.machine().values())
    assert {"python", "librdkafka", "beckon", *measures.PACKAGES} == set(measures.versions())
