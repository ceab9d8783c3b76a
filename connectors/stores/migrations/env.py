"""Runs the steps on the connection that it is given: alembic loads this file by its place."""

from alembic import context

from connectors.stores.tables import METADATA

if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        transactional_ddl=False,
    )
    context.run_migrations()
