"""Fixtures that play tricks on the operating system, and an authority of our own."""

import resource
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.certificates import Authority


@pytest.fixture
def limit_file_size() -> Iterator[Callable[[int], None]]:
    """Makes every file of this process end at a size, as a full disk does; -1 = no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(
        resource.RLIMIT_FSIZE, (size if size >= 0 else soft, hard)
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))
