"""The second step: variants of messages, commands that wait for their template, mails to view."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds what is new."""
    op.add_column("ledger", sa.Column("variant", sa.String(length=64), nullable=True))
    op.create_table(
        "held",
        sa.Column("command_id", sa.String(length=64), nullable=False),
        sa.Column("profile_id", sa.String(length=512), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("template", sa.String(length=200), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("tried", sa.String(length=64), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("busy_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("command_id"),
    )
    op.create_index("held_by_template", "held", ["channel", "template"], unique=False)
    op.create_index("held_by_person", "held", ["profile_id"], unique=False)
    op.create_index("held_by_end", "held", ["until"], unique=False)
    op.create_table(
        "views",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("profile_id", sa.String(length=512), nullable=False),
        sa.Column("html", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("views_by_person", "views", ["profile_id"], unique=False)
    op.create_index("views_by_end", "views", ["until"], unique=False)
