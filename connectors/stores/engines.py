"""The senders' database: opened by its address, asked in threads, one transaction a question.

Whatever goes wrong with the database itself is `Away`, an `OSError`: nothing was decided, and
whoever asked waits and asks again. Anything else is a bug and raises as it is.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connectors.errors import BadSetting

CONNECT_S = 5
STATEMENT_MS = 30_000
LOST_MS = 15_000
"""How long a connection may be silent before it counts as lost, or idle within a transaction."""
SQLITE_WAIT_MS = 20_000
"""How long one writer of a file waits for another."""
SQLITE_PAUSE_S = 0.01
"""Before a new file is asked again."""

Found = TypeVar("Found")


class Away(ConnectionError):
    """The database does not answer, or not in time."""


class Database:
    """One database, shared by all that a process keeps in it.

    Guarantees:
        Opens nothing before it is first asked. Never blocks the event loop.
    """

    def __init__(self, url: str, *, connections: int = 4) -> None:
        """Makes the pool.

        Args:
            url: `postgresql://…` or `sqlite:///…`.
            connections: at most so many, and so many threads; SQLite has one.

        Raises:
            BadSetting: an address of another kind, or none.
        """
        found = address(url)
        self.dialect = found.get_backend_name()
        count = 1 if self.dialect == "sqlite" else connections
        self.engine = _sqlite(found) if self.dialect == "sqlite" else _postgres(found, count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], Found]) -> Found:
        """Returns what the work returns, in a transaction of its own that is committed then.

        Raises:
            Away: the database did not answer; whether it committed is not known.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self.run_now, work))

    def run_now(self, work: Callable[[Connection], Found]) -> Found:
        """Does what `run` does, in this thread."""
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
            raise Away(type(getattr(error, "orig", None) or error).__name__) from error

    def close(self) -> None:
        """Lets go of threads and connections."""
        self._threads.shutdown()
        self.engine.dispose()


def address(url: str) -> URL:
    """Returns the address with the driver that we have.

    Raises:
        BadSetting: one of another kind; the message does not say it, as it holds a password.

    >>> address("postgresql://localhost/beckon").drivername
    'postgresql+psycopg'
    """
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise BadSetting("this is no address of a database") from error
    if found.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return found.set(drivername="postgresql+psycopg")
    if found.drivername == "sqlite" and found.database not in (None, "", ":memory:"):
        return found
    raise BadSetting("an address begins with postgresql:// or sqlite:/// and the name of a file")


def _postgres(url: URL, connections: int) -> Engine:
    bounds = f"-c statement_timeout={STATEMENT_MS} -c idle_in_transaction_session_timeout={LOST_MS}"
    anew = "-c plan_cache_mode=force_custom_plan"  # or what was planned for an empty table stays
    return sqlalchemy.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=CONNECT_S,
        connect_args={
            "connect_timeout": CONNECT_S,
            "keepalives_idle": CONNECT_S,
            "tcp_user_timeout": LOST_MS,
            "application_name": "beckon",
            "options": f"{url.query.get('options', '')} {bounds} {anew}",
        },
    )


def _sqlite(url: URL) -> Engine:
    engine = sqlalchemy.create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        poolclass=sqlalchemy.QueuePool,
        connect_args={"timeout": SQLITE_WAIT_MS / 1000, "check_same_thread": False},
    )

    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver begins transactions by its own rules
        _log_ahead(connection)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Has a file written ahead of itself, so that readers do not wait.

    Of those who open a new file together some are refused at once: SQLite waits for other locks,
    but not for this one.
    """
    until_s = time.monotonic() + SQLITE_WAIT_MS / 1000
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                raise
            time.sleep(SQLITE_PAUSE_S)
