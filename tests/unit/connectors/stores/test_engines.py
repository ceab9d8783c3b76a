"""Which addresses open a database, and what its failures are."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.errors import BadSetting
from connectors.stores.engines import Away, Database, address


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u:p@host/name", "postgresql+psycopg"),
        ("postgres://u:p@host/name", "postgresql+psycopg"),
        ("postgresql+psycopg://host/name", "postgresql+psycopg"),
        ("sqlite:///beckon.db", "sqlite"),
    ],
)
def test_address_says_which_driver(url: str, driver: str) -> None:
    assert address(url).drivername == driver


@pytest.mark.parametrize(
    "url", ["", "secret", "mysql://u:secret@host/x", "sqlite://", "sqlite:///:memory:"]
)
def test_address_of_another_kind_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(BadSetting) as caught:
        address(url)
    assert "secret" not in str(caught.value)


def test_work_is_one_transaction(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    database.run_now(lambda one: one.execute(text("create table t (n integer)")))

    def half(connection: object) -> None:
        connection.execute(text("insert into t values (1)"))  # type: ignore[attr-defined]
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        asyncio.run(database.run(half))
    count = text("select count(*) from t")
    assert asyncio.run(database.run(lambda one: one.execute(count).scalar_one())) == 0
    database.close()


def test_file_that_can_not_be_opened_is_away(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/absent/x.db")
    with pytest.raises(Away):
        database.run_now(lambda one: one.execute(text("select 1")))
    database.close()


def test_new_file_is_opened_by_all_who_come_together(tmp_path: Path) -> None:
    """SQLite refuses about one of a hundred at once, so 600 are tried."""
    for number in range(100):
        opened = [Database(f"sqlite:///{tmp_path}/{number}.db") for _ in range(6)]
        ready = threading.Barrier(len(opened))

        def look(database: Database, ready: threading.Barrier = ready) -> int:
            ready.wait()
            one: int = database.run_now(lambda found: found.execute(text("select 1")).scalar_one())
            return one

        with ThreadPoolExecutor(len(opened)) as threads:
            assert [*threads.map(look, opened)] == [1] * len(opened)
        for each in opened:
            each.close()
