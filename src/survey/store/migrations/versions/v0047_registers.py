"""Registers of education bases, visits to them, stations and work on rules; versions of activities.

Without `serves_from`: an older version reads none of it, and the version has a default.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import get_metadata

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_column(
        "education_activity",
        sa.Column("lock_version", sa.Integer(), nullable=False, server_default="1"),
    )
    for name in ("education_base", "base_visit", "consumer_station", "rule_work"):
        get_metadata().tables[name].create(op.get_bind(), checkfirst=True)
