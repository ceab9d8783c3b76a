"""A broker for the tests of this folder."""

import pytest
from confluent_kafka import Producer

from tests import embedded
from tests.embedded import Broker


@pytest.fixture(scope="session")
def owner() -> Producer:
    return embedded.owner()


@pytest.fixture
def broker(owner: Producer) -> Broker:
    """A broker with names of topics that no other test has."""
    return Broker(owner)
