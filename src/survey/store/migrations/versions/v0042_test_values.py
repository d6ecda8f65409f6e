"""Replicates of measured values, claims of samples, and associations that test together."""

import sqlalchemy as sa

from survey.store.migrations.steps import add_column
from survey.store.tables.columns import JsonDocument

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

serves_from = "0042"
"""Oldest revision whose code works with this store: before, a value always was a number."""


def upgrade() -> None:
    add_column(
        "product_measurement",
        sa.Column("replicates", JsonDocument, nullable=False, server_default="[]"),
    )
    add_column(
        "product_sample",
        sa.Column("claims", sa.String(), nullable=False, server_default=sa.text("''")),
    )
    add_column(
        "comparative_test",
        sa.Column("partners", sa.String(), nullable=False, server_default=sa.text("''")),
    )
