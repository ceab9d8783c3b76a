"""A broker for all unit tests, within their process."""

from collections.abc import Iterator

import pytest

from tests.embedded import Broker
from tests.faults import Mock


@pytest.fixture(scope="session")
def mock() -> Mock:
    return Mock()


@pytest.fixture
def broker(mock: Mock) -> Iterator[Broker]:
    """A broker with names of topics that no other test has, and no faults."""
    yield Broker(mock)
    mock.heal()
