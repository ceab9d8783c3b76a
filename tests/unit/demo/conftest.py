"""The example shop's definitions, and a broker for the tests of this folder."""

from collections.abc import Iterator

import pytest

from processors.definitions import files
from processors.definitions.sets import DefinitionSet
from processors.demo import shops
from processors.demo.broker import Broker


@pytest.fixture(scope="session")
def shop() -> DefinitionSet:
    return files.load(shops.folder())


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    with Broker() as found:
        yield found
