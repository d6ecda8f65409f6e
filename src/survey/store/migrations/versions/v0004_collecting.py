"""Collecting: cells that stop when full, links of one device, codes printed in advance."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "quota_cell", sa.Column("stops", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    # Waves that were planned before go on as they began: full cells are overfilled and flagged.
    op.execute(sa.update(sa.table("quota_cell", sa.column("stops"))).values(stops=sa.false()))
    for column in (
        sa.Column("device_sha256", sa.String(length=64), nullable=True),
        sa.Column("other_device_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_made", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("sheet_id", sa.Uuid(), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("invitation", column)
    op.create_index("ix_invitation_sheet_id", "invitation", ["sheet_id"])
