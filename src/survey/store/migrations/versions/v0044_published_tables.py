"""Tables of a quarter as an association publishes them, and closed months of complaints.

Without `serves_from`: an older version reads neither; to it no month is closed.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import JsonDocument, UtcDateTime

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "published_table",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("lens", sa.String(12), nullable=False),
        sa.Column("counts", JsonDocument, nullable=False),
        sa.Column("changes", JsonDocument, nullable=False),
        sa.Column("code_version", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("data_as_of", sa.Date(), nullable=False),
        sa.Column("known_faults", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime()),
        sa.Column("withdrawal_reason", sa.String()),
        if_not_exists=True,
    )
    op.create_table(
        "closed_month",
        sa.Column("period", sa.String(7), primary_key=True),
        sa.Column("is_demo", sa.Boolean(), primary_key=True),
        sa.Column("missing", JsonDocument, nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("at", UtcDateTime(), nullable=False),
        if_not_exists=True,
    )
    add_column("delivery", sa.Column("correction", sa.String()))
