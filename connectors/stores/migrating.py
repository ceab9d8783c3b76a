"""Brings the senders' database to the state that this version needs, whoever comes first.

Processes that start together wait for each other. A database that is newer than this version is
refused: an older sender would not know what the new columns mean.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection

from connectors.errors import ConnectorError
from connectors.stores.engines import Database

LOCK = 0x6265636C
"""The advisory lock of those who migrate."""

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerDatabase(ConnectorError):
    """The database was brought to a state that this version does not know."""


def upgrade(database: Database) -> tuple[str | None, str]:
    """Returns the state of the database before, and now.

    Raises:
        NewerDatabase: nothing was changed.
        connectors.stores.engines.Away: the database does not answer.
    """
    return database.run_now(_upgrade)


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    before = MigrationContext.configure(connection).get_current_revision()
    known = {one.revision for one in scripts.walk_revisions()}
    if before is not None and before not in known:
        raise NewerDatabase(f"the database is at step {before}, which this version does not know")
    head = scripts.get_current_head()
    assert head is not None
    if before != head:
        command.upgrade(config, "head")
    return before, head
