"""Drawn controls among the revisits of venues, and releases of evidence in the register."""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import get_metadata

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

serves_from = "0045"
"""Oldest revision whose code works with this store: before, drawn venues were taken for chosen."""


def upgrade() -> None:
    add_column(
        "venue_revisit",
        sa.Column("is_control", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    # The table refers to hearings of traders since 0054, which 0048 finds here then.
    for name in ("trader_list", "trader_total", "trader_hearing", "evidence_release"):
        get_metadata().tables[name].create(op.get_bind(), checkfirst=True)
