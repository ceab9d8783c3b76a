"""The fifth step: tasks are found by their person, as all that goes when somebody is erased."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds what is new."""
    op.create_index("tasks_by_person", "tasks", ["profile_id"], unique=False)
