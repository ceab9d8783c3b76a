"""The third step: what catalogues offer, and what people did with it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "items",
        sa.Column("catalogue", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue", "item"),
    )
    op.create_table(
        "interests",
        sa.Column("profile_id", sa.String(length=512), nullable=False),
        sa.Column("catalogue", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", "catalogue", "what", "item"),
    )
    op.create_index("interests_by_age", "interests", ["at"], unique=False)
    _counts()


def _counts() -> None:
    op.create_table(
        "pairs",
        sa.Column("catalogue", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("other", sa.String(length=200), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue", "item", "other"),
    )
    op.create_index("pairs_by_age", "pairs", ["at"], unique=False)
    op.create_table(
        "trends",
        sa.Column("catalogue", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue", "what", "hour", "item"),
    )
    op.create_index("trends_by_age", "trends", ["hour"], unique=False)
    op.create_table(
        "counted",
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id"),
    )
    op.create_index("counted_by_age", "counted", ["partition", "at"], unique=False)
