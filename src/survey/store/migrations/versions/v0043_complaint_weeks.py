"""Weekly counts of complaints: a table of their own, and their kind of delivery."""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import replace_check

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

serves_from = "0043"
"""Oldest revision whose code works with this store: before, the new kind of delivery is unknown."""

_BEFORE = "kind IN ('complaints', 'opinion')"
_AFTER = "kind IN ('complaints', 'opinion', 'complaint-weeks')"


def upgrade() -> None:
    for table in ("delivery", "delivery_revision"):
        replace_check(table, f"ck_{table}_deliverykind", _BEFORE, _AFTER)
    op.create_table(
        "complaint_week",
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(6), nullable=False),
        sa.Column("nature", sa.String(24), nullable=False),
        sa.Column("goods_class", sa.String(24), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("revision_id", "area", "nature", "goods_class"),
        sa.ForeignKeyConstraint(["revision_id"], ["delivery_revision.id"]),
        if_not_exists=True,
    )
