"""The senders' database, on SQLite and on a real Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.stores.engines import Database
from tests import stores


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/senders.db"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with the tables of this version."""
    with stores.opened(url) as found:
        yield found
