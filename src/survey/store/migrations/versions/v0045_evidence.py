"""Drawn controls among the revisits of venues."""

import sqlalchemy as sa

from survey.store.migrations.steps import add_column

revision = "0045"
down_revision = "0040"
branch_labels = None
depends_on = None

serves_from = "0045"
"""Oldest revision whose code works with this store: before, drawn venues were taken for chosen."""


def upgrade() -> None:
    add_column(
        "venue_revisit",
        sa.Column("is_control", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
