"""Deliveries of a part of the nation."""

import sqlalchemy as sa

from survey.store.migrations.steps import add_column

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

serves_from = "0040"
"""Oldest revision whose code works with this store: before, a part was taken for a whole month."""


def upgrade() -> None:
    add_column("delivery", sa.Column("area", sa.String(6), nullable=False, server_default="CN"))
