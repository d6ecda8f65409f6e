"""Approvals of a joint comparative test by the associations that are its partners.

`serves_from`: an older version would release a test without them.
"""

import sqlalchemy as sa

from survey.store.migrations.steps import add_column
from survey.store.tables.columns import JsonDocument

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

serves_from = "0049"
"""Oldest revision whose code works with this store: before, partners were not asked."""


def upgrade() -> None:
    add_column(
        "comparative_test",
        sa.Column(
            "partner_approvals", JsonDocument, nullable=False, server_default=sa.text("'{}'")
        ),
    )
