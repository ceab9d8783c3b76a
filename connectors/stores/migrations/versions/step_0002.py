"""The second step: which variant of its template a message had."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds what is new."""
    op.add_column("ledger", sa.Column("variant", sa.String(length=64), nullable=True))
