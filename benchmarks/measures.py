"""What is measured, and on what: medians and percentiles, the machine, the versions."""

import math
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import confluent_kafka
import psutil  # type: ignore[import-untyped]

Gone = psutil.Error
"""The process is not there any more."""
PACKAGES = ("confluent-kafka", "faust-streaming", "msgspec")


def median(values: Sequence[float]) -> float:
    """Returns the middle one, or the mean of the two in the middle.

    >>> median([3.0, 1.0, 2.0])
    2.0
    """
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the smallest value that at least a share of all do not exceed.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cpu_s(pid: int) -> float:
    """Returns the CPU time that a process has used so far, user and system, all threads."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def rss_bytes(pid: int) -> int:
    """Returns how much memory a process holds."""
    return int(psutil.Process(pid).memory_info().rss)


def machine() -> dict[str, str]:
    """Returns what the figures hang on."""
    return {
        "cpu": _cpu_model(),
        "cores": str(psutil.cpu_count() or "?"),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Returns the versions of what takes part."""
    found = {"python": platform.python_version(), "librdkafka": confluent_kafka.libversion()[0]}
    for package in ("beckon", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
