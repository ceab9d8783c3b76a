"""The fourth step: who keeps the mailbox that a mail goes to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds what is new."""
    op.add_column("ledger", sa.Column("domain", sa.String(length=32), nullable=True))
